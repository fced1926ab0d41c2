//! How the outcome is chosen: the order of the rules, and the parts of a request that they use.

use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::client::{Answer, Client, png};
use crate::scenarios::start;
use crate::stage::{BANK, key};

const THINGS: &str = r#"
path = "/v9/things"
id = "thing_{hex24}"
[request]
examples = [{ name = "sample" }]
[request.properties]
name = { type = "string" }
count = { type = "integer" }
[reply]
body = { id = "{{id}}" }
[outcomes.DEFAULT]
default = true
body = { is = "default" }
"#;

async fn things(rest: &str) -> (Client, tempfile::TempDir) {
    start(&[("v9/things.toml", &format!("{THINGS}{rest}"))]).await
}

fn post(client: &Client, input: &Value) -> RequestBuilder {
    client.request("POST", "/v9/things").json(input)
}

/// The last part of `x-sandbox-outcome`.
fn outcome(answer: &Answer) -> &str {
    let tag = answer.header("x-sandbox-outcome").expect("an outcome");
    tag.rsplit('/').next().expect("a part")
}

async fn outcome_of(request: RequestBuilder) -> String {
    outcome(&Answer::of(request).await).to_owned()
}

async fn outcomes_of(client: &Client, input: &Value, times: usize) -> Vec<String> {
    let mut outcomes = Vec::new();
    for _ in 0..times {
        outcomes.push(outcome_of(post(client, input)).await);
    }
    outcomes
}

#[tokio::test]
async fn header_then_queue_then_rule_then_default_decide() {
    let (client, _folder) = things(
        r#"
[outcomes.BY_HEADER]
body = {}
[outcomes.BY_QUEUE]
body = {}
[outcomes.BY_RULE]
when = { "input.name" = "rule" }
body = {}
"#,
    )
    .await;
    let entry = json!({"endpoint": "v9/things", "outcome": "BY_QUEUE"});
    let queued = client.post("/__sandbox/next", &entry).await;
    assert_eq!(queued.status, 200, "{}", queued.text);
    let input = json!({"name": "rule"});

    let with_header = post(&client, &input).header("x-magic-reply", "BY_HEADER");
    assert_eq!(outcome_of(with_header).await, "BY_HEADER");
    assert_eq!(outcome_of(post(&client, &input)).await, "BY_QUEUE");
    assert_eq!(outcome_of(post(&client, &input)).await, "BY_RULE");
    let other = json!({"name": "other"});
    assert_eq!(outcome_of(post(&client, &other)).await, "DEFAULT");
}

