//! Why an attempt to call a receiver failed: the addresses, the host map, the redirect and the answer.

use iluma_sandbox::{Retries, Sandbox};
use serde_json::{Value, json};

use crate::client::Client;
use crate::receiver::{Reaction, Receiver};
use crate::stage::{BANK, TYPE, URLS};

/// A receiver that redirects, with an answer that a terminal would obey.
fn redirect() -> Reaction {
    Reaction::Answer {
        status: 302,
        headers: vec![(
            "location",
            "/elsewhere/3171234567890123?nik=3171234567890123".to_owned(),
        )],
        body: "\r\n  gone \u{1b}[31m\u{202e} away \nmore".into(),
    }
}

/// A sandbox that maps `app.test` to this machine, and calls a receiver there.
async fn sandbox(receiver: &Receiver, redacts: bool) -> (Client, String) {
    let port = receiver.port();
    let url = format!("http://app.test:{port}/cb?nik=3171234567890123");
    let builder = Sandbox::builder()
        .callback(TYPE, url.parse().expect("a URL"))
        .callback_host("app.test", "127.0.0.1")
        .retries(&Retries::After(Vec::new()))
        .redact(redacts);
    (Client::of(builder).await, format!("127.0.0.1:{port}"))
}

async fn failed(client: &Client) -> (Value, Value) {
    let asked = client.magic(BANK, "COMPLETED_FOUND").await;
    client.get("/__sandbox/idle?wait=1m").await;
    let deliveries = client.get("/__sandbox/deliveries").await.json();
    let trace = asked.header("x-sandbox-trace").expect("a trace");
    let explained = client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json();
    (
        deliveries["deliveries"][0]["attempts"][0].clone(),
        explained,
    )
}

#[tokio::test]
async fn an_attempt_has_the_time_of_the_world_and_that_of_the_machine() {
    let receiver = Receiver::start().await;
    let (client, _) = sandbox(&receiver, false).await;
    let began = jiff::Timestamp::now();
    let (attempt, _) = failed(&client).await;
    assert_eq!(attempt["at"], "2026-01-01T00:00:00.000Z");
    let sent = attempt["sent_at"].as_str().expect("a time");
    let sent: jiff::Timestamp = sent.parse().expect("an instant");
    let tolerance = jiff::SignedDuration::from_millis(1); // it has microseconds
    assert!(sent + tolerance >= began && sent <= jiff::Timestamp::now());
}

#[tokio::test]
async fn a_delivery_and_an_explanation_say_why_an_attempt_failed() {
    let receiver = Receiver::that(redirect()).await;
    let (client, address) = sandbox(&receiver, false).await;
    let (attempt, explained) = failed(&client).await;
    let gist = json!({
        "status": 302,
        "error": "redirect refused (status 302)",
        "addresses": [{"address": address, "error": null}],
        "host_map": "app.test=127.0.0.1",
        "location": "/elsewhere/3171234567890123?nik=3171234567890123",
        "answer_line": "gone \\u{1b}[31m\\u{202e} away",
    });
    assert_eq!(explained["callbacks"][0]["last_attempt"], gist);
    for (name, value) in gist.as_object().expect("an object") {
        assert_eq!(attempt[name], *value, "{name}");
    }
}

#[tokio::test]
async fn redact_hides_what_a_receiver_repeats() {
    let receiver = Receiver::that(redirect()).await;
    let (client, _) = sandbox(&receiver, true).await;
    let (attempt, explained) = failed(&client).await;
    let last = &explained["callbacks"][0]["last_attempt"];
    for shown in [&attempt, last] {
        assert_eq!(shown["location"], "/elsewhere/…?…");
        assert_eq!(shown["answer_line"], "…");
    }
    let text = explained.to_string();
    assert!(!text.contains("3171234567890123"), "{text}");
}

#[tokio::test]
async fn a_registration_that_is_refused_is_explained_with_the_test_of_its_url() {
    let client = Client::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = gone.local_addr().expect("an address").to_string();
    drop(gone);
    let body = json!({"type": TYPE, "url": format!("http://{address}/cb")});
    let refused = client.post(URLS, &body).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let trace = refused.header("x-sandbox-trace").expect("a trace");
    let explained = client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json();
    assert_eq!(explained["chosen_by"], "refusal");
    assert_eq!(
        explained["because"],
        "The request was refused: The test callback was not answered with a 2xx: connection refused."
    );
    assert_eq!(
        explained["callback_test"],
        json!({
            "status": null,
            "error": "connection refused",
            "addresses": [{"address": address, "error": "connection refused"}],
            "host_map": null,
            "location": null,
            "answer_line": null,
        })
    );
}
