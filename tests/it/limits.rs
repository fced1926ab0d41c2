//! Limits: how much a sandbox stores, what it drops first, and how it shows that.

use std::path::Path;
use std::time::{Duration, Instant};

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::time::advance;

use crate::client::Client;
use crate::raw::{Raw, RawAnswer, ask, request, request_as};
use crate::receiver::{StandingClock, refusing_url};

const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const GROWING: &str = "/v1/identity/growing";
const TOKEN_ROUTE: &str = "/v1/callback/authentication_tokens";

fn key(number: usize) -> String {
    format!("iluma_development_{number:040}")
}

/// Sends many requests over one connection, a hundred at a time, and passes on each answer.
async fn flood(
    sandbox: &Sandbox,
    count: usize,
    make: impl Fn(usize) -> Vec<u8>,
    mut take: impl FnMut(usize, RawAnswer),
) {
    const BATCH: usize = 100;
    let mut raw = Raw::connect(sandbox).await;
    for start in (0..count).step_by(BATCH) {
        let batch = start..(start + BATCH).min(count);
        raw.send(batch.clone().flat_map(&make).collect::<Vec<_>>())
            .await;
        for at in batch {
            take(at, raw.answer().await);
        }
    }
}

async fn readyz(sandbox: &Sandbox) -> Value {
    ask(sandbox, request("GET /__sandbox/readyz", &[], b""))
        .await
        .json()
}

async fn get(sandbox: &Sandbox, path: &str) -> RawAnswer {
    ask(sandbox, request(&format!("GET {path}"), &[], b"")).await
}

async fn token_of(sandbox: &Sandbox, key: &str) -> RawAnswer {
    ask(
        sandbox,
        request_as(key, &format!("GET {TOKEN_ROUTE}"), &[], b""),
    )
    .await
}

fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

fn id_of(answer: &RawAnswer) -> String {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// An endpoint whose records have 60 stages of 1 MiB.
fn write_growing_scenario(folder: &Path) {
    const STAGES: usize = 60;
    let mut scenario = format!(
        r#"
        name     = "Growing"
        path     = "{GROWING}"
        id       = "growing_{{hex24}}"
        source   = "decided"
        request  = {{ }}

        [reply.body]
        id   = "{{{{id}}}}"
        text = "{}"

        [outcomes.STAGE_0]
        default = true
        then    = {{ after = "1h", outcome = "STAGE_1" }}
    "#,
        "x".repeat((1 << 20) - 100)
    );
    let stages = (1..STAGES).map(|stage| match stage + 1 {
        STAGES => format!("[outcomes.STAGE_{stage}]\n"),
        next => format!(
            "[outcomes.STAGE_{stage}]\nthen = {{ after = \"1h\", outcome = \"STAGE_{next}\" }}\n"
        ),
    });
    scenario += &stages.collect::<Vec<_>>().concat();
    std::fs::write(folder.join("growing.toml"), scenario).expect("a file");
}

/// A sandbox that fills up fast, and the folder that it watches.
async fn start_growing() -> (Sandbox, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write_growing_scenario(folder.path());
    let builder = Sandbox::builder().scenarios(folder.path());
    (builder.start().await.expect("a sandbox"), folder)
}

/// Makes a record of about 60 MiB in the world of a key.
async fn grow(sandbox: &Sandbox, key: &str) -> RawAnswer {
    ask(
        sandbox,
        request_as(key, &format!("POST {GROWING}"), &[], b"{}"),
    )
    .await
}

/// The time of the fastest of three runs, because a busy machine seldom slows down all three.
async fn fastest(mut what: impl AsyncFnMut()) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        what().await;
        fastest = fastest.min(started.elapsed());
    }
    fastest
}

#[tokio::test]
async fn the_oldest_of_more_than_ten_thousand_records_leaves() {
    let client = Client::start().await;
    let mut ids = Vec::new();
    let make = |_| request(&format!("POST {BANK}"), &["x-magic-reply: PENDING"], b"");
    flood(&client.sandbox, 10_001, make, |_, answer| {
        ids.push(id_of(&answer));
    })
    .await;
    let ready = readyz(&client.sandbox).await;
    assert_eq!(ready["records"], json!({"held": 10_000, "dropped": 1}));
    assert_eq!(ready["journal"], json!({"held": 1000, "dropped": 9001}));

    let status = async |at: usize| {
        get(&client.sandbox, &format!("{BANK}/{}", ids[at]))
            .await
            .status()
    };
    assert_eq!(
        (status(0).await, status(1).await, status(10_000).await),
        (404, 200, 200)
    );
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(
        unique.len(),
        10_001,
        "every one of the equal requests has an id of its own"
    );
}

