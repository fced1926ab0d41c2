//! Saving and restoring a world.

use iluma_sandbox::{Clock, Sandbox, Stamp};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::scenarios::start;
use crate::stage::{BANK, Stage, key};

const MINE: &str = r#"extends = "v1.1/bank_account_data_requests"

[outcomes.BUSY_ONCE]
sequence = ["SERVER_ERROR", "COMPLETED_FOUND", "COMPLETED_NOT_FOUND"]
when = { "input.bank_account_number" = "999000" }

[outcomes.LIMITED]
when = { "input.bank_account_number" = "888000" }
rate_limit = { limit = 3, window = "1h" }
body.result = { is_found = true }

[outcomes.SLOW]
callback = false
body = { status = "PENDING" }
then = { after = "1h", outcome = "COMPLETED_FOUND" }

[outcomes.THIRD]
when = { nth = 3 }
body.result = { is_found = true }
"#;

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

async fn snapshot(client: &Client) -> String {
    let answer = client.get("/__sandbox/snapshot").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

async fn put(client: &Client, snapshot: String) -> Answer {
    let request = client.request("PUT", "/__sandbox/snapshot");
    Answer::of(request.body(snapshot)).await
}

async fn restore(client: &Client, snapshot: String) {
    let answer = put(client, snapshot).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["exact"], true);
}

/// The parts of an answer that a client sees, without those that depend on the speed of the test.
fn seen(answer: &Answer) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "ratelimit-reset")
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    headers.sort();
    format!("{} {headers:?} {}", answer.status, answer.text)
}

/// Sends requests that depend on earlier ones, and returns all answers.
async fn play(client: &Client, pending: &str) -> Vec<String> {
    let mut all = Vec::new();
    for number in [
        "7000000001",
        "999000",
        "888000",
        "7000000001",
        "888000",
        "999000",
    ] {
        all.push(seen(&client.post(BANK, &account(number)).await));
    }
    all.push(seen(
        &client
            .magic(BANK, "COMPLETED_FOUND; delay=uniform(1ms, 3ms)")
            .await,
    ));
    all.push(seen(&client.get(&format!("{BANK}/{pending}")).await));
    let advance = json!({"by": "49m"});
    client.post("/__sandbox/clock/advance", &advance).await;
    for path in ["clock", "next", "faults"] {
        let mut told = client.get(&format!("/__sandbox/{path}")).await.json();
        if path == "faults" {
            told["left_ms"] = json!(told["left_ms"].as_u64().expect("a number") / 60_000);
        }
        all.push(told.to_string());
    }
    all.push(seen(&client.get(&format!("{BANK}/{pending}")).await));
    client
        .post("/__sandbox/clock/advance", &json!({"by": "2m"}))
        .await;
    all.push(seen(&client.get(&format!("{BANK}/{pending}")).await));
    all.push(seen(&client.get("/v1/callback/urls").await));
    all
}

#[tokio::test]
async fn after_a_restore_the_same_requests_get_the_same_bytes() {
    let (client, _folder) = start(&[("mine.toml", MINE)]).await;
    let url = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let register = json!({"type": "NAME_VALIDATOR_REQUEST", "url": url});
    assert_eq!(
        client.post("/v1/callback/urls", &register).await.status,
        200
    );
    client.post(BANK, &account("7000000001")).await;
    client.post(BANK, &account("999000")).await;
    client.post(BANK, &account("888000")).await;
    let advance = json!({"by": "10m"});
    client.post("/__sandbox/clock/advance", &advance).await;
    let pending = client.magic(BANK, "SLOW").await;
    assert_eq!(pending.json()["status"], "PENDING");
    let pending = pending.json()["id"].as_str().expect("an id").to_owned();
    client.post("/__sandbox/clock/advance", &advance).await;
    let queue = json!({"endpoint": BANK, "outcome": "SERVICE_UNAVAILABLE_ERROR", "times": 2});
    assert_eq!(client.post("/__sandbox/next", &queue).await.status, 200);
    let faults = json!({"ttl": "2h", "faults": [
        {"endpoint": "v1.1/bank_account_data_requests", "fault": "malformed", "probability": 0.5},
        {"delay": {"uniform": ["1ms", "2ms"]}, "rate_limit": {"limit": 100, "window": "1h"}},
    ]});
    let set = Answer::of(client.request("PUT", "/__sandbox/faults").json(&faults)).await;
    assert_eq!(set.status, 200, "{}", set.text);

    let saved = snapshot(&client).await;
    let first = play(&client, &pending).await;
    let is_pending = |at: usize| first[at].contains("\"PENDING\"");
    assert!(
        is_pending(7) && is_pending(11) && !is_pending(12),
        "{first:#?}"
    );
    restore(&client, saved.clone()).await;
    assert_eq!(play(&client, &pending).await, first);

    restore(&client, saved.clone()).await;
    let again = snapshot(&client).await;
    let parts = |text: &str| {
        let mut value: Value = serde_json::from_str(text).expect("JSON");
        value["left_out"] = Value::Null;
        value
    };
    let (mut saved, mut again) = (parts(&saved), parts(&again));
    for snapshot in [&mut saved, &mut again] {
        without_real_time(snapshot);
    }
    assert_eq!(again, saved, "a snapshot of what was restored is the same");
}

