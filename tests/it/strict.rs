//! `--strict` and `/__sandbox/fidelity`: exactly the outcomes with the label decided or inferred are refused.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Process, command, write};
use crate::stage::{BANK, TYPE};

const INDIVIDUAL: &str = "/v0/identity/individual_cft_peps";
const FIDELITY: &str = "/__sandbox/fidelity";

async fn strict() -> Client {
    Client::of(Sandbox::builder().strict(true)).await
}

/// The message of a refusal by strict mode.
fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 501, "{}", answer.text);
    assert_eq!(answer.header("x-sandbox-error"), Some("strict mode"));
    assert_eq!(answer.json()["error_code"], "STRICT_MODE_ERROR");
    answer.message()
}

#[tokio::test]
async fn what_is_documented_or_observed_is_answered() {
    let client = strict().await;
    for (path, outcome) in [
        (INDIVIDUAL, "COMPLETED_NOT_FOUND"),
        (BANK, "PENDING"),
        (
            "/v2.2/identity/bank_account_data_requests",
            "COMPLETED_UNCLEAR",
        ),
    ] {
        let answer = client.magic(path, outcome).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("x-sandbox-error"), None);
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let read = client.get(&format!("{path}/{id}")).await;
        assert_eq!((read.status, read.text), (200, answer.text));
    }
    let answer = client.magic(BANK, "RATE_LIMIT_EXCEEDED").await;
    assert_eq!(answer.status, 429, "{}", answer.text);
}

#[tokio::test]
async fn an_outcome_that_is_decided_is_refused_with_what_is_left() {
    let client = strict().await;
    let answer = client.magic(INDIVIDUAL, "PENDING_THEN_FAILED").await;
    assert_eq!(
        answer.text,
        r#"{"error_code":"STRICT_MODE_ERROR","message":"With --strict this sandbox answers only what is documented or observed, and the outcome PENDING_THEN_FAILED of v0/individual_cft_peps is decided. Ask for another with x-magic-reply (COMPLETED_FOUND, COMPLETED_NOT_FOUND, FAILED_TEMPORARY_NETWORK_ERROR), or start without --strict."}"#
    );
    refusal(&answer);
    assert!(client.sandbox.requests()[0].status == 501);
}

#[tokio::test]
async fn a_default_that_is_decided_is_refused() {
    let client = strict().await;
    let body = json!({"account_number": "3374010403859001"});
    let answer = client.post("/v0/identity/npwp_data_requests", &body).await;
    assert_eq!(
        refusal(&answer),
        "With --strict this sandbox answers only what is documented or observed, and the outcome PENDING_THEN_COMPLETED_FOUND of v0/npwp_data_requests is decided. Ask for another with x-magic-reply (PENDING), or start without --strict."
    );
}

#[tokio::test]
async fn an_endpoint_that_is_inferred_is_refused_whatever_is_asked_of_it() {
    let client = strict().await;
    let path = "/v2.1/identity/bank_account_data_requests";
    let sentence = "With --strict this sandbox answers only what is documented or observed, and the endpoint v2.1/bank_account_data_requests is inferred. GET /__sandbox/fidelity shows what is left; without --strict it answers.";
    assert_eq!(
        refusal(&client.magic(path, "COMPLETED_FOUND").await),
        sentence
    );
    assert_eq!(
        refusal(&client.magic(path, "RATE_LIMIT_EXCEEDED").await),
        sentence
    );
    assert_eq!(refusal(&client.get(&format!("{path}/any")).await), sentence);
    let without_key = Answer::of(client.bare("POST", path)).await;
    assert_eq!(without_key.status, 401, "who asks comes first");
}

#[tokio::test]
async fn reading_back_is_refused_where_only_that_is_decided() {
    let client = strict().await;
    let planted = "/v0/identity/id_card_verifications/idvr_c2b7a96a-9dc2-491e-b274-71c84b6e25d1";
    assert_eq!(
        refusal(&client.get(planted).await),
        "With --strict this sandbox answers only what is documented or observed, and reading the records of v0/id_card_verifications back by id is decided. Take what the POST answered, or start without --strict."
    );
    let documented = format!("{INDIVIDUAL}/cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d");
    assert_eq!(client.get(&documented).await.status, 200);
    let listing = format!("{INDIVIDUAL}/2dc667a4-d232-4d51-a561-631ce966fb2c");
    assert_eq!(client.get(&listing).await.status, 200);
}

