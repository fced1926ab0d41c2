//! The URL of a callback is the one that is registered when an attempt leaves.

use std::time::Duration;

use iluma_sandbox::{Retries, Sandbox};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::client::{Answer, Client};
use crate::process::write;
use crate::receiver::{Reaction, Receiver, StandingClock};
use crate::stage::{BANK, Stage, TYPE, URLS, attempts, each, list};

const PENDING: &str = "PENDING_THEN_COMPLETED_FOUND";
const NO_URL: &str = "no URL is registered for NAME_VALIDATOR_REQUEST";

/// A sandbox without any URL.
async fn without_url() -> (Client, StandingClock) {
    let still = StandingClock::hold();
    (Client::start().await, still)
}

async fn register(client: &Client, receiver: &Receiver) {
    let body = json!({"type": TYPE, "url": receiver.url_text()});
    let answer = client.post(URLS, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn listed(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/__sandbox/deliveries{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// The callbacks in the state `no_url`, newest first.
async fn unsent(client: &Client) -> Vec<Value> {
    list(listed(client, "?state=no_url").await["deliveries"].take())
}

async fn move_clock(client: &Client, by: &str) {
    let body = json!({"by": by});
    let answer = client.post("/__sandbox/clock/advance", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_callback_without_a_url_is_shown_by_explain_and_its_own_list_alone() {
    let (client, _still) = without_url().await;
    let answer = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(
        listed(&client, "").await,
        json!({"deliveries": [], "matching": 0, "last_seq": 0, "dropped": 0})
    );
    let idle = client.get("/__sandbox/idle").await;
    assert_eq!((idle.status, idle.json()), (200, json!({"status": "idle"})));
    let found = listed(&client, "?state=no_url").await;
    assert_eq!(
        found,
        json!({
            "deliveries": [{
                "id": "evt_1",
                "seq": 1,
                "type": TYPE,
                "state": "no_url",
                "record": answer.json()["id"],
                "outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND",
                "url": null,
                "created": "2026-01-01T00:00:00.000Z",
                "next_try": null,
                "on_purpose": null,
                "reason": NO_URL,
                "redelivery_of": null,
                "depth": 0,
                "traceparent": null,
                "request_id": null,
                "body": answer.text,
                "attempts": [],
            }],
            "matching": 1,
            "last_seq": 1,
            "dropped": 0,
        })
    );
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let explained = client.get(&format!("/__sandbox/explain/{trace}")).await;
    let callback = &explained.json()["callbacks"][0];
    assert_eq!(
        (&callback["state"], &callback["url"], &callback["reason"]),
        (&json!("no_url"), &Value::Null, &json!(NO_URL))
    );
    let coverage = client.get("/__sandbox/coverage").await.json();
    assert_eq!(coverage["callback_behaviours"]["exercised"], json!([]));
    let export = client.get("/__sandbox/export").await.text;
    let line = export.lines().find(|line| line.contains("evt_1"));
    let line: Value = serde_json::from_str(line.expect("a line")).expect("JSON");
    assert_eq!(
        (&line["type"], &line["state"], &line["callback_type"]),
        (&json!("delivery"), &json!("no_url"), &json!(TYPE))
    );
    client.post("/__sandbox/reset", &json!({})).await;
    assert_eq!(unsent(&client).await, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_registered_before_a_callback_is_due_gets_it() {
    let (client, _still) = without_url().await;
    let receiver = Receiver::start().await;
    let pending = client.magic(BANK, PENDING).await;
    client
        .magic(BANK, "COMPLETED_FOUND; callback=late(2s)")
        .await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(each(&unsent(&client).await, "id"), ["evt_3"]);
    register(&client, &receiver).await;
    let log = listed(&client, "").await;
    assert_eq!(
        each(&list(log["deliveries"].clone()), "state"),
        ["scheduled", "scheduled"]
    );
    move_clock(&client, "1s").await;
    let id = pending.json()["id"].as_str().expect("an id").to_owned();
    let came = receiver.received(2).await;
    assert_eq!(
        came[1].text(),
        client.get(&format!("{BANK}/{id}")).await.text
    );
    move_clock(&client, "1s").await;
    receiver.received(3).await;
    let log = list(listed(&client, "").await["deliveries"].take());
    assert_eq!(each(&log, "id"), ["dlv_2", "dlv_1"]);
    assert_eq!(each(&log, "on_purpose"), [&json!("late(2s)"), &Value::Null]);
    assert_eq!(each(&unsent(&client).await, "id"), ["evt_3"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_gives_a_type_its_url_before_a_callback_is_due_gets_it_sent() {
    let _still = StandingClock::hold();
    let (folder, receiver) = (
        tempfile::tempdir().expect("a folder"),
        Receiver::start().await,
    );
    write(folder.path(), "sandbox.toml", "");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    client.magic(BANK, PENDING).await;
    let settings = format!("[callback_urls]\n{TYPE} = \"{}\"\n", receiver.url_text());
    write(folder.path(), "sandbox.toml", &settings);
    let reloads = client.sandbox.reloaded(0).await;
    for _ in 0..1000 {
        if listed(&client, "").await["matching"] == 1 {
            break;
        }
    }
    move_clock(&client, "1s").await;
    receiver.only().await;

    // Without the URL, the next callback is no delivery, and a retry fails.
    receiver.usually(Reaction::status(500));
    client.magic(BANK, PENDING).await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    receiver.received(2).await;
    while list(listed(&client, "?state=retrying").await["deliveries"].take()).is_empty() {}
    write(folder.path(), "sandbox.toml", "");
    client.sandbox.reloaded(reloads).await;
    move_clock(&client, "1s").await;
    let log = list(listed(&client, "").await["deliveries"].take());
    assert_eq!(each(&log, "id"), ["dlv_3", "dlv_1"]);
    assert_eq!(
        each(attempts(&log[0]), "error"),
        [&json!("status 500"), &json!(NO_URL)]
    );
    assert_eq!(each(&unsent(&client).await, "reason"), [NO_URL]);
    let again = client
        .post("/__sandbox/deliveries/dlv_1/redeliver", &json!({}))
        .await;
    assert_eq!(
        (again.status, again.message()),
        (
            400,
            format!("{NO_URL}: POST one to /v1/callback/urls, or start with --callback")
        )
    );
    assert_eq!(receiver.so_far().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn retries_and_redeliveries_go_to_the_url_that_is_registered_then_with_the_same_bytes() {
    let stage =
        Stage::with(|builder| builder.retries(&Retries::After(vec![Duration::from_secs(1)]))).await;
    stage.receiver.usually(Reaction::status(500));
    stage.ask("COMPLETED_FOUND").await;
    stage.tried(1).await;
    let other = Receiver::start().await;
    register(&stage.client, &other).await;
    advance(Duration::from_secs(1)).await;
    let retried = other.received(2).await;
    assert_eq!(retried[1].body, stage.receiver.only().await.body);
    let log = stage.ended().await;
    assert_eq!(
        (&log[0]["state"], &log[0]["url"]),
        (&json!("delivered"), &json!(other.url_text()))
    );
    let third = Receiver::start().await;
    register(&stage.client, &third).await;
    stage.tell("deliveries/dlv_1/redeliver", &json!({})).await;
    assert_eq!(third.received(2).await[1].body, retried[1].body);
    assert_eq!(stage.ended().await[1]["redelivery_of"], "dlv_1");
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_had_no_url_can_be_sent_by_hand() {
    let (client, _still) = without_url().await;
    let receiver = Receiver::start().await;
    let answer = client.magic(BANK, "COMPLETED_FOUND").await;
    let path = "/__sandbox/deliveries/evt_1/redeliver";
    let refused = client.post(path, &json!({})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    register(&client, &receiver).await;
    let sent = client.post(path, &json!({})).await;
    assert_eq!(
        (
            sent.status,
            &sent.json()["id"],
            &sent.json()["redelivery_of"]
        ),
        (202, &json!("dlv_1"), &Value::Null)
    );
    assert_eq!(receiver.received(2).await[1].text(), answer.text);
    assert_eq!(unsent(&client).await, Vec::<Value>::new());
    assert_eq!(client.post(path, &json!({})).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_callback_without_a_url_ends_at_once_with_the_reason() {
    let (client, _still) = without_url().await;
    let id = client.magic(BANK, "COMPLETED_FOUND").await.json()["id"].clone();
    let record = id.as_str().expect("an id");
    for filter in [
        String::new(),
        format!("&type={TYPE}"),
        format!("&record={record}"),
        "&state=delivered".to_owned(),
    ] {
        let path = format!("/__sandbox/deliveries?wait=60s&count=1{filter}");
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 408, "{filter}");
        assert_eq!(answer.json()["why"], json!([NO_URL]), "{filter}");
    }
    // Not before it is due, and the clock of the world counts too.
    client.post("/__sandbox/reset", &json!({})).await;
    for by_clock in [false, true] {
        client.magic(BANK, PENDING).await;
        let waiting = client.request("GET", "/__sandbox/deliveries?wait=60s&count=1");
        let waiting = tokio::spawn(Answer::of(waiting));
        client.get("/health").await;
        if by_clock {
            move_clock(&client, "1s").await;
        } else {
            advance(Duration::from_secs(1)).await;
        }
        let answer = waiting.await.expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["why"]),
            (408, &json!([NO_URL]))
        );
    }
    // A wait that is under way ends too.
    client.post("/__sandbox/reset", &json!({})).await;
    let waiting = client.request("GET", "/__sandbox/deliveries?wait=60s&count=1");
    let waiting = tokio::spawn(Answer::of(waiting));
    client.get("/health").await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(waiting.await.expect("an answer").status, 408);
}

#[tokio::test(start_paused = true)]
async fn an_old_callback_without_a_url_ends_no_wait_for_one_that_can_come() {
    let (client, _still) = without_url().await;
    let receiver = Receiver::start().await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    register(&client, &receiver).await;
    let waiting = client.request("GET", "/__sandbox/deliveries?state=delivered&wait=60s");
    let waiting = tokio::spawn(Answer::of(waiting));
    client.get("/health").await;
    assert!(!waiting.is_finished());
    client.magic(BANK, "COMPLETED_FOUND").await;
    let answer = waiting.await.expect("an answer");
    assert_eq!(
        (answer.status, &answer.json()["matching"]),
        (200, &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_holds_the_callbacks_without_a_url() {
    let (client, _still) = without_url().await;
    let receiver = Receiver::start().await;
    client
        .magic(BANK, "COMPLETED_FOUND; callback=truncated")
        .await;
    client.magic(BANK, PENDING).await;
    let before = unsent(&client).await;
    let snapshot = client.get("/__sandbox/snapshot").await.json();
    client.post("/__sandbox/reset", &json!({})).await;
    let request = client.request("PUT", "/__sandbox/snapshot").json(&snapshot);
    let restored = Answer::of(request).await;
    assert_eq!(restored.status, 200, "{}", restored.text);
    assert_eq!(unsent(&client).await, before);
    assert_eq!(each(&before, "on_purpose"), ["truncated"]);
    register(&client, &receiver).await;
    move_clock(&client, "1s").await;
    assert_eq!(receiver.received(2).await[1].json()["status"], "COMPLETED");

    let mut twice = snapshot.clone();
    twice["unsent"][1]["seq"] = 1.into();
    let request = client.request("PUT", "/__sandbox/snapshot").json(&twice);
    let refused = Answer::of(request).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callbacks_without_a_url_are_kept_and_the_older_ones_are_counted() {
    let (client, _still) = without_url().await;
    let key = client.sandbox.api_key();
    crate::callback_control::flood(&client.sandbox, &key, "COMPLETED_FOUND", 1001).await;
    let found = listed(&client, "?state=no_url&limit=1").await;
    assert_eq!(
        (&found["matching"], &found["last_seq"], &found["dropped"]),
        (&json!(1000), &json!(1001), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "0 of 1 callbacks were delivered, and no other can come: no URL is registered for NAME_VALIDATOR_REQUEST"
)]
async fn a_rust_test_that_waits_for_a_callback_without_a_url_fails_at_once_with_the_reason() {
    let (client, _still) = without_url().await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    client.sandbox.default_world().delivered(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_callback_without_a_url_ends_at_once_even_before_the_callback_is_due() {
    let (client, _still) = without_url().await;
    client
        .magic(BANK, "PENDING_THEN_COMPLETED_FOUND; callback=late(1h)")
        .await;
    let before = tokio::time::Instant::now();
    for query in ["", "&type=NAME_VALIDATOR_REQUEST", "&state=delivered"] {
        let path = format!("/__sandbox/deliveries?count=1&wait=1m{query}");
        let answer = client.get(&path).await;
        assert_eq!(
            (answer.status, &answer.json()["why"]),
            (408, &json!([NO_URL])),
            "{query}"
        );
    }
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test]
async fn a_wait_at_the_inbox_of_a_world_without_a_url_ends_at_once_and_at_another_inbox_says_why() {
    let client = Client::start().await;
    let answer = client
        .magic(BANK, "COMPLETED_FOUND; callback=late(1h)")
        .await;
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let tag = trace.strip_suffix("-1").expect("the first request");
    let before = std::time::Instant::now();
    for (inbox, wait) in [(format!("{tag}-mine"), "1m"), ("mine".to_owned(), "1ms")] {
        let path = format!("/__sandbox/inbox/{inbox}?count=1&wait={wait}");
        let answer = client.get(&path).await;
        assert_eq!(
            (answer.status, &answer.json()["why"]),
            (408, &json!([NO_URL])),
            "{inbox}"
        );
    }
    assert!(before.elapsed().as_secs() < 30);
}