/// Real time passes between two snapshots.
fn without_real_time(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.shift_remove("real_ms");
            map.values_mut().for_each(without_real_time);
        }
        Value::Array(items) => items.iter_mut().for_each(without_real_time),
        _ => {}
    }
}

#[tokio::test]
async fn another_sandbox_goes_on_from_a_snapshot_as_the_first_would_have() {
    let first = Client::start().await;
    first.post(BANK, &account("7000000001")).await;
    let saved = snapshot(&first).await;
    let second = Client::start().await;
    restore(&second, saved).await;
    for client in [&first, &second] {
        client
            .post("/__sandbox/clock/advance", &json!({"by": "1h"}))
            .await;
    }
    let (one, other) = (
        first.post(BANK, &account("7000000001")).await,
        second.post(BANK, &account("7000000001")).await,
    );
    assert_eq!(seen(&one), seen(&other));
    let id = one.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(other.json()["id"], id);
}

#[tokio::test(start_paused = true)]
async fn a_restore_cancels_what_is_pending_and_empties_the_journal() {
    let stage = Stage::start().await;
    stage.ask("COMPLETED_FOUND").await;
    stage.ended().await;
    let saved = snapshot(&stage.client).await;
    let document: Value = serde_json::from_str(&saved).expect("JSON");
    assert_eq!(
        document["left_out"],
        json!({"pending_callbacks": 0, "requests": 1, "deliveries": 1})
    );
    let later = stage.ask("PENDING_THEN_COMPLETED_FOUND").await.json();
    let answer = put(&stage.client, saved).await;
    assert_eq!(answer.json()["cancelled_callbacks"], 1, "{}", answer.text);
    assert_eq!(stage.log().await, Vec::<Value>::new());
    let requests = stage.control("requests").await;
    assert_eq!(
        (
            &requests["matched"],
            &requests["last_seq"],
            &requests["reaches_into_dropped"]
        ),
        (&json!(0), &json!(1), &json!(false))
    );
    let id = later["id"].as_str().expect("an id");
    let gone = stage.client.get(&format!("{BANK}/{id}")).await;
    assert_eq!(gone.status, 404);
    // Numbers continue as they would have.
    let trace = gone.header("x-sandbox-trace").expect("a trace").to_owned();
    assert!(trace.ends_with("-2"), "{trace}");
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(stage.ended().await[0]["id"], "dlv_2");
}

