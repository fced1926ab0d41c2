//! Faults and delays of one answer, set by a header or by a scenario file.
//!
//! The clock is paused: waiting costs no time, and is measured to the millisecond.

use std::io::ErrorKind;
use std::time::Duration;

use iluma_sandbox::Sandbox;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::client::{Answer, Client};
use crate::process::{run, write};
use crate::raw::{Raw, RawAnswer, request};
use crate::stage::{BANK, Stage, TYPE, each};

const ACCOUNT: &str = r#"{"bank_account_number": "1234567890", "bank_code": "BCA"}"#;

/// Sends a request to the bank validator over a bare socket.
async fn asking(sandbox: &Sandbox, magic: &str) -> Raw {
    let mut raw = Raw::connect(sandbox).await;
    raw.send(post(magic)).await;
    raw
}

fn post(magic: &str) -> Vec<u8> {
    let magic = format!("x-magic-reply: {magic}");
    let headers = [magic.as_str(), "content-type: application/json"];
    request(&format!("POST {BANK}"), &headers, ACCOUNT.as_bytes())
}

/// A sandbox with a folder of one file that extends the bank validator.
async fn with_outcomes(outcomes: &str) -> (Client, tempfile::TempDir) {
    with_file(&format!(
        "extends = \"v1.1/bank_account_data_requests\"\n{outcomes}"
    ))
    .await
}

async fn with_file(text: &str) -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", text);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    (client, folder)
}

fn close_to(measured: Duration, expected: Duration) -> bool {
    (expected..expected + Duration::from_millis(20)).contains(&measured)
}

// --- On the wire

