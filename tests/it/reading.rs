//! How a request is read: escapes in paths, bytes that are not UTF-8, repeated headers and parameters, and filters for them.

use bytes::Bytes;
use http_body_util::Full;
use iluma_sandbox::{Expectation, Query, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::run;
use crate::raw::{RawAnswer, ask, basic, request};
use crate::scenarios::start;
use crate::secure::{Http2, Read};
use crate::stage::{BANK, key};

const ACCOUNT: &[u8] = br#"{"bank_account_number":"7000000001","bank_code":"BCA"}"#;

const ECHO: &str = r#"
method = "GET"
path = "/v9/echo/{word}"
[outcomes.ECHO]
default = true
body = "{{path.word}}"
"#;

const THINGS: &str = r#"
path = "/v9/things"
id = "thing_{hex24}"
[request.properties]
"a.b" = { type = "string" }
[reply]
body = { id = "{{id}}", dotted = '{{input.a\.b}}' }
[outcomes.DEFAULT]
default = true
body = {}
[outcomes.TAGS]
when = { "header.x-tag" = ["a", 2] }
body = {}
[outcomes.PAGES]
when = { "query.page" = [1, 2] }
body = {}
[outcomes.DOTTED]
when = { 'input.a\.b' = "x" }
body = {}
"#;

async fn things() -> (Client, tempfile::TempDir) {
    start(&[("v9/echo.toml", ECHO), ("v9/things.toml", THINGS)]).await
}

/// The bytes of one request: head lines, then a body.
async fn send(sandbox: &Sandbox, line: &str, headers: &[&[u8]], body: &[u8]) -> RawAnswer {
    let mut bytes = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n",
        body.len()
    )
    .into_bytes();
    for header in headers {
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    ask(sandbox, bytes).await
}

fn authorization() -> Vec<u8> {
    format!("authorization: {}", basic(iluma_sandbox::PUBLIC_KEY)).into_bytes()
}

async fn refused_by_product(line: &str, headers: &[&[u8]], body: &[u8]) -> (u16, String) {
    let (client, _folder) = things().await;
    let authorization = authorization();
    let headers = [&[authorization.as_slice()], headers].concat();
    let answer = send(&client.sandbox, line, &headers, body).await;
    let json = answer.json();
    let message = json["message"].as_str().expect("a message");
    (answer.status(), message.to_owned())
}

fn outcome(answer: &Answer) -> &str {
    let tag = answer.header("x-sandbox-outcome").expect("an outcome");
    tag.rsplit('/').next().expect("a part")
}

#[tokio::test]
async fn an_escaped_letter_in_a_path_is_the_letter_itself() {
    let (client, _folder) = things().await;
    let made = client.post("/v9/things", &json!({})).await.json();
    let id = made["id"].as_str().expect("an id");
    let escaped = id.replace('_', "%5f").replace('t', "%74");
    for path in [
        format!("/v9/things/{escaped}"),
        format!("/%769/thing%73/{id}"),
        "/v1.1/identity/bank%5Faccount%5Fdata%5Frequests/x".replace("/x", "%2Fx"),
    ] {
        let answer = client.get(&path).await;
        let expected = if path.contains("%2F") { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{path}: {}", answer.text);
    }
    let posted = send(
        &client.sandbox,
        "POST /v1.1/identity/bank%5Faccount%5Fdata%5Frequests",
        &[&authorization(), b"content-type: application/json"],
        ACCOUNT,
    )
    .await;
    assert_eq!(posted.status(), 200);
}

#[tokio::test]
async fn an_escaped_letter_is_read_in_control_routes_and_documents_too() {
    let client = Client::start().await;
    for path in [
        "/%5F%5Fsandbox/livez",
        "/__sandbox/callback%5Furls",
        "/__sandbox/inbox/my%5Finbox",
        "/__sandbox/%6Clms.txt",
        "/__sandbox/doc%73",
        "/openapi%2Ejson",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let inbox = client.get("/__sandbox/inbox/my%5Finbox").await.json();
    assert_eq!(inbox["inbox"], "my_inbox");
}

#[tokio::test]
async fn an_escaped_control_path_is_guarded_as_the_plain_one() {
    let builder = Sandbox::builder().control_token("s3cret".parse().expect("a token"));
    let client = Client::of(builder).await;
    for path in ["/%5f_sandbox/worlds", "/__sandbox/%77orlds"] {
        assert_eq!(client.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn an_escaped_slash_is_data_and_never_a_slash() {
    let (client, _folder) = things().await;
    let echoed = client.get("/v9/echo/a%2Fb%2fc%5F").await;
    assert_eq!(echoed.text, r#""a/b/c_""#);
    assert_eq!(client.get("/v9%2Fecho/a").await.status, 404);
    assert_eq!(client.get("/__sandbox%2Flivez").await.status, 404);
    assert_eq!(client.get("/__sandbox/clock%2Fadvance").await.status, 404);
}

#[tokio::test]
async fn an_id_is_decoded_before_it_is_looked_up() {
    let file = format!(
        "{THINGS}[[records]]\nid = \"a_b\"\noutcome = \"DEFAULT\"\ncreated = \"2026-01-01T00:00:00Z\"\nupdated = \"2026-01-01T00:00:00Z\"\ninput = {{}}\n"
    );
    let (client, _folder) = start(&[("v9/things.toml", &file)]).await;
    let answer = client.get("/v9/things/a%5F%62").await;
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!("a_b")));
}

#[tokio::test]
async fn the_journal_keeps_the_path_as_it_was_sent() {
    let (client, _folder) = things().await;
    client.get("/v9/ech%6F/a%5Fb").await;
    let requests = client.sandbox.requests();
    assert_eq!(requests[0].path(), "/v9/ech%6F/a%5Fb");
    assert_eq!(requests[0].endpoint(), Some("v9/echo"));
    let explained = client
        .get(&format!(
            "/__sandbox/explain/{}",
            requests[0].trace().replace('-', "%2D")
        ))
        .await
        .json();
    assert_eq!(explained["request"]["path"], "/v9/ech%6F/a%5Fb");
    assert_eq!(explained["chosen_by"], "default");
}

#[tokio::test]
async fn a_broken_escape_in_a_path_is_refused() {
    let (client, _folder) = things().await;
    for (path, shown) in [
        ("/v9/echo/50%", "%"),
        ("/v9/echo/%zz", "%zz"),
        ("/v9/echo/%4", "%4"),
        ("/%", "%"),
    ] {
        let answer = send(
            &client.sandbox,
            &format!("GET {path}"),
            &[&authorization()],
            b"",
        )
        .await;
        let message = format!(
            "The path has the broken escape `{shown}`: write two hex digits after a `%`, and `%25` for the sign itself."
        );
        assert_eq!(
            (answer.status(), answer.json()["message"].clone()),
            (400, message.into()),
            "{path}"
        );
        let trace = answer
            .header("x-sandbox-trace")
            .expect("a trace")
            .to_owned();
        let explained = client
            .get(&format!("/__sandbox/explain/{trace}"))
            .await
            .json();
        assert_eq!(explained["chosen_by"], "refusal", "{explained}");
    }
    let control = send(&client.sandbox, "GET /__sandbox/inbox/%zz", &[], b"").await;
    assert_eq!(
        (control.status(), &control.json()["error"]),
        (400, &json!("bad_request"))
    );
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_refused_wherever_text_is_read() {
    let form: &[u8] = b"content-type: application/x-www-form-urlencoded";
    let person = "POST /v0/identity/individual_cft_peps";
    for (line, headers, body, message) in [
        (
            person,
            vec![form],
            &b"user_id=%FF"[..],
            "The form cannot be read: the value of `user_id` is not UTF-8 text.",
        ),
        (
            person,
            vec![form],
            b"user_id=a+\xff",
            "The form cannot be read: the value of `user_id` is not UTF-8 text.",
        ),
        (
            person,
            vec![form],
            b"%C3=1",
            "The form cannot be read: the name `%C3` is not UTF-8 text.",
        ),
        (
            "GET /v9/echo/a?b=%FF",
            vec![],
            b"",
            "The query cannot be read: the value of `b` is not UTF-8 text.",
        ),
        (
            "GET /health?%FF",
            vec![],
            b"",
            "The query cannot be read: the name `%FF` is not UTF-8 text.",
        ),
        (
            "GET /businesses/1/api_keys?token=%FF",
            vec![],
            b"",
            "The query cannot be read: the value of `token` is not UTF-8 text.",
        ),
        (
            "GET /v9/echo/%C3",
            vec![],
            b"",
            "The path segment `%C3` is not UTF-8 text.",
        ),
        (
            "GET /v9/things/%FF",
            vec![],
            b"",
            "The path segment `%FF` is not UTF-8 text.",
        ),
        (
            "GET /businesses/%FF/api_keys?token=1",
            vec![],
            b"",
            "The path segment `%FF` is not UTF-8 text.",
        ),
        (
            "GET /v9/echo/a",
            vec![b"x-magic-reply: ECHO\xe9"],
            b"",
            "x-magic-reply is not UTF-8 text.",
        ),
        (
            "POST /v9/things",
            vec![b"x-tag: \xe9"],
            b"{}",
            "The header x-tag is not UTF-8 text, and a rule checks it.",
        ),
        (
            "GET /__sandbox/requests?body.a=%FF",
            vec![],
            b"",
            "The query cannot be read: the value of `body.a` is not UTF-8 text.",
        ),
        (
            "GET /__sandbox/inbox/%FF",
            vec![],
            b"",
            "The path segment `%FF` is not UTF-8 text.",
        ),
    ] {
        let refused = refused_by_product(line, &headers, body).await;
        assert_eq!(refused, (400, message.to_owned()), "{line}");
    }
}

#[tokio::test]
async fn a_header_that_nobody_reads_may_be_latin_1() {
    let (client, _folder) = things().await;
    let headers: [&[u8]; 3] = [
        &authorization(),
        b"user-agent: Jos\xe9",
        b"content-type: application/json",
    ];
    let answer = send(&client.sandbox, "POST /v9/things", &headers, b"{}").await;
    assert_eq!(answer.status(), 200);
    let requests = client.sandbox.requests();
    assert_eq!(requests[0].header("user-agent").as_deref(), Some("José"));
}

#[tokio::test]
async fn a_query_that_was_refused_is_shown_as_it_was_sent() {
    let (client, _folder) = things().await;
    client.get("/v9/echo/a?b=%FF&c=%C3%A4").await;
    let listed = client.get("/__sandbox/requests").await.json();
    assert_eq!(
        listed["requests"][0]["query"],
        json!({"b": "%FF", "c": "ä"})
    );
}

#[tokio::test]
async fn a_header_that_may_come_once_is_refused_with_two_values() {
    let other = format!("authorization: {}", basic(&key('b')));
    let json: &[u8] = b"content-type: application/json";
    for (headers, status, word) in [
        (vec![json, other.as_bytes()], 401, "Authorization"),
        (vec![json, b"content-type: text/plain"], 400, "content-type"),
        (
            vec![
                json,
                b"content-encoding: identity",
                b"content-encoding: gzip",
            ],
            400,
            "content-encoding",
        ),
        (
            vec![&b"content-type: application/json, application/x-www-form-urlencoded"[..]],
            400,
            "content-type",
        ),
        (
            vec![
                json,
                b"x-sandbox-callback-depth: 1",
                b"x-sandbox-callback-depth: 0",
            ],
            400,
            "x-sandbox-callback-depth",
        ),
        (
            vec![
                json,
                b"x-sandbox-world: 11111111",
                b"x-sandbox-world: 22222222",
            ],
            401,
            "x-sandbox-world",
        ),
        (vec![json, b"host: localhost:1"], 400, "host"),
        (
            vec![
                json,
                b"x-magic-reply: SERVER_ERROR",
                b"x-magic-reply: COMPLETED_FOUND",
            ],
            400,
            "x-magic-reply",
        ),
    ] {
        let (refused, message) =
            refused_by_product(&format!("POST {BANK}"), &headers, ACCOUNT).await;
        assert_eq!(refused, status, "{word}: {message}");
        assert!(
            message.contains(word) && message.contains("more than one")
                || message.contains("more than once"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_header_that_is_repeated_with_the_same_value_counts_as_one() {
    let client = Client::start().await;
    let authorization = authorization();
    for headers in [
        vec![
            &authorization[..],
            &authorization[..],
            b"content-type: application/json",
            b"content-type: application/json",
        ],
        vec![
            &authorization[..],
            b"content-type: application/json, application/json",
        ],
        vec![
            &authorization[..],
            b"content-type: application/json",
            b"x-magic-reply: COMPLETED_FOUND",
            b"x-magic-reply: COMPLETED_FOUND",
        ],
    ] {
        let answer = send(&client.sandbox, &format!("POST {BANK}"), &headers, ACCOUNT).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn http2_refuses_repeated_headers_as_http1_does() {
    let client = Client::start().await;
    let http2 = Http2::plain(&client.sandbox).await;
    let request = http2.request("POST", BANK);
    let request = request.header("authorization", basic(&key('b')));
    let body = Full::new(Bytes::from_static(ACCOUNT));
    let response = http2.send(request.body(body).expect("a request")).await;
    assert_eq!(Read::of(response.expect("an answer")).await.status, 401);
}

#[tokio::test]
async fn the_control_api_refuses_two_tokens_two_keys_and_two_values_of_a_parameter() {
    let builder = Sandbox::builder().control_token("s3cret".parse().expect("a token"));
    let client = Client::of(builder).await;
    let token: &[u8] = b"x-sandbox-control-token: s3cret";
    let own = authorization();
    let other = format!("authorization: {}", basic(&key('b'))).into_bytes();
    let world = "GET /__sandbox/world";
    for (line, headers, status) in [
        (world, vec![token, &own], 200),
        (world, vec![token, token, &own, &own], 200),
        (
            world,
            vec![token, b"x-sandbox-control-token: other", &own],
            401,
        ),
        (world, vec![token, &own, &other], 401),
        (
            world,
            vec![token, &own, b"content-type: a/b", b"content-type: c/d"],
            400,
        ),
        (
            "GET /__sandbox/requests?limit=1&limit=1",
            vec![token, &own],
            200,
        ),
        (
            "GET /__sandbox/requests?limit=1&limit=2",
            vec![token, &own],
            400,
        ),
        (
            "GET /__sandbox/requests?query.a=1&query.a=2",
            vec![token, &own],
            400,
        ),
        (
            "GET /__sandbox/coverage?endpoint=v1/callback/urls&endpoint=x",
            vec![token],
            400,
        ),
    ] {
        let answer = send(&client.sandbox, line, &headers, b"").await;
        assert_eq!(answer.status(), status, "{line} {}", answer.text());
    }
    let twice = send(
        &client.sandbox,
        "GET /__sandbox/requests?limit=1&limit=2",
        &[token, &own],
        b"",
    )
    .await;
    assert_eq!(
        twice.json()["message"],
        "The query cannot be read: `limit` came more than once, with different values."
    );
    let tokens = send(
        &client.sandbox,
        "GET /businesses/1/api_keys?token=1&token=2",
        &[],
        b"",
    )
    .await;
    assert_eq!(tokens.status(), 400);
}

#[tokio::test]
async fn rules_verify_filters_and_explain_read_repeated_values_as_one_list() {
    let (client, _folder) = things().await;
    let post = |path: &str| client.request("POST", path).json(&json!({}));
    let both = |first: &'static str, last: &'static str| {
        post("/v9/things")
            .header("x-tag", first)
            .header("x-tag", last)
    };
    let tags = Answer::of(both("a", "2")).await;
    let pages = Answer::of(post("/v9/things?page=1&page=2")).await;
    let reversed = Answer::of(both("2", "a")).await;
    let single = Answer::of(post("/v9/things?page=2").header("x-tag", "2")).await;
    let outcomes = [&tags, &pages, &reversed, &single].map(outcome);
    assert_eq!(outcomes, ["TAGS", "PAGES", "DEFAULT", "DEFAULT"]);

    let requests = client.sandbox.requests();
    let matched = |query: Query| {
        let verified = iluma_sandbox::verify(&requests, &Expectation::at_least(0, query));
        verified.map(|verified| verified.matched).ok()
    };
    assert_eq!(
        matched(Query::any().header("x-tag", json!(["a", "2"]))),
        Some(1)
    );
    assert_eq!(matched(Query::any().query("page", json!([1, 2]))), Some(1));
    assert_eq!(matched(Query::any().query("page", "2")), Some(1));

    let filtered = client
        .get(r#"/__sandbox/requests?query.page=["1","2"]"#)
        .await
        .json();
    assert_eq!(filtered["matched"], 1);
    assert_eq!(filtered["requests"][0]["query"]["page"], json!(["1", "2"]));

    let wrong = json!({"request": {"header.x-tag": ["b", "2"]}});
    let missed = client.post("/__sandbox/verify", &wrong).await.json();
    let received = missed["near_misses"].as_array().expect("a list").iter();
    let received: Vec<_> = received
        .map(|near| near["differences"][0]["received"].clone())
        .collect();
    assert!(received.contains(&json!(["a", "2"])), "{received:?}");

    let trace = reversed.header("x-sandbox-trace").expect("a trace");
    let explained = client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json();
    let failed = &explained["rules"][0]["failed"][0];
    assert_eq!(
        (&failed["expected"], &failed["received"]),
        (&json!(["a", 2]), &json!(["2", "a"]))
    );
}

#[tokio::test]
async fn an_inbox_shows_all_values_of_a_header() {
    let client = Client::start().await;
    let request = client
        .bare("POST", "/__sandbox/inbox/mine")
        .header("x-tag", "a");
    Answer::of(request.header("x-tag", "b").json(&json!({}))).await;
    let inbox = client.get("/__sandbox/inbox/mine").await.json();
    assert_eq!(inbox["received"][0]["headers"]["x-tag"], json!(["a", "b"]));
}

/// Requests with the values `null`, `"null"`, none, and a text in quotes.
async fn nulls() -> Client {
    let client = Client::start().await;
    for body in [
        json!({"surname": null}),
        json!({"surname": "null"}),
        json!({}),
        json!({"surname": "\"null\""}),
        json!({"a.b": {"c\\d": 5}, "a": {"b": 6}}),
    ] {
        client.post("/v0/identity/individual_cft_peps", &body).await;
    }
    client
}

#[tokio::test]
async fn a_filter_tells_the_text_null_from_a_missing_value() {
    let client = nulls().await;
    for (filter, matched) in [
        ("body.surname=null", 3),
        (r#"body.surname="null""#, 1),
        (r#"body.surname="\"null\"""#, 1),
        ("body.surname=", 0),
        (r"body.a\.b.c\\d=5", 1),
        (r"body.a\.b.c\d=5", 1),
        (r#"body.a\.b.c\\d="5""#, 0),
        ("body.a.b=6", 1),
        ("body.a.b=5", 0),
    ] {
        let found = client
            .get(&format!("/__sandbox/requests?{filter}"))
            .await
            .json();
        assert_eq!(found["matched"], matched, "{filter}: {found}");
    }
    let verified = |filters: Value| {
        let question = json!({"request": filters, "exactly": 1});
        let client = &client;
        async move { client.post("/__sandbox/verify", &question).await.status }
    };
    assert_eq!(verified(json!({"body.surname": "null"})).await, 200);
    assert_eq!(verified(json!({r"body.a\.b.c\\d": 5})).await, 200);
    let query = Query::any().body(r"a\.b", json!({"c\\d": 5}));
    assert_eq!(query.to_string(), r#"body.a\.b {"c\\d":5}"#);
    client.sandbox.verify(&Expectation::exactly(1, query));
}

#[tokio::test]
async fn a_name_with_a_dot_can_be_tested_and_returned() {
    let (client, _folder) = things().await;
    let answer = client.post("/v9/things", &json!({"a.b": "x"})).await;
    assert_eq!(
        (outcome(&answer), &answer.json()["dotted"]),
        ("DOTTED", &json!("x"))
    );
}

#[test]
fn try_reads_escapes_and_repeated_headers_as_the_server_does() {
    let path = "/v1.1/identity/bank%5Faccount%5Fdata%5Frequests";
    let (code, printed, _) = run(&["try", "POST", path, "-H", "x-magic-reply: COMPLETED_FOUND"]);
    assert_eq!(
        (code, printed.starts_with("HTTP/1.1 200 OK")),
        (0, true),
        "{printed}"
    );
    let (first, last) = (
        "x-magic-reply: SERVER_ERROR",
        "x-magic-reply: COMPLETED_FOUND",
    );
    let (_, printed, _) = run(&["try", "POST", path, "-H", first, "-H", last]);
    assert!(printed.starts_with("HTTP/1.1 400 Bad Request"), "{printed}");
}

#[tokio::test]
async fn a_percent_sign_alone_is_data_in_a_query() {
    let client = Client::start().await;
    let bytes = request("GET /health?note=50%&more=a+b", &[], b"");
    assert_eq!(ask(&client.sandbox, bytes).await.status(), 200);
}

#[tokio::test]
async fn a_comma_in_a_quoted_boundary_is_no_second_type() {
    let client = Client::start().await;
    let body =
        "--a,b/c,d\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nx\r\n--a,b/c,d--\r\n";
    let request = client
        .request("POST", "/v0/identity/id_card_verifications")
        .header("content-type", r#"multipart/form-data; boundary="a,b/c,d""#)
        .body(body);
    let answer = Answer::of(request).await;
    assert_eq!(
        answer.json()["errors"][0],
        json!({"path": "name", "message": "must be at least 2 characters long"}),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_callback_depth_that_is_no_number_is_refused() {
    let client = Client::start().await;
    for depth in ["abc", "-1", "", "1.0"] {
        let request = client
            .request("GET", "/v1/callback/urls")
            .header("x-sandbox-callback-depth", depth);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.message()),
            (
                400,
                "The header x-sandbox-callback-depth must be a whole number.".to_owned()
            ),
            "{depth}"
        );
    }
}

#[tokio::test]
async fn a_hint_writes_a_name_with_a_dot_as_a_path_needs_it() {
    let wrong =
        format!("{THINGS}[outcomes.WRONG]\nwhen = {{ 'input.a.b' = \"x\" }}\nbody = {{}}\n");
    let folder = tempfile::tempdir().expect("a folder");
    crate::process::write(folder.path(), "v9/things.toml", &wrong);
    let started = Sandbox::builder().scenarios(folder.path()).start().await;
    let error = started.expect_err("a mistake").to_string();
    assert!(
        error.contains(r"the request has no field `a.b`: did you mean `a\.b`?"),
        "{error}"
    );
}

#[tokio::test]
async fn only_null_itself_means_a_missing_value_in_the_filter_of_a_url() {
    let client = Client::start().await;
    let body = json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": " null"});
    let bank = "/v1.1/identity/bank_account_data_requests";
    client.post(bank, &body).await;
    for (filter, matched) in [("%20null", 1), ("null", 0), ("%22null%22", 0)] {
        let path = format!("/__sandbox/requests?body.reference_id={filter}");
        let found = client.get(&path).await.json();
        assert_eq!(found["matched"], matched, "{filter}");
    }
}
