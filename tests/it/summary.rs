//! `GET /__sandbox/summary`: the text that a failed test shows.

use serde_json::json;

use crate::client::Client;
use crate::stage::{BANK, Stage, TYPE};

const ENDPOINT: &str = "v1.1/bank_account_data_requests";

async fn summary(client: &Client) -> String {
    let answer = client.get("/__sandbox/summary").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    answer.text
}

#[tokio::test(start_paused = true)]
async fn a_summary_shows_requests_and_callbacks_also_those_that_are_scheduled_and_when() {
    let stage = Stage::start().await;
    let found = stage.ask("COMPLETED_FOUND").await;
    stage.ended().await;
    stage.ask("PENDING_THEN_COMPLETED_FOUND").await;
    stage
        .client
        .magic(BANK, "SERVER_ERROR; fault=malformed")
        .await;
    let queue = json!({"endpoint": ENDPOINT, "outcome": "SERVER_ERROR"});
    stage.client.post("/__sandbox/next", &queue).await;
    let trace = found.header("x-sandbox-trace").expect("a trace");
    let world = trace.strip_suffix("-1").expect("the first request");
    assert_eq!(
        summary(&stage.client).await,
        format!(
            "world {world} at 2026-01-01T00:00:00.000Z
3 requests:
  {world}-1  POST {BANK} → 200 COMPLETED_FOUND
  {world}-2  POST {BANK} → 200 PENDING_THEN_COMPLETED_FOUND
  {world}-3  POST {BANK} → 500 SERVER_ERROR with the fault malformed
2 callbacks:
  dlv_1  {TYPE} was delivered
  dlv_2  {TYPE} is still pending until 2026-01-01T00:00:01.000Z, in 1s; advance the clock by 1s to send it
unused: outcome SERVER_ERROR is queued for {ENDPOINT}, and the request for it never came
"
        )
    );
}

#[tokio::test]
async fn a_callback_that_has_no_url_is_shown_too_even_before_it_is_due() {
    let client = Client::start().await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    client.magic(BANK, "PENDING_THEN_COMPLETED_FOUND").await;
    let summary = summary(&client).await;
    let (_, callbacks) = summary.split_once("2 callbacks:\n").expect("callbacks");
    assert_eq!(
        callbacks,
        format!(
            "  evt_1  {TYPE} was not sent: no URL is registered for {TYPE}
  evt_2  {TYPE} was not sent: no URL is registered for {TYPE}
"
        )
    );
}

#[tokio::test]
async fn a_summary_is_short_however_much_has_happened() {
    let client = Client::start().await;
    assert!(
        summary(&client)
            .await
            .ends_with("no request\nno callback\n")
    );
    for _ in 0..30 {
        client.get(&format!("{BANK}/{}", "x".repeat(2000))).await;
    }
    let summary = summary(&client).await;
    let lines: Vec<_> = summary.lines().collect();
    assert_eq!(lines.len(), 23);
    assert_eq!(lines[1], "the latest 20 of 30 requests:");
    assert!(lines[2].contains("-11  GET "), "{}", lines[2]);
    assert!(lines.iter().all(|line| line.chars().count() <= 302));
}

#[tokio::test]
async fn a_summary_hides_personal_data_and_keys() {
    let client = Client::of(iluma_sandbox::Sandbox::builder().redact(true)).await;
    client.get(&format!("{BANK}/someone@example.com")).await;
    client
        .get(&format!("{BANK}/{}", crate::stage::key('s')))
        .await;
    let summary = summary(&client).await;
    assert!(!summary.contains("someone"), "{summary}");
    assert!(!summary.contains(&crate::stage::key('s')), "{summary}");
}

/// Fails only in the process that the next test starts.
#[test]
fn a_test_that_fails_on_purpose() {
    if std::env::var_os("FAIL_ON_PURPOSE").is_none() {
        return;
    }
    let sandbox = iluma_sandbox::Sandbox::start_in_thread().expect("it starts");
    let world = sandbox.world();
    world.next(ENDPOINT, "SERVER_ERROR");
    panic!("on purpose, in the world {:?}", world.api_key());
}

#[test]
fn a_failed_rust_test_prints_the_summary_of_its_world() {
    let this = std::env::current_exe().expect("the tests are a program");
    let output = std::process::Command::new(this)
        .args([
            "--exact",
            "summary::a_test_that_fails_on_purpose",
            "--nocapture",
        ])
        .env("FAIL_ON_PURPOSE", "1")
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(101), "{printed}");
    let shown = "\nno request\nno callback\nunused: outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, ";
    assert!(printed.contains(shown), "{printed}");
}
