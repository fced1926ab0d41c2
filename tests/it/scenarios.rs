//! The keys of scenario files, and the answers that they lead to.

use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::write;

const BANK: &str = "/v1.1/identity/bank_account_data_requests";

/// A sandbox over one folder that holds these files.
pub(crate) async fn start(files: &[(&str, &str)]) -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    (
        Client::of(Sandbox::builder().scenarios(folder.path())).await,
        folder,
    )
}

/// A new endpoint at `/v9/things` with these outcomes.
fn things(rest: &str) -> String {
    format!(
        "path = \"/v9/things\"\nid = \"thing_{{hex24}}\"\n\
         [request.properties]\nname = {{ type = \"string\" }}\ncount = {{ type = \"integer\" }}\n\
         tags = {{ type = \"array\", items = {{ type = \"string\" }} }}\n{rest}"
    )
}

async fn things_answer(rest: &str, input: &Value) -> Answer {
    let (client, _folder) = start(&[("v9/things.toml", &things(rest))]).await;
    client.post("/v9/things", input).await
}

#[tokio::test]
async fn every_operator_of_a_rule_does_what_its_name_says() {
    for (condition, fits, does_not) in [
        (
            r#""input.name" = "Ani""#,
            json!({"name": "Ani"}),
            json!({"name": "ani"}),
        ),
        (
            r#""input.count" = 3"#,
            json!({"count": 3}),
            json!({"count": 4}),
        ),
        (
            r#""input.tags.1" = "b""#,
            json!({"tags": ["a", "b"]}),
            json!({"tags": ["b"]}),
        ),
        (
            r#""input.name" = { one_of = ["A", "B"] }"#,
            json!({"name": "B"}),
            json!({"name": "C"}),
        ),
        (
            r#""input.name" = { regex = "^A.+i$" }"#,
            json!({"name": "Ani"}),
            json!({"name": "Anik"}),
        ),
        (
            r#""input.name" = { starts_with = "99" }"#,
            json!({"name": "991"}),
            json!({"name": "199"}),
        ),
        (
            r#""input.name" = { present = true }"#,
            json!({"name": ""}),
            json!({"name": null}),
        ),
        (
            r#""input.name" = { present = false }"#,
            json!({}),
            json!({"name": "A"}),
        ),
        (
            r#""input.count" = { gt = 3 }"#,
            json!({"count": 4}),
            json!({"count": 3}),
        ),
        (
            r#""input.count" = { lt = 3 }"#,
            json!({"count": 2}),
            json!({"count": 3}),
        ),
        (
            r#""input.name" = { not = { one_of = ["A"] } }"#,
            json!({"name": "B"}),
            json!({"name": "A"}),
        ),
        (
            r#""input.name" = "A", "input.count" = 1"#,
            json!({"name": "A", "count": 1}),
            json!({"name": "A"}),
        ),
    ] {
        let rest = format!(
            "[outcomes.USUAL]\ndefault = true\nbody = {{}}\n[outcomes.CHOSEN]\nbody = {{}}\nwhen = {{ {condition} }}\n"
        );
        let (client, _folder) = start(&[("v9/things.toml", &things(&rest))]).await;
        for (input, outcome) in [(fits, "v9/things/CHOSEN"), (does_not, "v9/things/USUAL")] {
            let answer = client.post("/v9/things", &input).await;
            assert_eq!(
                answer.header("x-sandbox-outcome"),
                Some(outcome),
                "{condition} {input}"
            );
        }
    }
}

#[tokio::test]
async fn a_list_of_conditions_is_an_or_and_the_first_rule_that_fits_counts() {
    let rest = r#"
[outcomes.USUAL]
default = true
body = {}
[outcomes.FIRST]
body = {}
when = [{ "input.name" = "A" }, { "input.count" = 1 }]
[outcomes.SECOND]
body = {}
when = { "input.name" = "A" }
"#;
    for input in [json!({"name": "A"}), json!({"count": 1})] {
        let answer = things_answer(rest, &input).await;
        assert_eq!(answer.header("x-sandbox-outcome"), Some("v9/things/FIRST"));
    }
}

