//! Users' own products that use GET, keep no records or answer with a bare array; and the errors for
//! mistakes in their files.

use std::time::Duration;

use iluma_sandbox::{Sandbox, StartError};
use serde_json::json;

use crate::client::Answer;
use crate::process::write;
use crate::receiver::StandingClock;
use crate::scenarios::start;

const RATES: &str = r#"
method = "GET"
path   = "/v9/rates/{currency}/{days}"

[request.properties]
currency = { type = "string", pattern = "^[A-Z]{3}$" }
days     = { type = "integer", maximum = 30 }

[outcomes.KNOWN]
default = true
body    = { of = "{{path.currency}}", days = "{{path.days}}", at = "{{created}}", draw = "{{fake.uuid}}" }

[outcomes.LONG]
when = { "path.days" = { gt = 7 }, "path.currency" = { not = { one_of = ["IDR"] } } }
body = { of = "<{{path.currency}}>" }

[outcomes.TWICE_THEN_BUSY]
when     = { "path.currency" = "XTS" }
sequence = ["KNOWN", "KNOWN", "SERVICE_UNAVAILABLE_ERROR"]
"#;

#[tokio::test]
async fn the_segments_of_a_get_are_its_input() {
    let (client, _folder) = start(&[("v9/rates.toml", RATES)]).await;
    let answer = client.get("/v9/rates/EUR/7").await;
    let draw = &answer.json()["draw"];
    assert_eq!(
        answer.text,
        format!(r#"{{"of":"EUR","days":7,"at":"2026-01-01T00:00:00.000Z","draw":{draw}}}"#)
    );
    assert_eq!(answer.header("x-sandbox-outcome"), Some("v9/rates/KNOWN"));
    assert_eq!(
        client.get("/v9/rates/EUR/8?days=1").await.text,
        r#"{"of":"<EUR>"}"#
    );
    assert_eq!(client.get("/v9/rates/IDR/8").await.json()["of"], "IDR");
    assert_eq!(
        client.get("/v9/rates/eur/31").await.json()["errors"],
        json!([
            {"path": "currency", "message": "must match the pattern ^[A-Z]{3}$"},
            {"path": "days", "message": "must be at most 30"},
        ])
    );
    assert_eq!(
        client.get("/v9/rates/EUR/soon").await.json()["errors"],
        json!([{"path": "days", "message": "must be an integer"}])
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.get("/v9/rates/XTS/1").await.status);
    }
    assert_eq!(statuses, [200, 200, 503]);
}