#[tokio::test]
async fn the_journal_keeps_the_latest_thousand() {
    let client = Client::start().await;
    let make = |at| request(&format!("GET {TOKEN_ROUTE}?{at}"), &[], b"");
    let mut traces = Vec::new();
    let take = |_, answer: RawAnswer| {
        traces.push(
            answer
                .header("x-sandbox-trace")
                .expect("a trace")
                .to_owned(),
        );
    };
    flood(&client.sandbox, 1003, make, take).await;
    assert_eq!(
        readyz(&client.sandbox).await["journal"],
        json!({"held": 1000, "dropped": 3})
    );

    let journal = client.sandbox.requests();
    let numbers: Vec<_> = journal.iter().map(|exchange| exchange.seq).collect();
    assert_eq!(numbers, (4..=1003).collect::<Vec<u64>>());
    assert!(
        journal[0]
            .head
            .starts_with("GET /v1/callback/authentication_tokens?3\n"),
        "{}",
        journal[0].head
    );
    assert!(
        traces[0].ends_with("-1") && traces[1002].ends_with("-1003"),
        "{traces:?}"
    );
}

#[tokio::test]
async fn the_journal_keeps_64_kib_of_a_body_and_the_hash_of_the_whole() {
    let client = Client::start().await;
    let text = "r".repeat(70_000);
    let sent =
        json!({"bank_account_number": "1234567890", "bank_code": "BCA", "reference_id": text})
            .to_string();
    let reply = ask(
        &client.sandbox,
        request(&format!("POST {BANK}"), &[], sent.as_bytes()),
    )
    .await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let journal = client.sandbox.requests();
    for (kept, whole) in [
        (&journal[0].request, sent.as_bytes()),
        (&journal[0].reply, &reply.body),
    ] {
        assert_eq!(kept.whole_bytes, whole.len());
        assert!(kept.bytes == whole[..65_536], "its first 64 KiB");
        assert_eq!(kept.sha256.as_deref(), Some(sha256(whole).as_str()));
    }
}

#[tokio::test]
async fn the_journal_keeps_a_body_of_64_kib_whole() {
    let client = Client::start().await;
    for (bytes, is_whole) in [(65_536, true), (65_537, false)] {
        let mut sent = b"{\"bank_code\": \"BCA\"}".to_vec();
        sent.resize(bytes, b' ');
        ask(
            &client.sandbox,
            request(&format!("POST {BANK}"), &[], &sent),
        )
        .await;
        let journal = client.sandbox.requests();
        let kept = &journal.last().expect("an exchange").request;
        assert_eq!(
            (kept.whole_bytes, kept.bytes.len(), kept.sha256.is_none()),
            (bytes, 65_536, is_whole)
        );
    }
}

#[tokio::test]
async fn the_journal_keeps_a_head_only_in_part() {
    let client = Client::start().await;
    let long = format!("x-long: {}", "v".repeat(50_000));
    let path = format!("GET {TOKEN_ROUTE}?{}", "q".repeat(10_000));
    let line = format!("GET {TOKEN_ROUTE}");
    for (line, headers) in [(&path, [&*long, "x-b: 1"]), (&line, ["x-a: 1", &long])] {
        let answer = ask(&client.sandbox, request(line, &headers, b"")).await;
        assert_eq!(answer.status(), 200);
    }
    let journal = client.sandbox.requests();
    let [of_line, of_header] = [0, 1].map(|at| &*journal[at].head);
    assert!(of_line.ends_with("qq…\n…"), "{of_line}");
    assert_eq!(of_line.len(), 8192 + "…\n…".len());
    assert_eq!(journal[1].header("x-a").as_deref(), Some("1"));
    assert!(of_header.contains("\nx-long: vvv"), "{of_header}");
    assert!(of_header.ends_with("vv…") || of_header.ends_with("vv…\n…"));
    assert!(of_header.len() <= 8192 + "…\n…".len());
}

