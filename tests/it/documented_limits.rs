//! Limits are defined once, in the sources. The documents quote them, and this says which line quotes an old value.
//!
//! Who changes a limit runs these tests and mends the lines that they name. Who quotes a limit adds the words around it
//! to `documented_limits/quotes.rs`.

mod quotes;
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use regex::Regex;

use self::quotes::{INTERNAL, MEASUREMENTS, NO_LIMITS, PROSE, QUOTES};
use self::sources::{Limit, limits, paths, root};

const TABLE: &str = "docs/reliability.md";
const TABLE_HEAD: &str = "| limit | value | beyond it | constant |\n|---|--:|---|---|\n";

/// A number with or without a unit: `10,000`, `64 KiB`, `30 to 80`.
const AMOUNT: &str = r"[0-9][0-9,]*(?: to [0-9]+)?(?: ?(?:KiB|MiB|MB|bytes|megapixels|ms|s|seconds|minutes|hours|h|days)\b)?";

/// What is about a limit in prose, most likely: a number with a unit, with thousands, or with words such as `at most`.
const LIKELY: &str = r"\b[0-9][0-9,]* (?:(?:KiB|MiB|MB|megapixels|ms|s|seconds|minutes|hours|h|days)\b|at most|a page)|\b[0-9]{1,3}(?:,[0-9]{3})+\b|\b(?:latest|at most|up to|first) [0-9][0-9,]*";

/// The same in a JSON Schema.
const LIKELY_IN_JSON: &str = r#""max[A-Za-z]+": [0-9]+"#;

#[test]
fn every_limit_has_a_row_with_its_value_and_every_row_has_a_limit() {
    let (limits, document) = (limits(), read(TABLE));
    let (start, table) = table(&document);
    let mut breaches = Vec::new();
    let mut has_row: BTreeMap<&str, u32> = BTreeMap::new();
    for (at, row) in table.lines().enumerate() {
        let line = line(&document, start) + at;
        let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [_, value, beyond, name] = cells[..] else {
            breaches.push(format!("{TABLE}:{line} has not four cells: {row}"));
            continue;
        };
        let name = name.trim_matches('`');
        let Some(limit) = limits.iter().find(|limit| limit.name == name) else {
            breaches.push(format!(
                "{TABLE}:{line} names `{name}`, which is no constant"
            ));
            continue;
        };
        *has_row.entry(&limit.name).or_default() += 1;
        if amounts(value) != limit.amounts {
            breaches.push(outdated(TABLE, line, value, limit));
        }
        if beyond.is_empty() {
            breaches.push(format!(
                "{TABLE}:{line} does not say what happens beyond {name}"
            ));
        }
    }
    for limit in limits.iter().filter(|limit| limit.is_named_so()) {
        let name = &limit.name;
        let rows = has_row.get(&**name).copied().unwrap_or_default();
        let is_internal = INTERNAL.iter().any(|(internal, _)| internal == name);
        match (rows, is_internal) {
            (1, false) | (0, true) => {}
            (0, false) => breaches.push(format!("`{name}` ({limit}) has no row in {TABLE}")),
            _ => breaches.push(format!(
                "`{name}` has more rows than one in {TABLE} and INTERNAL"
            )),
        }
    }
    for (name, _) in INTERNAL {
        if !limits.iter().any(|limit| limit.name == *name) {
            breaches.push(format!("INTERNAL names `{name}`, which is no constant"));
        }
    }
    hold(&breaches);
}

#[test]
fn every_quote_of_a_limit_has_the_value_of_its_constant() {
    let limits = limits();
    let mut breaches = Vec::new();
    for (path, sentence) in QUOTES {
        let document = read(path);
        let (pattern, names) = pattern(sentence);
        let quoted: Vec<_> = names.iter().map(|name| called(&limits, name)).collect();
        let mut is_found = false;
        for found in pattern.captures_iter(&document) {
            is_found = true;
            for (limit, value) in quoted.iter().zip(found.iter().skip(1)) {
                let value = value.expect("each group takes part");
                if amounts(value.as_str()) != limit.amounts {
                    let line = line(&document, value.start());
                    breaches.push(outdated(path, line, value.as_str(), limit));
                }
            }
        }
        if !is_found {
            breaches.push(format!(
                "{path} does not say `{sentence}` any more: mend QUOTES in tests/it/documented_limits/quotes.rs"
            ));
        }
    }
    hold(&breaches);
}

#[test]
fn every_number_in_prose_that_may_be_a_limit_is_held_to_a_constant_or_known_to_be_none() {
    let in_source = Regex::new(LIKELY).expect("a pattern");
    let in_prose = Regex::new(&format!("{LIKELY}|{LIKELY_IN_JSON}")).expect("a pattern");
    let prose = PROSE.iter().map(|path| ((*path).to_owned(), &in_prose));
    let sources = paths().into_iter().map(|path| (path, &in_source));
    let mut breaches = Vec::new();
    for (path, likely) in prose.chain(sources) {
        let document = without_code(&without_tests(&read(&path)));
        let covered = covered(&path, &document);
        for found in likely.find_iter(&document) {
            let is_covered = covered
                .iter()
                .any(|span| span.start < found.end() && found.start() < span.end);
            if !is_covered {
                let line = line(&document, found.start());
                breaches.push(format!(
                    "{path}:{line} says `{}`: add it to QUOTES with its constant, or to NO_LIMITS, in \
                     tests/it/documented_limits/quotes.rs",
                    found.as_str()
                ));
            }
        }
    }
    hold(&breaches);
}