#[tokio::test]
async fn a_queue_is_used_up_in_its_order_by_its_endpoint_and_world_alone() {
    let client = Client::start().await;
    for (outcome, times) in [("SERVICE_UNAVAILABLE_ERROR", 2), ("COMPLETED_NOT_FOUND", 1)] {
        let entry = json!({"endpoint": BANK, "outcome": outcome, "times": times});
        assert_eq!(client.post("/__sandbox/next", &entry).await.status, 200);
    }
    assert_eq!(
        client.get("/__sandbox/next").await.json(),
        json!({"waiting": [
            {"endpoint": "v1.1/bank_account_data_requests", "outcome": "SERVICE_UNAVAILABLE_ERROR", "times": 2, "reads": false},
            {"endpoint": "v1.1/bank_account_data_requests", "outcome": "COMPLETED_NOT_FOUND", "times": 1, "reads": false},
        ]})
    );
    let input = json!({"bank_account_number": "1234567890", "bank_code": "BCA"});
    let foreign = client.as_key(&key('a'), "POST", BANK).json(&input);
    assert_eq!(outcome_of(foreign).await, "COMPLETED_FOUND");
    let other = client
        .post("/v1/identity/bank_account_data_requests", &input)
        .await;
    assert_eq!(outcome(&other), "SUCCESS");
    let mut got = Vec::new();
    for _ in 0..4 {
        let answer = client.post(BANK, &input).await;
        got.push((answer.status, outcome(&answer).to_owned()));
    }
    assert_eq!(
        got,
        [
            (503, "SERVICE_UNAVAILABLE_ERROR".to_owned()),
            (503, "SERVICE_UNAVAILABLE_ERROR".to_owned()),
            (200, "COMPLETED_NOT_FOUND".to_owned()),
            (200, "COMPLETED_FOUND".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_call_that_is_refused_leaves_the_queue_as_it_is() {
    let client = Client::start().await;
    let entry = json!({"endpoint": BANK, "outcome": "COMPLETED_NOT_FOUND"});
    client.post("/__sandbox/next", &entry).await;
    assert_eq!(client.post(BANK, &json!({})).await.status, 400);
    let input = json!({"bank_account_number": "1234567890", "bank_code": "BCA"});
    let answer = client.post(BANK, &input).await;
    assert_eq!(outcome(&answer), "COMPLETED_NOT_FOUND");
}

#[tokio::test]
async fn a_read_can_be_queued_an_error() {
    let client = Client::start().await;
    let made = client.magic(BANK, "COMPLETED_FOUND").await.json();
    let record = format!("{BANK}/{}", made["id"].as_str().expect("an id"));
    let entry = json!({"endpoint": BANK, "outcome": "SERVER_ERROR", "reads": true});
    assert_eq!(client.post("/__sandbox/next", &entry).await.status, 200);
    assert_eq!(client.magic(BANK, "COMPLETED_FOUND").await.status, 200);
    assert_eq!(client.get(&record).await.status, 500);
    assert_eq!(client.get(&record).await.status, 200);
}

#[tokio::test]
async fn a_queue_is_emptied_by_delete_and_by_reset() {
    let client = Client::start().await;
    let entry = json!({"endpoint": BANK, "outcome": "SERVER_ERROR", "times": 5});
    client.post("/__sandbox/next", &entry).await;
    let other = Answer::of(client.request(
        "DELETE",
        "/__sandbox/next?endpoint=v1/bank_account_data_requests",
    ));
    assert_eq!(other.await.json(), json!({"cleared": 0}));
    let all = Answer::of(client.request("DELETE", "/__sandbox/next")).await;
    assert_eq!(all.json(), json!({"cleared": 5}));
    client.post("/__sandbox/next", &entry).await;
    client.post("/__sandbox/reset", &json!({})).await;
    assert_eq!(
        client.get("/__sandbox/next").await.json(),
        json!({"waiting": []})
    );
    let answer = client.magic(BANK, "").await;
    assert_eq!(answer.status, 400, "no outcome, no body: {}", answer.text);
}

#[tokio::test]
async fn what_cannot_be_queued_is_refused_with_the_nearest_that_can() {
    let client = Client::start().await;
    for (entry, message) in [
        (
            json!({"endpoint": "v1.1/bank_acount_data_requests", "outcome": "SERVER_ERROR"}),
            "`endpoint`: there is no endpoint `v1.1/bank_acount_data_requests`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            json!({"endpoint": BANK, "outcome": "SERVER_EROR", "reads": true}),
            "`outcome`: `SERVER_EROR` is no x-magic-reply of a GET; only errors can be asked for there. Did you mean `SERVER_ERROR`?",
        ),
        (
            json!({"endpoint": BANK, "outcome": "SERVER_ERROR", "times": 0}),
            "`times`: between 1 and 1000000",
        ),
        (
            json!({"endpoint": "v0/cft_pep_listings", "outcome": "SERVER_ERROR"}),
            "`v0/cft_pep_listings` only reads: say `\"reads\": true`",
        ),
        (
            json!({"endpoint": BANK, "outcome": "SERVER_ERROR", "tmies": 2}),
            "the body cannot be taken: unknown field `tmies`: did you mean `times`?",
        ),
    ] {
        let answer = client.post("/__sandbox/next", &entry).await;
        assert_eq!(answer.status, 400, "{entry}: {}", answer.text);
        assert!(
            answer.message().starts_with(message),
            "{entry}: {}",
            answer.message()
        );
    }
    let entry = json!({"endpoint": BANK, "outcome": "SERVER_ERROR"});
    for _ in 0..1000 {
        assert_eq!(client.post("/__sandbox/next", &entry).await.status, 200);
    }
    assert_eq!(
        client.post("/__sandbox/next", &entry).await.message(),
        "1000 outcomes are queued, and more are not taken"
    );
}

#[tokio::test]
async fn headers_and_the_query_can_be_tested_as_text() {
    let (client, _folder) = things(
        r#"
[outcomes.HEADER]
when = { "header.x-test-case" = 7 }
body = {}
[outcomes.QUERY]
when = { "query.page" = { gt = 3 } }
body = {}
[outcomes.NO_AGENT]
when = { "header.user-agent" = { present = false }, "query.agent" = "none" }
body = {}
"#,
    )
    .await;
    let input = json!({"name": "Ani"});
    let ask = |path: &str| client.request("POST", path).json(&input);
    assert_eq!(
        outcome_of(ask("/v9/things").header("X-Test-Case", "7")).await,
        "HEADER"
    );
    assert_eq!(
        outcome_of(ask("/v9/things").header("X-Test-Case", "07")).await,
        "DEFAULT"
    );
    assert_eq!(outcome_of(ask("/v9/things?page=4")).await, "QUERY");
    assert_eq!(outcome_of(ask("/v9/things?page=1")).await, "DEFAULT");
    assert_eq!(outcome_of(ask("/v9/things?agent=none")).await, "NO_AGENT");
}

#[tokio::test]
async fn the_nth_call_is_counted_for_each_world() {
    let (client, _folder) = things(
        r#"
[outcomes.FIRST_TWO]
when = { "nth" = { lt = 3 } }
error = "Busy."
status = 503
[outcomes.FIFTH]
when = { "nth" = 5 }
body = {}
"#,
    )
    .await;
    let input = json!({"name": "Ani"});
    assert_eq!(
        outcomes_of(&client, &input, 6).await,
        [
            "FIRST_TWO",
            "FIRST_TWO",
            "DEFAULT",
            "DEFAULT",
            "FIFTH",
            "DEFAULT"
        ]
    );
    let foreign = client.as_key(&key('b'), "POST", "/v9/things").json(&input);
    assert_eq!(outcome_of(foreign).await, "FIRST_TWO");
    client.post("/__sandbox/reset", &json!({})).await;
    assert_eq!(outcomes_of(&client, &input, 1).await, ["FIRST_TWO"]);
}

#[tokio::test]
async fn the_higher_priority_goes_first_and_then_the_order_of_the_file() {
    let (client, _folder) = things(
        r#"
[outcomes.THIRD]
when = { "input.name" = { starts_with = "A" } }
body = {}
[outcomes.FOURTH]
when = { "input.count" = { gt = 0 } }
body = {}
[outcomes.FIRST]
priority = 10
when = { "input.name" = "Ani" }
body = {}
[outcomes.LAST]
priority = -1
when = { "input.name" = { present = true } }
body = {}
"#,
    )
    .await;
    for (input, expected) in [
        (json!({"name": "Ani", "count": 1}), "FIRST"),
        (json!({"name": "Adi", "count": 1}), "THIRD"),
        (json!({"name": "Budi", "count": 1}), "FOURTH"),
        (json!({"name": "Budi"}), "LAST"),
        (json!({}), "DEFAULT"),
    ] {
        assert_eq!(outcome_of(post(&client, &input)).await, expected, "{input}");
    }
}

#[tokio::test]
async fn of_very_many_rules_the_first_that_fits_is_taken_all_the_same() {
    use std::fmt::Write;
    let mut rules = String::new();
    for at in 0..500 {
        write!(
            rules,
            "[outcomes.RULE_{at}]\nwhen = {{ \"input.name\" = \"name {}\" }}\nbody = {{}}\n",
            at % 400
        )
        .expect("a string");
    }
    rules += r#"
[outcomes.LIST]
when = [{ "input.name" = { one_of = ["name 7", "listed"] } }, { "input.count" = 9 }]
body = {}
[outcomes.PATTERN]
priority = 1
when = { "input.name" = { regex = "^name 1.$" } }
body = {}
[outcomes.HIGH]
priority = 2
when = { "input.name" = "name 12", "input.count" = 1 }
body = {}
"#;
    let (client, _folder) = things(&rules).await;
    for (input, expected) in [
        (json!({"name": "name 0"}), "RULE_0"),
        (json!({"name": "name 399"}), "RULE_399"),
        (json!({"name": "name 7"}), "RULE_7"),
        (json!({"name": "listed"}), "LIST"),
        (json!({"name": "nobody", "count": 9}), "LIST"),
        (json!({"name": "name 12"}), "PATTERN"),
        (json!({"name": "name 12", "count": 1}), "HIGH"),
        (json!({"name": "name 400"}), "DEFAULT"),
        (json!({"count": 12}), "DEFAULT"),
    ] {
        assert_eq!(outcome_of(post(&client, &input)).await, expected, "{input}");
    }
}

#[tokio::test]
async fn a_sequence_repeats_its_last_or_cycles() {
    let (client, _folder) = things(
        r#"
[outcomes.ONE]
body = {}
[outcomes.TWO]
body = {}
[outcomes.ENDS]
sequence = ["ONE", "TWO"]
when = { "input.name" = "ends" }
[outcomes.CYCLES]
sequence = ["ONE", "TWO"]
cycle = true
when = { "input.name" = "cycles" }
"#,
    )
    .await;
    assert_eq!(
        outcomes_of(&client, &json!({"name": "ends"}), 4).await,
        ["ONE", "TWO", "TWO", "TWO"]
    );
    assert_eq!(
        outcomes_of(&client, &json!({"name": "cycles"}), 5).await,
        ["ONE", "TWO", "ONE", "TWO", "ONE"]
    );
}

#[tokio::test]
async fn a_weighted_outcome_is_drawn_by_its_weights_the_same_way_every_time() {
    const RULES: &str = r#"
[outcomes.OFTEN]
body = {}
[outcomes.SELDOM]
body = {}
[outcomes.NEVER]
body = {}
[outcomes.MIXED]
weighted = { OFTEN = 9, SELDOM = 1, NEVER = 0 }
when = { "input.name" = "mixed" }
"#;
    let input = json!({"name": "mixed"});
    let (first, _folder) = things(RULES).await;
    let (second, _folder) = things(RULES).await;
    let draws = outcomes_of(&first, &input, 300).await;
    assert_eq!(draws, outcomes_of(&second, &input, 300).await);
    let count = |name: &str| draws.iter().filter(|draw| *draw == name).count();
    // 300 draws of 0.1 have a mean of 30 and a deviation of 5.2. The draws are always the same.
    assert!((15..=45).contains(&count("SELDOM")), "{}", count("SELDOM"));
    assert_eq!(count("NEVER"), 0);
    assert_eq!(count("OFTEN") + count("SELDOM"), 300);
}

#[tokio::test]
async fn values_of_the_data_name_outcomes_where_the_file_declares_it() {
    let (client, _folder) = things(
        r#"
[magic]
"input.name" = { prefix = "MAGIC " }
[outcomes.NOT_FOUND_AT_ALL]
body = {}
[outcomes.BY_RULE]
when = { "input.name" = { starts_with = "MAGIC" } }
body = {}
"#,
    )
    .await;
    for (name, expected) in [
        ("MAGIC NOT_FOUND_AT_ALL", "NOT_FOUND_AT_ALL"),
        ("MAGIC not found at all", "NOT_FOUND_AT_ALL"),
        ("MAGIC SERVER_ERROR", "SERVER_ERROR"),
        ("MAGICIAN", "BY_RULE"),
        ("NOT_FOUND_AT_ALL", "DEFAULT"),
    ] {
        assert_eq!(
            outcome_of(post(&client, &json!({"name": name}))).await,
            expected,
            "{name}"
        );
    }
    let unknown = Answer::of(post(&client, &json!({"name": "MAGIC NOT_FOUND_AT_AL"}))).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(
        unknown.header("x-sandbox-error"),
        Some("unknown x-magic-reply")
    );
    assert!(
        unknown.message().starts_with(
            "input.name: `NOT_FOUND_AT_AL` is no x-magic-reply of this endpoint. Did you mean `NOT_FOUND_AT_ALL`?"
        ),
        "{}",
        unknown.message()
    );
}

const UPLOADS: &str = "/v0/identity/id_card_verifications";

/// A correct upload whose file has this name.
fn upload(client: &Client, file_name: &str) -> RequestBuilder {
    let selfie = Part::bytes(png(600, 600, 204_800)).file_name(file_name.to_owned());
    let form = Form::new()
        .text("id_card_number", "3275031210930027")
        .text("name", "Budi Contoh")
        .text("birthdate", "12-10-1993")
        .part("selfie", selfie);
    client.request("POST", UPLOADS).multipart(form)
}

#[tokio::test]
async fn the_name_of_an_uploaded_file_names_an_outcome_where_the_folder_allows_it() {
    let plain = Client::start().await;
    let allowed = start(&[("sandbox.toml", "magic_file_names = true\n")]).await;
    let declared = start(&[(
        "mine.toml",
        "extends = \"v0/id_card_verifications\"\n[magic]\n\"input.selfie.file_name\" = true\n",
    )])
    .await;
    for (file_name, expected) in [
        ("rate_limit_exceeded.jpg", "RATE_LIMIT_EXCEEDED"),
        ("ktp.server-error.png", "SERVER_ERROR"),
        ("holiday.png", ""),
    ] {
        let usual = outcome_of(upload(&plain, file_name)).await;
        let expected = if expected.is_empty() {
            &usual
        } else {
            expected
        };
        for (client, _folder) in [&allowed, &declared] {
            let answer = Answer::of(upload(client, file_name)).await;
            assert_eq!(outcome(&answer), expected, "{file_name}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn how_a_file_is_called_changes_no_id() {
    let mut answers = Vec::new();
    for file_name in ["one.png", "two.png"] {
        let client = Client::start().await;
        answers.push(Answer::of(upload(&client, file_name)).await.text);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn two_headers_that_each_ask_for_a_reply_are_refused_and_none_is_passed_over() {
    let client = Client::start().await;
    let request = client.request("POST", BANK);
    let request = request.header("x-magic-reply", "COMPLETED_FOUND");
    let answer = Answer::of(request.header("x-magic-reply", "fault=reset")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.header("x-sandbox-error"),
        Some("unknown x-magic-reply")
    );
    assert_eq!(
        answer.message(),
        "x-magic-reply came more than once, with different values: say all of it in one, such as \
         `COMPLETED_FOUND; delay=3s`."
    );
}

#[tokio::test]
async fn what_is_queued_waits_on_where_its_own_answer_is_refused() {
    let (client, _folder) = things(
        r#"
[outcomes.LIMITED]
rate_limit = { limit = 1, window = "1h" }
body = {}
"#,
    )
    .await;
    let input = json!({"name": "Ani"});
    let entry = json!({"endpoint": "v9/things", "outcome": "DEFAULT"});
    client.post("/__sandbox/next", &entry).await;
    let misfit = post(&client, &input).header("x-magic-reply", "callback=duplicate");
    assert_eq!(Answer::of(misfit).await.status, 400);
    let waiting =
        json!({"endpoint": "v9/things", "outcome": "DEFAULT", "times": 1, "reads": false});
    assert_eq!(
        client.get("/__sandbox/next").await.json(),
        json!({"waiting": [waiting]})
    );
    assert_eq!(outcome_of(post(&client, &input)).await, "DEFAULT");

    let entry = json!({"endpoint": "v9/things", "outcome": "LIMITED", "times": 2});
    client.post("/__sandbox/next", &entry).await;
    assert_eq!(
        outcomes_of(&client, &input, 3).await,
        ["LIMITED", "RATE_LIMIT_EXCEEDED", "RATE_LIMIT_EXCEEDED"]
    );
    client
        .post("/__sandbox/clock/advance", &json!({"by": "1h"}))
        .await;
    assert_eq!(
        outcomes_of(&client, &input, 2).await,
        ["LIMITED", "DEFAULT"]
    );
}