#[tokio::test(start_paused = true)]
async fn a_reset_is_a_rst_and_an_empty_answer_a_fin_both_without_a_byte() {
    let sandbox = Sandbox::start().await.expect("it starts");
    for (fault, end) in [
        ("fault=reset", Err(ErrorKind::ConnectionReset)),
        ("fault=empty", Ok(())),
    ] {
        let ending = asking(&sandbox, fault).await.ending().await;
        assert_eq!(ending, (vec![], end), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_a_reset_on_the_same_connection_arrives_whole() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let mut raw = asking(&sandbox, "COMPLETED_FOUND").await;
    assert_eq!(raw.answer().await.status(), 200);
    raw.send(post("fault=reset")).await;
    let ending = raw.ending().await;
    assert_eq!(ending, (vec![], Err(ErrorKind::ConnectionReset)));
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_announces_its_whole_length_sends_half_and_is_closed() {
    let client = Client::start().await;
    let mut raw = asking(&client.sandbox, "COMPLETED_FOUND; fault=truncate").await;
    let (bytes, end) = raw.ending().await;
    let answer = RawAnswer::of(&bytes);
    let length = answer.header("content-length").expect("a length");
    let length: usize = length.parse().expect("a number");
    assert_eq!(
        (answer.status(), answer.header("x-sandbox-fault"), end),
        (200, Some("truncate"), Ok(()))
    );
    assert_eq!(answer.body.len(), length / 2);

    // The request was still processed, and the journal has the fault.
    let journal = client.sandbox.requests();
    assert_eq!(journal[0].fault.as_deref(), Some("truncate"));
    let whole = &journal[0].reply.bytes;
    assert_eq!(whole.len(), length);
    assert!(whole.starts_with(&answer.body));
    let record: Value = serde_json::from_slice(whole).expect("JSON");
    let id = record["id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("{BANK}/{id}")).await.json(), record);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_larger_than_a_socket_takes_at_once_is_cut_at_its_half() {
    const TEXT_BYTES: usize = 3 << 20;
    // Half of the body does not fit into the buffers: it is cut when it has been written.
    let text = "x".repeat(TEXT_BYTES);
    let file = format!(
        "path = \"/v9/large\"\n[outcomes.LARGE]\ndefault = true\nbody = {{ text = \"{text}\" }}\n"
    );
    let (client, _folder) = with_file(&file).await;
    let mut raw = Raw::connect(&client.sandbox).await;
    let headers = ["x-magic-reply: LARGE; fault=truncate"];
    raw.send(request("POST /v9/large", &headers, b"")).await;
    let (bytes, end) = raw.ending().await;
    let body_bytes = RawAnswer::of(&bytes).body.len();
    let whole_bytes = TEXT_BYTES + r#"{"text":""}"#.len();
    assert_eq!((body_bytes, end), (whole_bytes / 2, Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_has_its_type_and_length_and_is_no_json() {
    let client = Client::start().await;
    let answer = client.magic(BANK, "COMPLETED_FOUND; fault=malformed").await;
    assert_eq!(
        (
            answer.status,
            answer.header("content-type"),
            answer.header("x-sandbox-fault")
        ),
        (
            200,
            Some("application/json; charset=utf-8"),
            Some("malformed")
        )
    );
    let length = answer.text.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    serde_json::from_str::<Value>(&answer.text).expect_err("it is no JSON");
}

#[tokio::test(start_paused = true)]
async fn garbage_is_no_http_and_then_the_connection_is_closed() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let (bytes, end) = asking(&sandbox, "fault=garbage").await.ending().await;
    assert_eq!(
        (bytes.as_slice(), end),
        (
            &b"\x00\xfe\x89 garbage: these bytes are no HTTP, on purpose \xff\x00\r\n\r\n"[..],
            Ok(())
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_whole_at_the_rate_that_was_asked_for() {
    let sandbox = Sandbox::start().await.expect("it starts");
    // The slowest takes longer than an idle connection is kept.
    for (rate, bytes_a_second) in [("1kb/s", 1000), ("50b/s", 50), ("1b/s", 1)] {
        let magic = format!("COMPLETED_FOUND; fault=slow({rate})");
        let mut raw = asking(&sandbox, &magic).await;
        let head = raw.head().await;
        let started = Instant::now();
        let length = RawAnswer::of(head.as_bytes());
        let length = length.header("content-length").expect("a length");
        let length: u64 = length.parse().expect("a number");
        let body = raw.exactly(length).await;
        serde_json::from_slice::<Value>(&body).expect("it is whole");
        let expected = length * 1000 / bytes_a_second;
        let measured = u64::try_from(started.elapsed().as_millis()).expect("short");
        assert!(
            (expected..expected + 150).contains(&measured),
            "{rate}: {measured} ms for {length} bytes"
        );
        raw.send(post("COMPLETED_FOUND")).await;
        assert_eq!(raw.answer().await.status(), 200, "the connection goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_cut_after_ten_minutes() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let line = "POST /v0/identity/individual_cft_peps";
    let person = json!({
        "given_names": "Eko Hadi Salim",
        "user_id": "u".repeat(100),
        "nationality": "ID",
        "score_threshold": 90,
        "scopes": ["PEP"],
    });
    let mut raw = Raw::connect(&sandbox).await;
    let headers = ["x-magic-reply: COMPLETED_FOUND; fault=slow(1b/s)"];
    raw.send(request(line, &headers, person.to_string().as_bytes()))
        .await;
    let head = raw.head().await;
    let started = Instant::now();
    let (body, end) = raw.ending().await;
    assert_eq!((body.len(), end), (599, Ok(())), "{head}");
    assert_eq!(started.elapsed().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_is_closed_after_ten_minutes_and_forgotten_when_its_client_leaves() {
    let stage = Stage::start().await;
    let sandbox = &stage.client.sandbox;
    let raw = asking(sandbox, "COMPLETED_FOUND; fault=hang").await;
    // The server has done its work, so the callback is sent at once, even without an answer.
    let started = Instant::now();
    assert_eq!(stage.receiver.only().await.at, started);
    drop(raw);
    drop(stage.still);
    let started = Instant::now();
    let ending = asking(sandbox, "fault=hang").await.ending().await;
    assert_eq!(ending, (vec![], Ok(())));
    assert!(
        close_to(started.elapsed(), Duration::from_mins(10)),
        "{:?}",
        started.elapsed()
    );
    let faults: Vec<_> = sandbox.requests();
    assert_eq!(faults[0].fault.as_deref(), Some("hang"));
}

#[tokio::test(start_paused = true)]
async fn a_status_answers_the_shared_error_of_that_status_else_that_of_the_server() {
    let client = Client::start().await;
    for (magic, status, code) in [
        (
            "COMPLETED_FOUND; fault=503",
            503,
            "SERVICE_UNAVAILABLE_ERROR",
        ),
        ("COMPLETED_FOUND; fault=status(404)", 404, "DATA_NOT_FOUND"),
        ("COMPLETED_FOUND; fault=status(502)", 502, "SERVER_ERROR"),
        ("COMPLETED_FOUND; fault=status(418)", 418, "SERVER_ERROR"),
    ] {
        let answer = client.magic(BANK, magic).await;
        assert_eq!(
            (answer.status, &answer.json()["error_code"]),
            (status, &json!(code)),
            "{magic}"
        );
        assert_eq!(
            answer.header("x-sandbox-outcome"),
            Some("v1.1/bank_account_data_requests/COMPLETED_FOUND"),
            "what was done stays done"
        );
        let shown = format!("status({status})");
        assert_eq!(answer.header("x-sandbox-fault"), Some(shown.as_str()));
    }
    let limited = client.magic(BANK, "COMPLETED_FOUND; fault=429").await;
    assert_eq!(limited.header("retry-after"), Some("1"));
}

// --- Delays

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_comes_so_much_later_and_is_in_the_journal_before() {
    let client = Client::start().await;
    let sandbox = &client.sandbox;
    let started = Instant::now();
    let mut raw = asking(sandbox, "COMPLETED_FOUND; delay=3s").await;
    sleep(Duration::from_millis(2990)).await;
    let journal = sandbox.requests();
    assert_eq!(
        (journal.len(), journal[0].delay, journal[0].fault.as_deref()),
        (1, Duration::from_secs(3), None)
    );
    assert!(journal[0].duration < Duration::from_secs(1));
    let answer = raw.answer().await;
    assert!(
        close_to(started.elapsed(), Duration::from_secs(3)),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        (answer.status(), answer.header("x-sandbox-delay")),
        (200, Some("3s"))
    );

    let started = Instant::now();
    let mut raw = asking(sandbox, "delay=1500ms; fault=reset").await;
    let (_, end) = raw.ending().await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    let late = started.elapsed();
    assert!(close_to(late, Duration::from_millis(1500)), "{late:?}");
}

/// The values of `x-sandbox-delay` of this many requests, in milliseconds.
async fn delays(client: &Client, magic: &str, times: usize) -> Vec<u64> {
    let mut delays = Vec::new();
    for _ in 0..times {
        let answer = client.magic(BANK, magic).await;
        let shown = answer.header("x-sandbox-delay").unwrap_or("0ms");
        let ms = match shown.strip_suffix("ms") {
            Some(ms) => ms.parse(),
            None => shown.replace('s', "000").parse(),
        };
        delays.push(ms.expect("milliseconds"));
    }
    delays
}

#[tokio::test(start_paused = true)]
async fn drawn_delays_differ_and_are_the_same_on_every_start() {
    let outcomes = "[outcomes.UNIFORM]\ndelay = { uniform = [\"1s\", \"3s\"] }\n\
        [outcomes.LOGNORMAL]\ndelay = { lognormal = { median = \"300ms\", sigma = 0.5 } }\n";
    let (one, _folder) = with_outcomes(outcomes).await;
    let (other, _other) = with_outcomes(outcomes).await;
    for magic in [
        "UNIFORM",
        "LOGNORMAL",
        "COMPLETED_FOUND; delay=uniform(1s, 3s)",
        "COMPLETED_FOUND; delay=lognormal(300ms, 0.5)",
    ] {
        let mut drawn = delays(&one, magic, 50).await;
        assert_eq!(drawn, delays(&other, magic, 50).await, "{magic}");
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() > 40, "{magic}: {drawn:?}");
        let around = if magic.to_lowercase().contains("uniform") {
            1000..=3000
        } else {
            50..=1500
        };
        assert!(
            drawn.iter().all(|ms| around.contains(ms)),
            "{magic}: {drawn:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_does_not_overtake_the_late_answer_that_it_belongs_to() {
    let stage = Stage::start().await;
    drop(stage.still);
    let (client, receiver) = (&stage.client, &stage.receiver);
    for (nth, magic) in ["delay=20s", "fault=slow(10b/s)", "delay=5s; fault=truncate"]
        .into_iter()
        .enumerate()
    {
        let mut raw = asking(&client.sandbox, &format!("COMPLETED_FOUND; {magic}")).await;
        let answered = async {
            let length = RawAnswer::of(raw.head().await.as_bytes());
            let length = length.header("content-length").expect("a length").parse();
            let length: u64 = length.expect("a number");
            if magic.ends_with("truncate") {
                assert_eq!(raw.ending().await.1, Ok(()));
            } else {
                raw.exactly(length).await;
            }
            Instant::now()
        };
        let at = answered.await;
        let callback = receiver.received(nth + 1).await.swap_remove(nth);
        assert!(
            callback.at + Duration::from_millis(20) >= at,
            "{magic}: {:?} too early",
            at - callback.at
        );
        assert!(callback.at < at + Duration::from_millis(500), "{magic}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_a_delay_leaves_nothing_behind_but_the_callback() {
    let stage = Stage::start().await;
    let raw = asking(&stage.client.sandbox, "COMPLETED_FOUND; delay=10m").await;
    stage.control("livez").await;
    drop(raw);
    // It is sent because its reply was given up, not because time has passed.
    let started = Instant::now();
    assert_eq!(stage.receiver.only().await.at, started);
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"]);
}

// --- Stopping

#[tokio::test(start_paused = true)]
async fn stopping_sends_what_is_late_or_slow_at_once_and_closes_what_hangs() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let mut late = asking(&sandbox, "COMPLETED_FOUND; delay=5m").await;
    let mut slow = asking(&sandbox, "COMPLETED_FOUND; fault=slow(1b/s)").await;
    let mut hung = asking(&sandbox, "COMPLETED_FOUND; fault=hang").await;
    let mut torn = asking(&sandbox, "COMPLETED_FOUND; delay=5m; fault=reset").await;
    sleep(Duration::from_secs(2)).await;
    let started = Instant::now();
    let stopping = tokio::spawn(sandbox.stop());
    let answer = late.answer().await;
    assert_eq!(
        (answer.status(), &answer.json()["status"]),
        (200, &json!("COMPLETED"))
    );
    assert_eq!(slow.answer().await.json()["status"], "COMPLETED");
    assert_eq!(hung.ending().await, (vec![], Ok(())));
    let reset = Err(ErrorKind::ConnectionReset);
    assert_eq!(torn.ending().await, (vec![], reset));
    drop((late, slow, hung, torn));
    stopping.await.expect("it stops");
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "{:?}",
        started.elapsed()
    );
}

// --- The header

#[tokio::test]
async fn an_axis_is_repeated_without_what_no_reader_can_see() {
    let client = Client::start().await;
    for axis in [
        "delay=b\u{80}b\ts",
        "fault=\u{85}trun\tcate",
        "callback=\tl\tate",
    ] {
        let header = HeaderValue::from_bytes(axis.as_bytes()).expect("a header can hold it");
        let request = client.request("POST", BANK).header("x-magic-reply", header);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        let message = answer.message();
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[tokio::test]
async fn an_axis_that_says_nothing_sound_is_refused_with_what_would() {
    let client = Client::start().await;
    for (magic, said) in [
        (
            "COMPLETED_FOUND; fault=trunkate",
            "`trunkate` is no fault. Did you mean `truncate`? Known are reset, empty, truncate, malformed, garbage, slow(1kb/s), hang, status(503).",
        ),
        (
            "COMPLETED_FOUND; fault=status(200)",
            "the status `200` of a fault does not lie between 400 and 599",
        ),
        (
            "COMPLETED_FOUND; delay=uniform(3s, 1s)",
            "`uniform` goes from the shorter to the longer: 3s is longer than 1s",
        ),
        (
            "COMPLETED_FOUND; delay=1h",
            "`1h` is longer than a delay may be: 10 minutes",
        ),
        (
            "COMPLETED_FOUND; delay=1s; fault=hang; delay=1s",
            "x-magic-reply says `delay` twice.",
        ),
        (
            "fault=hang; fault=reset",
            "x-magic-reply says `fault` twice.",
        ),
        (
            "COMPLETED_FOUND; callback=late(1s); callback=none",
            "x-magic-reply says `callback` twice.",
        ),
        (
            "COMPLETED_FOUND; fualt=reset",
            "`fualt=reset` is nothing that x-magic-reply knows behind an outcome. Did you mean `fault`? Write `delay=3s`, `fault=truncate` or `callback=duplicate`.",
        ),
        (
            "COMPLETED_FOUND; delay",
            "`delay` is nothing that x-magic-reply knows behind an outcome. Write `delay=3s`, `fault=truncate` or `callback=duplicate`.",
        ),
        (
            "SERVER_ERROR; callback=duplicate",
            "The outcome SERVER_ERROR sends no callback that could misbehave.",
        ),
    ] {
        let answer = client.magic(BANK, magic).await;
        assert_eq!((answer.status, answer.message()), (400, said.to_owned()));
        assert_eq!(
            answer.header("x-sandbox-error"),
            Some("unknown x-magic-reply")
        );
    }
    let read = client.request("GET", &format!("{BANK}/x"));
    let read = Answer::of(read.header("x-magic-reply", "; callback=duplicate")).await;
    assert_eq!(
        read.message(),
        "`callback=duplicate` is nothing that x-magic-reply of a GET knows behind an outcome. Write `delay=3s` or `fault=truncate`."
    );
}

#[tokio::test(start_paused = true)]
async fn errors_and_gets_are_late_and_broken_like_any_reply() {
    let client = Client::start().await;
    let asked = client
        .magic(BANK, "SERVICE_UNAVAILABLE_ERROR; delay=2s; fault=malformed")
        .await;
    assert_eq!(
        (
            asked.status,
            asked.header("x-sandbox-delay"),
            asked.header("x-sandbox-fault")
        ),
        (503, Some("2s"), Some("malformed"))
    );
    let record = client.magic(BANK, "COMPLETED_FOUND").await.json();
    let path = format!("{BANK}/{}", record["id"].as_str().expect("an id"));
    for (magic, status) in [
        ("fault=malformed; delay=2s", 200),
        ("SERVER_ERROR; delay=2s", 500),
    ] {
        let started = Instant::now();
        let read = Answer::of(client.request("GET", &path).header("x-magic-reply", magic)).await;
        let delay = read.header("x-sandbox-delay");
        assert_eq!((read.status, delay), (status, Some("2s")), "{magic}");
        assert!(started.elapsed() >= Duration::from_secs(2));
    }
    let listed = client.request("GET", "/v1.2/bank/available_bank_codes");
    let listed = Answer::of(listed.header("x-magic-reply", "fault=status(500)")).await;
    assert_eq!(listed.status, 500);
}

#[tokio::test(start_paused = true)]
async fn what_the_sandbox_itself_refuses_is_never_broken() {
    let (client, _folder) = with_file(
        "extends = \"errors\"\n[outcomes.API_VALIDATION_ERROR]\nstatus = 400\nerror = \"Mistaken.\"\nfault = \"hang\"\n",
    )
    .await;
    let answer = client.magic(BANK, "COMPLETED_FUOND").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("x-sandbox-fault"), None);
}

// --- Scenario files

#[tokio::test(start_paused = true)]
async fn an_outcome_of_a_file_is_late_and_broken_whoever_chooses_it() {
    let (client, _folder) = with_outcomes(
        "[outcomes.LATE]\nwhen = { \"input.bank_account_number\" = \"7\" }\ndelay = \"2s\"\nfault = \"malformed\"\n\
         [outcomes.BROKEN_ERROR]\nstatus = 409\nerror = \"Broken.\"\nfault = { kind = 503 }\n\
         [outcomes.TWICE]\nsequence = [\"BROKEN_ERROR\", \"LATE\", \"COMPLETED_FOUND\"]\n",
    )
    .await;
    let seen = |answer: &Answer| {
        let header = |name| answer.header(name).map(str::to_owned);
        (
            answer.status,
            header("x-sandbox-delay"),
            header("x-sandbox-fault"),
        )
    };
    let late = (200, Some("2s".to_owned()), Some("malformed".to_owned()));
    let body = json!({"bank_account_number": "7", "bank_code": "BCA"});
    assert_eq!(seen(&client.post(BANK, &body).await), late);
    assert_eq!(seen(&client.magic(BANK, "LATE").await), late);
    let broken = (503, None, Some("status(503)".to_owned()));
    assert_eq!(seen(&client.magic(BANK, "BROKEN_ERROR").await), broken);
    let mut turns = Vec::new();
    for _ in 0..3 {
        turns.push(seen(&client.magic(BANK, "TWICE").await));
    }
    assert_eq!(turns, [broken, late, (200, None, None)]);
    // The request overrides delay and fault separately.
    let answer = client.magic(BANK, "LATE; delay=0s").await;
    assert_eq!(seen(&answer), (200, None, Some("malformed".to_owned())));
    let answer = client.magic(BANK, "LATE; fault=502").await;
    let other = (502, Some("2s".to_owned()), Some("status(502)".to_owned()));
    assert_eq!(seen(&answer), other);
}

#[tokio::test(start_paused = true)]
async fn a_shared_error_of_a_file_is_broken_wherever_it_answers() {
    let (client, _folder) = with_file(
        "extends = \"errors\"\n[outcomes.DATA_NOT_FOUND]\nstatus = 404\nerror = \"Gone.\"\ndelay = \"2s\"\n",
    )
    .await;
    let asked = client.magic(BANK, "DATA_NOT_FOUND").await;
    let met = client.get(&format!("{BANK}/nothing")).await;
    for answer in [asked, met] {
        let delay = answer.header("x-sandbox-delay");
        assert_eq!((answer.status, delay), (404, Some("2s")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_probability_of_0_changes_nothing_at_all_and_of_1_always() {
    let outcome = |fault: &str| {
        format!("[outcomes.MINE]\n{fault}\nbody = {{ drawn = \"{{{{fake.full_name}}}}\" }}\n")
    };
    let (plain, _plain) = with_outcomes(&outcome("")).await;
    let (never, _never) =
        with_outcomes(&outcome("fault = { kind = \"reset\", probability = 0 }")).await;
    let (always, _always) = with_outcomes(&outcome(
        "fault = { kind = \"status(500)\", probability = 1.0 }",
    ))
    .await;
    for _ in 0..30 {
        let (plain, never) = (
            plain.magic(BANK, "MINE").await,
            never.magic(BANK, "MINE").await,
        );
        assert_eq!(without_moment(plain), without_moment(never));
        assert_eq!(always.magic(BANK, "MINE").await.status, 500);
    }
}

/// Status, headers and body, without the date and the trace, which change.
pub(crate) fn without_moment(answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let of_the_moment = ["date", "x-sandbox-trace"];
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !of_the_moment.contains(&name.as_str()));
    let text = |value: &reqwest::header::HeaderValue| value.to_str().expect("text").to_owned();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
    (answer.status, headers.collect(), answer.text)
}

#[tokio::test(start_paused = true)]
async fn a_probability_between_strikes_so_often_and_the_same_ones_on_every_start() {
    let outcomes = "[outcomes.FLAKY]\nfault = { kind = 503, probability = 0.3 }\n";
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (client, _folder) = with_outcomes(outcomes).await;
        let mut statuses = Vec::new();
        for _ in 0..200 {
            statuses.push(client.magic(BANK, "FLAKY").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let struck = runs[0].iter().filter(|status| **status == 503).count();
    assert!((40..80).contains(&struck), "{struck} of 200");
}

#[test]
fn a_mistake_in_a_fault_a_delay_or_a_limit_is_reported_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = String::new();
    for line in [
        "fault = \"trunkate\"",
        "fault = 200",
        "fault = { kind = \"reset\", probability = 1.5 }",
        "fault = { kind = \"reset\", probability = nan }",
        "fault = { kind = \"reset\", probabilty = 0.5 }",
        "delay = \"soon\"",
        "delay = 3",
        "delay = \"1h\"",
        "delay = { uniform = [\"3s\", \"1s\"] }",
        "delay = { lognormal = { median = \"3s\", sigma = -1 } }",
        "rate_limit = { limit = 0, window = \"1s\" }",
        "rate_limit = { limit = 5, window = \"0s\" }",
        "rate_limit = { limit = 5 }",
        "rate_limit = { limit = 5, window = \"1s\", burst = 2 }",
        "sequence = [\"COMPLETED_FOUND\"]\ndelay = \"1s\"",
        "error = \"No.\"\nrate_limit = { limit = 5, window = \"1s\" }",
        "defer = \"1s\"",
    ] {
        let text =
            format!("extends = \"v1.1/bank_account_data_requests\"\n[outcomes.MINE]\n{line}\n");
        write(folder.path(), "mine.toml", &text);
        let dir = folder.path().to_str().expect("UTF-8");
        let (code, out, err) = run(&["check", dir]);
        assert_eq!((code, err.as_str()), (1, ""), "{line}: {out}");
        report.push_str(&out.replace(dir, "DIR"));
        report.push('\n');
    }
    insta::assert_snapshot!(report);
}

#[tokio::test(start_paused = true)]
async fn a_broken_early_callback_still_comes_before_its_reply() {
    let stage = Stage::start().await;
    let magic = "COMPLETED_FOUND; callback=early; fault=reset";
    let (_, end) = asking(&stage.client.sandbox, magic).await.ending().await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    let log = stage.ended().await;
    assert_eq!(each(&log, "type"), [TYPE]);
    assert_eq!(each(&log, "state"), ["delivered"]);
}

/// The sandbox lists its own faults and behaviours, so a new one is missed here until each document has it.
#[tokio::test]
async fn every_document_that_lists_faults_or_behaviours_lists_all_of_them() {
    let client = Client::start().await;
    let catalog = client.get("/__sandbox/catalog").await.json();
    let listed = |key: &str| -> Vec<String> {
        let all = catalog[key].as_array().expect("a list").iter();
        all.map(|one| one.as_str().expect("text").to_owned())
            .collect()
    };
    let llms = client.get("/__sandbox/llms.txt").await.text;
    let page = include_str!("../../docs/faults.md");
    let callbacks = include_str!("../../docs/callbacks.md");
    let https = include_str!("../../docs/https.md");
    let openapi = include_str!("../../src/control/openapi.json");
    let faults = listed("faults");
    for fault in &faults {
        let (word, _) = fault.split_once('(').unwrap_or((fault, ""));
        assert!(
            page.contains(&format!("\n| `{fault}`")),
            "docs/faults.md: {fault}"
        );
        assert!(
            https.contains(&format!("`{word}")),
            "docs/https.md: {fault}"
        );
        assert!(openapi.contains(&format!("`{fault}`")), "openapi: {fault}");
    }
    assert!(llms.contains(&format!("Faults: {}.", faults.join(", "))));
    let behaviours = listed("callback_behaviours");
    for behaviour in &behaviours {
        assert!(callbacks.contains(&format!("`{behaviour}`")), "{behaviour}");
    }
    let sentence = format!("Callbacks: {}.", behaviours.join(", "));
    assert!(llms.contains(&sentence), "{llms}");
}