/// The parts of a document that need no further look: quotes, measurements, the table of limits, and what is no limit.
fn covered(path: &str, document: &str) -> Vec<Range<usize>> {
    let mut covered = Vec::new();
    let sentences = QUOTES.iter().chain(NO_LIMITS);
    for (_, sentence) in sentences.filter(|(of, _)| *of == path) {
        let (pattern, _) = pattern(&without_code(sentence));
        covered.extend(pattern.find_iter(document).map(|found| found.range()));
    }
    for (_, heading) in MEASUREMENTS.iter().filter(|(of, _)| *of == path) {
        let start = document.find(&format!("\n## {heading}\n"));
        let start = start.unwrap_or_else(|| panic!("{path} has no heading `{heading}`"));
        let end = document[start + 1..].find("\n## ");
        covered.push(start..end.map_or(document.len(), |end| start + 1 + end));
    }
    if path == TABLE {
        let (start, table) = table(document);
        covered.push(start..start + table.len());
    }
    covered
}

/// The rows, and where they begin.
fn table(document: &str) -> (usize, &str) {
    let start = document.find(TABLE_HEAD).expect("the table of limits") + TABLE_HEAD.len();
    let end = document[start..].find("\n\n").expect("the table ends");
    (start, &document[start..start + end])
}

/// A sentence of `QUOTES` as a pattern with a group for each constant, and these constants. Blanks match line breaks.
fn pattern(sentence: &str) -> (Regex, Vec<String>) {
    let name = Regex::new(r"\{([a-z0-9_]+::[A-Z_]+)\}").expect("a pattern");
    let words = |text: &str| regex::escape(text).replace(' ', r"\s+");
    let mut pattern = String::new();
    let mut names = Vec::new();
    let mut end = 0;
    for found in name.captures_iter(sentence) {
        let whole = found.get(0).expect("the whole match");
        pattern += &words(&sentence[end..whole.start()]);
        pattern.extend(["(", AMOUNT, ")"]);
        names.push(found[1].to_owned());
        end = whole.end();
    }
    pattern += &words(&sentence[end..]);
    (Regex::new(&pattern).expect("a pattern"), names)
}

fn called<'l>(limits: &'l [Limit], name: &str) -> &'l Limit {
    let found: Vec<_> = limits
        .iter()
        .filter(|limit| limit.is_called(name))
        .collect();
    match found[..] {
        [one] => one,
        _ => panic!("QUOTES: {} constants are called `{name}`", found.len()),
    }
}

/// `64 KiB` in bytes, `10 minutes` in milliseconds, `30 to 80` as two numbers.
fn amounts(text: &str) -> Vec<u128> {
    let unit = text.rsplit(|c: char| !c.is_ascii_alphabetic()).next();
    let factor = match unit.unwrap_or_default() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "MB" | "megapixels" => 1_000_000,
        "s" | "seconds" => 1000,
        "minutes" => 60_000,
        "h" | "hours" => 3_600_000,
        "days" => 86_400_000,
        _ => 1,
    };
    let numbers = text.split(" to ").map(|number| {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    });
    numbers.map(|number: u128| number * factor).collect()
}

/// A source file up to its unit tests.
fn without_tests(document: &str) -> String {
    let end = document.find("#[cfg(test)]\nmod ");
    document[..end.unwrap_or(document.len())].to_owned()
}

/// The document with blanks in place of what stands in backticks, so that places stay what they are.
fn without_code(document: &str) -> String {
    let code = Regex::new(r"(?s)```.*?```|`[^`\n]*`").expect("a pattern");
    let blank = |c: char| {
        if c == '\n' {
            "\n".to_owned()
        } else {
            " ".repeat(c.len_utf8())
        }
    };
    let blanks = |found: &regex::Captures<'_>| found[0].chars().map(blank).collect::<String>();
    code.replace_all(document, blanks).into_owned()
}

fn outdated(path: &str, line: usize, value: &str, limit: &Limit) -> String {
    format!(
        "{path}:{line} says `{value}`, and `{}` is {limit}",
        limit.name
    )
}

fn line(document: &str, at: usize) -> usize {
    document[..at].matches('\n').count() + 1
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn hold(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn amounts_are_read_however_they_are_written() {
    let texts = [
        "10,000",
        "64 KiB",
        "30 to 80",
        "50 ms",
        "10 minutes",
        "24 h",
        "5",
        "80 MB",
    ];
    let expected: [&[u128]; 8] = [
        &[10_000],
        &[65_536],
        &[30, 80],
        &[50],
        &[600_000],
        &[86_400_000],
        &[5],
        &[80_000_000],
    ];
    assert_eq!(texts.map(amounts), expected.map(<[u128]>::to_vec));
}

#[test]
fn a_quote_with_an_old_value_is_found_with_its_line() {
    let (pattern, names) = pattern("uploads {multipart::UPLOAD_BYTES_MAX} each");
    assert_eq!(names, ["multipart::UPLOAD_BYTES_MAX"]);
    let document = "One.\nuploads\n9 MiB each";
    let found = pattern.captures(document).expect("it is found");
    let value = found.get(1).expect("a value");
    let limits = limits();
    let limit = called(&limits, &names[0]);
    assert_eq!(
        outdated("a.md", line(document, value.start()), value.as_str(), limit),
        "a.md:3 says `9 MiB`, and `server::multipart::UPLOAD_BYTES_MAX` is 10 MiB"
    );
}
