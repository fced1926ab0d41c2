//! Scenario files that somebody generated, with more mistakes than anybody reads.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{run, write};

const EXTENDS: &str = "extends = \"v1.1/bank_account_data_requests\"\n";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn lines(number: usize, line: impl Fn(usize) -> String) -> String {
    (1..=number).fold(EXTENDS.to_owned(), |text, at| text + &line(at) + "\n")
}

fn unknown_keys(number: usize) -> String {
    lines(number, |at| format!("unknown_{at} = 1"))
}

fn check(folder: &Path) -> Value {
    let dir = folder.to_str().expect("UTF-8");
    let (code, out, err) = run(&["check", dir, "--format", "json"]);
    assert_eq!((code, err.as_str()), (1, ""));
    serde_json::from_str(&out).expect("JSON")
}

/// The entries of a report, as `file:line message`.
fn shown(found: &Value, folder: &Path) -> Vec<String> {
    let entries = found.as_array().expect("a list").iter();
    let entry = |one: &Value| {
        let file = Path::new(one["file"].as_str().expect("a file"));
        let file = file.strip_prefix(folder).expect("a file of the folder");
        let message = one["message"].as_str().expect("a message");
        format!("{}:{} {message}", file.display(), one["line"])
    };
    entries.map(entry).collect()
}

fn summary(folder: &Path) -> String {
    let (_, out, _) = run(&["check", folder.to_str().expect("UTF-8")]);
    out.lines().last().expect("a line").to_owned()
}

#[test]
fn of_one_file_the_first_hundred_errors_are_listed_and_the_others_counted() {
    let folder = folder();
    write(folder.path(), "a.toml", &unknown_keys(101));
    write(folder.path(), "b.toml", &unknown_keys(12_000));
    write(folder.path(), "c.toml", &unknown_keys(1));
    let errors = shown(&check(folder.path())["errors"], folder.path());
    assert_eq!(errors.len(), 100 + 1 + 100 + 1 + 1);
    assert_eq!(
        errors[100],
        "a.toml:0 1 more error in this file is not listed"
    );
    assert!(
        errors[101].starts_with("b.toml:2 unknown key `unknown_1`: "),
        "{}",
        errors[101]
    );
    assert!(
        errors[200].starts_with("b.toml:101 unknown key `unknown_100`: "),
        "{}",
        errors[200]
    );
    assert_eq!(
        errors[201],
        "b.toml:0 11900 more errors in this file are not listed"
    );
    assert!(
        errors[202].starts_with("c.toml:2 unknown key `unknown_1`: "),
        "{}",
        errors[202]
    );
    assert_eq!(summary(folder.path()), "12102 errors in 3 files");
}

#[test]
fn in_all_a_thousand_errors_are_listed_and_the_others_counted() {
    let folder = folder();
    for file in 10..30 {
        write(folder.path(), &format!("f{file}.toml"), &unknown_keys(99));
    }
    let errors = shown(&check(folder.path())["errors"], folder.path());
    assert_eq!(errors.len(), 1000 + 2);
    // The eleventh file has room for ten of its errors.
    assert_eq!(
        errors[1000],
        "f20.toml:0 89 more errors in this file are not listed"
    );
    assert_eq!(
        errors[1001],
        "f21.toml:0 891 more errors here and in later files are not listed"
    );
    assert_eq!(summary(folder.path()), "1980 errors in 20 files");
}

#[test]
fn warnings_take_no_room_from_errors() {
    let folder = folder();
    let rule = |at| {
        let when = "when = {\"input.bank_code\" = \"BCA\"}";
        format!("[outcomes.O{at}]\nbody.result.is_found = true\n{when}")
    };
    write(folder.path(), "a.toml", &(lines(150, rule) + "[unknown]\n"));
    let report = check(folder.path());
    let errors = shown(&report["errors"], folder.path());
    assert_eq!(errors.len(), 1, "{errors:?}");
    let warnings = shown(&report["warnings"], folder.path());
    assert_eq!(warnings.len(), 101);
    assert_eq!(
        warnings[100],
        "a.toml:0 49 more warnings in this file are not listed"
    );
    assert_eq!(summary(folder.path()), "1 error and 149 warnings in 1 file");
}

/// Each of these took seconds, because every mistake counted the lines before it or was compared with everything else.
#[test]
fn every_kind_of_large_file_is_read_to_its_end() {
    const NUMBER: usize = 2000;
    let outcome = |at: usize, more: &str| format!("[outcomes.O{at}]\nbody.a = 1\n{more}");
    for (text, expected) in [
        (lines(NUMBER, |at| format!("[unknown_{at}]")), NUMBER),
        (
            lines(NUMBER, |at| format!("[outcomes.O{at}]\nnope = 1")),
            NUMBER,
        ),
        (
            lines(NUMBER, |at| outcome(at, "aliases = [\"O1\"]")),
            NUMBER,
        ),
        (
            lines(NUMBER, |at| {
                outcome(
                    at,
                    &format!("then = {{after = \"1s\", outcome = \"N{at}\"}}"),
                )
            }),
            NUMBER,
        ),
        (
            // A chain through all outcomes that ends where it began.
            lines(NUMBER, |at| {
                let next = at % NUMBER + 1;
                outcome(
                    at,
                    &format!("then = {{after = \"1s\", outcome = \"O{next}\"}}"),
                )
            }),
            NUMBER,
        ),
        (
            format!(
                "{EXTENDS}[outcomes.X]\nwhen = [{}]\n",
                "{\"input.bank_cod\" = \"BCA\"}, ".repeat(NUMBER)
            ),
            NUMBER,
        ),
        (
            lines(NUMBER, |at| {
                format!("[outcomes.O{at}.body]\nx = \"{{{{nope}}}}\"")
            }),
            NUMBER,
        ),
    ] {
        let folder = folder();
        write(folder.path(), "a.toml", &text);
        let start = &text[EXTENDS.len()..EXTENDS.len() + 60];
        let expected = format!("{expected} errors in 1 file");
        assert_eq!(summary(folder.path()), expected, "{start}");
    }
}

#[test]
fn a_message_lists_a_hundred_names_and_counts_the_others() {
    let folder = folder();
    let mut text = EXTENDS.to_owned();
    for at in 0..500 {
        writeln!(text, "[outcomes.O{at}]\nbody.a = 1").expect("text");
    }
    text += "[outcomes.X]\nsequence = [\"~\"]\n";
    write(folder.path(), "a.toml", &text);
    let errors = shown(&check(folder.path())["errors"], folder.path());
    let [error] = errors.as_slice() else {
        panic!("{errors:?}");
    };
    // The endpoint has 8 outcomes of its own and 501 others.
    let end = "`O91` and 409 more, and the errors that all endpoints share";
    assert!(error.ends_with(end), "{error}");
}

#[test]
fn a_key_is_masked_in_a_long_line_also_if_the_excerpt_begins_inside_it() {
    let folder = folder();
    let secret = "abcdefghij".repeat(8);
    // The excerpt begins 100 characters before the mistake: in the middle of the key.
    let text = format!(
        "api_keys = [{} \"iluma_live_{secret}\", {}, 7]\n",
        "\"x\", ".repeat(40),
        "\"y\"".to_owned() + &" ".repeat(50)
    );
    write(folder.path(), "sandbox.toml", &text);
    let report = check(folder.path()).to_string();
    assert!(!report.contains("abcdefghij"), "{report}");
    assert!(report.contains("·······"), "{report}");
}
