//! `callback=stale`: the earlier state of a record, as its product's pending outcome writes it.

use std::fmt::Write;

use iluma_sandbox::Sandbox;
use serde_json::Value;

use crate::audit::receiver;
use crate::client::Client;
use crate::process::{run, write};
use crate::receiver::{Receiver, StandingClock};
use crate::stage::list;

/// The outcomes of an endpoint that call back at once.
fn calling_back(endpoint: &Value) -> Vec<&str> {
    let outcomes = endpoint["outcomes"].as_array().into_iter().flatten();
    outcomes
        .filter(|outcome| {
            outcome["callback"] != Value::Null && outcome["then"] == Value::Array(vec![])
        })
        .filter_map(|outcome| outcome["name"].as_str())
        .collect()
}

/// Asks for an outcome with a stale callback. Returns the stale body and the body before it, as they were sent.
async fn sent(client: &Client, path: &str, outcome: &str) -> (String, String) {
    let magic = format!("{outcome}; callback=stale");
    let answer = client.magic(path, &magic).await;
    assert_eq!(answer.status, 200, "{path} {magic}: {}", answer.text);
    client.get("/__sandbox/idle?wait=1m").await;
    let log = client.get("/__sandbox/deliveries").await.json();
    let log = list(log["deliveries"].clone());
    let [stale, fresh] = log.as_slice() else {
        panic!("{path} {magic}: {log:?}");
    };
    assert_eq!(stale["on_purpose"], "stale");
    assert_eq!(fresh["on_purpose"], Value::Null);
    let body = |one: &Value| one["body"].as_str().expect("a text").to_owned();
    assert_eq!(body(fresh), answer.text);
    (body(stale), answer.text)
}

#[tokio::test(start_paused = true)]
async fn every_product_sends_as_stale_what_it_answers_while_it_is_pending() {
    let _still = StandingClock::hold();
    let receiver = Receiver::start().await;
    let catalog = Client::start().await.get("/__sandbox/catalog").await.json();
    let mut text = String::new();
    for endpoint in &list(catalog["endpoints"].clone()) {
        let Some(callback_type) = endpoint["callback_type"].as_str() else {
            continue;
        };
        let path = endpoint["path"].as_str().expect("a path");
        for outcome in calling_back(endpoint) {
            let start = || Client::of(Sandbox::builder().callback(callback_type, receiver.url()));
            let (stale, fresh) = sent(&start().await, path, outcome).await;
            let pending = start().await.magic(path, "PENDING").await;
            assert_eq!(stale, pending.text, "{path} {outcome}");
            writeln!(text, "{path} {outcome}\n{fresh}\n{stale}\n").expect("text grows");
        }
    }
    insta::assert_snapshot!(text);
}

/// A product whose reply has no field of Iluma's.
const PARCELS: &str = r#"
path = "/v9/parcels"
id   = "prcl_{uuid}"

[request.properties]
weight = { type = "integer" }

[callback]
type = "PARCEL"

[outcomes.SENT]
default  = true
callback = true
body     = { no = "{{id}}", state = "SENT", result = 1, changed = "{{updated}}" }
"#;

const QUEUED: &str = r#"
[outcomes.QUEUED]
pending = true
body    = { no = "{{id}}", state = "QUEUED", place = 7, changed = "{{updated}}" }

[outcomes.LATE]
pending = true
body    = { state = "LATE" }
"#;

async fn parcels(more: &str) -> (Client, tempfile::TempDir, Receiver) {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "v9/parcels.toml",
        &format!("{PARCELS}{more}"),
    );
    let receiver = Receiver::start().await;
    let builder = Sandbox::builder().scenarios(folder.path());
    let client = Client::of(builder.callback("PARCEL", receiver.url())).await;
    (client, folder, receiver)
}

#[tokio::test(start_paused = true)]
async fn a_product_of_ones_own_sends_the_body_of_its_first_pending_outcome() {
    let _still = StandingClock::hold();
    let (client, _folder, _receiver) = parcels(QUEUED).await;
    let (stale, fresh) = sent(&client, "/v9/parcels", "SENT").await;
    let fresh: Value = serde_json::from_str(&fresh).expect("JSON");
    assert_eq!(fresh["result"], 1);
    let no = &fresh["no"];
    assert_eq!(
        stale,
        format!(r#"{{"no":{no},"state":"QUEUED","place":7,"changed":"2026-01-01T00:00:00.000Z"}}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn where_no_outcome_is_pending_a_request_for_a_stale_callback_is_refused() {
    let _still = StandingClock::hold();
    let turns = "[outcomes.TURNS]\npending = true\nsequence = [\"SENT\"]\n";
    for (more, asked) in [("", "SENT"), ("", "sent "), (turns, "TURNS")] {
        let (client, _folder, receiver) = parcels(more).await;
        let magic = format!("{asked}; callback=stale");
        let answer = client.magic("/v9/parcels", &magic).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (
                400,
                "`callback=stale` sends the pending state of a record, and v9/parcels has none: write an outcome \
                 with `pending = true` into its file."
            ),
            "{asked}"
        );
        assert_eq!(receiver.so_far().len(), 0);
    }
}

#[test]
fn where_no_outcome_is_pending_a_stale_callback_in_a_file_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let stale = PARCELS.replace("callback = true", "callback = \"stale\"");
    write(folder.path(), "v9/parcels.toml", &stale);
    let (code, out, err) = run(&["check", folder.path().to_str().expect("UTF-8")]);
    let said = "`stale` sends the pending state of a record, and no outcome here has one: write an outcome with \
                `pending = true`";
    assert_eq!(code, 1);
    assert!(format!("{out}{err}").contains(said), "{out}{err}");
}

#[test]
fn where_no_outcome_is_pending_an_audit_leaves_out_the_older_state() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v9/parcels.toml", PARCELS);
    let url = receiver(|_| Some(200));
    let folder = folder.path().to_str().expect("UTF-8");
    let (_, out, err) = run(&[
        "audit",
        "--callback",
        &url,
        "--type",
        "PARCEL",
        "--scenarios",
        folder,
    ]);
    let lines: Vec<_> = out.lines().filter(|line| line.contains("stale")).collect();
    assert_eq!(
        lines,
        ["skip stale: the product has no pending outcome"],
        "{err}"
    );
}
