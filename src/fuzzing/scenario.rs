//! Scenario files: a file that loads answers. A file that does not gives errors with place and reason. Both
//! happen the same way every time.

use std::collections::HashSet;
use std::sync::Arc;

use super::stage::{authorization, run, sandbox, send};
use crate::catalogue::{Catalogue, Verb};
use crate::scenario::{LoadError, SourceFile};

/// A first line with this makes it a `sandbox.toml`.
const SETTINGS: &str = "#sandbox";

const OUTCOMES_MAX: usize = 20;

/// # Panics
/// If a mistake points outside of the file, loading twice differs, or a loaded file fails when it is asked.
pub fn scenario(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return; // refused before it is read
    };
    let (id, name) = if text.starts_with(SETTINGS) {
        ("sandbox", "mine/sandbox.toml")
    } else {
        ("fuzzed", "mine/fuzzed.toml")
    };
    let source = Arc::new(SourceFile::new(id, name, text.to_owned()));
    let load = || Catalogue::with_files(std::slice::from_ref(&source), None);
    let (loaded, again) = (load(), load());
    let mistakes = |loaded: &Result<Catalogue, Vec<LoadError>>| match loaded {
        Ok(catalogue) => catalogue.warnings.clone(),
        Err(mistakes) => mistakes.clone(),
    };
    let found = mistakes(&loaded);
    assert_eq!(
        found,
        mistakes(&again),
        "a file is read the same every time"
    );
    for mistake in &found {
        check(text, name, mistake);
    }
    if let Ok(catalogue) = loaded {
        answer(catalogue);
    } else {
        assert!(
            found.iter().any(LoadError::is_error),
            "nothing is wrong: {found:?}"
        );
    }
}

fn check(text: &str, name: &str, mistake: &LoadError) {
    assert!(!mistake.message.is_empty(), "{mistake:?}");
    assert!(!mistake.to_string().is_empty(), "{mistake:?}");
    if mistake.file == name && mistake.line > 0 {
        let line = text.split('\n').nth(mistake.line - 1);
        let line = line.unwrap_or_else(|| panic!("there is no such line: {mistake:?}"));
        assert!(mistake.column <= line.chars().count() + 1, "{mistake:?}");
    }
}

/// Asks every endpoint that the file touches for each of its outcomes.
fn answer(catalogue: Catalogue) {
    let catalogue = Arc::new(catalogue);
    for endpoint in catalogue.touched() {
        let mut asked: HashSet<&str> = HashSet::from([""]);
        asked.extend(
            endpoint
                .outcomes
                .keys()
                .take(OUTCOMES_MAX)
                .map(String::as_str),
        );
        for outcome in asked {
            if outcome.contains(|c: char| !c.is_ascii_graphic()) || endpoint.path.contains(' ') {
                continue; // no header and no target can hold it
            }
            let method = match endpoint.verb {
                Verb::Get => "GET",
                Verb::Post => "POST",
            };
            let request = format!(
                "{method} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\nx-magic-reply: {outcome}\r\n\r\n",
                endpoint.path,
                authorization()
            );
            run(async { send(&sandbox(catalogue.clone()), &[request.as_bytes()]).await });
        }
    }
}
