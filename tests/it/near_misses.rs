//! Why a screening found nobody: the nearest listings, and the filters that excluded each.

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{run, write};

const PEPS: &str = "/v0/identity/individual_cft_peps";
const ENTITIES: &str = "/v0/identity/entity_cft_peps";

const LIST: &str = r#"extends = "dummy/watchlist"
[[individuals]]
id             = "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c01"
names          = ["Another Name", "Zyxwv Qponm"]
scopes         = ["SANCTION"]
nationalities  = ["ID"]
dates_of_birth = ["1970-05-01"]
[[entities]]
id                = "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c02"
names             = ["Zyxwv Qponm Works"]
scopes            = ["PEP"]
business_domiciles = ["ID"]
"#;

/// The `dummy_data` of the explanation of a request.
async fn dummy_data(client: &Client, path: &str, input: &Value) -> Value {
    let answer = client.post(path, input).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let explained = client.get(&format!("/__sandbox/explain/{trace}")).await;
    explained.json()["dummy_data"].take()
}

fn person(name: &str, more: &Value) -> Value {
    let mut person =
        json!({"given_names": name, "user_id": "1", "nationality": "ID", "scopes": ["SANCTION"]});
    for (field, value) in more.as_object().expect("fields") {
        person[field] = value.clone();
    }
    person
}

#[tokio::test]
async fn a_screening_without_a_hit_names_the_nearest_listing_and_each_filter_that_excluded_it() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "list.toml", LIST);
    let client = Client::of(iluma_sandbox::Sandbox::builder().scenarios(folder.path())).await;
    for (input, score, excluded_by, because) in [
        (
            person("Zyxwv Qponm", &json!({"scopes": ["PEP", "OTHER"]})),
            100,
            json!(["scopes"]),
            "its scope SANCTION was not searched",
        ),
        (
            person(
                "Zyxwv Qponm",
                &json!({"nationality": "SG", "date_of_birth": "1980-01-01", "score_threshold": 90}),
            ),
            85,
            json!(["score_threshold"]),
            "its score 85 is below the threshold 90 (name 100, country -5, date -10)",
        ),
        (
            person("Zyxwv Qponx", &json!({"score_threshold": 100})),
            90,
            json!(["score_threshold"]),
            "its score 90 is below the threshold 100",
        ),
        (
            person(
                "Zyxwv Qponm",
                &json!({"nationality": "SG", "scopes": ["PEP"], "score_threshold": 100}),
            ),
            95,
            json!(["score_threshold", "scopes"]),
            "its score 95 is below the threshold 100 (name 100, country -5), and its scope SANCTION was not searched",
        ),
    ] {
        let data = dummy_data(&client, PEPS, &input).await;
        assert_eq!(data["verdict"], "not_found");
        let nearest = &data["nearest"];
        assert!((1..=3).contains(&nearest.as_array().expect("a list").len()));
        assert_eq!(
            nearest[0],
            json!({
                "id": "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c01",
                "name": "Zyxwv Qponm",
                "score": score,
                "threshold": input.get("score_threshold").unwrap_or(&json!(85)),
                "excluded_by": excluded_by,
                "because": because,
            })
        );
    }
}

#[tokio::test]
async fn the_other_searches_name_the_nearest_listing_too() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "list.toml", LIST);
    let client = Client::of(iluma_sandbox::Sandbox::builder().scenarios(folder.path())).await;
    let business = json!({
        "name": "Zyxwv Qponm Works", "user_id": "1", "business_domicile": "ID", "scopes": ["SANCTION"],
    });
    let data = dummy_data(&client, ENTITIES, &business).await;
    assert_eq!(data["nearest"][0]["name"], "Zyxwv Qponm Works");
    assert_eq!(data["nearest"][0]["excluded_by"], json!(["scopes"]));
    let watchlist = "/v1/identity/cft/individual_watchlist";
    let input = json!({"given_name": "Zyxwv Qponm", "scopes": ["PEP"]});
    let data = dummy_data(&client, watchlist, &input).await;
    assert_eq!(data["nearest"][0]["name"], "Zyxwv Qponm");
}

#[tokio::test]
async fn a_hit_and_other_lookups_name_no_near_misses() {
    let client = Client::start().await;
    let hit = dummy_data(
        &client,
        PEPS,
        &person("Eko Hadi Salim", &json!({"scopes": ["PEP"]})),
    )
    .await;
    assert_eq!(
        (&hit["verdict"], hit.get("nearest")),
        (&json!("found"), None)
    );
    let bank = "/v1.1/identity/bank_account_data_requests";
    let missing = json!({"bank_account_number": "0000000404", "bank_code": "BCA"});
    let missing = dummy_data(&client, bank, &missing).await;
    assert_eq!(
        (&missing["verdict"], missing.get("nearest")),
        (&json!("not_found"), None)
    );
    let unlike = dummy_data(&client, PEPS, &person("日", &json!({}))).await;
    assert_eq!(unlike["verdict"], "not_found");
}

#[test]
fn try_shows_the_nearest_listing() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "list.toml", LIST);
    let scenarios = folder.path().to_str().expect("UTF-8");
    let input = person("Zyxwv Qponm", &json!({"scopes": ["PEP"]})).to_string();
    let (code, printed, _) = run(&["try", "POST", PEPS, "-d", &input, "--scenarios", scenarios]);
    assert_eq!(code, 0);
    let expected = "\nnearest  Zyxwv Qponm (0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c01) with score 100: its scope SANCTION \
                    was not searched\n";
    assert!(printed.contains(expected), "{printed}");
    let (_, printed, _) = run(&[
        "try",
        "POST",
        PEPS,
        "-d",
        &input,
        "--scenarios",
        scenarios,
        "--redact",
        "--format",
        "json",
    ]);
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    let nearest = &report["explanation"]["dummy_data"]["nearest"][0];
    assert_eq!(
        nearest["name"], "…",
        "a name that was sent is hidden: {nearest}"
    );
}