#[tokio::test]
async fn a_magic_reply_goes_before_a_rule() {
    let rest = r#"
[outcomes.USUAL]
default = true
body = {}
[outcomes.RULED]
body = {}
when = { "input.name" = { present = true } }
"#;
    let (client, _folder) = start(&[("v9/things.toml", &things(rest))]).await;
    let request = client
        .request("POST", "/v9/things")
        .header("x-magic-reply", "USUAL")
        .json(&json!({"name": "A"}));
    let answer = Answer::of(request).await;
    assert_eq!(answer.header("x-sandbox-outcome"), Some("v9/things/USUAL"));
}

#[tokio::test]
async fn a_sequence_answers_in_turn_and_then_the_last_for_ever() {
    let (client, _folder) = start(&[(
        "busy.toml",
        r#"
extends = "v1.1/bank_account_data_requests"
[outcomes.BUSY_TWICE]
sequence = ["SERVICE_UNAVAILABLE_ERROR", "RATE_LIMIT_EXCEEDED", "COMPLETED_FOUND"]
when = { "input.bank_account_number" = "999000" }
"#,
    )])
    .await;
    let input = json!({"bank_account_number": "999000", "bank_code": "BCA"});
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.post(BANK, &input).await.status);
    }
    assert_eq!(statuses, [503, 429, 200, 200]);
    assert_eq!(
        client.magic(BANK, "BUSY_TWICE").await.status,
        200,
        "by the header too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_goes_through_a_chain_of_transitions() {
    let rest = r#"
[reply]
body = { id = "{{id}}", status = "?", created = "{{created}}", updated = "{{updated}}" }
[outcomes.NEW]
default = true
body = { status = "NEW" }
then = { after = "10s", outcome = "CHECKED" }
[outcomes.CHECKED]
body = { status = "CHECKED" }
then = { after = "1m", outcome = "DONE" }
[outcomes.DONE]
body = { status = "DONE" }
"#;
    let (client, _folder) = start(&[("v9/things.toml", &things(rest))]).await;
    let made = client.post("/v9/things", &json!({})).await.json();
    let path = format!("/v9/things/{}", made["id"].as_str().expect("an id"));
    let mut seen = Vec::new();
    for seconds in [0, 9, 1, 59, 1] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let answer = client.get(&path).await;
        let record = answer.json();
        seen.push((
            record["status"].as_str().expect("a status").to_owned(),
            record["updated"].as_str().expect("a time").to_owned(),
            answer
                .header("x-sandbox-outcome")
                .expect("an outcome")
                .to_owned(),
        ));
    }
    let expected = [
        ("NEW", "2026-01-01T00:00:00.000Z"),
        ("NEW", "2026-01-01T00:00:00.000Z"),
        ("CHECKED", "2026-01-01T00:00:10.000Z"),
        ("CHECKED", "2026-01-01T00:00:10.000Z"),
        ("DONE", "2026-01-01T00:01:10.000Z"),
    ];
    let expected = expected.map(|(status, updated)| {
        (
            status.to_owned(),
            updated.to_owned(),
            format!("v9/things/{status}"),
        )
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn holes_keep_their_type_leave_out_and_stand_inside_of_text() {
    let rest = r#"
[outcomes.USUAL]
default = true
[outcomes.USUAL.body]
whole    = "{{input.count}}"
inside   = "<{{input.name}}|{{input.count}}|{{input.tags}}>"
missing  = "{{input.name}}"
left_out = "{{input.name?}}"
place    = "{{absent}}"
nothing  = "{{null}}"
list     = ["{{input.tags.0}}", 1.5, true]
last     = "}}{"
"#;
    let answer = things_answer(rest, &json!({"count": 3, "tags": ["a\"\n", "b"]})).await;
    assert_eq!(
        answer.text,
        r#"{"whole":3,"inside":"<|3|[\"a\\\"\\n\",\"b\"]>","missing":null,"nothing":null,"list":["a\"\n",1.5,true],"last":"}}{"}"#
    );
}

#[tokio::test]
async fn an_outcome_has_status_headers_aliases_and_its_own_error() {
    let rest = r#"
[outcomes.MADE]
default = true
status  = 201
headers = { x-batch = "7", retry-after = 30 }
aliases = ["CREATED"]
body    = {}
[outcomes.TWICE_ERROR]
status = 409
error  = { code = "DUPLICATE_ERROR", message = "Once is enough." }
"#;
    let (client, _folder) = start(&[("v9/things.toml", &things(rest))]).await;
    let made = client.magic("/v9/things", "created").await;
    assert_eq!((made.status, made.text.as_str()), (201, "{}"));
    assert_eq!(
        (made.header("x-batch"), made.header("retry-after")),
        (Some("7"), Some("30"))
    );
    let twice = client.magic("/v9/things", "TWICE_ERROR").await;
    assert_eq!(
        (twice.status, twice.text.as_str()),
        (
            409,
            r#"{"error_code":"DUPLICATE_ERROR","message":"Once is enough."}"#
        )
    );
    assert_eq!(
        twice.header("x-sandbox-outcome"),
        Some("v9/things/TWICE_ERROR")
    );
}

#[tokio::test]
async fn parts_that_are_kept_are_read_by_their_own_ids() {
    let rest = r#"
keep = { from = "parts", at = "v9/parts" }
[outcomes.MADE]
default = true
body    = { id = "{{id}}", parts = [{ id = "one", size = "{{input.count}}" }, { size = 2 }] }
"#;
    // `keep` must be at the top of the file.
    let (top, tables) = rest.split_at(rest.find("[outcomes").expect("a table"));
    let things = format!("{top}{}", things(tables));
    let parts =
        "path = \"/v9/parts\"\nid = \"part_{uuid}\"\n[outcomes.MADE]\ndefault = true\nbody = {}\n";
    let (client, _folder) = start(&[("v9/things.toml", &things), ("v9/parts.toml", parts)]).await;
    assert_eq!(client.get("/v9/parts/one").await.status, 404);
    client.post("/v9/things", &json!({"count": 5})).await;
    let part = client.get("/v9/parts/one").await;
    assert_eq!(
        (part.status, part.text.as_str()),
        (200, r#"{"id":"one","size":5}"#)
    );
    assert_eq!(part.header("x-sandbox-outcome"), Some("v9/parts/LISTED"));
}

#[tokio::test]
async fn a_planted_record_is_there_in_every_world() {
    let rest = r#"
[outcomes.MADE]
default = true
body = { id = "{{id}}", name = "{{input.name}}", created = "{{created}}", updated = "{{updated}}" }
[[records]]
id = "thing_1"
outcome = "MADE"
created = "2020-02-29T00:00:00Z"
updated = "2020-02-29T00:00:01.5Z"
input = { name = "Ani" }
"#;
    let (client, _folder) = start(&[("v9/things.toml", &things(rest))]).await;
    let mine = client.get("/v9/things/thing_1").await;
    assert_eq!(
        mine.text,
        r#"{"id":"thing_1","name":"Ani","created":"2020-02-29T00:00:00.000Z","updated":"2020-02-29T00:00:01.500Z"}"#
    );
    let key = format!("iluma_development_{}", "x".repeat(40));
    let theirs = Answer::of(
        client
            .bare("GET", "/v9/things/thing_1")
            .basic_auth(key, Some("")),
    )
    .await;
    assert_eq!(theirs.text, mine.text);
}

#[tokio::test]
async fn a_file_of_the_same_path_replaces_and_a_later_folder_wins() {
    let answer = |name: &str| {
        format!(
            "path = \"{BANK}\"\nid = \"x_{{hex24}}\"\n[outcomes.{name}]\ndefault = true\nbody = {{ from = \"{name}\" }}\n"
        )
    };
    let (one, two) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let file = "v1.1/bank_account_data_requests.toml";
    write(one.path(), file, &answer("ONE"));
    write(two.path(), file, &answer("TWO"));
    let builder = Sandbox::builder()
        .scenarios(one.path())
        .scenarios(two.path());
    let client = Client::of(builder).await;
    assert_eq!(
        client.post(BANK, &json!({})).await.text,
        r#"{"from":"TWO"}"#
    );
    assert_eq!(client.magic(BANK, "ONE").await.status, 400);
    assert_eq!(
        client.magic(BANK, "COMPLETED_FOUND").await.status,
        400,
        "the shipped file is gone"
    );
}

#[tokio::test]
async fn an_extension_may_bring_another_default_and_another_rule_for_the_input() {
    let (client, _folder) = start(&[(
        "strict.toml",
        r#"
extends = "v1.1/bank_account_data_requests"
[request]
[request.properties]
reference_id = { maxLength = 6 }
[outcomes.PENDING]
default = true
pending = true
body = { status = "PENDING" }
"#,
    )])
    .await;
    let input = json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": "too long"});
    assert_eq!(
        client.post(BANK, &input).await.json()["errors"],
        json!([{"path": "reference_id", "message": "must be at most 6 characters long"}])
    );
    // The dummy data still comes before the default.
    let input = json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": "abc"});
    let answer = client.post(BANK, &input).await;
    assert_eq!(
        answer.header("x-sandbox-outcome"),
        Some("v1.1/bank_account_data_requests/COMPLETED_FOUND")
    );
}

#[tokio::test]
async fn shared_errors_can_be_reworded_and_added_to() {
    let (client, _folder) = start(&[(
        "ours.toml",
        r#"
extends = "errors"
[outcomes.INVALID_API_KEY]
status = 401
error = "Who are you?"
[outcomes.TEAPOT_ERROR]
status = 418
error = "Short and stout."
"#,
    )])
    .await;
    let teapot = client.magic(BANK, "TEAPOT_ERROR").await;
    assert_eq!(
        (teapot.status, teapot.text.as_str()),
        (
            418,
            r#"{"error_code":"TEAPOT_ERROR","message":"Short and stout."}"#
        )
    );
    let asked = client.magic(BANK, "INVALID_API_KEY").await;
    assert_eq!(
        (asked.status, asked.message().as_str()),
        (401, "Who are you?")
    );
}

#[tokio::test]
async fn a_lookup_may_lead_to_an_error() {
    let (client, _folder) = start(&[(
        "strict.toml",
        r#"
extends = "v1.1/bank_account_data_requests"
[lookup]
in              = "bank.accounts"
found           = "COMPLETED_FOUND"
virtual_account = "COMPLETED_FOUND"
need_review     = "PENDING"
not_found       = "DATA_NOT_FOUND"
timeout         = "SERVICE_UNAVAILABLE_ERROR"
[[bank_accounts]]
bank_code = "BCA"
bank_account_number = "4040"
finding = "not_found"
[[records]]
id      = "bknv_404040404040404040404040"
created = "2026-01-01T00:00:00Z"
updated = "2026-01-01T00:00:00Z"
input   = { bank_account_number = "4040", bank_code = "BCA" }
"#,
    )])
    .await;
    let input = json!({"bank_account_number": "4040", "bank_code": "ID_BCA"});
    assert_eq!(client.post(BANK, &input).await.status, 404);
    // A record cannot be an error.
    assert_eq!(
        client
            .get(&format!("{BANK}/bknv_404040404040404040404040"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_folder_settles_who_is_let_in_and_how_dates_are_written() {
    let key = format!("iluma_development_{}", "k".repeat(40));
    let (client, _folder) = start(&[(
        "sandbox.toml",
        &format!("watchlist_dates = \"objects\"\napi_keys = [\"{key}\"]\n"),
    )])
    .await;
    assert_eq!(client.sandbox.api_key(), key);
    assert_eq!(
        client
            .get("/v1/callback/authentication_tokens")
            .await
            .status,
        401
    );
    let path = "/v0/identity/cft_pep_listings/2dc667a4-d232-4d51-a561-631ce966fb2c";
    let listing = Answer::of(client.bare("GET", path).basic_auth(&key, Some("")))
        .await
        .json();
    assert_eq!(
        listing["dates_of_birth"],
        json!([{"y": 1943, "m": 3, "d": 11}])
    );
}

#[tokio::test]
async fn an_early_callback_brings_the_end_before_the_reply_says_pending() {
    let client = Client::start().await;
    let inbox = format!("{}/__sandbox/inbox/early", client.sandbox.url());
    let register = json!({"type": "NAME_VALIDATOR_REQUEST", "url": inbox});
    assert_eq!(
        client.post("/v1/callback/urls", &register).await.status,
        200
    );
    let request = client.request("POST", BANK).header(
        "x-magic-reply",
        "PENDING_THEN_COMPLETED_FOUND; callback=early",
    );
    let reply = Answer::of(request).await.json();
    assert_eq!(reply["status"], "PENDING");
    let received = client.get("/__sandbox/inbox/early").await.json();
    let received: Value =
        serde_json::from_str(received["received"][0]["body"].as_str().expect("a body"))
            .expect("JSON");
    assert_eq!(
        (&received["id"], &received["status"]),
        (&reply["id"], &json!("COMPLETED"))
    );
    let id = reply["id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("{BANK}/{id}")).await.json(), received);
}