#[tokio::test]
async fn a_get_does_not_look_at_a_body() {
    let (client, _folder) = start(&[("v9/rates.toml", RATES)]).await;
    for body in ["{", "", "{\"days\": 9}"] {
        let request = client.request("GET", "/v9/rates/EUR/7");
        let answer = Answer::of(request.header("content-type", "text/plain").body(body)).await;
        assert_eq!(answer.json()["days"], 7, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_processing_time_of_a_product_is_between_its_times_until_it_changes() {
    let _still = StandingClock::hold();
    for (written, updated) in [("0ms", "00.000"), ("250ms", "00.250"), ("3m", "03:00.000")] {
        let file = format!(
            "path = \"/v9/a\"\nid = \"a_{{uuid}}\"\n\n[reply]\nprocessing_time = \"{written}\"\n\
             body = {{ id = \"{{{{id}}}}\", created = \"{{{{created}}}}\", updated = \"{{{{updated}}}}\" }}\n\n\
             [outcomes.DONE]\ndefault = true\nbody = {{}}\n\n[outcomes.LATER]\nbody = {{}}\n\
             then = {{ after = \"1s\", outcome = \"DONE\" }}\n"
        );
        let (client, _folder) = start(&[("v9/a.toml", &file)]).await;
        let done = client.post("/v9/a", &json!({})).await.json();
        assert_eq!(done["created"], "2026-01-01T00:00:00.000Z");
        let updated_at = done["updated"].as_str().expect("a time");
        assert!(updated_at.ends_with(&format!("{updated}Z")), "{updated_at}");
        let later = client.magic("/v9/a", "LATER").await.json();
        assert_eq!(later["updated"], later["created"], "it is pending");
        tokio::time::advance(Duration::from_secs(1)).await;
        let path = format!("/v9/a/{}", later["id"].as_str().expect("an id"));
        let changed = client.get(&path).await.json();
        assert_eq!(changed["updated"], "2026-01-01T00:00:01.000Z");
    }
    let file = format!("path = \"/v9/a\"\n{OUTCOME}[reply]\nprocessing_time = \"soon\"\n");
    let expected = "5:19 `soon` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`";
    assert_eq!(mistakes(&file).await, [expected]);
}

#[tokio::test]
async fn a_segment_without_a_rule_is_any_text() {
    let file = "method = \"GET\"\npath = \"/v9/echo/{word}\"\n[outcomes.ECHO]\ndefault = true\n\
                body = [\"{{path.word}}\", { twice = \"{{path.word}}{{path.word}}\" }]\n";
    let (client, _folder) = start(&[("v9/echo.toml", file)]).await;
    let answer = client.get("/v9/echo/a%2Fb%22%20%C3%A9").await;
    assert_eq!(answer.text, r#"["a/b\" é",{"twice":"a/b\" éa/b\" é"}]"#);
    let braces = client.get("/v9/echo/{{id}}").await.json();
    assert_eq!(braces[0], "{{id}}");
}

#[tokio::test]
async fn a_body_may_be_an_array_or_one_hole_and_replaces_what_is_shared() {
    let file = r#"
path = "/v9/lists"
[request.properties]
tags = { type = "array", items = { type = "string" } }
[reply]
body = { shared = true }
[outcomes.ECHO]
default = true
body = "{{input.tags}}"
[outcomes.PAIR]
body = ["{{created}}", 2]
[outcomes.SHARED]
"#;
    let (client, _folder) = start(&[("v9/lists.toml", file)]).await;
    let tags = json!({"tags": ["a", "b"]});
    assert_eq!(client.post("/v9/lists", &tags).await.text, r#"["a","b"]"#);
    assert_eq!(client.post("/v9/lists", &json!({})).await.text, "null");
    assert_eq!(
        client.magic("/v9/lists", "PAIR").await.text,
        r#"["2026-01-01T00:00:00.000Z",2]"#
    );
    assert_eq!(
        client.magic("/v9/lists", "SHARED").await.text,
        r#"{"shared":true}"#
    );
}

#[tokio::test]
async fn a_lookup_reads_the_fields_that_stand_for_its_own() {
    let file = r#"
method = "GET"
path   = "/v9/cards/{nik}/{of}"
[lookup]
in        = "register.id_cards"
reads     = { id_card_number = "nik", name = "of" }
found     = "FOUND"
not_found = "DATA_NOT_FOUND"
[outcomes.FOUND]
default = true
body    = { same = "{{register.is_name_match}}", born = "{{register.is_birthdate_match?}}" }
"#;
    let (client, _folder) = start(&[("v9/cards.toml", file)]).await;
    for (path, reply) in [
        ("3374010403859001/wahyu%20pramudanto", r#"{"same":true}"#),
        ("3374010403859001/Budi", r#"{"same":false}"#),
    ] {
        assert_eq!(client.get(&format!("/v9/cards/{path}")).await.text, reply);
    }
    assert_eq!(
        client.get("/v9/cards/3275031210930021/Budi").await.status,
        404
    );
}

// The errors for wrong files: line, column and sentence, in the order of the file.

const OUTCOME: &str = "[outcomes.DONE]\ndefault = true\n";

#[tokio::test]
async fn a_route_that_cannot_be_is_told_why() {
    for (file, expected) in [
        (
            format!("method = \"PUT\"\npath = \"/v9/a\"\n{OUTCOME}"),
            vec!["1:10 `PUT` is neither `POST` nor `GET`"],
        ),
        (
            format!("path = \"/v9/a/{{b}}\"\n{OUTCOME}"),
            vec![
                "1:8 only the path of a GET can have parameters such as `{b}`: write `method = \"GET\"`",
            ],
        ),
        (
            format!("method = \"GET\"\npath = \"/v9/{{b}}/{{b}}\"\n{OUTCOME}"),
            vec!["2:8 the path has the parameter `{b}` twice"],
        ),
        (
            format!("method = \"GET\"\npath = \"/v9/{{*b}}\"\n{OUTCOME}"),
            vec![
                "2:8 a path is lower-case words, each after a `/`, such as `/v1/identity/things`, \
                 and not below `/__sandbox`",
            ],
        ),
        (
            format!(
                "method = \"GET\"\npath = \"/v9/{{digits}}\"\nid = \"x_{{uuid}}\"\n\
                 content_type = \"application/json\"\n\
                 request.properties.digit = {{ type = \"string\" }}\n{OUTCOME}\
                 body.a = \"{{{{path.digts}}}}\"\nbody.b = \"{{{{input.digits}}}}\"\n\
                 when = {{ \"input.digits\" = \"1\" }}\n"
            ),
            vec![
                "3:6 a GET keeps no records: leave out `id`",
                "4:16 a GET has no body: leave out `content_type`",
                "5:20 the input of a GET is in its path, and `{digit}` is not: did you mean `digits`?",
                "8:10 the request has no field `digts`: did you mean `digits`?",
                "9:10 unknown placeholder `{{input.digits}}`: did you mean `{{path.digits}}`?",
                "10:10 `input.digits` cannot be tested: a condition starts with `path.`, `header.` or `query.`, \
                 or is `nth`; in quotes, such as `\"path.digit\"`",
            ],
        ),
        (
            format!(
                "path = \"/v9/a\"\nreads = [\"v0/cft_pep_listings\"]\n{OUTCOME}body.id = \"{{{{id}}}}\"\n\
                 then = {{ after = \"1s\", outcome = \"LATER\" }}\n[outcomes.LATER]\n\
                 [[records]]\nid = \"x\"\noutcome = \"DONE\"\ncreated = \"2026-01-01T00:00:00Z\"\n\
                 updated = \"2026-01-01T00:00:00Z\"\ninput = {{}}\n"
            ),
            vec![
                "2:10 this endpoint keeps no records to read: define their ids, `id = \"…_{uuid}\"`",
                "5:11 there is no `{{id}}` here, because this endpoint keeps no records: define their ids, \
                 `id = \"…_{uuid}\"`",
                "6:8 this endpoint keeps no records that could change: define their ids, \
                 `id = \"…_{uuid}\"`",
                "8:1 this endpoint keeps no records to read: define their ids, `id = \"…_{uuid}\"`",
            ],
        ),
        (
            "extends = \"v1/fraud/phone_numbers/age\"\nmethod = \"POST\"\n".to_owned(),
            vec!["2:10 a file that extends another file cannot change its method: leave this out"],
        ),
        (
            format!("method = \"GET\"\npath = \"/bank/available_bank_codes\"\n{OUTCOME}"),
            vec!["2:8 the path `/bank/available_bank_codes` already belongs to another endpoint"],
        ),
    ] {
        assert_eq!(mistakes(&file).await, expected, "{file}");
    }
}

#[tokio::test]
async fn a_body_or_a_lookup_that_cannot_be_is_told_why() {
    for (file, expected) in [
        (
            format!(
                "path = \"/v9/a\"\n{OUTCOME}body = \"plain\"\n[outcomes.B]\nbody = \"{{{{null}}}}!\"\n\
                     [outcomes.C]\nbody = \"{{{{absent}}}}\"\n[outcomes.D]\nbody = 1\n\
                     [outcomes.E]\nbody = \"{{{{banks.prefix}}}}\"\n[outcomes.F]\nbody = \"{{{{banks.plain?}}}}\"\n"
            ),
            vec![
                "4:8 a `body` must be a table, an array or one placeholder, not text",
                "6:8 a `body` must be a table, an array or one placeholder, not text",
                "8:8 a placeholder that can be absent must be the whole value of a key",
                "10:8 a `body` must be a table, an array or one placeholder, not a number",
                "12:8 unknown placeholder `{{banks.prefix}}`: did you mean `{{banks.prefixed}}`?",
                "14:8 `{{banks.plain?}}` cannot be absent: leave out the `?`",
            ],
        ),
        (
            format!(
                "path = \"/v9/a\"\n{OUTCOME}[request.properties]\nnik = {{ type = \"string\" }}\n\
                 [lookup]\nin = \"register.id_cards\"\n\
                 reads = {{ id_card_number = \"nikk\", nane = \"nik\", birthdate = 1 }}\n\
                 found = \"DONE\"\nnot_found = \"DONE\"\n"
            ),
            vec![
                "6:1 `register.id_cards` reads the field `name`, which the request does not have: name the field \
                 to read instead, `reads = { name = \"…\" }`",
                "8:28 the request has no field `nikk`: did you mean `nik`?",
                "8:36 `register.id_cards` does not read `nane`: it reads `id_card_number`, `name`, `birthdate`, \
                 `birthplace` and `address`",
                "8:62 must be the name of a field",
            ],
        ),
        (
            format!("path = \"/v9/a\"\nlookup = {{ in = \"bank.name\" }}\n{OUTCOME}"),
            vec!["2:17 unknown lookup `bank.name`: did you mean `bank.names`?"],
        ),
    ] {
        assert_eq!(mistakes(&file).await, expected, "{file}");
    }
}

/// The mistakes in a file, as `line:column sentence`.
async fn mistakes(file: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v9/a.toml", file);
    let started = Sandbox::builder().scenarios(folder.path()).start().await;
    let Err(StartError::Scenarios(errors)) = started else {
        panic!("taken for sound: {file}");
    };
    let told = errors.0.iter();
    told.map(|error| format!("{}:{} {}", error.line, error.column, error.message))
        .collect()
}
