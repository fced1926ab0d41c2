//! Warnings: what loads and is hardly meant is said by `check`, in the log and by readyz, and refuses nothing.

use serde_json::{Value, json};

use crate::process::{Process, run, write};

/// A sound endpoint but for a description that says nothing.
const EMPTY: &str = r#"path = "/v9/things"
id = "thing_{hex24}"
[outcomes.DONE]
default = true
description = " "
body = {}
"#;

const WARNING: &str = "\
warning: the description is empty: say what the outcome is for, or leave it out
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
    let end = "loads: 22 endpoints; 1 warning in 1 file\n";
    assert_eq!(out.replace(dir, "DIR"), format!("{WARNING}\n\n{end}"));

    let (code, out, err) = run(&["check", "--deny-warnings", dir]);
    assert_eq!((code, err.as_str()), (1, ""));
    let end = "1 warning in 1 file, and `--deny-warnings` is given\n";
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
    let error = "error: a status lies between 200 and 599\n --> DIR/mine.toml:7:10\n  |\n\
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
            json!({"ok": code == 0, "errors": [], "warnings": [warning(dir)]})
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
    let said = "the scenarios load, with warnings:\n";
    assert!(err.contains(said), "{err}");
    assert_eq!(
        err.matches("warning: the description is empty").count(),
        1,
        "{err}"
    );
}

#[tokio::test]
async fn readyz_is_silent_where_there_is_nothing_to_warn_of() {
    let client = crate::client::Client::start().await;
    let readyz = client.get("/__sandbox/readyz").await.json();
    assert_eq!(readyz.get("warnings"), None);
}

fn warning(dir: &str) -> Value {
    json!({
        "file": format!("{dir}/mine.toml"),
        "line": 5,
        "column": 15,
        "message": "the description is empty: say what the outcome is for, or leave it out",
        "excerpt": "description = \" \"",
    })
}