#[tokio::test]
async fn what_follows_from_a_bad_request_is_never_refused_but_asking_for_it_is() {
    let client = strict().await;
    let given = [
        (
            client.request("POST", BANK).body("nonsense"),
            "INVALID_JSON_FORMAT",
        ),
        (
            client.request("GET", &format!("{BANK}/no_such")),
            "DATA_NOT_FOUND",
        ),
        (client.request("GET", "/v3/nowhere"), "NOT_FOUND"),
    ];
    for (request, code) in given {
        let answer = Answer::of(request).await;
        assert_eq!(answer.json()["error_code"], code, "{}", answer.text);
        let asked = client.magic(BANK, code).await;
        assert!(refusal(&asked).contains(&format!("the outcome {code} of v1.1/")));
        let read = client.request("GET", &format!("{BANK}/any"));
        refusal(&Answer::of(read.header("x-magic-reply", code)).await);
    }
}

#[tokio::test]
async fn a_refusal_by_strict_mode_cannot_be_asked_for() {
    for client in [strict().await, Client::start().await] {
        let answer = client.magic(BANK, "STRICT_MODE_ERROR").await;
        assert_eq!(
            answer.header("x-sandbox-error"),
            Some("unknown x-magic-reply")
        );
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn what_folders_add_is_decided_unless_it_is_labelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = r#"
        extends = "v1.1/bank_account_data_requests"
        [outcomes.MINE]
        when = { "input.bank_account_number" = "1" }
        [outcomes.SEEN]
        source = "observed"
        [outcomes.SEEN_THEN_MINE]
        source = "observed"
        then   = { after = "1s", outcome = "MINE" }
        [outcomes.IN_TURN]
        sequence = ["SEEN", "MINE"]
        [[records]]
        id      = "bknv_000000000000000000000001"
        outcome = "MINE"
        created = "2026-01-01T00:00:00.000Z"
        updated = "2026-01-01T00:00:00.000Z"
        input   = { bank_account_number = "7", bank_code = "BCA" }
    "#;
    write(folder.path(), "more.toml", more);
    let builder = Sandbox::builder().scenarios(folder.path());
    let client = Client::of(builder.strict(true)).await;
    let mine = "the outcome MINE of v1.1/bank_account_data_requests is decided.";
    let by_rule = json!({"bank_account_number": "1", "bank_code": "BCA"});
    assert!(refusal(&client.post(BANK, &by_rule).await).contains(mine));
    let becomes = client.magic(BANK, "SEEN_THEN_MINE").await;
    assert!(refusal(&becomes).contains(mine), "{}", becomes.text);
    let planted = format!("{BANK}/bknv_000000000000000000000001");
    assert!(refusal(&client.get(&planted).await).contains(mine));
    assert_eq!(client.magic(BANK, "SEEN").await.status, 200);
    assert_eq!(client.magic(BANK, "IN_TURN").await.status, 200);
    assert!(refusal(&client.magic(BANK, "IN_TURN").await).contains(mine));
}

#[tokio::test]
async fn a_trigger_of_what_is_decided_is_refused() {
    let client = strict().await;
    let trigger = |endpoint: &str| json!({"endpoint": endpoint, "outcome": "COMPLETED_FOUND"});
    let answer = client
        .post(
            "/__sandbox/trigger",
            &trigger("v2.1/bank_account_data_requests"),
        )
        .await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (501, &json!("strict_mode"))
    );
    let decided = client
        .post("/__sandbox/trigger", &trigger("v0/npwp_data_requests"))
        .await;
    assert_eq!(decided.status, 501, "{}", decided.text);
    let url = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let registered = client
        .post("/v1/callback/urls", &json!({"type": TYPE, "url": url}))
        .await;
    assert_eq!(registered.status, 200, "{}", registered.text);
    let documented = client
        .post(
            "/__sandbox/trigger",
            &trigger("v1.1/bank_account_data_requests"),
        )
        .await;
    assert_eq!(documented.status, 202, "{}", documented.text);
}

