//! One trace: `traceparent` and `x-request-id` of a request are sent with its callbacks, and lists are filtered by them.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Process, run};
use crate::receiver::{Reaction, Received, Receiver};
use crate::stage::{BANK, Stage, TYPE, URLS, each};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SIBLING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01";

/// The headers of a callback that belong to the trace.
fn trace_of(received: &Received) -> [Option<&str>; 3] {
    ["traceparent", "tracestate", "x-request-id"].map(|name| received.header(name))
}

async fn ask(client: &Client, magic: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request("POST", BANK).header("x-magic-reply", magic);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn trace(answer: &Answer) -> &str {
    answer.header("x-sandbox-trace").expect("a trace")
}

#[tokio::test(start_paused = true)]
async fn every_attempt_of_every_callback_of_a_request_carries_its_trace() {
    let stage = Stage::start().await;
    stage.receiver.then([Reaction::status(500)]);
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
        ("x-request-id", "checkout 7"),
    ];
    for magic in [
        "PENDING_THEN_COMPLETED_FOUND",
        "COMPLETED_FOUND; callback=duplicate",
        "COMPLETED_FOUND; callback=late(10s)",
        "COMPLETED_FOUND; callback=early",
        "COMPLETED_FOUND; callback=stale",
        "COMPLETED_FOUND; callback=no-token",
    ] {
        ask(&stage.client, magic, &headers).await;
        stage.advance("1m").await;
    }
    let log = stage.ended().await;
    assert_eq!(log.len(), 8);
    stage.tell("deliveries/dlv_1/redeliver", &json!({})).await;
    let log = stage.ended().await;
    assert_eq!(log.len(), 9);
    assert!(each(&log, "traceparent").iter().all(|one| **one == PARENT));
    assert!(
        each(&log, "request_id")
            .iter()
            .all(|one| **one == "checkout 7")
    );
    let received = stage.receiver.received(10).await;
    assert_eq!(received.len(), 10, "one was tried again");
    for one in &received {
        assert_eq!(
            trace_of(one),
            [Some(PARENT), Some("vendor=1"), Some("checkout 7")]
        );
    }
    let sent = log[0]["attempts"][0]["request"].as_str().expect("a head");
    assert!(
        sent.contains(&format!("\ntraceparent: {PARENT}\n")),
        "{sent}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_callback_of_a_request_without_a_trace_has_none_and_neither_has_a_trigger() {
    let stage = Stage::start().await;
    ask(&stage.client, "COMPLETED_FOUND", &[]).await;
    ask(
        &stage.client,
        "COMPLETED_FOUND",
        &[("traceparent", "00-0-0-01"), ("tracestate", "vendor=1")],
    )
    .await;
    stage.tell("trigger", &json!({"type": TYPE})).await;
    for one in stage.receiver.received(3).await {
        assert_eq!(trace_of(&one), [None, None, None]);
    }
    let log = stage.ended().await;
    assert!(each(&log, "traceparent").iter().all(|one| one.is_null()));
    assert!(each(&log, "request_id").iter().all(|one| one.is_null()));
}

#[tokio::test(start_paused = true)]
async fn the_test_of_a_url_and_an_event_that_gets_its_url_later_carry_the_trace_of_their_requests()
{
    let still = crate::receiver::StandingClock::hold();
    let callbacks = Receiver::start().await;
    let client = Client::start().await;
    ask(
        &client,
        "PENDING_THEN_COMPLETED_FOUND",
        &[("traceparent", PARENT)],
    )
    .await;
    let body = json!({"type": TYPE, "url": callbacks.url_text()});
    let request = client.request("POST", URLS).json(&body);
    let answer = Answer::of(request.header("x-request-id", "registration")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    client
        .post("/__sandbox/clock/advance", &json!({"by": "1m"}))
        .await;
    let both = callbacks.received(2).await;
    assert_eq!(trace_of(&both[0]), [None, None, Some("registration")]);
    assert_eq!(trace_of(&both[1]), [Some(PARENT), None, None]);
    drop(still);
}

#[tokio::test]
async fn an_event_without_a_url_keeps_its_trace_in_a_snapshot() {
    let client = Client::start().await;
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
        ("x-request-id", "checkout 7"),
    ];
    ask(&client, "COMPLETED_FOUND", &headers).await;
    let snapshot = client.get("/__sandbox/snapshot").await.text;
    let put = |text: String| {
        let request = client.request("PUT", "/__sandbox/snapshot");
        Answer::of(
            request
                .header("content-type", "application/json")
                .body(text),
        )
    };
    let answer = put(snapshot.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let again = client.get("/__sandbox/snapshot").await.json();
    let names = ["traceparent", "tracestate", "request_id"];
    let kept = names.map(|name| again["unsent"][0][name].clone());
    assert_eq!(kept, [PARENT, "vendor=1", "checkout 7"]);
    let path = format!("/__sandbox/deliveries?state=no_url&traceparent={TRACE_ID}");
    let unsent = client.get(&path).await.json();
    assert_eq!(unsent["deliveries"][0]["request_id"], "checkout 7");
    for (right, wrong, complaint) in [
        (PARENT, "00-1-1-01", "`traceparent` is not well-formed"),
        ("vendor=1", "", "`tracestate` is not well-formed"),
        ("checkout 7", "", "`request_id`: write an id of 1 to 200"),
    ] {
        let broken = snapshot.replace(&format!("\"{right}\""), &format!("\"{wrong}\""));
        let answer = put(broken).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.message().contains(complaint), "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_and_deliveries_are_filtered_by_their_trace() {
    let stage = Stage::start().await;
    let client = &stage.client;
    let first = ask(client, "COMPLETED_FOUND", &[("traceparent", PARENT)]).await;
    let second = [("traceparent", SIBLING), ("x-request-id", "7")];
    let second = ask(client, "COMPLETED_FOUND", &second).await;
    let third = ask(client, "COMPLETED_FOUND", &[("x-request-id", "7")]).await;
    let invalid = [("traceparent", "00-nothing"), ("x-request-id", "\"8\"")];
    let fourth = ask(client, "COMPLETED_FOUND", &invalid).await;
    stage.ended().await;
    for (query, expected) in [
        (format!("traceparent={TRACE_ID}"), vec![&first, &second]),
        (format!("traceparent={PARENT}"), vec![&first]),
        ("request_id=7".to_owned(), vec![&second, &third]),
        (
            format!("request_id=7&traceparent={TRACE_ID}"),
            vec![&second],
        ),
        ("request_id=9".to_owned(), vec![]),
    ] {
        let list = stage
            .control(&format!("requests?{query}&order=oldest"))
            .await;
        let traces: Vec<_> = expected.iter().map(|answer| trace(answer)).collect();
        let found = list["requests"].as_array().expect("a list");
        assert_eq!(each(found, "trace"), traces, "{query}");
        let list = stage.control(&format!("deliveries?{query}")).await;
        let mut found = list["deliveries"].as_array().expect("a list").clone();
        found.reverse();
        let records: Vec<_> = expected
            .iter()
            .map(|answer| answer.json()["id"].take())
            .collect();
        assert_eq!(
            each(&found, "record"),
            records.iter().collect::<Vec<_>>(),
            "{query}"
        );
    }
    let list = stage
        .control("requests?traceparent=null&order=oldest")
        .await;
    let found = list["requests"].as_array().expect("a list");
    assert_eq!(each(found, "trace"), [trace(&third), trace(&fourth)]);
    let body = json!({"request": {"traceparent": TRACE_ID}, "exactly": 2});
    assert_eq!(stage.tell("verify", &body).await.status, 200);
}

#[tokio::test]
async fn a_filter_that_no_trace_can_have_is_refused_with_a_sentence() {
    let client = Client::start().await;
    let long = "x".repeat(201);
    let of_trace = "`traceparent`: write a traceparent such as \
                    00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, or the 32 hex digits of its trace id, in \
                    lower case";
    let of_id = "`request_id`: write an id of 1 to 200 printable ASCII characters: callbacks carry no other";
    for path in ["requests", "deliveries"] {
        for (query, expected) in [
            ("traceparent=".to_owned(), of_trace),
            ("traceparent=abc".to_owned(), of_trace),
            (format!("traceparent={}", PARENT.to_uppercase()), of_trace),
            (format!("traceparent={}", "0".repeat(32)), of_trace),
            ("traceparent=%1B%5B31m".to_owned(), of_trace),
            (format!("request_id={long}"), of_id),
            ("request_id=a%0Ab".to_owned(), of_id),
            ("request_id=%C3%A9".to_owned(), of_id),
            ("request_id=".to_owned(), of_id),
        ] {
            let answer = client.get(&format!("/__sandbox/{path}?{query}")).await;
            assert_eq!(
                (answer.status, answer.message()),
                (400, expected.to_owned()),
                "{path}?{query}"
            );
        }
    }
    let body = json!({"request": {"traceparent": "abc"}, "exactly": 0});
    let answer = client.post("/__sandbox/verify", &body).await;
    assert_eq!(
        (answer.status, answer.message()),
        (400, of_trace.to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn an_explanation_an_event_and_an_export_show_the_trace() {
    let stage = Stage::start().await;
    let headers = [("traceparent", PARENT), ("x-request-id", "checkout 7")];
    let answer = ask(&stage.client, "COMPLETED_FOUND", &headers).await;
    stage.ended().await;
    let explained = stage.control(&format!("explain/{}", trace(&answer))).await;
    assert_eq!(
        explained["request"],
        json!({"method": "POST", "path": BANK, "traceparent": PARENT, "request_id": "checkout 7"})
    );
    let export = stage.client.get("/__sandbox/export").await.text;
    let mut lines = export
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let delivery = lines.find(|line| line["type"] == "delivery");
    let delivery = delivery.expect("a delivery");
    assert_eq!(delivery["traceparent"], PARENT);
    assert_eq!(delivery["request_id"], "checkout 7");
}

#[tokio::test(start_paused = true)]
async fn with_redact_the_id_of_a_request_is_hidden_and_the_receiver_gets_it() {
    let stage = Stage::with(|builder| builder.redact(true)).await;
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "name=budi"),
        ("x-request-id", "budi-santoso"),
    ];
    let answer = ask(&stage.client, "COMPLETED_FOUND", &headers).await;
    stage.ended().await;
    let received = stage.receiver.received(1).await;
    assert_eq!(
        trace_of(&received[0]),
        [Some(PARENT), Some("name=budi"), Some("budi-santoso")]
    );
    for path in [
        "requests".to_owned(),
        "deliveries".to_owned(),
        "deliveries?request_id=budi-santoso".to_owned(),
        "export".to_owned(),
        format!("explain/{}", trace(&answer)),
    ] {
        let text = stage.client.get(&format!("/__sandbox/{path}")).await.text;
        assert!(!text.contains("budi"), "{path}: {text}");
        assert!(text.contains(PARENT), "{path}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_in_the_id_of_a_request_is_masked() {
    let stage = Stage::start().await;
    let key = "iluma_live_abcdefghijklmnopqrstuvwxyz";
    let answer = ask(&stage.client, "COMPLETED_FOUND", &[("x-request-id", key)]).await;
    stage.ended().await;
    for path in [
        "requests",
        "deliveries",
        "export",
        &format!("explain/{}", trace(&answer)),
    ] {
        let text = stage.client.get(&format!("/__sandbox/{path}")).await.text;
        assert!(!text.contains(key), "{path}: {text}");
        assert!(text.contains("iluma_live_…"), "{path}: {text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_names_the_trace_of_requests_and_callbacks() {
    let mut process = Process::serve(&["--log-format", "json"]);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let inbox = format!("{}/__sandbox/inbox/mine", process.url);
    let post = |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", process.url));
        let request = request.basic_auth(iluma_sandbox::PUBLIC_KEY, Some(""));
        let request = request
            .header("traceparent", PARENT)
            .header("x-request-id", "iluma_live_abc a@b.id 081234567890 7");
        request.json(&body).send()
    };
    post(URLS, json!({"type": TYPE, "url": inbox}))
        .await
        .expect("an answer");
    let body = json!({"bank_account_number": "1", "bank_code": "BCA"});
    let path = format!("{BANK}?x=1");
    post(&path, body).await.expect("an answer");
    post("/__sandbox/trigger", json!({"type": TYPE}))
        .await
        .expect("an answer");
    process.wait_for_log("dlv_1");
    let (_, _, log) = process.terminate();
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let with = |words: &str| {
        let mut found = lines.iter().filter(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains(words))
        });
        found
            .next()
            .unwrap_or_else(|| panic!("no {words} in {lines:?}"))
            .clone()
    };
    for line in [with("answered"), with("the test was accepted")] {
        assert_eq!(line["traceparent"], PARENT, "{line}");
        assert_eq!(line["request_id"], "iluma_live_… … … 7", "{line}");
    }
}

#[tokio::test]
async fn the_commands_filter_by_the_trace() {
    let client = Client::start().await;
    let url = client.sandbox.url();
    ask(&client, "COMPLETED_FOUND", &[("traceparent", PARENT)]).await;
    ask(&client, "COMPLETED_FOUND", &[("x-request-id", "7")]).await;
    let lines = |arguments: Vec<&'static str>| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || {
            let all = [arguments, vec!["--url", &url, "--format", "json"]].concat();
            run(&all)
        })
    };
    for (filter, value, expected) in [
        ("--traceparent", TRACE_ID, 1),
        ("--traceparent", PARENT, 1),
        ("--traceparent", SIBLING, 0),
        ("--request-id", "7", 1),
    ] {
        let (code, out, err) = lines(vec!["requests", filter, value])
            .await
            .expect("it ends");
        let list: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            (code, &list["matched"], err.as_str()),
            (0, &json!(expected), ""),
            "{filter} {value}"
        );
        let (code, _, err) = lines(vec!["deliveries", filter, value])
            .await
            .expect("it ends");
        assert_eq!((code, err.as_str()), (0, ""), "{filter} {value}");
    }
    for command in ["requests", "deliveries", "tail"] {
        let (code, _, err) = lines(vec![command, "--traceparent", "abc"])
            .await
            .expect("it ends");
        assert_eq!(code, 2);
        assert!(err.contains("write a traceparent such as 00-4bf9"), "{err}");
    }
}
