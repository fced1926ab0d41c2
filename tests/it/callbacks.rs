//! Registering callback URLs, and delivering callbacks: normally, with retries, and with misbehaviour.
//!
//! The clock is paused: time passes only when a test moves it, exact to the millisecond.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use iluma_sandbox::{PUBLIC_KEY, Retries, Sandbox};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::advance;

use crate::client::{Answer, Client};
use crate::process::write;
use crate::receiver::{Reaction, Receiver, StandingClock, after_exactly, refusing_url};
use crate::stage::{BANK, Stage, TYPE, URLS, attempts, each};

const PENDING: &str = "PENDING_THEN_COMPLETED_FOUND";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The listed types and URLs.
async fn listed(client: &Client) -> Vec<(String, String)> {
    let listed = client.get(URLS).await.json();
    let listed = listed.as_array().expect("a list");
    let text = |one: &Value, name: &str| one[name].as_str().expect("a text").to_owned();
    listed
        .iter()
        .map(|one| (text(one, "type"), text(one, "url")))
        .collect()
}

// --- Registering

#[tokio::test(start_paused = true)]
async fn a_url_is_registered_when_its_receiver_has_taken_a_test_callback() {
    let _still = StandingClock::hold();
    let (client, receiver) = (Client::start().await, Receiver::start().await);
    assert_eq!(client.get(URLS).await.text, "[]");
    let url = receiver.url_text();
    let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
    let token = client.sandbox.callback_token();
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({
                "status": "SUCCESSFUL",
                "type": TYPE,
                "url": url,
                "environment": "TEST",
                "callback_authentication_token": token,
            })
        )
    );
    let test = receiver.only().await;
    assert_eq!(test.line, "POST /callbacks HTTP/1.1");
    assert_eq!(test.header("x-callback-token"), Some(token.as_str()));
    assert_eq!(test.header("content-type"), Some("application/json"));
    let sample = test.json();
    assert_eq!(
        (&sample["status"], &sample["result"]["is_found"]),
        (&json!("COMPLETED"), &json!(true)),
        "the found sample of v1.1"
    );
    assert_eq!(
        client.get(URLS).await.json(),
        json!([{
            "type": TYPE,
            "url": url,
            "created": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
        }])
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_is_registered_as_a_form_and_under_the_name_callback_type() {
    let _still = StandingClock::hold();
    let (client, receiver) = (Client::start().await, Receiver::start().await);
    for (name, path) in [("type", "/one"), ("callback_type", "/two")] {
        let url = format!("{}{path}", receiver.url_text());
        let form = [(name, TYPE), ("url", url.as_str())];
        let answer = Answer::of(client.request("POST", URLS).form(&form)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(listed(&client).await, [(TYPE.to_owned(), url)]);
    }
    let body = json!({"callback_type": TYPE, "url": receiver.url_text()});
    assert_eq!(client.post(URLS, &body).await.status, 200);
    assert_eq!(listed(&client).await[0].1, receiver.url_text());
}

async fn patch(client: &Client, body: &Value) -> Answer {
    Answer::of(client.request("PATCH", URLS).json(body)).await
}

#[tokio::test(start_paused = true)]
async fn a_patch_changes_one_type_or_all_that_have_a_url_and_tests_each() {
    let _still = StandingClock::hold();
    let (client, receiver) = (Client::start().await, Receiver::start().await);
    let one = format!("{}/one", receiver.url_text());
    let patched = patch(&client, &json!({"type": TYPE, "url": one})).await;
    assert_eq!(
        (patched.status, &patched.json()["type"]),
        (200, &json!(TYPE))
    );
    let details = json!({"type": "BANK_NAME_VALIDATOR_DETAILS", "url": one});
    assert_eq!(client.post(URLS, &details).await.status, 200);
    client.sandbox_advance("1h").await;

    let all = format!("{}/all", receiver.url_text());
    let patched = patch(&client, &json!({"url": all})).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let types = listed(&client).await;
    let names: Vec<_> = types.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [TYPE, "BANK_NAME_VALIDATOR_DETAILS"]);
    assert!(types.iter().all(|(_, url)| *url == all), "{types:?}");
    assert_eq!(patched.json()["types"], json!(names));
    assert_eq!(receiver.so_far().len(), 2 + types.len());
    let known = client.get(URLS).await.json();
    assert_eq!(
        (&known[0]["created"], &known[0]["updated"]),
        (
            &json!("2026-01-01T00:00:00.000Z"),
            &json!("2026-01-01T01:00:00.000Z")
        )
    );

    // One receiver refuses the test of one type, so no type is changed.
    receiver.then([Reaction::status(200), Reaction::status(503)]);
    let body = json!({"url": format!("{}/never", receiver.url_text())});
    let patched = patch(&client, &body).await;
    assert_eq!(
        (patched.status, patched.message().as_str()),
        (
            400,
            "The test callback was not answered with a 2xx: status 503. The former URLs stay."
        )
    );
    assert_eq!(listed(&client).await, types);
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_a_type_needs_a_url_that_it_can_change() {
    let _still = StandingClock::hold();
    let (client, receiver) = (Client::start().await, Receiver::start().await);
    let url = receiver.url_text();
    let required = json!([{"path": "type", "message": "is required"}]);
    for body in [
        json!({"url": url}),
        json!({"url": url, "type": null}),
        json!({"url": url, "callback_type": null}),
        json!({"url": url, "type": ""}),
    ] {
        let patched = patch(&client, &body).await;
        assert_eq!(
            (patched.status, &patched.json()["errors"]),
            (400, &required),
            "{body}"
        );
    }
    let form = client.request("PATCH", URLS).form(&[("url", &url)]);
    assert_eq!(Answer::of(form).await.json()["errors"], required);
    assert_eq!(
        patch(&client, &json!({})).await.json()["errors"],
        json!([
            {"path": "type", "message": "is required"},
            {"path": "url", "message": "is required"},
        ])
    );
    assert_eq!(client.get(URLS).await.text, "[]");
    assert_eq!(receiver.so_far().len(), 0);

    // With one type registered, `null` counts as absent. Nothing else does.
    let body = json!({"type": TYPE, "url": url});
    assert_eq!(client.post(URLS, &body).await.status, 200);
    for name in ["type", "callback_type"] {
        let patched = patch(&client, &json!({"url": url, name: null})).await;
        assert_eq!(patched.json()["types"], json!([TYPE]));
        let patched = patch(&client, &json!({"url": url, name: ""})).await;
        assert_eq!(patched.json()["errors"], required);
        let patched = patch(&client, &json!({"url": url, name: 5})).await;
        let message = patched.json()["errors"][0]["message"].clone();
        let message = message.as_str().expect("a message");
        assert!(message.starts_with("must be one of "), "{message}");
    }
    assert_eq!(listed(&client).await, [(TYPE.to_owned(), url)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_test_names_a_former_url_only_where_there_was_one() {
    let _still = StandingClock::hold();
    let (folder, failing) = (
        tempfile::tempdir().expect("a folder"),
        Receiver::that(Reaction::status(500)).await,
    );
    let default = "[callback_urls]\nINDIVIDUAL_CFT_PEP = \"http://127.0.0.1:9/default\"\n";
    write(folder.path(), "sandbox.toml", default);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let failed = "The test callback was not answered with a 2xx: status 500.";
    for method in ["POST", "PATCH"] {
        let body = json!({"type": TYPE, "url": failing.url_text()});
        let answer = Answer::of(client.request(method, URLS).json(&body)).await;
        assert_eq!(answer.message(), failed, "{method}");
    }
    let body = json!({"type": "INDIVIDUAL_CFT_PEP", "url": failing.url_text()});
    assert_eq!(
        client.post(URLS, &body).await.message(),
        format!("{failed} The former URL stays.")
    );
    // The default of a folder is listed like a registered URL, so a PATCH changes it too.
    let patched = patch(&client, &json!({"url": failing.url_text()})).await;
    assert_eq!(patched.message(), format!("{failed} The former URL stays."));
    failing.usually(Reaction::status(200));
    let patched = patch(&client, &json!({"url": failing.url_text()})).await;
    assert_eq!(patched.json()["types"], json!(["INDIVIDUAL_CFT_PEP"]));
}

impl Client {
    async fn sandbox_advance(&self, by: &str) {
        let answer = self
            .post("/__sandbox/clock/advance", &json!({"by": by}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_the_test_is_told_of_in_plain_words_and_the_former_url_stays() {
    let _still = StandingClock::hold();
    let (client, receiver) = (Client::start().await, Receiver::start().await);
    let former = receiver.url_text();
    let body = json!({"type": TYPE, "url": former});
    assert_eq!(client.post(URLS, &body).await.status, 200);

    let failing = Receiver::start().await;
    for (reaction, said) in [
        (Reaction::status(500), "status 500"),
        (Reaction::status(404), "status 404"),
        (
            Reaction::status(302).header("location", receiver.url_text()),
            "redirect refused (status 302)",
        ),
        (
            Reaction::Close,
            "the connection was closed without an answer",
        ),
        (Reaction::Reset, "connection reset by peer"),
        (
            Reaction::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n"),
            "the answer is not HTTP",
        ),
    ] {
        failing.usually(reaction.clone());
        let body = json!({"type": TYPE, "url": failing.url_text()});
        refused(&client, &body, &format!("{said}. The former URL stays.")).await;
        assert_eq!(listed(&client).await, [(TYPE.to_owned(), former.clone())]);
    }
    let refusing = refusing_url();
    for (url, said) in [
        (refusing.as_str(), "connection refused"),
        (
            "http://169.254.169.254/latest/meta-data",
            "169.254.169.254 is an address that is never called",
        ),
        (
            "http://[::ffff:169.254.169.254]/",
            "::ffff:169.254.169.254 is an address that is never called",
        ),
        (
            "http://[64:ff9b:1::a9fe:a9fe]/",
            "64:ff9b:1::a9fe:a9fe is an address that is never called",
        ),
        (
            "http://168.63.129.16/machine",
            "168.63.129.16 is an address that is never called",
        ),
        (
            "http://[fe80::1]/",
            "fe80::1 is an address that is never called",
        ),
        (
            "http://93.184.215.14/",
            "93.184.215.14 is a public host: allow it with --allow-egress 93.184.215.14",
        ),
    ] {
        let said = format!("{said}. The former URL stays.");
        refused(&client, &json!({"type": TYPE, "url": url}), &said).await;
    }
    assert_eq!(listed(&client).await, [(TYPE.to_owned(), former)]);
    assert_eq!(receiver.so_far().len(), 1, "no redirect was followed");
}

async fn refused(client: &Client, body: &Value, said: &str) {
    let answer = client.post(URLS, body).await;
    let message = format!("The test callback was not answered with a 2xx: {said}");
    assert_eq!(
        (answer.status, answer.json()),
        (
            400,
            json!({"error_code": "CALLBACK_TEST_FAILED_ERROR", "message": message})
        ),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_has_ten_seconds_to_take_the_test() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let receiver = Receiver::that(Reaction::status(200).after(Duration::from_millis(9_999))).await;
    let body = json!({"type": TYPE, "url": receiver.url_text()});
    let request = client.request("POST", URLS).json(&body);
    let registering = tokio::spawn(Answer::of(request));
    receiver.received(1).await;
    advance(Duration::from_millis(9_999)).await;
    let answer = registering.await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);

    receiver.usually(Reaction::Hang);
    let request = client.request("POST", URLS).json(&body);
    let registering = tokio::spawn(Answer::of(request));
    receiver.received(2).await;
    after_exactly(seconds(10), async || {
        client.get("/health").await;
        assert!(!registering.is_finished());
    })
    .await;
    let answer = registering.await.expect("an answer");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (
            400,
            "The test callback was not answered with a 2xx: timed out after 10s. The former URL stays."
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_url_is_refused_without_a_test() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    for (url, said) in [
        (
            "ftp://127.0.0.1/in",
            "`ftp://127.0.0.1/in` is not an http URL",
        ),
        ("callbacks", "`callbacks` is not an http URL"),
        (
            "http://127.0.0.1/a b",
            "`http://127.0.0.1/a b` is not a URL: it has a space: write it percent-encoded, as `%20`",
        ),
        (
            "http://user:secret@127.0.0.1/",
            "a URL with a user name or password in it is not called",
        ),
        (
            "http://127.0.0.1:99999/",
            "`http://127.0.0.1:99999/` is not a URL: it names no port between 1 and 65535",
        ),
    ] {
        let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
        assert_eq!(
            (answer.status, answer.json()),
            (
                400,
                json!({
                    "error_code": "INVALID_URL_FORMAT",
                    "message": format!("The callback URL cannot be taken: {said}."),
                })
            ),
            "{url}"
        );
    }
    assert_eq!(client.get(URLS).await.text, "[]");
}

#[tokio::test(start_paused = true)]
async fn a_registration_without_url_or_with_an_unknown_type_is_complained_about() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let answer = client.post(URLS, &json!({})).await.json();
    assert_eq!(
        (&answer["error_code"], &answer["errors"]),
        (
            &json!("API_VALIDATION_ERROR"),
            &json!([
                {"path": "type", "message": "is required"},
                {"path": "url", "message": "is required"},
            ])
        )
    );
    for method in ["POST", "PATCH"] {
        let body = json!({"type": "NAME_VALIDATION", "url": "http://127.0.0.1:1/"});
        let answer = Answer::of(client.request(method, URLS).json(&body)).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["path"]), (400, &json!("type")));
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with("must be one of "), "{message}");
        assert!(message.contains(TYPE), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_default_from_a_folder_is_listed_a_flag_goes_before_it_and_a_registration_before_both() {
    let _still = StandingClock::hold();
    let (folder, receiver) = (
        tempfile::tempdir().expect("a folder"),
        Receiver::start().await,
    );
    let of = |place: &str| format!("{}/{place}", receiver.url_text());
    let settings = format!(
        "[callback_urls]\n{TYPE} = \"{}\"\nENTITY_CFT_PEP = \"{}\"\n",
        of("folder"),
        of("folder")
    );
    write(folder.path(), "sandbox.toml", &settings);
    let flag = of("flag").parse().expect("a URL");
    let builder = Sandbox::builder()
        .scenarios(folder.path())
        .callback(TYPE, flag);
    let client = Client::of(builder).await;
    let mut expected = [
        ("ENTITY_CFT_PEP".to_owned(), of("folder")),
        (TYPE.to_owned(), of("flag")),
    ];
    assert_eq!(sorted(listed(&client).await), expected);
    assert_eq!(receiver.so_far().len(), 0, "defaults are not tested");

    let body = json!({"type": TYPE, "url": of("registered")});
    assert_eq!(client.post(URLS, &body).await.status, 200);
    expected[1].1 = of("registered");
    assert_eq!(sorted(listed(&client).await), expected);
    client.magic(BANK, "COMPLETED_FOUND").await;
    let callback = receiver.received(2).await.swap_remove(1);
    assert_eq!(callback.line, "POST /callbacks/registered HTTP/1.1");
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

// --- Delivering

#[tokio::test(start_paused = true)]
async fn a_callback_is_byte_for_byte_what_the_post_answered_and_the_get_answers() {
    let stage = Stage::start().await;
    let answer = stage.ask("COMPLETED_FOUND").await;
    let callback = stage.receiver.only().await;
    assert_eq!(callback.text(), answer.text);
    assert_eq!(callback.text(), stage.read(&answer.json()).await);
    let token = stage.client.sandbox.callback_token();
    assert_eq!(callback.header("x-callback-token"), Some(token.as_str()));
    assert_eq!(callback.header("content-type"), Some("application/json"));
    assert_eq!(callback.header("x-iluma-callback-token"), None);
    assert_eq!(callback.header("webhook-id"), None);
    let log = stage.ended().await;
    let delivery = &log[0];
    assert_eq!(log.len(), 1);
    assert_eq!(
        (&delivery["state"], &delivery["on_purpose"]),
        (&json!("delivered"), &Value::Null)
    );
    assert_eq!(
        (&delivery["type"], &delivery["outcome"]),
        (
            &json!(TYPE),
            &json!("v1.1/bank_account_data_requests/COMPLETED_FOUND")
        )
    );
    assert_eq!(delivery["record"], answer.json()["id"]);
    assert_eq!(delivery["body"], answer.text);
    let attempt = &attempts(delivery)[0];
    assert_eq!(
        (&attempt["status"], &attempt["error"]),
        (&json!(200), &Value::Null)
    );
    let request = attempt["request"].as_str().expect("a text");
    assert!(
        request.starts_with(&format!("POST {}\n", stage.receiver.url_text())),
        "{request}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_token_header_is_sent_where_it_is_asked_for() {
    let stage = Stage::with(|builder| builder.second_token_header(true)).await;
    stage.ask("COMPLETED_FOUND").await;
    let callback = stage.receiver.only().await;
    let token = stage.client.sandbox.callback_token();
    for name in ["x-callback-token", "x-iluma-callback-token"] {
        assert_eq!(callback.header(name), Some(token.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_callback_of_its_own_sends_none() {
    let stage = Stage::start().await;
    for outcome in ["PENDING", "WAITING_ON_BANK"] {
        stage.ask(outcome).await;
    }
    stage.client.magic(BANK, "SERVER_ERROR").await;
    advance(Duration::from_hours(1)).await;
    assert_eq!(stage.ended().await, Vec::<Value>::new());
    assert_eq!(stage.receiver.so_far().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reply_comes_before_the_callback_also_for_a_client_that_does_not_take_it() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    // The receiver never answers, but the reply is still written.
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(stage.receiver.only().await.json()["status"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn a_pending_record_changes_first_and_is_called_back_then() {
    let stage = Stage::start().await;
    let pending = stage.ask(PENDING).await;
    assert_eq!(pending.json()["status"], "PENDING");
    after_exactly(seconds(1), async || {
        assert_eq!(stage.read(&pending.json()).await, pending.text);
        assert_eq!(stage.receiver.so_far().len(), 0);
    })
    .await;
    let done = stage.read(&pending.json()).await;
    let callback = stage.receiver.only().await;
    assert_eq!(callback.text(), done);
    let done = callback.json();
    assert_eq!(
        (&done["status"], &done["updated"]),
        (&json!("COMPLETED"), &json!("2026-01-01T00:00:01.000Z"))
    );
}

// --- Trying again

/// Checks that a receiver that always fails gets retries after exactly these delays, and no more.
async fn tries(stage: &Stage, delays: &[Duration]) {
    stage.ask("COMPLETED_FOUND").await;
    let bytes = stage.receiver.only().await.body;
    for (tried, delay) in delays.iter().enumerate() {
        let waiting = stage.tried(tried + 1).await;
        assert_eq!(waiting["state"], "retrying");
        after_exactly(*delay, async || {
            assert_eq!(stage.log().await[0], waiting);
        })
        .await;
        stage.receiver.received(tried + 2).await;
    }
    let failed = stage.tried(delays.len() + 1).await;
    assert_eq!(
        (&failed["state"], &failed["next_try"]),
        (&json!("failed"), &Value::Null)
    );
    advance(Duration::from_hours(100)).await;
    assert_eq!(stage.ended().await, [failed]);
    let received = stage.receiver.so_far();
    let gaps: Vec<_> = received
        .windows(2)
        .map(|two| two[1].at - two[0].at)
        .collect();
    assert_eq!(gaps, delays);
    assert!(
        received.iter().all(|one| one.body == bytes),
        "the same bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn fast_tries_again_after_1_2_4_8_16_and_32_seconds() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::status(500));
    tries(&stage, &[1, 2, 4, 8, 16, 32].map(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn realistic_tries_again_over_a_day() {
    let stage = Stage::with(|builder| builder.retries(&Retries::Realistic)).await;
    stage.receiver.usually(Reaction::status(404));
    tries(
        &stage,
        &[15, 45, 120, 180, 360, 720].map(Duration::from_mins),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_tries_again_after_each_of_its_delays() {
    let retries = "10ms, 3s,1h".parse().expect("retries");
    let stage = Stage::with(|builder| builder.retries(&retries)).await;
    stage.receiver.usually(Reaction::Close);
    let delays = [Duration::from_millis(10), seconds(3), seconds(3600)];
    tries(&stage, &delays).await;
}

#[tokio::test(start_paused = true)]
async fn none_never_tries_again() {
    let stage = Stage::with(|builder| builder.retries(&"none".parse().expect("retries"))).await;
    stage.receiver.usually(Reaction::status(500));
    tries(&stage, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn trying_again_ends_with_the_first_success() {
    let stage = Stage::start().await;
    stage.receiver.then([500, 204].map(Reaction::status));
    stage.ask("COMPLETED_FOUND").await;
    stage.tried(1).await;
    advance(seconds(1)).await;
    let log = stage.ended().await;
    assert_eq!(log[0]["state"], "delivered");
    assert_eq!(
        each(attempts(&log[0]), "status"),
        [&json!(500), &json!(204)]
    );
    assert_eq!(
        each(attempts(&log[0]), "error"),
        [&json!("status 500"), &Value::Null]
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_on_429_and_503_and_on_nothing_else() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::status(200));
    stage.receiver.then([
        Reaction::status(429).header("retry-after", "10"),
        Reaction::status(503).header("retry-after", "120"),
        Reaction::status(500).header("retry-after", "10"),
        Reaction::status(503).header("retry-after", "soon"),
    ]);
    stage.ask("COMPLETED_FOUND").await;
    for (tried, delay) in [10, 120, 4, 8].into_iter().enumerate() {
        let waiting = stage.tried(tried + 1).await;
        after_exactly(seconds(delay), async || {
            assert_eq!(stage.log().await[0], waiting);
        })
        .await;
        stage.receiver.received(tried + 2).await;
    }
    assert_eq!(stage.ended().await[0]["state"], "delivered");
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_is_logged_in_plain_words() {
    let retries = Retries::After(vec![seconds(1); 5]);
    let stage = Stage::with(|builder| builder.retries(&retries)).await;
    let elsewhere = Receiver::start().await;
    stage.receiver.then([
        Reaction::status(301).header("location", elsewhere.url_text()),
        Reaction::Close,
        Reaction::Reset,
        Reaction::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Reaction::status(418),
    ]);
    stage.ask("COMPLETED_FOUND").await;
    for tried in 1..6 {
        stage.tried(tried).await;
        advance(seconds(1)).await;
    }
    let log = stage.ended().await;
    assert_eq!(
        each(attempts(&log[0]), "error"),
        [
            &json!("redirect refused (status 301)"),
            &json!("the connection was closed without an answer"),
            &json!("connection reset by peer"),
            &json!("the answer is not HTTP"),
            &json!("status 418"),
            &Value::Null,
        ]
    );
    assert_eq!(elsewhere.so_far().len(), 0, "the redirect was not followed");

    let refusing = refusing_url().parse().expect("a URL");
    let stage = Stage::with(|builder| {
        builder
            .retries(&Retries::After(vec![]))
            .callback(TYPE, refusing)
    })
    .await;
    stage.ask("COMPLETED_FOUND").await;
    let log = stage.ended().await;
    assert_eq!(attempts(&log[0])[0]["error"], "connection refused");
    assert_eq!(attempts(&log[0])[0]["status"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_has_thirty_seconds() {
    let stage = Stage::start().await;
    stage.receiver.then([
        Reaction::Hang,
        Reaction::status(200).after(Duration::from_millis(29_999)),
    ]);
    stage.ask("COMPLETED_FOUND").await;
    stage.receiver.received(1).await;
    after_exactly(seconds(30), async || {
        assert_eq!(stage.log().await[0]["state"], "sending");
    })
    .await;
    let waiting = stage.tried(1).await;
    assert_eq!(waiting["state"], "retrying");
    assert_eq!(attempts(&waiting)[0]["error"], "timed out after 30s");
    assert_eq!(attempts(&waiting)[0]["duration_ms"], 30_000);
    advance(seconds(1)).await;
    stage.receiver.received(2).await;
    advance(Duration::from_millis(29_999)).await;
    let log = stage.ended().await;
    assert_eq!(log[0]["state"], "delivered");
    assert_eq!(attempts(&log[0])[1]["duration_ms"], 29_999);
}

#[tokio::test(start_paused = true)]
async fn of_a_huge_answer_no_more_is_read_than_counts() {
    let stage = Stage::start().await;
    stage.receiver.then([
        Reaction::status(200).body_of(20 << 20),
        Reaction::status(500).body_of(20 << 20),
    ]);
    stage.ask("COMPLETED_FOUND").await;
    let log = stage.ended().await;
    assert_eq!(log[0]["state"], "delivered");
    let answer = attempts(&log[0])[0]["answer"].as_str().expect("a text");
    assert_eq!(answer.len(), 1000);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\ncontent-length: 20971520\n\naaa"),
        "{answer}"
    );
    stage.ask("COMPLETED_FOUND").await;
    stage.receiver.received(2).await;
    loop {
        let log = stage.log().await;
        if log[1]["state"] == "retrying" {
            assert_eq!(attempts(&log[1])[0]["error"], "status 500");
            return;
        }
    }
}

// --- Misbehaving on purpose

/// A misbehaviour can be requested by the header and by an outcome of a scenario. The log uses the same words for
/// both.
#[derive(Clone, Copy)]
enum Asked {
    ByHeader,
    ByOutcome,
}

const BOTH_WAYS: [Asked; 2] = [Asked::ByHeader, Asked::ByOutcome];

async fn misbehaving(asked: Asked, outcome: &str, behaviour: &str) -> Stage {
    if let Asked::ByHeader = asked {
        let stage = Stage::start().await;
        let magic = format!("{outcome}; callback={behaviour}");
        stage.ask(&magic).await;
        return stage;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = format!(
        "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.{outcome}]\ncallback = \"{behaviour}\"\n"
    );
    write(folder.path(), "misbehave.toml", &scenario);
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    stage.ask(outcome).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn none_is_lost() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, "COMPLETED_FOUND", "none").await;
        let log = stage.ended().await;
        assert_eq!(each(&log, "state"), ["suppressed"]);
        assert_eq!(each(&log, "on_purpose"), ["none"]);
        advance(Duration::from_hours(1)).await;
        assert_eq!(stage.ended().await, log);
        assert_eq!(stage.receiver.so_far().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn duplicate_comes_twice_with_the_same_bytes() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, "COMPLETED_FOUND", "duplicate").await;
        let log = stage.ended().await;
        assert_eq!(each(&log, "state"), ["delivered"; 2]);
        assert_eq!(each(&log, "on_purpose"), ["duplicate"; 2]);
        let received = stage.receiver.so_far();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].body, received[1].body);
        assert_eq!(received[0].text(), stage.read(&received[0].json()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn late_comes_as_late_as_it_says() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, "COMPLETED_FOUND", "late(10s)").await;
        let log = stage.log().await;
        assert_eq!(each(&log, "on_purpose"), ["late(10s)"]);
        assert_eq!(each(&log, "next_try"), ["2026-01-01T00:00:10.000Z"]);
        after_exactly(seconds(10), async || {
            assert_eq!(stage.log().await, log);
        })
        .await;
        assert_eq!(each(&stage.ended().await, "state"), ["delivered"]);
        assert_eq!(stage.receiver.so_far().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn late_is_logged_as_it_is_written_in_a_request() {
    let stage = misbehaving(Asked::ByHeader, "COMPLETED_FOUND", "late(1500ms)").await;
    assert_eq!(each(&stage.log().await, "on_purpose"), ["late(1500ms)"]);
}

#[tokio::test(start_paused = true)]
async fn late_counts_from_when_the_record_has_changed() {
    let stage = Stage::start().await;
    stage.ask(&format!("{PENDING}; callback=late(10s)")).await;
    after_exactly(seconds(11), async || {
        assert_eq!(each(&stage.log().await, "state"), ["scheduled"]);
    })
    .await;
    assert_eq!(
        stage.receiver.received(1).await[0].json()["status"],
        "COMPLETED"
    );
}

#[tokio::test(start_paused = true)]
async fn early_holds_the_reply_until_the_receiver_has_answered() {
    let stage = Stage::start().await;
    stage
        .receiver
        .then([Reaction::status(200).after(seconds(3)), Reaction::Hang]);
    for (wait, state) in [(3, "delivered"), (5, "sending")] {
        let request = stage
            .client
            .request("POST", BANK)
            .header("x-magic-reply", "COMPLETED_FOUND; callback=early");
        let asking = tokio::spawn(Answer::of(request));
        let came = stage.receiver.so_far().len();
        let received = stage.receiver.received(came + 1).await;
        let record = received[came].json();
        assert_eq!(
            stage.read(&record).await,
            received[came].text(),
            "the receiver can read what it was told of"
        );
        after_exactly(seconds(wait), async || {
            stage.log().await;
            assert!(!asking.is_finished());
        })
        .await;
        let answer = asking.await.expect("an answer");
        assert_eq!(answer.text, received[came].text());
        let log = stage.log().await;
        assert_eq!(
            (&log[came]["state"], &log[came]["on_purpose"]),
            (&json!(state), &json!("early"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn reorder_lets_the_next_callback_overtake() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, "COMPLETED_FOUND", "reorder").await;
        let first = stage.log().await[0]["record"].clone();
        assert_eq!(stage.log().await[0]["on_purpose"], "reorder");
        let second = stage.ask("COMPLETED_NOT_FOUND").await.json()["id"].clone();
        let received = stage.receiver.received(2).await;
        let order: Vec<_> = received
            .iter()
            .map(|one| one.json()["id"].clone())
            .collect();
        assert_eq!(order, [second, first]);
        assert_eq!(each(&stage.ended().await, "state"), ["delivered"; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn reorder_waits_five_seconds_or_for_an_advance_when_nothing_follows() {
    let stage = Stage::start().await;
    stage.ask("COMPLETED_FOUND; callback=reorder").await;
    after_exactly(seconds(5), async || {
        assert_eq!(each(&stage.log().await, "state"), ["scheduled"]);
    })
    .await;
    stage.receiver.received(1).await;
    stage.ask("COMPLETED_FOUND; callback=reorder").await;
    assert_eq!(each(&stage.advance("1ms").await, "seq"), [&json!(2)]);
    assert_eq!(stage.receiver.so_far().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reordered_callback_of_a_pending_record_never_leaves_before_the_record_has_changed() {
    let stage = Stage::start().await;
    let pending = stage.ask(&format!("{PENDING}; callback=reorder")).await;
    stage.ask("COMPLETED_NOT_FOUND").await;
    stage.receiver.received(1).await;
    stage.advance("10ms").await;
    assert_eq!(
        each(&stage.log().await, "state"),
        ["scheduled", "delivered"]
    );
    assert_eq!(stage.read(&pending.json()).await, pending.text);
    assert_eq!(each(&stage.advance("990ms").await, "seq"), [&json!(1)]);
    let received = stage.receiver.received(2).await;
    assert_eq!(received[1].text(), stage.read(&pending.json()).await);
    assert_eq!(received[1].json()["status"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn wrong_token_and_no_token_are_what_their_names_say() {
    for (behaviour, is_there) in [("wrong-token", true), ("no-token", false)] {
        for asked in BOTH_WAYS {
            let stage = misbehaving(asked, "COMPLETED_FOUND", behaviour).await;
            assert_eq!(each(&stage.ended().await, "on_purpose"), [behaviour]);
            let callback = stage.receiver.only().await;
            let token = callback.header("x-callback-token");
            assert_eq!(token.is_some(), is_there);
            if let Some(token) = token {
                assert_ne!(token, stage.client.sandbox.callback_token());
                assert_eq!(token.len(), 64);
                assert!(
                    token.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{token}"
                );
            }
            assert_eq!(callback.text(), stage.read(&callback.json()).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stale_sends_the_former_state_once_more_after_the_new_one() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, PENDING, "stale").await;
        advance(seconds(1)).await;
        stage.receiver.received(1).await;
        advance(Duration::from_millis(100)).await;
        let log = stage.ended().await;
        assert_eq!(each(&log, "on_purpose"), [&Value::Null, &json!("stale")]);
        let received = stage.receiver.so_far();
        let states: Vec<_> = received
            .iter()
            .map(|one| one.json()["status"].clone())
            .collect();
        assert_eq!(states, ["COMPLETED", "PENDING"]);
        assert_eq!(received[1].json()["id"], received[0].json()["id"]);
        assert_eq!(received[0].text(), stage.read(&received[0].json()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn stale_sends_the_pending_form_of_a_record_that_never_pended() {
    for asked in BOTH_WAYS {
        let stage = misbehaving(asked, "COMPLETED_FOUND", "stale").await;
        stage.receiver.received(1).await;
        advance(Duration::from_millis(100)).await;
        assert_eq!(
            each(&stage.ended().await, "on_purpose"),
            [&Value::Null, &json!("stale")]
        );
        let received = stage.receiver.so_far();
        let mut expected = received[0].json();
        expected
            .as_object_mut()
            .expect("an object")
            .remove("result");
        expected["status"] = "PENDING".into();
        expected["updated"] = expected["created"].clone();
        assert_eq!(received[1].json(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn truncated_invalid_json_and_unknown_fields_spoil_the_body_alone() {
    for behaviour in ["truncated", "invalid-json", "unknown-fields"] {
        for asked in BOTH_WAYS {
            let stage = misbehaving(asked, "COMPLETED_FOUND", behaviour).await;
            let log = stage.ended().await;
            assert_eq!(each(&log, "on_purpose"), [behaviour]);
            let callback = stage.receiver.only().await;
            let token = stage.client.sandbox.callback_token();
            assert_eq!(callback.header("x-callback-token"), Some(token.as_str()));
            let right = stage.read(&json!({"id": log[0]["record"]})).await;
            let sent = callback.text();
            match behaviour {
                "truncated" => assert_eq!(sent, right[..right.len() / 2]),
                "invalid-json" => assert_eq!(sent, format!("{},}}", &right[..right.len() - 1])),
                _ => {
                    let mut sent = callback.json();
                    let fields = sent.as_object_mut().expect("an object");
                    assert!(fields.remove("x_unknown_field").is_some());
                    assert!(fields.remove("x_unknown_object").is_some());
                    assert_eq!(sent.to_string(), right);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_misbehaviour_is_refused_with_the_nearest() {
    let stage = Stage::start().await;
    for (magic, said) in [
        (
            "COMPLETED_FOUND; callback=dupliacte",
            "`dupliacte` is no way for a callback to go. Did you mean `duplicate`? Known are none, duplicate, late(10s), early, reorder, wrong-token, no-token, stale, truncated, invalid-json, unknown-fields.",
        ),
        (
            "COMPLETED_FOUND; callback=late(soon)",
            "`soon` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
        (
            "COMPLETED_FOUND; calback=duplicate",
            "`calback=duplicate` is nothing that x-magic-reply knows behind an outcome. Did you mean `callback`? Write `delay=3s`, `fault=truncate` or `callback=duplicate`.",
        ),
        (
            "PENDING; callback=duplicate",
            "The outcome PENDING sends no callback that could misbehave.",
        ),
        (
            "SERVER_ERROR; callback=duplicate",
            "The outcome SERVER_ERROR sends no callback that could misbehave.",
        ),
    ] {
        let answer = stage.client.magic(BANK, magic).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, said),
            "{magic}"
        );
    }
    assert_eq!(stage.ended().await, Vec::<Value>::new());

    let folder = tempfile::tempdir().expect("a folder");
    let scenario = "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.COMPLETED_FOUND]\ncallback = \"dupliacte\"\n";
    write(folder.path(), "misbehave.toml", scenario);
    let error = Sandbox::builder()
        .scenarios(folder.path())
        .start()
        .await
        .expect_err("it is refused");
    let error = error.to_string();
    assert!(error.contains("Did you mean `duplicate`?"), "{error}");
}

// --- Signatures, hosts, loops

#[tokio::test(start_paused = true)]
async fn a_signature_verifies_as_standard_webhooks_says_and_its_id_stays_over_retries() {
    let stage = Stage::with(|builder| builder.sign_callbacks(true)).await;
    stage.receiver.then([Reaction::status(500)]);
    stage.ask("COMPLETED_FOUND").await;
    stage.tried(1).await;
    advance(seconds(1)).await;
    stage.ended().await;
    stage.tell("deliveries/dlv_1/redeliver", &json!({})).await;
    stage.ended().await;
    stage.ask("COMPLETED_FOUND; callback=duplicate").await;
    stage.ended().await;

    let secret = stage.control("world").await["callback_signing_secret"].take();
    let secret = secret
        .as_str()
        .and_then(|secret| secret.strip_prefix("whsec_"));
    let secret = STANDARD.decode(secret.expect("a secret")).expect("base64");
    let received = stage.receiver.received(5).await;
    let mut ids = Vec::new();
    for callback in &received {
        let header = |name| callback.header(name).expect("a header");
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("a key");
        mac.update(format!("{id}.{timestamp}.{}", callback.text()).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
        timestamp.parse::<u64>().expect("whole seconds");
        ids.push(id);
    }
    assert_eq!(ids.len(), 5);
    assert_eq!(ids[0], ids[1], "a retry is the same message");
    assert_eq!(ids[0], ids[2], "a redelivery is the same message");
    assert_ne!(ids[0], ids[3]);
    assert_eq!(ids[3], ids[4], "a duplicate is the same message");
}

#[tokio::test(start_paused = true)]
async fn a_mapped_host_is_called_in_place_of_the_one_in_the_url() {
    let _still = StandingClock::hold();
    let receiver = Receiver::start().await;
    let builder = Sandbox::builder().callback_host("my-receiver.test", "127.0.0.1");
    let client = Client::of(builder).await;
    let url = format!("http://My-Receiver.test:{}/in?a=1", receiver.port());
    let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let test = receiver.only().await;
    assert_eq!(test.line, "POST /in?a=1 HTTP/1.1");
    let host = format!("My-Receiver.test:{}", receiver.port());
    assert_eq!(test.header("host"), Some(host.as_str()));
    assert_eq!(listed(&client).await, [(TYPE.to_owned(), url)]);
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_s_own_endpoint_is_no_receiver_for_it_asks_for_a_key() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let url = format!("{}{BANK}", client.sandbox.url());
    refused(&client, &json!({"type": TYPE, "url": url}), "status 401.").await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_comes_back_five_times_is_cut() {
    // The receiver forwards every callback to the bank validator, as a badly wired gateway would.
    let stage = Stage::start().await;
    stage.ask("COMPLETED_FOUND").await;
    for came in 1..=5 {
        let received = stage.receiver.received(came).await;
        let depth = received[came - 1].header("x-sandbox-callback-depth");
        assert_eq!(depth, Some(came.to_string().as_str()));
        let request = stage
            .client
            .request("POST", BANK)
            .header("x-sandbox-callback-depth", depth.expect("a depth"))
            .body(received[came - 1].text());
        assert_eq!(Answer::of(request).await.status, 200);
    }
    let log = stage.ended().await;
    let mut expected = ["delivered"; 6];
    expected[5] = "dropped";
    assert_eq!(each(&log, "state"), expected);
    assert_eq!(
        log[5]["reason"],
        "a callback has come back into the sandbox 5 times: the loop ends here"
    );
    assert_eq!(stage.receiver.so_far().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_world_s_callbacks_carry_its_own_token() {
    let stage = Stage::start().await;
    let other = crate::stage::key('o');
    stage.ask_as(&other, "COMPLETED_FOUND").await;
    stage.ask("COMPLETED_FOUND").await;
    let received = stage.receiver.received(2).await;
    let mut sent = Vec::new();
    for key in [&other, PUBLIC_KEY] {
        let token = stage
            .client
            .as_key(key, "GET", "/v1/callback/authentication_tokens");
        let token = Answer::of(token).await.json()["callback_authentication_token"].take();
        sent.push(token.as_str().expect("a token").to_owned());
    }
    for (callback, token) in received.iter().zip(sent) {
        assert_eq!(callback.header("x-callback-token"), Some(token.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn with_standard_webhooks_410_ends_the_attempts_and_without_it_does_not() {
    let signed = Stage::with(|builder| builder.sign_callbacks(true)).await;
    signed.receiver.usually(Reaction::status(410));
    signed.ask("COMPLETED_FOUND").await;
    let ended = signed.ended().await;
    assert_eq!(
        (
            &ended[0]["state"],
            &ended[0]["reason"],
            &ended[0]["next_try"]
        ),
        (
            &json!("failed"),
            &json!("the receiver answered 410, which ends the attempts (Standard Webhooks)"),
            &Value::Null
        )
    );
    assert_eq!(attempts(&ended[0])[0]["error"], "status 410");
    // The endpoint is not disabled: the next callback is sent.
    signed.receiver.usually(Reaction::status(200));
    signed.ask("COMPLETED_FOUND").await;
    assert_eq!(signed.ended().await[1]["state"], "delivered");
    // Other answers of the kind 4xx do not end the attempts.
    signed.receiver.usually(Reaction::status(404));
    signed.ask("COMPLETED_FOUND").await;
    signed.receiver.received(3).await;
    signed.client.get("/health").await;
    signed.advance("10m").await;
    assert_eq!(attempts(&signed.ended().await[2]).len(), 7);

    let plain = Stage::start().await;
    plain.receiver.usually(Reaction::status(410));
    plain.ask("COMPLETED_FOUND").await;
    assert_eq!(plain.tried(1).await["state"], "retrying");
}