/// Makes this many worlds, and uses them in the order of their keys.
async fn make_worlds(sandbox: &Sandbox, numbers: std::ops::Range<usize>) {
    let start = numbers.start;
    let make = |at| request_as(&key(start + at), &format!("GET {TOKEN_ROUTE}"), &[], b"");
    flood(sandbox, numbers.len(), make, |_, answer| {
        assert_eq!(answer.status(), 200);
    })
    .await;
}

async fn worlds_in(sandbox: &Sandbox) -> Value {
    readyz(sandbox).await["worlds"].take()
}

/// A sandbox whose receiver is gone, and whose callbacks are tried again an hour later.
async fn start_with_late_callbacks() -> Sandbox {
    let retries = "1h".parse().expect("retries");
    let url = refusing_url().parse().expect("a URL");
    let builder = Sandbox::builder().retries(&retries);
    let builder = builder.callback("NAME_VALIDATOR_REQUEST", url);
    builder.start().await.expect("a sandbox")
}

const DROPPED: &str =
    "the world of this key was dropped to make room for others, and has started anew";

#[tokio::test(start_paused = true)]
async fn a_world_too_many_takes_the_place_of_the_one_that_was_idle_longest() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let make = request_as(
        &key(0),
        &format!("POST {BANK}"),
        &["x-magic-reply: PENDING"],
        b"",
    );
    let record = id_of(&ask(&sandbox, make).await);
    advance(Duration::from_secs(1)).await;
    make_worlds(&sandbox, 1..10_000).await;
    assert_eq!(
        worlds_in(&sandbox).await,
        json!({"held": 10_000, "evicted": 0, "requests_refused": 0})
    );
    let new = token_of(&sandbox, &key(10_000)).await;
    assert_eq!((new.status(), new.header("x-sandbox-warning")), (200, None));
    assert_eq!(
        worlds_in(&sandbox).await,
        json!({"held": 10_000, "evicted": 1, "requests_refused": 0})
    );
    let coverage = request("GET /__sandbox/coverage", &[], b"");
    let coverage = ask(&sandbox, coverage).await.json();
    let endpoints = coverage["endpoints"].as_array().expect("a list");
    let bank = endpoints
        .iter()
        .find(|part| part["name"] == "v1.1/bank_account_data_requests");
    assert_eq!(
        bank.expect("the bank validator")["exercised"],
        json!([{"name": "PENDING", "count": 1}]),
        "what it had exercised stays"
    );

    let read = async || {
        let read = request_as(&key(0), &format!("GET {BANK}/{record}"), &[], b"");
        let answer = ask(&sandbox, read).await;
        let warning = answer.header("x-sandbox-warning").map(str::to_owned);
        (answer.status(), warning)
    };
    assert_eq!(read().await, (404, Some(DROPPED.to_owned())));
    assert_eq!(read().await, (404, None), "the key is told once");
}

#[tokio::test(start_paused = true)]
async fn the_control_api_tells_of_a_dropped_world_too_and_an_ended_one_was_not_dropped() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    make_worlds(&sandbox, 0..2).await;
    advance(Duration::from_secs(1)).await;
    make_worlds(&sandbox, 2..10_002).await;
    let control = async |line: &str, number| {
        let answer = ask(&sandbox, request_as(&key(number), line, &[], b"")).await;
        let warning = answer.header("x-sandbox-warning").map(str::to_owned);
        (answer.status(), warning)
    };
    let list = "GET /__sandbox/requests";
    assert_eq!(control(list, 0).await, (200, Some(DROPPED.to_owned())));
    assert_eq!(control(list, 0).await, (200, None));
    assert_eq!(control("DELETE /__sandbox/worlds", 1).await, (200, None));
    assert_eq!(control(list, 1).await, (200, None));
}

