//! A user's outcome inherits the callback of its endpoint, and every tool says why none is sent.

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{run, write};
use crate::stage::{BANK, Stage, each};

const MINE: &str = r#"extends = "v1.1/bank_account_data_requests"
[outcomes.INHERITS]
body.status = "MINE"
[outcomes.SILENT]
callback = false
body.status = "MINE"
[outcomes.TWICE]
callback = "duplicate"
body.status = "MINE"
[outcomes.WAITS]
pending = true
body.status = "PENDING"
[outcomes.CHANGES]
body.status = "PENDING"
then = { after = "1s", outcome = "INHERITS" }
[outcomes.CHANGES_SILENTLY]
body.status = "PENDING"
then = { after = "1s", outcome = "INHERITS", callback = false }
[outcomes.WAITS_LONGER]
body.status = "PENDING"
then = { after = "1s", outcome = "WAITS" }
[outcomes.BROKEN]
error = "Broken."
[outcomes.IN_TURN]
sequence = ["SILENT", "INHERITS"]
[outcomes.DRAWN]
weighted = { INHERITS = 1 }
"#;

/// The outcome, and how many callbacks follow the first request for it.
const CALLBACKS: [(&str, usize); 9] = [
    ("INHERITS", 1),
    ("SILENT", 0),
    ("TWICE", 2),
    ("WAITS", 0),
    ("CHANGES", 1),
    ("CHANGES_SILENTLY", 0),
    ("WAITS_LONGER", 0),
    ("IN_TURN", 0),
    ("DRAWN", 1),
];

#[tokio::test]
async fn an_outcome_of_a_user_sends_the_callback_of_its_endpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", MINE);
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    for (outcome, expected) in CALLBACKS {
        stage.client.post("/__sandbox/reset", &json!({})).await;
        stage.ask(outcome).await;
        stage.advance("2s").await;
        let log = stage.log().await;
        assert_eq!(log.len(), expected, "{outcome}: {log:?}");
        assert!(
            each(&log, "state")
                .iter()
                .all(|state| **state == "delivered"),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn a_replaced_outcome_of_a_synchronous_product_inherits_the_callback_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "extends = 'v0/individual_cft_peps'\n[outcomes.COMPLETED_NOT_FOUND]\nbody.results = []\n";
    write(folder.path(), "mine.toml", text);
    let stage = Stage::with(|builder| {
        let url = "http://127.0.0.1:9/".parse().expect("a URL");
        builder
            .scenarios(folder.path())
            .callback("INDIVIDUAL_CFT_PEP", url)
    })
    .await;
    let peps = "/v0/identity/individual_cft_peps";
    for (outcome, expected) in [("COMPLETED_FOUND", 0), ("COMPLETED_NOT_FOUND", 1)] {
        stage.client.magic(peps, outcome).await;
        assert_eq!(stage.log().await.len(), expected, "{outcome}");
    }
}

#[tokio::test]
async fn an_explanation_says_why_no_callback_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", MINE);
    let client = Client::of(iluma_sandbox::Sandbox::builder().scenarios(folder.path())).await;
    let why = async |path: &str, outcome: &str| {
        let answer = client.magic(path, outcome).await;
        let trace = answer.headers["x-sandbox-trace"].to_str().expect("text");
        let explained = client.get(&format!("/__sandbox/explain/{trace}")).await;
        explained.json()["no_callback"].take()
    };
    for (outcome, expected) in [
        ("INHERITS", Value::Null),
        ("CHANGES", Value::Null),
        ("SILENT", json!("`callback = false` turns it off")),
        ("WAITS", json!("the record stays pending")),
        ("WAITS_LONGER", json!("the record stays pending")),
        ("BROKEN", json!("an error makes no record")),
        ("SERVER_ERROR", json!("an error makes no record")),
    ] {
        assert_eq!(why(BANK, outcome).await, expected, "{outcome}");
    }
    assert_eq!(
        why("/v0/identity/individual_cft_peps", "COMPLETED_FOUND").await,
        "the shipped outcome has none, because the product answers at once"
    );
}

#[test]
fn check_lists_the_callbacks_of_the_outcomes_of_a_user() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", MINE);
    let scenarios = folder.path().to_str().expect("UTF-8");
    let (code, printed, _) = run(&["check", scenarios]);
    assert_eq!(code, 0);
    assert_eq!(
        printed.replace(&format!("{scenarios}/"), ""),
        "no mistakes: 21 endpoints

callbacks of your outcomes:
  INHERITS (mine.toml:2) sends NAME_VALIDATOR_REQUEST, which it inherits from its endpoint; `callback = false` turns it off
  SILENT (mine.toml:4) sends none: `callback = false` turns it off
  WAITS (mine.toml:10) sends none: the record stays pending
  CHANGES (mine.toml:13) sends NAME_VALIDATOR_REQUEST, which it inherits from its endpoint; `callback = false` turns it off
  CHANGES_SILENTLY (mine.toml:16) sends NAME_VALIDATOR_REQUEST, which it inherits from its endpoint; `callback = false` turns it off
  WAITS_LONGER (mine.toml:19) sends none: the record stays pending
  BROKEN (mine.toml:22) sends none: an error makes no record
  IN_TURN (mine.toml:24) sends none: each outcome that it names decides for itself
  DRAWN (mine.toml:26) sends none: each outcome that it names decides for itself
"
    );
    let (_, printed, _) = run(&["check", scenarios, "--format", "json"]);
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        report["callbacks"][0],
        json!({
            "endpoint": "v1.1/bank_account_data_requests",
            "outcome": "INHERITS",
            "file": format!("{scenarios}/mine.toml"),
            "line": 2,
            "type": "NAME_VALIDATOR_REQUEST",
            "inherited": true,
            "reason": null,
        })
    );
}

#[test]
fn try_says_that_it_sends_no_callback() {
    let (code, printed, _) = run(&["try", "POST", BANK, "-H", "x-magic-reply: COMPLETED_FOUND"]);
    assert_eq!(code, 0);
    let last = printed.lines().last();
    assert_eq!(
        last,
        Some(
            "callback none: `try` sends none; a running sandbox sends NAME_VALIDATOR_REQUEST to the URL that is \
             registered for it"
        )
    );
}