#[tokio::test]
async fn a_world_of_another_key_gets_the_records_and_is_told_what_it_does_not_get() {
    let client = Client::start().await;
    let made = client.post(BANK, &account("7000000001")).await.json();
    let saved = snapshot(&client).await;
    let other = key('b');
    let request = client.as_key(&other, "PUT", "/__sandbox/snapshot");
    let answer = Answer::of(request.body(saved)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(
        (&body["records"], &body["exact"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        body["notes"],
        json!([
            "the snapshot is of another key's world: its records are here, but ids and turns to come are this key's own, so counters and rate limits were left out"
        ])
    );
    let path = format!("{BANK}/{}", made["id"].as_str().expect("an id"));
    let read = Answer::of(client.as_key(&other, "GET", &path)).await;
    assert_eq!(read.json(), made);
    let taken = Answer::of(client.as_key(&other, "GET", "/__sandbox/snapshot")).await;
    assert_eq!(taken.json()["counters"], json!([]));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
async fn a_snapshot_that_is_broken_or_foreign_changes_nothing() {
    const BROKEN: &str = "the snapshot cannot be restored, and nothing was changed: ";
    let client = Client::start().await;
    client.post(BANK, &account("7000000001")).await;
    let queue = json!({"endpoint": BANK, "outcome": "SERVER_ERROR"});
    client.post("/__sandbox/next", &queue).await;
    let saved: Value = serde_json::from_str(&snapshot(&client).await).expect("JSON");
    let changed = |path: &str, value: Value| {
        let mut changed = saved.clone();
        *changed
            .pointer_mut(path)
            .unwrap_or_else(|| panic!("{path} in {saved}")) = value;
        changed.to_string()
    };
    for (document, status, message) in [
        (
            "no JSON".to_owned(),
            400,
            "it is no snapshot: expected ident at line 1 column 2. Keys and texts need double quotes. A Windows shell removes them: write the JSON into a file and send it with `-d @FILE`",
        ),
        (
            "{}".to_owned(),
            400,
            "it is no snapshot: `\"snapshot\": 1` is missing",
        ),
        (String::new(), 400, "there is no body"),
        (
            changed("/snapshot", json!(2)),
            400,
            "it is of version 2, and this sandbox reads version 1",
        ),
        (
            changed("/seed", json!(7)),
            409,
            "it was taken with the seed 7, and this sandbox has 0: ids would not go on as they did, so start it with `--seed 7`",
        ),
        (
            changed("/clock/frozen_at", json!("2027-01-01T00:00:00.000Z")),
            409,
            "it was taken with the clock `2027-01-01T00:00:00.000Z`, and this sandbox has `2026-01-01T00:00:00.000Z`: start it with `--clock 2027-01-01T00:00:00.000Z`",
        ),
        (
            changed("/clock/frozen_at", Value::Null),
            409,
            "it was taken with the clock `system`, and this sandbox has `2026-01-01T00:00:00.000Z`: start it with `--clock system`",
        ),
        (
            changed("/records/0/endpoint", json!("v9/mine")),
            400,
            "`records[0]`: the endpoint `v9/mine` is not among the scenarios of this sandbox",
        ),
        (
            changed("/records/0/outcome", json!("a\nb")),
            400,
            "`records[0]`: `outcome`: `ab` is none",
        ),
        (
            changed("/counters/0/0", json!("xyz")),
            400,
            "`counters`: `xyz` is no hash of 16 hex digits",
        ),
        (
            changed("/counters", json!([["a", 1, 0], ["a", 1, 0]])),
            400,
            "`counters`: `000000000000000a` is there twice",
        ),
        (
            changed("/next/0/times", json!(0)),
            400,
            "`next[0]`: `times`: between 1 and 1000000",
        ),
        (
            changed(
                "/faults",
                json!({"since": {"real_ms": 0, "advanced_ms": 0}, "ttl": "25h", "faults": []}),
            ),
            400,
            "`ttl`: `25h` is longer than 24 hours",
        ),
        (
            changed(
                "/callback_urls",
                json!([{"type": "NOTHING", "url": "http://127.0.0.1:1/", "created": "", "updated": ""}]),
            ),
            400,
            "`callback_urls[0]`: no endpoint sends callbacks of the type `NOTHING`: known are `ENTITY_CFT_PEP`, `ID_CARD_VERIFICATION`, `INDIVIDUAL_CFT_PEP`, `NPWP_DATA_REQUEST`, \
             `NAME_VALIDATOR_REQUEST`, `BANK_NAME_VALIDATOR_DETAILS` and `FACE_COMPARISON`",
        ),
    ] {
        let answer = put(&client, document).await;
        let said = answer.message();
        assert_eq!(
            (answer.status, said.strip_prefix(BROKEN)),
            (status, Some(message)),
            "{said}"
        );
    }
    let document = saved.to_string().replace("\"seed\"", "\"sead\"");
    let answer = put(&client, document).await;
    assert!(
        answer
            .message()
            .contains("unknown field `sead`, expected one of"),
        "{}",
        answer.message()
    );
    let mut after: Value = serde_json::from_str(&snapshot(&client).await).expect("JSON");
    let mut before = saved.clone();
    for snapshot in [&mut before, &mut after] {
        without_real_time(snapshot);
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_snapshot_may_be_large_and_nothing_else_may() {
    let client = Client::start().await;
    let name = "x".repeat(900);
    for at in 0..1500 {
        let body = json!({"bank_account_number": format!("7{at:09}"), "bank_code": "BCA", "given_name": name});
        client.post(BANK, &body).await;
    }
    let saved = snapshot(&client).await;
    let records = serde_json::from_str::<Value>(&saved).expect("JSON")["records"].clone();
    assert_eq!(records.as_array().map(Vec::len), Some(1500));
    let padded = saved + &" ".repeat(3 << 20);
    restore(&client, padded.clone()).await;
    let request = client.request("PUT", "/__sandbox/faults");
    assert_eq!(Answer::of(request.body(padded)).await.status, 413);
    let huge = put(&client, " ".repeat((64 << 20) + 1)).await;
    assert_eq!(huge.status, 413);
    assert_eq!(huge.message(), "The body is larger than 65536 KiB.");
}

#[tokio::test]
async fn a_sandbox_that_follows_the_machines_time_restores_as_well() {
    let builder = || Sandbox::builder().clock(Clock::System);
    let client = Client::of(builder()).await;
    let made = client.post(BANK, &account("7000000001")).await.json();
    let saved = snapshot(&client).await;
    let other = Client::of(builder()).await;
    restore(&other, saved).await;
    let path = format!("{BANK}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(other.get(&path).await.json(), made);
}

/// Ask, advance, take a snapshot and restore it, in a sandbox whose clock stands at an end of the calendar.
async fn at_the_end(clock: &str) -> Client {
    let builder = || Sandbox::builder().clock(clock.parse().expect("a clock"));
    let client = Client::of(builder()).await;
    let shown = client.get("/__sandbox/clock").await.json()["now"].clone();
    let now = shown.as_str().expect("an instant");
    let read: Clock = now.parse().expect("what it shows can be given to --clock");
    assert_eq!(read.now().to_string(), now);
    let set = client.request("POST", "/__sandbox/clock");
    let answer = Answer::of(set.json(&json!({"now": now}))).await;
    assert_eq!((answer.status, &answer.json()["now"]), (200, &shown));
    let made = client.magic(BANK, "COMPLETED_FOUND").await;
    client.magic(BANK, "PENDING").await;
    for name in ["created", "updated"] {
        let stamp = made.json()[name].as_str().expect("a stamp").to_owned();
        stamp.parse::<Stamp>().expect(&stamp);
        assert_eq!(stamp.len(), 24, "{stamp}");
    }
    let taken = snapshot(&client).await;
    restore(&client, taken.clone()).await;
    restore(&Client::of(builder()).await, taken).await;
    client
}

#[tokio::test]
async fn at_both_ends_of_the_calendar_the_sandbox_reads_what_it_writes() {
    for clock in [
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000999Z",
        "9999-12-30T22:00:00.999Z",
        "9999-12-30T22:00:01Z",
        "9999-12-31T23:59:59.1Z",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T12:59:59.999-11:00",
    ] {
        at_the_end(clock).await;
    }
    for clock in [
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00+00:01",
        "0000-01-01T00:00:00Z",
        "-000001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "+010000-01-01T00:00:00Z",
        "9999-12-31",
        "9999-12-31T23:59:59",
        "9999-12-32T00:00:00Z",
    ] {
        let error = clock.parse::<Clock>().expect_err(clock);
        assert!(
            error.starts_with(&format!("`{clock}` is neither")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_frozen_clock_is_not_advanced_past_the_year_9999() {
    let client = at_the_end("9999-12-31T23:59:00Z").await;
    let advance = async |by: &str| {
        client
            .post("/__sandbox/clock/advance", &json!({"by": by}))
            .await
    };
    let answer = advance("1m").await;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (
            400,
            "`by`: the clock shows 9999-12-31T23:59:00.000Z, and the latest instant is 9999-12-31T23:59:59.999Z"
        )
    );
    assert_eq!(
        advance("59999ms").await.json()["now"],
        "9999-12-31T23:59:59.999Z"
    );
    assert_eq!(advance("1ms").await.status, 400);
    assert_eq!(advance("0s").await.status, 200);
    let answer = client.magic(BANK, "COMPLETED_FOUND").await.json();
    assert_eq!(answer["created"], "9999-12-31T23:59:59.999Z");
    let taken = snapshot(&client).await;
    restore(&client, taken).await;
}