#[tokio::test(start_paused = true)]
async fn a_world_that_is_used_or_has_something_pending_is_never_dropped() {
    let _clock = StandingClock::hold();
    let sandbox = start_with_late_callbacks().await;
    let pending = &["x-magic-reply: PENDING"];
    let make = |number| request_as(&key(number), &format!("POST {BANK}"), pending, b"");
    let used = id_of(&ask(&sandbox, make(0)).await);
    let trigger = json!({"type": "NAME_VALIDATOR_REQUEST"}).to_string();
    let trigger = request_as(&key(1), "POST /__sandbox/trigger", &[], trigger.as_bytes());
    assert_eq!(
        ask(&sandbox, trigger).await.status(),
        202,
        "it will be tried again"
    );
    let mut waits = Raw::connect(&sandbox).await;
    let wait = "GET /__sandbox/requests?status=500&wait=60s";
    waits.send(request_as(&key(2), wait, &[], b"")).await;
    make_worlds(&sandbox, 3..10_000).await;
    advance(Duration::from_millis(500)).await;
    let read = request_as(&key(0), &format!("GET {BANK}/{used}"), &[], b"");
    assert_eq!(ask(&sandbox, read.clone()).await.status(), 200);
    make_worlds(&sandbox, 10_000..10_010).await;
    assert_eq!(
        worlds_in(&sandbox).await,
        json!({"held": 10_000, "evicted": 10, "requests_refused": 0})
    );
    assert_eq!(ask(&sandbox, read).await.status(), 200);

    drop(waits); // its client is gone, and so is the wait
    for _ in 0..3 {
        readyz(&sandbox).await;
    }
    advance(Duration::from_millis(10)).await;
    make_worlds(&sandbox, 10_010..10_011).await;
    for (number, warning) in [(1, None), (2, Some(DROPPED))] {
        let answer = token_of(&sandbox, &key(number)).await;
        assert_eq!(
            answer.header("x-sandbox-warning"),
            warning,
            "world {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_is_refused_only_while_every_world_has_something_pending() {
    let _clock = StandingClock::hold();
    let sandbox = start_with_late_callbacks().await;
    let trigger = json!({"type": "NAME_VALIDATOR_REQUEST"}).to_string();
    let make = |at| request_as(&key(at), "POST /__sandbox/trigger", &[], trigger.as_bytes());
    flood(&sandbox, 10_000, make, |_, answer| {
        assert_eq!(answer.status(), 202);
    })
    .await;
    let refused = token_of(&sandbox, &key(10_000)).await;
    assert_eq!(
        refused.error(),
        (
            503,
            "SERVICE_UNAVAILABLE_ERROR".to_owned(),
            "The sandbox holds 10000 worlds, and each has a request or a callback that is pending."
                .to_owned()
        )
    );
    assert_eq!(refused.header("x-sandbox-error"), Some("sandbox full"));
    let reset = request_as(&key(5), "POST /__sandbox/reset", &[], b"");
    assert_eq!(ask(&sandbox, reset).await.status(), 200);
    advance(Duration::from_millis(10)).await;
    assert_eq!(token_of(&sandbox, &key(10_000)).await.status(), 200);
    assert_eq!(
        token_of(&sandbox, &key(5)).await.status(),
        200,
        "the new world is the only one with nothing pending"
    );
    assert_eq!(
        worlds_in(&sandbox).await,
        json!({"held": 10_000, "evicted": 2, "requests_refused": 1})
    );
}

#[tokio::test]
async fn a_world_that_holds_64_mib_lets_its_oldest_go() {
    let (sandbox, _folder) = start_growing().await;
    let first = id_of(&grow(&sandbox, PUBLIC_KEY).await);
    let second = id_of(&grow(&sandbox, PUBLIC_KEY).await);
    let ready = readyz(&sandbox).await;
    assert_eq!(ready["records"], json!({"held": 1, "dropped": 1}));
    let held = ready["bytes_held"].as_u64().expect("a number");
    assert!((60_000_000..=64 << 20).contains(&held), "{held}");
    assert_eq!(
        get(&sandbox, &format!("{GROWING}/{first}")).await.status(),
        404
    );
    assert_eq!(
        get(&sandbox, &format!("{GROWING}/{second}")).await.status(),
        200
    );
}

#[tokio::test]
async fn a_world_full_of_records_still_has_a_journal() {
    let (sandbox, _folder) = start_growing().await;
    for _ in 0..2 {
        assert_eq!(grow(&sandbox, PUBLIC_KEY).await.status(), 200);
    }
    let seqs: Vec<_> = sandbox
        .requests()
        .iter()
        .map(|exchange| exchange.seq)
        .collect();
    assert!(
        seqs.contains(&2),
        "the exchange that x-sandbox-trace has just named is in the journal: {seqs:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_most_makes_room_for_the_others() {
    let (sandbox, _folder) = start_growing().await;
    let light = request_as(
        &key(9),
        &format!("POST {BANK}"),
        &["x-magic-reply: PENDING"],
        b"",
    );
    let light = id_of(&ask(&sandbox, light).await);
    let mut heavy = Vec::new();
    for number in 0..5 {
        heavy.push(id_of(&grow(&sandbox, &key(number)).await));
    }
    assert!(held_bytes(&sandbox).await > 256 << 20);

    let read = async |number, path: String| {
        let request = request_as(&key(number), &format!("GET {path}"), &[], b"");
        ask(&sandbox, request).await.status()
    };
    assert_eq!(read(9, format!("{BANK}/{light}")).await, 200);
    assert_eq!(token_of(&sandbox, &key(10)).await.status(), 200);
    let mut left = Vec::new();
    for (number, id) in heavy.iter().enumerate() {
        left.push(read(number, format!("{GROWING}/{id}")).await);
    }
    left.sort_unstable();
    assert_eq!(left, [200, 200, 200, 200, 404], "one of the five let go");
    let ready = readyz(&sandbox).await;
    assert_eq!(
        ready["worlds"],
        json!({"held": 7, "evicted": 0, "requests_refused": 0})
    );
    assert!(held_bytes(&sandbox).await <= 256 << 20, "{ready}");
}

#[tokio::test(start_paused = true)]
async fn room_is_made_first_by_a_world_that_has_been_idle_for_ten_minutes() {
    let (sandbox, _folder) = start_growing().await;
    for number in 0..5 {
        assert_eq!(grow(&sandbox, &key(number)).await.status(), 200);
    }
    advance(Duration::from_secs(601)).await;
    assert_eq!(token_of(&sandbox, &key(5)).await.status(), 200);
    let ready = readyz(&sandbox).await;
    assert_eq!(
        ready["worlds"],
        json!({"held": 5, "evicted": 1, "requests_refused": 0})
    );
    assert_eq!(ready["records"]["dropped"], 0, "{ready}");
    assert!(held_bytes(&sandbox).await <= 256 << 20, "{ready}");
}

async fn held_bytes(sandbox: &Sandbox) -> u64 {
    let ready = readyz(sandbox).await;
    ready["bytes_held"].as_u64().expect("a number")
}

#[tokio::test]
async fn of_very_many_mistakes_the_first_hundred_are_listed() {
    let client = Client::start().await;
    let body = json!({
        "user_id": "u1", "given_names": "Sri", "nationality": "ID", "scopes": ["PEP"],
        "addresses": vec![1; 20_000],
    });
    let answer = client.post(INDIVIDUALS, &body).await;
    let json = answer.json();
    assert_eq!(
        (answer.status, &json["error_code"], &json["message"]),
        (
            400,
            &json!("API_VALIDATION_ERROR"),
            &json!(
                "There was an error with the format submitted to the server. Only the first mistakes are listed."
            )
        )
    );
    assert_eq!(
        json["errors"][0],
        json!({"path": "addresses[0]", "message": "must be an object"})
    );
    assert_eq!(json["errors"].as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn an_unknown_magic_value_is_repeated_only_in_part() {
    let client = Client::start().await;
    let header = format!("x-magic-reply: {}", "X".repeat(60_000));
    let line = format!("POST {INDIVIDUALS}");
    let answer = ask(&client.sandbox, request(&line, &[&header], b"")).await;
    let (status, _, message) = answer.error();
    let shown = "X".repeat(100);
    let start = format!("`{shown}` is no x-magic-reply of this endpoint. It knows ");
    assert_eq!(status, 400);
    assert!(message.starts_with(&start), "{message}");
}

#[tokio::test]
async fn a_very_long_name_is_compared_in_no_time() {
    let client = Client::start().await;
    for name in ["n".repeat(5000), "salim ".repeat(1000), "㍿".repeat(1000)] {
        let body = json!({
            "user_id": "u1", "given_names": name, "nationality": "ID",
            "scopes": ["PEP", "SANCTION", "OTHER"],
        });
        let took =
            fastest(async || assert_eq!(client.post(INDIVIDUALS, &body).await.status, 200)).await;
        assert!(
            took < Duration::from_secs(3),
            "{took:?} for {} bytes",
            name.len()
        );
    }
}

#[tokio::test]
async fn a_very_long_path_is_looked_up_in_no_time() {
    let client = Client::start().await;
    let path = format!("/{}", "p".repeat(60_000));
    let took = fastest(async || {
        let (status, code, message) = get(&client.sandbox, &path).await.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"));
        assert!(message.len() < 500, "{message}");
    })
    .await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}
