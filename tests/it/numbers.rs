//! Numbers: compared by value, echoed as they were sent, refused where digits would be lost.

use iluma_sandbox::Sandbox;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{run, write};
use crate::receiver::Receiver;
use crate::scenarios::start;

const SUMS: &str = r#"
path = "/v9/sums"
id = "sum_{hex24}"
[request.properties]
sum = { type = "number" }
count = { type = "integer" }
any = {}
list = { type = "array", items = { type = "number" } }
[reply]
body = { id = "{{id}}", sum = "{{input.sum?}}", count = "{{input.count?}}", any = "{{input.any?}}", list = "{{input.list?}}", text = "<{{input.sum}}>" }
[outcomes.DEFAULT]
default = true
body = {}
"#;

const PATHS: &str = r#"
method = "GET"
path = "/v9/sums/{sum}"
[request.properties]
sum = { type = "number" }
[outcomes.DEFAULT]
default = true
body = { sum = "{{path.sum}}" }
[outcomes.TEN]
when = { "path.sum" = 10 }
body = { sum = "{{path.sum}}", ten = true }
"#;

async fn sums(rules: &str) -> (Client, tempfile::TempDir) {
    start(&[("v9/sums.toml", &format!("{SUMS}{rules}"))]).await
}

fn json_of(client: &Client, body: &str) -> RequestBuilder {
    let request = client.request("POST", "/v9/sums");
    request
        .header("content-type", "application/json")
        .body(body.to_owned())
}

fn form_of(client: &Client, body: &str) -> RequestBuilder {
    let request = client.request("POST", "/v9/sums");
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned())
}

/// The last part of `x-sandbox-outcome`.
async fn outcome(request: RequestBuilder) -> String {
    let answer = Answer::of(request).await;
    let tag = answer.header("x-sandbox-outcome").expect("an outcome");
    tag.rsplit('/').next().expect("a part").to_owned()
}

const TENS: [&str; 6] = ["10", "10.0", "1e1", "10.00", "0.1E+2", "100e-1"];

