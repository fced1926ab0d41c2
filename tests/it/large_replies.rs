//! Templates that make much out of little: a placeholder that is repeated, a body that all outcomes share.

use std::path::Path;

use iluma_sandbox::Sandbox;
use serde_json::json;
use tempfile::TempDir;

use crate::process::{run, write};
use crate::raw::{RawAnswer, ask, request};

const PATH: &str = "/v1/identity/echoes";

/// An endpoint whose body has so many placeholders for the same field.
fn echoes(holes: usize) -> String {
    let items = "\"{{input.text}}\", ".repeat(holes);
    format!(
        r#"
        path    = "{PATH}"
        id      = "echo_{{hex24}}"
        request = {{ properties = {{ text = {{ type = "string" }} }} }}

        [callback]
        type = "ECHO"

        [outcomes.ECHO]
        default = true
        body    = {{ id = "{{{{id}}}}", inside = "{{{{input.text}}}}{{{{input.text}}}}", items = [{items}] }}

        [outcomes.STAGES]
        body = {{ id = "{{{{id}}}}", status = "PENDING" }}
        then = [{stages}]
        "#,
        stages = "{ after = \"1s\", outcome = \"ECHO\" }, ".repeat(20),
    )
}

async fn sandbox(holes: usize) -> (Sandbox, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "echoes.toml", &echoes(holes));
    let started = Sandbox::builder().scenarios(folder.path()).start().await;
    (started.expect("a sandbox"), folder)
}

async fn post(sandbox: &Sandbox, headers: &[&str], text_bytes: usize) -> RawAnswer {
    let body = json!({"text": "x".repeat(text_bytes)}).to_string();
    let headers = [&["content-type: application/json"], headers].concat();
    ask(
        sandbox,
        request(&format!("POST {PATH}"), &headers, body.as_bytes()),
    )
    .await
}

fn is_refused(answer: &RawAnswer, outcome: &str, mib: usize) {
    assert_eq!(answer.status(), 500, "{outcome}");
    assert_eq!(answer.header("x-sandbox-error"), Some("reply too large"));
    assert_eq!(
        answer.json(),
        json!({
            "error_code": "SERVER_ERROR",
            "message": format!(
                "The reply of the outcome {outcome} to this request, or its record with all later states, would be \
                 larger than {mib} MiB: the body repeats a large value too often."
            ),
        })
    );
}

#[tokio::test]
async fn a_body_that_repeats_a_large_value_is_refused_and_a_small_one_is_sent() {
    let (sandbox, _folder) = sandbox(2000).await;
    // 2000 times 900 KB would be 1.8 GB.
    is_refused(&post(&sandbox, &[], 900_000).await, "ECHO", 16);
    let answer = post(&sandbox, &[], 8000).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().len() > 2000 * 8000);
    // A refused request leaves no record and no callback.
    assert_eq!(sandbox.requests().len(), 2);
    is_refused(&post(&sandbox, &[], 8400).await, "ECHO", 16);
}

#[tokio::test]
async fn the_states_of_a_record_have_a_limit_together() {
    let (sandbox, _folder) = sandbox(4).await;
    let stages = ["x-magic-reply: STAGES"];
    // 20 states of 6 times 900 KB.
    is_refused(&post(&sandbox, &stages, 900_000).await, "ECHO", 64);
    assert_eq!(post(&sandbox, &stages, 500_000).await.status(), 200);
    assert_eq!(post(&sandbox, &[], 900_000).await.status(), 200);
}

fn errors_of(folder: &Path) -> String {
    let (code, out, _) = run(&["check", folder.to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    out.lines()
        .filter(|line| line.starts_with("error: "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_body_that_is_always_too_large_is_refused_when_it_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let head = format!("path = \"{PATH}\"\n[outcomes.A]\ndefault = true\n");
    // The list of banks has some kilobytes.
    let banks = "\"{{banks.plain}}\",".repeat(20_000);
    write(
        folder.path(),
        "banks.toml",
        &format!("{head}body.x = [{banks}]\n"),
    );
    assert_eq!(
        errors_of(folder.path()),
        "error: the body has more than 16 MiB, whatever the request is"
    );
}

#[test]
fn bodies_that_all_share_a_large_one_are_refused_when_they_are_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcomes: Vec<_> = (0..1000).map(|at| format!("[outcomes.O{at}]\n")).collect();
    let outcomes = outcomes.concat();
    let text = format!(
        "path = \"{PATH}\"\n[reply.body]\nx = \"{}\"\n{outcomes}default = true\n",
        "x".repeat(1 << 20)
    );
    write(folder.path(), "shared.toml", &text);
    assert_eq!(
        errors_of(folder.path()),
        "error: the bodies of this outcome and those before it have more than 64 MiB, because each contains `[reply] \
         body`: the outcomes after it are not checked"
    );
}
