//! Warnings about probable mistakes: `check`, the log and readyz show them, and nothing is refused.

use std::fmt::Write;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Process, run, write};

/// An endpoint that is correct except for an empty description.
const EMPTY: &str = r#"path = "/v9/things"
id = "thing_{hex24}"
[outcomes.DONE]
default = true
description = " "
body = {}
"#;

/// An endpoint with a field of each kind, and a condition on one of them.
const FIELDS: &str = r#"path = "/v9/fields"
id = "field_{hex24}"
[request]
required = ["name"]
[request.properties]
name = { type = "string" }
age = { type = "integer", minimum = 0, maximum = 150 }
score = { type = "number", exclusiveMaximum = 1 }
adult = { type = "boolean", default = false }
scopes = { type = "array", items = { enum = ["PEP", "SANCTION"] } }
bank = { type = "string", format = "bank-code" }
address = { type = "object", properties = { country = { type = "string", format = "country" } } }
free = {}
file = { type = "object", format = "file", properties = { width = { minimum = 500 } } }
[outcomes.A]
default = true
body = {}
[outcomes.B]
body = {}
"#;

/// Conditions that can never match, and similar ones that can.
const CONDITIONS: &[(&str, &str)] = &[
    ("a number for a text", r#"{ "input.name" = 5 }"#),
    ("a text for an integer", r#"{ "input.age" = "five" }"#),
    ("a fraction for an integer", r#"{ "input.age" = 5.5 }"#),
    (
        "a value that the rules refuse",
        r#"{ "input.bank" = "MINE" }"#,
    ),
    (
        "a value that the rules of a part refuse",
        r#"{ "input.address.country" = "XX" }"#,
    ),
    (
        "an item that the rules refuse",
        r#"{ "input.scopes.1" = "PEPS" }"#,
    ),
    ("a text for a list", r#"{ "input.scopes" = "PEP" }"#),
    ("a list of nothing", r#"{ "input.name" = { one_of = [] } }"#),
    (
        "a list with misfits",
        r#"{ "input.age" = { one_of = [1, "two", 200] } }"#,
    ),
    (
        "a pattern for a number",
        r#"{ "input.age" = { regex = "^1" } }"#,
    ),
    (
        "the start of a boolean",
        r#"{ "input.adult" = { starts_with = "t" } }"#,
    ),
    (
        "the start of a file",
        r#"{ "input.file" = { starts_with = "a" } }"#,
    ),
    ("a limit for a text", r#"{ "input.name" = { gt = 5 } }"#),
    (
        "a limit at the field's own",
        r#"{ "input.age" = { gt = 150 } }"#,
    ),
    (
        "a limit below the field's own",
        r#"{ "input.age" = { lt = 0 } }"#,
    ),
    (
        "a limit that excludes itself",
        r#"{ "input.score" = { gt = 1 } }"#,
    ),
    (
        "a file's width that is text",
        r#"{ "input.file.width" = "wide" }"#,
    ),
    (
        "a required field that is not there",
        r#"{ "input.name" = { present = false } }"#,
    ),
    (
        "a field with a default that is not there",
        r#"{ "input.adult" = { present = false } }"#,
    ),
    (
        "the opposite of never",
        r#"{ "input.age" = { not = { one_of = ["a", "b"] } } }"#,
    ),
    (
        "one of two tables",
        r#"[{ "input.name" = "a" }, { "input.name" = 5, "input.age" = true }]"#,
    ),
    ("a call before the first", r"{ nth = 0 }"),
    ("a call that is text", r#"{ nth = "2" }"#),
    ("fewer calls than one", r"{ nth = { lt = 1 } }"),
    ("calls that look like text", r#"{ nth = { regex = "1" } }"#),
];

const SOUND_CONDITIONS: &[&str] = &[
    r#"{ "input.name" = "a", "input.age" = 5, "input.score" = 0, "input.adult" = true }"#,
    r#"{ "input.scopes" = ["PEP"], "input.scopes.0" = "PEP", "input.bank" = "BCA" }"#,
    r#"{ "input.address.country" = "ID", "input.free" = 5, "input.free.of.all" = "x" }"#,
    r#"{ "input.age" = { gt = 149.5 } }"#,
    r#"{ "input.age" = { lt = 1 }, "input.score" = { gt = 0.999 }, "input.free" = { gt = 5 } }"#,
    r#"{ "input.age" = { present = false }, "input.name" = { present = true } }"#,
    r#"{ "input.age" = { not = { one_of = [1, 2] } }, "input.name" = { not = "a" } }"#,
    r#"{ "input.file.width" = { gt = 1000 }, "input.file.type" = "image/png" }"#,
    r#"{ "input.name" = { one_of = ["a"] }, "input.free" = { regex = "a" } }"#,
    r"{ nth = 1 }",
    r"{ nth = { one_of = [0, 2] } }",
    r"{ nth = { lt = 2 } }",
    r"{ nth = { not = 1 } }",
];

const WARNING: &str = "\
warning: the description is empty: describe the outcome, or leave the key out
 --> DIR/mine.toml:5:15
  |
5 | description = \" \"
  |               ^^^";

#[test]
fn check_prints_a_warning_with_its_place_and_exits_with_0_unless_warnings_are_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    write(folder.path(), "mine.toml", EMPTY);

    let (code, out, err) = run(&["check", dir]);
    assert_eq!((code, err.as_str()), (0, ""));
    let end = "the files can be loaded: 22 endpoints; 1 warning in 1 file\n";
    assert_eq!(out.replace(dir, "DIR"), format!("{WARNING}\n\n{end}"));

    let (code, out, err) = run(&["check", "--deny-warnings", dir]);
    assert_eq!((code, err.as_str()), (1, ""));
    let end = "1 warning in 1 file; warnings are refused because of `--deny-warnings`\n";
    assert_eq!(out.replace(dir, "DIR"), format!("{WARNING}\n\n{end}"));

    assert_eq!(run(&["check", "--deny-warnings"]).0, 0, "nothing is denied");
}

#[test]
fn check_counts_errors_and_warnings_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let broken = EMPTY.replace("body = {}", "body = {}\nstatus = 99");
    write(folder.path(), "mine.toml", &broken);

    let (code, out, _) = run(&["check", dir]);
    assert_eq!(code, 1);
    let error = "error: a status must be between 200 and 599\n --> DIR/mine.toml:7:10\n  |\n\
                 7 | status = 99\n  |          ^^";
    let end = "1 error and 1 warning in 1 file\n";
    assert_eq!(
        out.replace(dir, "DIR"),
        format!("{WARNING}\n\n{error}\n\n{end}")
    );
}

#[test]
fn check_lists_warnings_for_tools_beside_the_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    write(folder.path(), "mine.toml", EMPTY);
    for (more, code) in [(None, 0), (Some("--deny-warnings"), 1)] {
        let arguments: Vec<_> = ["check", "--format", "json", dir]
            .into_iter()
            .chain(more)
            .collect();
        let (exited, out, _) = run(&arguments);
        assert_eq!(exited, code);
        let report: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            report,
            json!({"ok": code == 0, "errors": [], "warnings": [warning(dir)], "callbacks": []})
        );
    }
}

#[tokio::test]
async fn a_sandbox_serves_in_spite_of_a_warning_and_says_it_in_the_log_and_by_readyz() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    write(folder.path(), "mine.toml", EMPTY);
    let process = Process::serve(&["--scenarios", dir]);

    let url = format!("{}/__sandbox/readyz", process.url);
    let readyz = reqwest::get(url).await.expect("an answer");
    assert_eq!(readyz.status(), 200);
    let readyz: Value = readyz.json().await.expect("JSON");
    assert_eq!(readyz["status"], "ready");
    assert_eq!(readyz["warnings"], json!([warning(dir)]));

    let (code, _, err) = process.terminate();
    assert_eq!(code, 0);
    let said = "the scenarios were loaded, with warnings:\n";
    assert!(err.contains(said), "{err}");
    assert_eq!(
        err.matches("warning: the description is empty").count(),
        1,
        "{err}"
    );
}

#[tokio::test]
async fn a_reload_brings_its_own_warnings_and_takes_the_old_ones_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;

    write(folder.path(), "mine.toml", EMPTY);
    let reloads = client.sandbox.reloaded(0).await;
    let readyz = client.get("/__sandbox/readyz").await.json();
    assert_eq!(readyz["warnings"], json!([warning(dir)]));

    let mended = EMPTY.replace("\" \"", "\"It is done.\"");
    write(folder.path(), "mine.toml", &mended);
    client.sandbox.reloaded(reloads).await;
    let readyz = client.get("/__sandbox/readyz").await.json();
    assert_eq!(readyz.get("warnings"), None);
}

#[tokio::test]
async fn readyz_is_silent_where_there_is_nothing_to_warn_of() {
    let client = Client::start().await;
    let readyz = client.get("/__sandbox/readyz").await.json();
    assert_eq!(readyz.get("warnings"), None);
}

fn warning(dir: &str) -> Value {
    json!({
        "file": format!("{dir}/mine.toml"),
        "line": 5,
        "column": 15,
        "message": "the description is empty: describe the outcome, or leave the key out",
        "excerpt": "description = \" \"",
    })
}

#[test]
fn a_condition_that_no_request_can_fulfil_is_warned_of_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = String::new();
    for (never, when) in CONDITIONS {
        let (dir, code, out) = check_condition(folder.path(), never, when);
        assert_eq!(code, 0, "{never}: {out}");
        assert!(out.contains("warning: "), "{never}: {out}");
        writeln!(report, "# {never}\n{}", out.replace(&dir, "DIR")).expect("a string");
    }
    insta::assert_snapshot!(report);
}

#[test]
fn a_condition_that_some_request_fulfils_is_not_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    for when in SOUND_CONDITIONS {
        let (_, code, out) = check_condition(folder.path(), "sound", when);
        assert_eq!(
            (code, out.as_str()),
            (0, "no mistakes: 22 endpoints\n"),
            "{when}"
        );
    }
}

#[test]
fn a_rule_that_holds_only_for_some_requests_makes_no_condition_impossible() {
    let folder = tempfile::tempdir().expect("a folder");
    let when = r#"{ "input.name" = "b" }"#;
    let rules =
        "if = { required = [\"age\"] }\nelse = { properties = { name = { const = \"a\" } } }\n";
    let text = FIELDS.replace(
        "[request.properties]",
        &format!("{rules}[request.properties]"),
    );
    write(
        folder.path(),
        "mine.toml",
        &format!("{text}when = {when}\n"),
    );
    let (code, out, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
    assert_eq!((code, out.as_str()), (0, "no mistakes: 22 endpoints\n"));
}

/// The folder, and the exit code and output of `check`.
fn check_condition(folder: &std::path::Path, name: &str, when: &str) -> (String, i32, String) {
    let dir = folder.join(name.replace([' ', '\''], "-"));
    write(&dir, "mine.toml", &format!("{FIELDS}when = {when}\n"));
    let dir = dir.to_str().expect("UTF-8").to_owned();
    let (code, out, err) = run(&["check", &dir]);
    assert_eq!(err, "");
    (dir, code, out)
}