#[tokio::test]
async fn a_rule_compares_numbers_by_value_however_file_and_request_write_them() {
    for ten in ["10", "10.0", "1e1"] {
        for rule in [
            format!(r#"when = {{ "input.sum" = {ten} }}"#),
            format!(r#"when = {{ "input.sum" = {{ one_of = [9, {ten}] }} }}"#),
            format!(r#"when = {{ "input.any.of.0" = {ten} }}"#),
            format!(r#"when = {{ "input.any" = {{ one_of = [{{ of = [{ten}] }}] }} }}"#),
        ] {
            let (client, _folder) = sums(&format!("[outcomes.TEN]\n{rule}\nbody = {{}}\n")).await;
            for sent in TENS {
                let body = format!(r#"{{"sum":{sent},"any":{{"of":[{sent}]}}}}"#);
                assert_eq!(
                    outcome(json_of(&client, &body)).await,
                    "TEN",
                    "{rule}: {sent}"
                );
                if rule.contains("input.sum") {
                    let form = format!("sum={}", sent.replace('+', "%2B"));
                    assert_eq!(
                        outcome(form_of(&client, &form)).await,
                        "TEN",
                        "{rule}: {sent}"
                    );
                }
            }
            assert_eq!(
                outcome(json_of(&client, r#"{"sum":10.5}"#)).await,
                "DEFAULT"
            );
        }
    }
}

#[tokio::test]
async fn not_and_nth_compare_numbers_by_value_too() {
    let (client, _folder) = sums(
        "[outcomes.OTHER]\nwhen = { \"input.sum\" = { not = 10.0 } }\nbody = {}\n\
         [outcomes.SECOND]\nwhen = { nth = 8.0 }\npriority = 1\nbody = {}\n",
    )
    .await;
    for sent in TENS {
        let body = format!(r#"{{"sum":{sent}}}"#);
        assert_eq!(outcome(json_of(&client, &body)).await, "DEFAULT", "{sent}");
    }
    assert_eq!(outcome(json_of(&client, r#"{"sum":11}"#)).await, "OTHER");
    assert_eq!(outcome(json_of(&client, r#"{"sum":10}"#)).await, "SECOND");
}

#[tokio::test]
async fn a_number_in_a_rule_on_a_header_or_the_query_means_its_value_and_a_text_its_letters() {
    let many: Vec<_> = (0..10)
        .map(|at| format!("[outcomes.M{at}]\nwhen = {{ \"query.other\" = {at} }}\nbody = {{}}\n"))
        .collect();
    for more in [String::new(), many.concat()] {
        // With many rules they are found by an index.
        let (client, _folder) = sums(&format!(
            "[outcomes.TEN]\nwhen = {{ \"query.sum\" = 10 }}\nbody = {{}}\n\
             [outcomes.TEXT]\nwhen = {{ \"header.x-sum\" = \"10\" }}\nbody = {{}}\n{more}"
        ))
        .await;
        for sent in TENS {
            let query = format!("/v9/sums?sum={}", sent.replace('+', "%2B"));
            let asked = client.request("POST", &query).json(&json!({}));
            assert_eq!(outcome(asked).await, "TEN", "{sent}");
            let asked = json_of(&client, "{}").header("x-sum", sent);
            let expected = if sent == "10" { "TEXT" } else { "DEFAULT" };
            assert_eq!(outcome(asked).await, expected, "{sent}");
        }
        let asked = client.request("POST", "/v9/sums?sum=ten").json(&json!({}));
        assert_eq!(outcome(asked).await, "DEFAULT");
    }
}

#[tokio::test]
async fn the_index_of_many_rules_finds_a_number_by_its_value() {
    let rules: Vec<_> = (0..20)
        .map(|at| format!("[outcomes.N{at}]\nwhen = {{ \"input.sum\" = {at}.0 }}\nbody = {{}}\n"))
        .collect();
    let (client, _folder) = sums(&rules.concat()).await;
    for sent in TENS {
        let body = format!(r#"{{"sum":{sent}}}"#);
        assert_eq!(outcome(json_of(&client, &body)).await, "N10", "{sent}");
    }
    assert_eq!(outcome(json_of(&client, r#"{"sum":-0}"#)).await, "N0");
}

#[tokio::test]
async fn spellings_of_one_number_are_one_input_for_ids_and_the_echo_stays_as_sent() {
    let (one, _one) = sums("").await;
    let (other, _other) = sums("").await;
    for sent in TENS {
        let body = format!(r#"{{"sum":{sent},"any":[{{"a/b":{sent}}}],"list":[1,{sent}]}}"#);
        let spelled = Answer::of(json_of(&one, &body)).await;
        let plain = r#"{"sum":10,"any":[{"a/b":10}],"list":[1,10]}"#;
        let plain = Answer::of(json_of(&other, plain)).await;
        assert_eq!(spelled.json()["id"], plain.json()["id"], "{sent}");
        let echo = body
            .strip_prefix('{')
            .and_then(|body| body.strip_suffix('}'))
            .expect("braces");
        let (sum, rest) = echo.split_once(',').expect("two fields");
        let id = &spelled.json()["id"];
        let expected = format!(r#"{{"id":{id},{sum},{rest},"text":"<{sent}>"}}"#);
        assert_eq!(spelled.text, expected);
        let read = one
            .get(&format!("/v9/sums/{}", id.as_str().expect("an id")))
            .await;
        assert_eq!(read.text, expected);
    }
}

#[tokio::test]
async fn digits_that_a_double_has_no_room_for_are_echoed_from_every_kind_of_request() {
    let (client, _folder) = start(&[
        ("v9/sums.toml", SUMS),
        ("v8/paths.toml", &PATHS.replace("/v9/", "/v8/")),
    ])
    .await;
    for sent in [
        "0.1000000000000000055511151231257827",
        "0.10000000000000001",
        "-0",
        "-0.0",
        "1.50",
        "12345678901234567890.5",
        "1e30",
        "18446744073709551615",
        "-9223372036854775808",
        "0e-999",
    ] {
        for request in [
            json_of(&client, &format!(r#"{{ "sum" : {sent} }}"#)),
            form_of(&client, &format!("sum={sent}")),
        ] {
            let answer = Answer::of(request).await;
            let sum = format!(r#""sum":{sent},"text":"<{sent}>""#);
            assert!(
                answer.text.ends_with(&format!("{sum}}}")),
                "{sent}: {}",
                answer.text
            );
        }
        let answer = client.get(&format!("/v8/sums/{sent}")).await;
        assert_eq!(answer.text, format!(r#"{{"sum":{sent}}}"#));
    }
    let ten = client.get("/v8/sums/1e1").await;
    assert_eq!(ten.text, r#"{"sum":1e1,"ten":true}"#);
}

#[tokio::test(start_paused = true)]
async fn a_callback_repeats_the_number_as_it_was_sent_with_unknown_fields_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let rule = "[outcomes.CALLS]\nwhen = { \"input.count\" = 1 }\ncallback = true\nbody = {}\n";
    let text = format!("{SUMS}{rule}[callback]\ntype = \"SUM\"\n");
    write(folder.path(), "sums.toml", &text);
    let receiver = Receiver::start().await;
    let builder = Sandbox::builder().scenarios(folder.path());
    let client = Client::of(builder.callback("SUM", receiver.url())).await;
    for (at, magic) in ["", "CALLS; callback=unknown-fields"]
        .into_iter()
        .enumerate()
    {
        let body = r#"{"sum":0.10000000000000000001,"count":1}"#;
        let request = json_of(&client, body).header("x-magic-reply", magic);
        let reply = Answer::of(request).await.text;
        let callback = receiver.received(at + 1).await[at].text();
        let whole = reply.strip_suffix('}').expect("an object");
        assert!(
            reply.contains(r#""sum":0.10000000000000000001,"#),
            "{reply}"
        );
        assert!(callback.starts_with(whole), "{callback}");
    }
}

#[tokio::test]
async fn a_number_that_would_lose_digits_is_refused_by_the_name_of_its_field() {
    let (client, _folder) = sums("").await;
    let refused =
        |path: &str| json!([{"path": path, "message": "must be a number that fits into 64 bits"}]);
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "1e-400",
    ] {
        for (request, path) in [
            (json_of(&client, &format!(r#"{{"sum":{number}}}"#)), "sum"),
            (
                json_of(&client, &format!(r#"{{"any":{{"a.b":[0,{number}]}}}}"#)),
                "any.a.b[1]",
            ),
            (form_of(&client, &format!("sum={number}")), "sum"),
            (
                form_of(&client, &format!("list[]=1&list[]={number}")),
                "list[1]",
            ),
        ] {
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 400, "{number}: {}", answer.text);
            assert_eq!(answer.json()["error_code"], "API_VALIDATION_ERROR");
            assert_eq!(answer.json()["errors"], refused(path), "{number}");
        }
    }
    let answer = Answer::of(json_of(
        &client,
        r#"{"text":"1e400","list":[0,{"deep":-1e400}]}"#,
    ))
    .await;
    assert_eq!(
        (answer.status, &answer.json()["errors"]),
        (400, &refused("list[1].deep"))
    );
    let both = r#"{"list":[18446744073709551616,1],"any":18446744073709551616}"#;
    let answer = Answer::of(json_of(&client, both)).await;
    let paths: Vec<_> = answer.json()["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["path"].clone())
        .collect();
    assert_eq!(paths, ["list[0]", "any"]);
    let unknown = Answer::of(json_of(
        &client,
        r#"{"sum":1,"unknown":18446744073709551616}"#,
    ))
    .await;
    assert_eq!(unknown.status, 200, "an unknown field is not echoed");
}

#[tokio::test]
async fn of_a_key_that_comes_twice_the_last_value_counts_and_its_spelling() {
    let (client, _folder) = sums("").await;
    for (body, sum) in [
        (r#"{"sum":1e1,"sum":10}"#, "10"),
        (r#"{"sum":10,"sum":1e1}"#, "1e1"),
        (r#"{"sum":18446744073709551616,"sum":1.50}"#, "1.50"),
    ] {
        let answer = Answer::of(json_of(&client, body)).await;
        assert!(
            answer.text.contains(&format!(r#""sum":{sum},"#)),
            "{body}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn the_journal_shows_a_refused_number_with_its_digits_and_filters_compare_by_value() {
    let (client, _folder) = sums("").await;
    let large = r#"{"sum":123456789012345678901}"#;
    assert_eq!(Answer::of(json_of(&client, large)).await.status, 400);
    let exact = r#"{"sum":12345678901234567891}"#;
    assert_eq!(Answer::of(json_of(&client, exact)).await.status, 200);
    Answer::of(json_of(&client, r#"{"sum":1e1}"#)).await;
    let export = client.get("/__sandbox/export").await.text;
    assert!(
        export.contains(r#""body":"{\"sum\":123456789012345678901}""#),
        "{export}"
    );
    assert!(export.contains(&format!(r#""body":{exact}"#)), "{export}");
    let count = async |query: &str| {
        let listed = client.get(&format!("/__sandbox/requests?{query}")).await;
        listed.json()["requests"].as_array().expect("a list").len()
    };
    assert_eq!(count("body.sum=12345678901234567891").await, 1);
    assert_eq!(count("body.sum=12345678901234567892").await, 0);
    assert_eq!(count("body.sum=10.0").await, 1);
    let verify = async |sum: &str| {
        let wish = format!(r#"{{"request":{{"body.sum":{sum}}},"exactly":1}}"#);
        let request = client.request("POST", "/__sandbox/verify");
        Answer::of(
            request
                .header("content-type", "application/json")
                .body(wish),
        )
        .await
    };
    assert_eq!(verify("10.00").await.status, 200);
    let refused = verify("123456789012345678901").await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.message(),
        "the body cannot be taken: `request.body.sum` must be a number that fits into 64 bits"
    );
}

#[test]
fn check_warns_of_rules_on_one_number_however_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let rule =
        |name: &str, when: &str| format!("[outcomes.{name}]\nwhen = {{ {when} }}\nbody = {{}}\n");
    let text = [
        SUMS.to_owned(),
        rule("FIRST", "\"input.sum\" = 10"),
        rule("SECOND", "\"input.sum\" = 1e1"),
        rule("COUNT", "\"input.count\" = 2.0"),
        rule("HALF", "\"input.count\" = 2.5"),
        rule("CALL", "nth = 2.0"),
        rule("QUERY", "\"query.sum\" = 7"),
        rule("AGAIN", "\"query.sum\" = 7.0"),
    ]
    .concat();
    write(folder.path(), "sums.toml", &text);
    let path = folder.path().to_str().expect("UTF-8");
    let (code, report, _) = run(&["check", path, "--format", "json"]);
    assert_eq!(code, 0, "{report}");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let warnings = report["warnings"].as_array().expect("a list").iter();
    let messages: Vec<_> = warnings
        .map(|one| one["message"].as_str().expect("a message"))
        .map(|message| message.replace(&format!("{path}/"), ""))
        .filter(|message| !message.contains("can match the same request"))
        .collect();
    assert_eq!(
        messages,
        [
            "this rule is never used: `FIRST` (sums.toml:15) is tried first, and matches all of the same requests",
            "`input.count` must be an integer: this condition can never match",
            "this rule is never used: `QUERY` (sums.toml:30) is tried first, and matches all of the same requests",
        ]
    );
}

#[test]
fn a_number_that_is_tried_is_treated_as_one_that_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "sums.toml", SUMS);
    let path = folder.path().to_str().expect("UTF-8");
    let tried = |body: &str| {
        let json = "content-type: application/json";
        let (_, report, _) = run(&[
            "try",
            "POST",
            "/v9/sums",
            "-H",
            json,
            "-d",
            body,
            "--scenarios",
            path,
        ]);
        report
    };
    let report = tried(r#"{"sum":0.10000000000000000001}"#);
    assert!(
        report.contains(r#""sum":0.10000000000000000001,"#),
        "{report}"
    );
    let report = tried(r#"{"sum":18446744073709551616}"#);
    assert!(
        report.contains(r#"{"path":"sum","message":"must be a number that fits into 64 bits"}"#),
        "{report}"
    );
}
