//! Faults of a world until they end, and rate limits of a world and of an outcome.

use std::io::ErrorKind;
use std::time::Duration;

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use crate::client::{Answer, Client};
use crate::faults::without_moment;
use crate::process::write;
use crate::raw::{Raw, request_as};
use crate::receiver::StandingClock;
use crate::stage::{BANK, key};

const FAULTS: &str = "/__sandbox/faults";
const BANK_ID: &str = "v1.1/bank_account_data_requests";
const PERSON: &str = "/v0/identity/individual_cft_peps";

async fn put(client: &Client, body: &Value) -> Answer {
    Answer::of(client.request("PUT", FAULTS).json(body)).await
}

/// Sets these faults, which must be accepted.
async fn stand(client: &Client, faults: Value) -> Value {
    let answer = put(client, &json!({"faults": faults})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn status(client: &Client) -> u16 {
    client.magic(BANK, "COMPLETED_FOUND").await.status
}

async fn statuses(client: &Client, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(status(client).await);
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn a_worlds_faults_break_its_product_requests_gets_too_and_nobody_elses() {
    let client = Client::start().await;
    let record = client.magic(BANK, "COMPLETED_FOUND").await.json();
    let path = format!("{BANK}/{}", record["id"].as_str().expect("an id"));
    stand(&client, json!([{"fault": 503}])).await;
    assert_eq!(status(&client).await, 503);
    assert_eq!(client.get(&path).await.status, 503);
    assert_eq!(
        client.post(PERSON, &json!({})).await.status,
        503,
        "a refusal too"
    );
    for unbroken in ["/health", "/v1/callback/urls", "/__sandbox/clock"] {
        assert_eq!(client.get(unbroken).await.status, 200, "{unbroken}");
    }
    let other = client.as_key(&key('b'), "POST", BANK);
    let other = Answer::of(other.header("x-magic-reply", "COMPLETED_FOUND")).await;
    assert_eq!(other.status, 200);
    let wrong = Answer::of(client.as_key("nobody", "GET", &path)).await;
    assert_eq!((wrong.status, wrong.header("x-sandbox-fault")), (401, None));
    let unknown = client.magic(BANK, "COMPLETED_FUND").await;
    assert_eq!(
        (unknown.status, unknown.header("x-sandbox-fault")),
        (400, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_one_endpoint_breaks_that_one_and_each_kind_is_decided_by_the_first_that_strikes()
 {
    let client = Client::start().await;
    stand(
        &client,
        json!([
            {"endpoint": BANK_ID, "delay": "2s"},
            {"fault": 502},
            {"fault": 503, "delay": {"uniform": ["1s", "1s"]}},
        ]),
    )
    .await;
    let shown = |answer: &Answer| {
        let delay = answer.header("x-sandbox-delay").map(str::to_owned);
        (answer.status, delay)
    };
    let bank = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(shown(&bank), (502, Some("2s".to_owned())));
    let person = client.magic(PERSON, "COMPLETED_FOUND").await;
    assert_eq!(shown(&person), (502, Some("1s".to_owned())));
    // The request overrides delay and fault separately.
    let asked = client.magic(BANK, "COMPLETED_FOUND; fault=504").await;
    assert_eq!(shown(&asked), (504, Some("2s".to_owned())));
    let asked = client.magic(BANK, "COMPLETED_FOUND; delay=0s").await;
    assert_eq!(shown(&asked), (502, None));
    let standing = client.get(FAULTS).await.json();
    let struck = standing["faults"].as_array().expect("a list").iter();
    let struck: Vec<_> = struck.map(|one| (&one["seen"], &one["struck"])).collect();
    assert_eq!(
        struck,
        [
            (&json!(3), &json!(3)),
            (&json!(4), &json!(4)),
            (&json!(4), &json!(4))
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_outcomes_fault_comes_before_the_worlds() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "mine.toml",
        &format!("extends = \"{BANK_ID}\"\n[outcomes.MINE]\nfault = 502\n"),
    );
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    stand(&client, json!([{"fault": 503, "delay": "2s"}])).await;
    let answer = client.magic(BANK, "MINE").await;
    let delay = answer.header("x-sandbox-delay");
    assert_eq!((answer.status, delay), (502, Some("2s")));
}

#[tokio::test(start_paused = true)]
async fn a_worlds_fault_tears_the_connection_of_a_client_that_sends_no_header() {
    let client = Client::start().await;
    stand(&client, json!([{"fault": "reset"}])).await;
    let mut raw = Raw::connect(&client.sandbox).await;
    let body = br#"{"bank_account_number": "1234567890", "bank_code": "BCA"}"#;
    raw.send(request_as(PUBLIC_KEY, &format!("POST {BANK}"), &[], body))
        .await;
    let reset = Err(ErrorKind::ConnectionReset);
    assert_eq!(raw.ending().await, (vec![], reset));
}

#[tokio::test(start_paused = true)]
async fn what_stands_is_shown_with_the_time_left_and_heals_by_itself_on_demand_and_by_a_reset() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let all = json!([{
        "endpoint": BANK_ID,
        "fault": "slow(1kb/s)",
        "delay": {"lognormal": {"median": "300ms", "sigma": 0.5}},
        "probability": 0.5,
        "rate_limit": {"limit": 5, "window": "1s"},
    }]);
    assert_eq!(
        stand(&client, all.clone()).await,
        json!({"faults": [{
            "endpoint": BANK_ID,
            "fault": "slow(1kb/s)",
            "delay": "lognormal(300ms, 0.5)",
            "probability": 0.5,
            "rate_limit": {"limit": 5, "window": "1s"},
            "seen": 0,
            "struck": 0,
        }], "left_ms": 300_000})
    );
    let none = json!({"faults": [], "left_ms": 0});

    // In real time, five minutes by default.
    stand(&client, json!([{"fault": 503}])).await;
    advance(Duration::from_millis(299_999)).await;
    assert_eq!(client.get(FAULTS).await.json()["left_ms"], 1);
    assert_eq!(status(&client).await, 503);
    advance(Duration::from_millis(1)).await;
    assert_eq!(status(&client).await, 200);
    assert_eq!(client.get(FAULTS).await.json(), none);

    // By the world's clock.
    let answer = put(&client, &json!({"faults": [{"fault": 503}], "ttl": "24h"})).await;
    assert_eq!(answer.json()["left_ms"], 86_400_000);
    assert_eq!(status(&client).await, 503);
    let by = client
        .post("/__sandbox/clock/advance", &json!({"by": "1d"}))
        .await;
    assert_eq!(by.status, 200);
    assert_eq!(client.get(FAULTS).await.json(), none);
    assert_eq!(status(&client).await, 200);

    // On request: by an empty list, by a DELETE, by a reset.
    stand(&client, json!([{"fault": 503}])).await;
    assert_eq!(stand(&client, json!([])).await, none);
    assert_eq!(status(&client).await, 200);
    stand(&client, json!([{"fault": 503}])).await;
    let healed = Answer::of(client.request("DELETE", FAULTS)).await;
    assert_eq!((healed.status, healed.json()), (200, none.clone()));
    assert_eq!(status(&client).await, 200);
    stand(&client, json!([{"fault": 503}])).await;
    assert_eq!(
        client.post("/__sandbox/reset", &json!({})).await.status,
        200
    );
    assert_eq!(client.get(FAULTS).await.json(), none);
    assert_eq!(status(&client).await, 200);
}

#[tokio::test]
async fn a_fault_that_cannot_be_is_refused_by_its_place_and_nothing_changes() {
    let client = Client::start().await;
    stand(&client, json!([{"fault": 503}])).await;
    let item = |item: Value| json!({"faults": [{"fault": "reset"}, item]});
    let many = vec![json!({"fault": "reset"}); 101];
    for (body, said) in [
        (
            item(json!({"endpoint": "v1.1/bank_account_data_request", "fault": "reset"})),
            "`faults[1]`: there is no endpoint `v1.1/bank_account_data_request`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            item(json!({"endpoint": "", "fault": "reset"})),
            "`faults[1]`: there is no endpoint ``: `iluma-sandbox list` shows them all",
        ),
        (
            item(json!({"fault": "rest"})),
            "`faults[1]`: `rest` is no fault. Did you mean `reset`? Known are reset, empty, truncate, malformed, garbage, slow(1kb/s), hang, status(503).",
        ),
        (
            item(json!({"fault": "reset", "probability": -0.5})),
            "`faults[1]`: the probability -0.5 does not lie between 0 (never) and 1 (always)",
        ),
        (
            item(json!({"delay": "soon"})),
            "`faults[1]`: `soon` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
        (
            item(json!({"delay": {"normal": "1s"}})),
            "`faults[1]`: must be a duration such as `\"3s\"`, or a table: `{ uniform = [\"1s\", \"3s\"] }` or `{ lognormal = { median = \"300ms\", sigma = 0.5 } }`",
        ),
        (
            item(json!({"rate_limit": {"limit": 0, "window": "1s"}})),
            "`faults[1]`: the limit 0 does not lie between 1 and 1000000 requests",
        ),
        (
            item(json!({"rate_limit": {"limit": 5, "window": "25h"}})),
            "`faults[1]`: the window `25h` does not lie between 1 ms and 24 hours",
        ),
        (
            item(json!({"probability": 0.5, "rate_limit": {"limit": 5, "window": "1s"}})),
            "`faults[1]`: `probability` is that of a `fault` or a `delay`",
        ),
        (
            item(json!({"endpoint": BANK_ID})),
            "`faults[1]`: says none of `fault`, `delay` and `rate_limit`",
        ),
        (
            item(json!({"outcome": "SERVER_ERROR"})),
            "`faults[1]`: unknown field `outcome`: known are `endpoint`, `fault`, `delay`, `probability` and `rate_limit`",
        ),
        (
            json!({"faults": many}),
            "`faults`: a world has 100 faults at most, and these are 101",
        ),
        (
            json!({"faults": [], "ttl": "25h"}),
            "`ttl`: `25h` does not lie between 1 ms and 24 hours",
        ),
        (
            json!({}),
            "the body cannot be taken: missing field `faults` at line 1 column 2",
        ),
    ] {
        let answer = put(&client, &body).await;
        assert_eq!(
            (answer.status, answer.json()["message"].as_str()),
            (400, Some(said)),
            "{body}"
        );
    }
    assert_eq!(status(&client).await, 503, "what stood before stands");
}

#[tokio::test(start_paused = true)]
async fn a_standing_probability_of_0_changes_no_byte_and_one_between_strikes_the_same_on_every_start()
 {
    let (plain, rigged) = (Client::start().await, Client::start().await);
    stand(
        &rigged,
        json!([{"fault": "reset", "delay": "1s", "probability": 0}]),
    )
    .await;
    for _ in 0..20 {
        let plain = plain.magic(BANK, "COMPLETED_FOUND").await;
        let rigged = rigged.magic(BANK, "COMPLETED_FOUND").await;
        assert_eq!(without_moment(plain), without_moment(rigged));
    }
    let flaky = json!([{"fault": 503, "probability": 0.5}]);
    stand(&plain, flaky.clone()).await;
    stand(&rigged, flaky.clone()).await;
    let struck = statuses(&plain, 100).await;
    assert_eq!(struck, statuses(&rigged, 100).await);
    let count = struck.iter().filter(|status| **status == 503).count();
    assert!((35..65).contains(&count), "{count} of 100");
    stand(&plain, flaky).await;
    assert_eq!(
        struck,
        statuses(&plain, 100).await,
        "set anew, it begins anew"
    );
}

// --- Rate limits

/// Status, `retry-after`, and the `ratelimit-` headers: limit, remaining, reset.
fn limited(answer: &Answer) -> (u16, Option<&str>, [Option<&str>; 3]) {
    let headers = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
    let headers = headers.map(|name| answer.header(name));
    (answer.status, answer.header("retry-after"), headers)
}

#[tokio::test(start_paused = true)]
async fn over_a_worlds_limit_answers_429_until_the_window_is_over() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    stand(
        &client,
        json!([{"endpoint": BANK_ID, "rate_limit": {"limit": 2, "window": "90s"}}]),
    )
    .await;
    let ask = || client.magic(BANK, "COMPLETED_FOUND");
    let said = |remaining, reset| [Some("2"), Some(remaining), Some(reset)];
    assert_eq!(limited(&ask().await), (200, None, said("1", "90")));
    advance(Duration::from_millis(30_500)).await;
    assert_eq!(limited(&ask().await), (200, None, said("0", "60")));
    let over = client.magic(BANK, "COMPLETED_FUND; fault=reset").await;
    assert_eq!(limited(&over), (429, Some("60"), said("0", "60")));
    assert_eq!(
        (over.text.as_str(), over.header("x-sandbox-outcome")),
        (
            r#"{"error_code":"RATE_LIMIT_EXCEEDED","message":"Rate limit exceeded. Wait a moment and try again."}"#,
            Some("v1.1/bank_account_data_requests/RATE_LIMIT_EXCEEDED")
        )
    );
    // Other keys are not limited, and a wrong key is still refused as a wrong key.
    let person = client.magic(PERSON, "COMPLETED_FOUND").await;
    assert_eq!(limited(&person), (200, None, [None; 3]));
    let wrong = Answer::of(client.as_key("nobody", "POST", BANK)).await;
    assert_eq!(limited(&wrong), (401, None, [None; 3]));
    // Reading records counts too.
    let read = client.get(&format!("{BANK}/nothing")).await;
    assert_eq!(limited(&read), (429, Some("60"), said("0", "60")));

    advance(Duration::from_millis(59_499)).await;
    assert_eq!(limited(&ask().await), (429, Some("1"), said("0", "1")));
    advance(Duration::from_millis(1)).await;
    assert_eq!(limited(&ask().await), (200, None, said("1", "90")));
    ask().await;
    assert_eq!(ask().await.status, 429);
    let by = client
        .post("/__sandbox/clock/advance", &json!({"by": "90s"}))
        .await;
    assert_eq!(by.status, 200);
    assert_eq!(limited(&ask().await), (200, None, said("1", "90")));
}

#[tokio::test(start_paused = true)]
async fn a_429_of_a_limit_is_neither_late_nor_broken_and_of_two_limits_the_tighter_is_shown() {
    let client = Client::start().await;
    stand(
        &client,
        json!([
            {"fault": 503, "rate_limit": {"limit": 10, "window": "1m"}},
            {"endpoint": BANK_ID, "rate_limit": {"limit": 1, "window": "1m"}},
        ]),
    )
    .await;
    let broken = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(broken.status, 503);
    assert_eq!(limited(&broken).2, [Some("1"), Some("0"), Some("60")]);
    let over = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!((over.status, over.header("x-sandbox-fault")), (429, None));
    let person = client.magic(PERSON, "COMPLETED_FOUND").await;
    assert_eq!(limited(&person).2, [Some("10"), Some("7"), Some("60")]);
}

#[tokio::test(start_paused = true)]
async fn an_outcomes_limit_counts_that_outcome_alone_and_keeps_nothing_of_what_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "mine.toml",
        &format!(
            "extends = \"{BANK_ID}\"\n[outcomes.RARE]\nrate_limit = {{ limit = 2, window = \"1s\" }}\n"
        ),
    );
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let ask = || client.magic(BANK, "RARE");
    let first = ask().await;
    assert_eq!(limited(&first).2, [Some("2"), Some("1"), Some("1")]);
    assert_eq!(ask().await.status, 200);
    let held = || async { client.get("/__sandbox/readyz").await.json()["records"]["held"].clone() };
    let before = held().await;
    let over = ask().await;
    assert_eq!(
        limited(&over),
        (429, Some("1"), [Some("2"), Some("0"), Some("1")])
    );
    assert_eq!(held().await, before);
    let other = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(limited(&other), (200, None, [None; 3]));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ask().await.status, 200);
}
