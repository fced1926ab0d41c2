//! What a test has prepared or caused and made no use of: `GET /__sandbox/unused`, and `World::fail_on_unused`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use iluma_sandbox::{BlockingSandbox, Sandbox, World};
use serde_json::{Value, json};

use crate::client::Client;
use crate::stage::{BANK, Stage, TYPE, URLS};

const ENDPOINT: &str = "v1.1/bank_account_data_requests";

/// The sentences about what is unused. None if nothing is.
async fn unused(client: &Client) -> Vec<String> {
    let answer = client.get("/__sandbox/unused").await;
    let body = answer.json();
    let why: Vec<String> = serde_json::from_value(body["why"].clone()).expect("sentences");
    let (status, error) = if why.is_empty() {
        (200, Value::Null)
    } else {
        (417, json!("unused"))
    };
    assert_eq!((answer.status, &body["error"]), (status, &error));
    why
}

async fn put_faults(client: &Client, faults: &Value) {
    let request = client.request("PUT", "/__sandbox/faults").json(faults);
    let answer = crate::client::Answer::of(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn register_inbox(client: &Client) -> String {
    let inbox = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let answer = client
        .post(URLS, &json!({"type": TYPE, "url": inbox}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    "/__sandbox/inbox/mine".to_owned()
}

#[tokio::test]
async fn an_outcome_that_is_queued_for_more_requests_than_came_is_unused() {
    let client = Client::start().await;
    assert_eq!(unused(&client).await, [""; 0]);
    let queue = json!({"endpoint": ENDPOINT, "outcome": "SERVER_ERROR", "times": 3});
    client.post("/__sandbox/next", &queue).await;
    let reads = json!({"endpoint": ENDPOINT, "outcome": "SERVER_ERROR", "reads": true});
    client.post("/__sandbox/next", &reads).await;
    let body = json!({"bank_account_number": "1", "bank_code": "BCA"});
    assert_eq!(client.post(BANK, &body).await.status, 500);
    assert_eq!(
        unused(&client).await,
        [
            format!(
                "outcome SERVER_ERROR is queued for {ENDPOINT}, and 2 requests for it never came"
            ),
            format!("outcome SERVER_ERROR is queued for {ENDPOINT}, and the GET for it never came"),
        ]
    );
}

#[tokio::test]
async fn a_fault_that_never_struck_is_unused_and_one_that_struck_is_not() {
    let client = Client::start().await;
    let faults = json!({"faults": [
        {"endpoint": ENDPOINT, "fault": 503},
        {"endpoint": "v2/ktp_data_requests", "delay": "1ms"},
        {"endpoint": ENDPOINT, "fault": "reset", "probability": 0},
        {"rate_limit": {"limit": 100, "window": "1h"}},
    ]});
    put_faults(&client, &faults).await;
    let all = unused(&client).await;
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(
        all[3],
        "rate limit never struck: no request to products came"
    );
    assert_eq!(client.magic(BANK, "COMPLETED_FOUND").await.status, 503);
    assert_eq!(
        unused(&client).await,
        [
            "delay 1ms never struck: no request to v2/ktp_data_requests came".to_owned(),
            format!(
                "fault reset never struck: 1 request to {ENDPOINT} came, and the probability is 0"
            ),
        ]
    );
    put_faults(&client, &json!({"faults": []})).await;
    assert_eq!(
        unused(&client).await,
        [""; 0],
        "a test that removes a fault wants none"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_whose_time_is_over_is_still_unused() {
    let stage = Stage::start().await;
    put_faults(
        &stage.client,
        &json!({"faults": [{"fault": "reset"}], "ttl": "1m"}),
    )
    .await;
    stage.advance("2m").await;
    stage.ask("COMPLETED_FOUND; callback=none").await;
    assert_eq!(
        unused(&stage.client).await,
        ["fault reset never struck: no request to products came"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_unused_until_a_test_waits_for_it_or_lists_it() {
    for await_it in [
        "deliveries",
        "idle?wait=1m",
        "deliveries?wait=1m&count=1",
        "inbox",
    ] {
        let client = Client::start().await;
        let inbox = register_inbox(&client).await;
        client
            .magic(BANK, "COMPLETED_FOUND; callback=late(1s)")
            .await;
        let pending = "callback dlv_1 of type NAME_VALIDATOR_REQUEST was never awaited: \
                       it is still pending until 2026-01-01T00:00:01.000Z";
        assert_eq!(unused(&client).await, [pending]);
        let (path, answer) = match await_it {
            "inbox" => {
                client.get(&inbox).await; // too early
                assert_eq!(unused(&client).await, [pending]);
                let path = format!("{inbox}?count=2&wait=1m");
                let answer = client.get(&path).await;
                (path, answer)
            }
            path => {
                let path = format!("/__sandbox/{path}");
                let answer = client.get(&path).await;
                (path, answer)
            }
        };
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(unused(&client).await, [""; 0], "{path}");
    }
}

#[tokio::test]
async fn an_inspector_that_lists_callbacks_awaits_none() {
    let client = Client::start().await;
    register_inbox(&client).await;
    let answer = client
        .magic(BANK, "COMPLETED_FOUND; callback=late(1h)")
        .await;
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let (tag, _) = trace.split_once('-').expect("a trace");
    let path = format!("/__sandbox/deliveries?world={tag}");
    assert_eq!(client.get(&path).await.json()["matching"], 1);
    assert_eq!(unused(&client).await.len(), 1);
    assert_eq!(
        client.get("/__sandbox/deliveries").await.json()["matching"],
        1
    );
    assert_eq!(unused(&client).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_an_advance_sent_or_the_test_ordered_itself_is_used() {
    let stage = Stage::start().await;
    stage.ask("PENDING_THEN_COMPLETED_FOUND").await;
    assert_eq!(unused(&stage.client).await.len(), 1);
    stage.advance("1m").await;
    assert_eq!(unused(&stage.client).await, [""; 0]);
    stage.tell("trigger", &json!({"type": TYPE})).await;
    assert_eq!(unused(&stage.client).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_a_receiver_of_the_test_accepted_is_used_and_one_without_url_is_none() {
    let stage = Stage::start().await;
    stage.ask("COMPLETED_FOUND").await;
    stage.receiver.received(1).await;
    stage.ended().await;
    assert_eq!(unused(&stage.client).await, [""; 0]);
    let client = Client::start().await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(unused(&client).await, [""; 0]);
}

#[tokio::test]
async fn the_list_is_bounded_and_the_numbers_are_whole() {
    let client = Client::start().await;
    for _ in 0..25 {
        let queue = json!({"endpoint": ENDPOINT, "outcome": "SERVER_ERROR", "times": 2});
        client.post("/__sandbox/next", &queue).await;
    }
    let answer = client.get("/__sandbox/unused").await;
    assert_eq!(
        answer.message(),
        "the test left things unused: 50 queued outcomes, 0 faults and 0 callbacks"
    );
    let body = answer.json();
    assert_eq!(
        (&body["queued"], &body["faults"], &body["callbacks"]),
        (&json!(50), &json!(0), &json!(0))
    );
    let why = body["why"].as_array().expect("sentences");
    assert_eq!((why.len(), &why[20]), (21, &json!("and 5 more")));
}

fn with_world(test: impl FnOnce(&BlockingSandbox, World)) -> Result<(), String> {
    let sandbox = Sandbox::start_in_thread().expect("it starts");
    let world = sandbox.world().fail_on_unused();
    let panic = catch_unwind(AssertUnwindSafe(|| test(&sandbox, world))).err();
    panic.map_or(Ok(()), |panic| {
        let message = panic.downcast::<String>().expect("a message");
        Err(*message)
    })
}

#[test]
fn in_rust_a_world_that_ends_or_is_dropped_with_something_unused_lets_its_test_fail() {
    let left = "the test left things unused: 1 queued outcome, 0 faults and 0 callbacks:\n  \
                outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, and the request for it never came";
    let dropped = with_world(|_, world| world.next(ENDPOINT, "SERVER_ERROR"));
    assert_eq!(dropped.as_ref().map_err(String::as_str), Err(left));
    let ended = with_world(|sandbox, world| {
        world.next(ENDPOINT, "SERVER_ERROR");
        sandbox.block_on(world.end());
    });
    assert_eq!(ended.as_ref().map_err(String::as_str), Err(left));
    let used = with_world(|sandbox, world| {
        world.next(ENDPOINT, "SERVER_ERROR");
        let bank = format!("{}{BANK}", world.url());
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let body = json!({"bank_account_number": "1", "bank_code": "BCA"});
        let request = client
            .post(bank)
            .basic_auth(world.api_key(), Some(""))
            .json(&body);
        let answer = sandbox.block_on(request.send()).expect("an answer");
        assert_eq!(answer.status(), 500);
    });
    assert_eq!(used, Ok(()));
}

#[test]
fn in_rust_a_test_that_failed_already_does_not_fail_twice() {
    let failed = with_world(|_, world| {
        world.next(ENDPOINT, "SERVER_ERROR");
        panic!("{}", "the test itself failed");
    });
    assert_eq!(failed, Err("the test itself failed".to_owned()));
}
