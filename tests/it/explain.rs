//! Explanations of exchanges.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::write;
use crate::receiver::StandingClock;
use crate::scenarios::start;
use crate::stage::{BANK, key};

const MINE: &str = r#"extends = "v1.1/bank_account_data_requests"

[outcomes.UNDER_REVIEW]
when = { "input.bank_account_number" = "7000000001" }
body.result = { is_found = true }

[outcomes.BIG_BANK]
priority = 5
when = [{ "input.bank_code" = "BCA", "header.x-case" = "big" }, { "input.bank_code" = "XXX" }]
body.result = { is_found = true }

[outcomes.BUSY_ONCE]
sequence = ["SERVER_ERROR", "COMPLETED_FOUND"]
when = { "input.bank_account_number" = "999000" }
"#;

async fn explain(client: &Client, answer: &Answer) -> Value {
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let told = client.get(&format!("/__sandbox/explain/{trace}")).await;
    assert_eq!(told.status, 200, "{}", told.text);
    told.json()
}

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

/// Removes the path of the folder from a text.
fn without_folder(told: &Value, folder: &tempfile::TempDir) -> Value {
    let text = told.to_string();
    let folder = folder.path().to_str().expect("UTF-8");
    serde_json::from_str(&text.replace(&format!("{folder}/"), "")).expect("JSON")
}

#[tokio::test]
async fn a_rule_that_held_is_told_with_its_place_and_the_value_that_decided() {
    let (client, folder) = start(&[("mine.toml", MINE)]).await;
    let answer = client.post(BANK, &account("7000000001")).await;
    let told = without_folder(&explain(&client, &answer).await, &folder);
    assert_eq!(told["chosen_by"], "rule");
    assert_eq!(told["because"], "The rule at mine.toml:4 holds.");
    assert_eq!(
        told["decided_by"],
        json!([{"condition": "input.bank_account_number", "expected": "7000000001", "received": "7000000001"}])
    );
    assert_eq!(
        told["answered_from"],
        json!({"outcome": "UNDER_REVIEW", "source": "decided", "place": {"file": "mine.toml", "line": 3}})
    );
    assert_eq!(
        told["rules"],
        json!([
            {
                "outcome": "BIG_BANK",
                "place": {"file": "mine.toml", "line": 9},
                "priority": 5,
                "held": false,
                "failed": [{"condition": "header.x-case", "expected": "big", "received": null}],
            },
            {
                "outcome": "UNDER_REVIEW",
                "place": {"file": "mine.toml", "line": 4},
                "priority": 0,
                "held": true,
                "failed": [],
            },
        ])
    );
    assert_eq!(told["rules_tried"], 2);
    assert_eq!(told["endpoint"]["id"], "v1.1/bank_account_data_requests");
    assert_eq!(
        told["endpoint"]["place"]["file"],
        "shipped:v1.1/bank_account_data_requests.toml"
    );
    assert_eq!(told["notes"], json!([]));
}

#[tokio::test]
async fn an_unexpected_default_says_the_nearest_rule_and_what_differed() {
    let (client, folder) = start(&[("mine.toml", MINE)]).await;
    let answer = client.post(BANK, &account("7000000002")).await;
    let told = without_folder(&explain(&client, &answer).await, &folder);
    assert_eq!(told["chosen_by"], "dummy_data");
    assert_eq!(
        told["because"],
        "No rule holds; the dummy data decided. The nearest rule: UNDER_REVIEW (mine.toml:4) would have answered, \
         but input.bank_account_number must be \"7000000001\" and is \"7000000002\"."
    );
    assert_eq!(
        told["dummy_data"],
        json!({
            "lookup": "bank.accounts",
            "read": {"bank_code": "BCA", "bank_account_number": "7000000002"},
            "verdict": "found",
        })
    );
    assert_eq!(told["rules_tried"], 3);
}