#[tokio::test]
async fn fidelity_says_of_every_outcome_what_strict_mode_does_with_it() {
    let client = strict().await;
    let fidelity = Answer::of(client.bare("GET", FIDELITY)).await.json();
    assert_eq!(fidelity["strict"], true);
    let mut seen = [0, 0];
    for endpoint in fidelity["endpoints"].as_array().expect("a list") {
        let path = endpoint["path"].as_str().expect("a path");
        let path = path
            .replace("{digits}", "6281234567890")
            .replace("{id}", "any");
        let method = endpoint["method"].as_str().expect("a method");
        let outcomes = endpoint["outcomes"].as_array().expect("a list").iter();
        for outcome in outcomes.chain(fidelity["errors"].as_array().expect("a list")) {
            let name = outcome["name"].as_str().expect("a name");
            let request = client.request(method, &path).header("x-magic-reply", name);
            let answer = Answer::of(request).await;
            let is_refused = answer.header("x-sandbox-error").is_some();
            let says = match (&endpoint["under_strict"], &outcome["under_strict"]) {
                (Value::String(endpoint), Value::String(outcome)) => {
                    endpoint == "refused" || outcome == "refused"
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(is_refused, says, "{path} {name}: {}", answer.text);
            seen[usize::from(is_refused)] += 1;
        }
    }
    assert!(seen[0] > 200 && seen[1] > 100, "{seen:?}");
}

#[tokio::test]
async fn fidelity_counts_what_it_lists() {
    let client = Client::start().await;
    let fidelity = client.get(FIDELITY).await.json();
    assert_eq!(fidelity["strict"], false);
    let endpoints = fidelity["endpoints"].as_array().expect("a list");
    let each = |of: &str| -> Vec<&Value> {
        let lists = endpoints
            .iter()
            .map(|endpoint| endpoint[of].as_array().expect("a list"));
        lists.flatten().collect()
    };
    let lists = [
        ("endpoints", endpoints.iter().collect()),
        ("fields", each("fields")),
        ("outcomes", each("outcomes")),
        (
            "errors",
            fidelity["errors"]
                .as_array()
                .expect("a list")
                .iter()
                .collect(),
        ),
    ];
    for (name, list) in lists {
        for label in ["documented", "observed", "inferred", "decided"] {
            let count = list.iter().filter(|one| one["source"] == label).count();
            assert_eq!(fidelity["counts"][name][label], count, "{name} {label}");
        }
        let counted = fidelity["counts"][name].as_object().expect("counts");
        let sum: u64 = counted.values().filter_map(Value::as_u64).sum();
        assert_eq!(sum, list.len() as u64, "every one of {name} has a label");
    }
    let decided = each("fields")
        .into_iter()
        .filter(|field| field["source"] == "decided");
    assert_eq!(decided.count(), 10, "fields whose label is their own");
}

#[tokio::test]
async fn fidelity_takes_no_parameters_and_no_key() {
    let client = Client::start().await;
    let answer = Answer::of(client.bare("GET", &format!("{FIDELITY}?strict=1"))).await;
    let message = "unknown parameter `strict`: there are none here";
    let refusal = json!({"error": "bad_request", "message": message});
    assert_eq!((answer.status, answer.json()), (400, refusal));
}

#[tokio::test]
async fn a_folder_an_environment_or_a_flag_turns_it_on() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "sandbox.toml", "strict = true\n");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    refusal(&client.magic(BANK, "PENDING_THEN_FAILED").await);

    let by_flag = Process::serve(&["--strict", "--log-format", "off"]);
    let mut by_environment = command(&["serve", "--port", "0", "--log-format", "off"]);
    by_environment.env("ILUMA_SANDBOX_STRICT", "true");
    let by_environment = Process::start(by_environment);
    let mut off = command(&["serve", "--port", "0", "--log-format", "off"]);
    off.env("ILUMA_SANDBOX_STRICT", "false");
    let off = Process::start(off);
    for (process, strict) in [(&by_flag, true), (&by_environment, true), (&off, false)] {
        let url = format!("{}{FIDELITY}", process.url);
        let answer = reqwest::get(url).await.expect("an answer");
        let fidelity: Value = answer.json().await.expect("JSON");
        assert_eq!(fidelity["strict"], strict);
    }
}