#[tokio::test]
async fn a_magic_reply_a_queue_and_a_sequence_are_told_as_such() {
    let (client, folder) = start(&[("mine.toml", MINE)]).await;
    let answer = client.magic(BANK, "completed_found").await;
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "magic");
    assert_eq!(
        told["decided_by"],
        json!({"header": "x-magic-reply", "received": "completed_found"})
    );

    let entry = json!({"endpoint": BANK, "outcome": "COMPLETED_NOT_FOUND"});
    client.post("/__sandbox/next", &entry).await;
    let answer = client.post(BANK, &account("7000000001")).await;
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "next");
    assert_eq!(
        told["because"],
        "COMPLETED_NOT_FOUND was queued for this call by POST /__sandbox/next."
    );

    let answer = client.post(BANK, &account("999000")).await;
    assert_eq!(answer.status, 500);
    let told = without_folder(&explain(&client, &answer).await, &folder);
    assert_eq!(
        (&told["chosen"], &told["answered_from"]["outcome"]),
        (
            &json!({"outcome": "BUSY_ONCE", "place": {"file": "mine.toml", "line": 12}, "turn": 1}),
            &json!("SERVER_ERROR")
        )
    );
    assert_eq!(
        told["answered_from"]["place"]["file"],
        "shipped:errors.toml"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_record_becomes_and_its_callbacks_are_told() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let register = json!({"type": "NAME_VALIDATOR_REQUEST", "url": format!("{}/__sandbox/inbox/mine", client.sandbox.url())});
    assert_eq!(
        client.post("/v1/callback/urls", &register).await.status,
        200
    );
    let answer = client.magic(BANK, "PENDING_THEN_COMPLETED_FOUND").await;
    let id = answer.json()["id"].clone();
    let told = explain(&client, &answer).await;
    assert_eq!(
        told["record"],
        json!({
            "id": id,
            "shows": "v1.1/bank_account_data_requests/PENDING_THEN_COMPLETED_FOUND",
            "changes": [{"after": "1s", "after_ms": 1000, "outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND"}],
        })
    );
    assert_eq!(told["callbacks"].as_array().expect("a list").len(), 1);
    assert_eq!(told["callbacks"][0]["state"], "scheduled");

    let read = client
        .get(&format!("{BANK}/{}", id.as_str().expect("an id")))
        .await;
    let told = explain(&client, &read).await;
    assert_eq!(told["chosen_by"], "record");
    assert_eq!(told["record"]["id"], id);
}

#[tokio::test]
async fn a_refusal_says_why_and_a_wrong_path_the_nearest_route() {
    let client = Client::start().await;
    let answer = client.post(BANK, &json!({"bank_code": "BCA"})).await;
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "refusal");
    assert_eq!(
        told["errors"],
        json!([{"path": "bank_account_number", "message": "is required"}])
    );

    let answer = client
        .post("/v1.1/identity/bank_acount_data_requests", &json!({}))
        .await;
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "no_route");
    assert_eq!(
        told["because"],
        "There is no POST /v1.1/identity/bank_acount_data_requests here. \
         The nearest is POST /v1.1/identity/bank_account_data_requests."
    );

    let answer = Answer::of(client.bare("POST", BANK).json(&account("1"))).await;
    assert_eq!(answer.status, 401);
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "refusal");
    assert_eq!(told["status"], 401);
}

#[tokio::test]
async fn after_a_reload_it_says_that_the_rules_are_those_of_now() {
    let (client, folder) = start(&[("mine.toml", MINE)]).await;
    let answer = client.post(BANK, &account("7000000001")).await;
    write(
        folder.path(),
        "mine.toml",
        &MINE.replace("7000000001", "7000000009"),
    );
    client.sandbox.reloaded(0).await;
    let told = without_folder(&explain(&client, &answer).await, &folder);
    assert_eq!(told["chosen_by"], "rule");
    assert_eq!(
        told["chosen"]["place"],
        json!({"file": "mine.toml", "line": 3})
    );
    assert_eq!(
        told["notes"],
        json!([
            "the scenarios were reloaded since: rules and dummy data are shown as they are now (generation 2, then 1)"
        ])
    );
}

#[tokio::test]
async fn a_trace_that_names_nothing_is_told_so() {
    let client = Client::start().await;
    let answer = client.magic(BANK, "COMPLETED_FOUND").await;
    let trace = answer
        .header("x-sandbox-trace")
        .expect("a trace")
        .to_owned();
    let (tag, _) = trace.split_once('-').expect("a tag");
    for (trace, message) in [
        (
            "nothing".to_owned(),
            "`nothing`: a trace looks like 1a2b3c4d-7: it is in x-sandbox-trace of every reply",
        ),
        (format!("{tag}-2"), "there has been no such exchange yet"),
        (
            "12345678-1".to_owned(),
            "`12345678-1`: there is no such world, or it was ended",
        ),
        (
            "00000000-99".to_owned(),
            "of the requests that belong to no world only the latest refused ones are kept",
        ),
    ] {
        let told = client.get(&format!("/__sandbox/explain/{trace}")).await;
        assert_eq!(told.status, 404);
        assert!(told.message().ends_with(message), "{}", told.message());
    }
    for _ in 0..1000 {
        client.magic(BANK, "COMPLETED_FOUND").await;
    }
    let told = client.get(&format!("/__sandbox/explain/{trace}")).await;
    assert!(
        told.message()
            .ends_with("it is not kept: the journal keeps the latest 1000 since the last reset"),
        "{}",
        told.message()
    );
}

#[tokio::test]
async fn where_only_some_keys_are_let_in_a_trace_is_told_to_its_own_key_alone() {
    let (own, other) = (key('a'), key('b'));
    let builder = iluma_sandbox::Sandbox::builder()
        .api_key(own.parse().expect("a key"))
        .api_key(other.parse().expect("a key"));
    let client = Client::of(builder).await;
    let request = client.as_key(&own, "POST", BANK);
    let answer = Answer::of(request.header("x-magic-reply", "COMPLETED_FOUND")).await;
    let path = format!(
        "/__sandbox/explain/{}",
        answer.header("x-sandbox-trace").expect("a trace")
    );
    assert_eq!(Answer::of(client.bare("GET", &path)).await.status, 401);
    assert_eq!(
        Answer::of(client.as_key(&other, "GET", &path)).await.status,
        404
    );
    let told = Answer::of(client.as_key(&own, "GET", &path)).await;
    assert_eq!(told.status, 200);
    assert!(!told.text.contains(&own), "no key is shown");
}

#[tokio::test]
async fn what_was_chosen_and_refused_all_the_same_is_told_with_both_reasons() {
    let rules = r#"
extends = "v1.1/bank_account_data_requests"
[outcomes.LIMITED]
when = { "input.bank_account_number" = "7000000001" }
rate_limit = { limit = 1, window = "1h" }
body.result = { is_found = true }
"#;
    let (client, folder) = start(&[("mine.toml", rules)]).await;
    let answer = client.magic(BANK, "PENDING; callback=duplicate").await;
    assert_eq!(answer.status, 400);
    let told = explain(&client, &answer).await;
    assert_eq!(told["chosen_by"], "refusal");
    assert_eq!(
        told["because"],
        "The request asked for it: x-magic-reply: PENDING; callback=duplicate. \
         The request was refused: The outcome PENDING sends no callback that could misbehave."
    );
    assert_eq!(told["chosen"]["outcome"], "PENDING");
    assert_eq!(told["answered_from"], Value::Null);

    assert_eq!(client.post(BANK, &account("7000000001")).await.status, 200);
    let answer = client.post(BANK, &account("7000000001")).await;
    assert_eq!(answer.status, 429);
    let told = without_folder(&explain(&client, &answer).await, &folder);
    assert_eq!(told["chosen_by"], "refusal");
    assert_eq!(
        told["because"],
        "The rule at mine.toml:4 holds. \
         The request was refused: Rate limit exceeded. Wait a moment and try again."
    );
}

#[tokio::test]
async fn the_words_of_a_fault_are_not_taken_for_those_of_a_refusal() {
    let client = Client::start().await;
    let answer = client.magic(BANK, "fault=503").await;
    assert_eq!(answer.status, 503);
    let told = explain(&client, &answer).await;
    assert_eq!(
        told["because"],
        "The request was refused; in what words is lost to its fault, status(503)."
    );
}
