//! The wire: methods, paths, framing, sizes, slow clients, uploads in every broken shape, and the end.

use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::client::png;
use crate::raw::{Raw, RawAnswer, ask, chunked, request};

const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const ID_CARDS: &str = "/v0/identity/id_card_verifications";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: sandbox\r\n\r\n";
const ACCOUNT: &str = r#"{"bank_account_number":"1234567890","bank_code":"BCA"}"#;
const MIB: usize = 1 << 20;

async fn start() -> Sandbox {
    Sandbox::start().await.expect("a sandbox")
}

/// A request for an account as JSON.
fn post_account(headers: &[&str], body: &[u8]) -> Vec<u8> {
    request(&format!("POST {BANK}"), headers, body)
}

/// Accepted JSON of exactly that many bytes.
fn account_of(bytes: usize) -> Vec<u8> {
    let mut json = ACCOUNT.as_bytes().to_vec();
    json.resize(bytes, b' ');
    json
}

async fn assert_healthy(sandbox: &Sandbox) {
    assert_eq!(ask(sandbox, HEALTH).await.status(), 200);
}

fn error(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let sandbox = start().await;
    let planted = format!("{INDIVIDUALS}/cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d");
    for (path, status) in [
        (planted.as_str(), 200),
        ("/health", 200),
        ("/nothing", 404),
        ("/__sandbox/livez", 200),
    ] {
        let got = ask(&sandbox, request(&format!("GET {path}"), &[], b"")).await;
        let mut raw = Raw::connect(&sandbox).await;
        raw.send(request(&format!("HEAD {path}"), &[], b"")).await;
        let head = RawAnswer {
            head: raw.head().await,
            body: Vec::new(),
        };
        assert_eq!(head.status(), status, "{path}");
        assert_eq!(
            head.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{path}"
        );
        if status == 200 {
            assert_eq!(
                head.header("content-length"),
                got.header("content-length"),
                "{path}"
            );
        }
        raw.send(HEALTH).await;
        assert_eq!(
            raw.answer().await.text(),
            r#"{"status":"ok"}"#,
            "no byte of a body came in between"
        );
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    raw.send("GET /health HTTP/1.0\r\n\r\n").await;
    let answer = RawAnswer::of(&raw.rest().await);
    assert!(
        answer.head.starts_with("HTTP/1.0 200 OK\r\n"),
        "{}",
        answer.head
    );
    assert_eq!(answer.text(), r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn http_1_0_may_ask_to_be_kept() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    for _ in 0..3 {
        raw.send("GET /health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            .await;
        let answer = raw.answer().await;
        assert_eq!(
            (answer.status(), answer.header("connection")),
            (200, Some("keep-alive"))
        );
    }
}

#[tokio::test]
async fn a_method_that_no_route_has_is_an_unknown_route() {
    let sandbox = start().await;
    for method in [
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "BREW",
        "get",
        "Post",
        "M-SEARCH",
        "!#$%&'*+-.^_`|~09",
    ] {
        for path in [INDIVIDUALS, "/health", "/v1/callback/authentication_tokens"] {
            let answer = ask(
                &sandbox,
                request(&format!("{method} {path}"), &["connection: close"], b""),
            )
            .await;
            let (status, code, message) = answer.error();
            assert_eq!(
                (status, code.as_str()),
                (404, "NOT_FOUND"),
                "{method} {path}"
            );
            let start = format!("There is no {method} {path} here. The nearest is ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
}

#[tokio::test]
async fn a_target_that_is_no_path_is_an_unknown_route() {
    let sandbox = start().await;
    for line in ["CONNECT sandbox:443", "OPTIONS *", "GET *", "GET health"] {
        let answer = ask(&sandbox, request(line, &[], b"")).await;
        let (status, code, _) = answer.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{line}");
    }
}

#[tokio::test]
async fn a_path_that_is_the_sandboxs_own_without_its_start_is_told_so() {
    let sandbox = start().await;
    for (line, own) in [
        ("GET /", "GET /__sandbox/"),
        ("GET /docs/", "GET /__sandbox/docs"),
        ("GET /llms.txt", "GET /__sandbox/llms.txt"),
        ("GET /metrics", "GET /__sandbox/metrics"),
        ("GET /healthz", "GET /__sandbox/readyz"),
        (
            "GET /explain/1a2b3c4d-7",
            "GET /__sandbox/explain/1a2b3c4d-7",
        ),
        ("POST /clock/advance", "POST /__sandbox/clock/advance"),
    ] {
        let (status, code, message) = ask(&sandbox, request(line, &[], b"")).await.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"));
        assert_eq!(
            message,
            format!("There is no {line} here. The sandbox's own is {own}.")
        );
    }
    let (_, _, message) = ask(&sandbox, request("GET /reset", &[], b"")).await.error();
    assert!(
        message.starts_with("There is no GET /reset here. The nearest is "),
        "{message}"
    );
}

/// Asks for each line before an arrow, and expects the route behind it to be named.
async fn assert_nearest(table: &str, ending: &str) {
    let sandbox = start().await;
    for row in table.trim().lines() {
        let (line, nearest) = row.split_once(" -> ").expect("an arrow");
        let line = line.trim();
        let (status, code, message) = ask(&sandbox, request(line, &[], b"")).await.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{line}");
        assert_eq!(
            message,
            format!("There is no {line} here. The nearest is {nearest}{ending}")
        );
    }
}

#[tokio::test]
async fn a_path_without_its_version_or_with_a_wrong_one_names_the_best_known_version_first() {
    let table = "
        POST /bank_account_data_requests -> POST /v1.1/identity/bank_account_data_requests
        POST /identity/bank_account_data_requests -> POST /v1.1/identity/bank_account_data_requests
        POST /api/v3/identity/bank_account_data_requests -> POST /v1.1/identity/bank_account_data_requests
        POST /v1.2/identity/bank_account_data_requests -> POST /v1.1/identity/bank_account_data_requests
        GET /bank_account_data_requests -> POST /v1.1/identity/bank_account_data_requests
        POST /bank_acount_data_request -> POST /v1.1/identity/bank_account_data_requests
        GET /bank_account_data_requests/bknv_6a2963 -> GET /v1.1/identity/bank_account_data_requests/{id}
        GET /v9/identity/bank_account_data_requests/bknv_6a2963 -> GET /v1.1/identity/bank_account_data_requests/{id}
    ";
    assert_nearest(table, " (also in v1, v2, v2.1, v2.2).").await;
}

#[tokio::test]
async fn a_wrong_path_of_any_product_names_the_route_that_is_meant() {
    let table = "
        PUT /v2.2/identity/bank_account_data_requests -> POST /v2.2/identity/bank_account_data_requests
        POST /V2.0/Identity/Bank_Account_Data_Requests -> POST /v2/identity/bank_account_data_requests
        POST /v1.1/identity/bank_account_validation_details -> POST /v1.2/identity/bank_account_validation_details
        POST /bank_account_validation_details -> POST /v1.2/identity/bank_account_validation_details
        POST /individual_cft_peps -> POST /v0/identity/individual_cft_peps
        POST /v1/identity/entity_cft_peps -> POST /v0/identity/entity_cft_peps
        GET /v1/cft_pep_listings/2dc667a4-d232-4d51-a561-631ce966fb2c -> GET /v0/identity/cft_pep_listings/{id}
        POST /v1/identity/id_card_verifications -> POST /v0/identity/id_card_verifications
        POST /identity/npwp_data_requests -> POST /v0/identity/npwp_data_requests
        POST /v1/identity/ktp_data_requests -> POST /v2/identity/ktp_data_requests
        POST /ktp_name/validations -> POST /v1/identity/ktp_name/validations
        GET /fraud/phone_numbers/+6281234567890/age -> GET /v1/fraud/phone_numbers/{digits}/age
        POST /v1/identity/phone_numbers/validate -> POST /v2/identity/phone_numbers/validate
        POST /face_comparisons -> POST /v1/identity/face_comparisons
        POST /v2/credit/drawdowns -> POST /v1/credit/drawdowns
        GET /v2/bank/available_bank_codes -> GET /v1.2/bank/available_bank_codes
        GET /available_bank_codes -> GET /bank/available_bank_codes
        PATCH /callback/urls -> PATCH /v1/callback/urls
        POST /callback/urls -> POST /v1/callback/urls
        GET /callback/authentication_tokens -> GET /v1/callback/authentication_tokens
        GET /v1/health -> GET /health
    ";
    assert_nearest(table, ".").await;
}

#[tokio::test]
async fn a_slash_too_many_is_named_with_the_route_that_is_meant() {
    let double = "
        POST //v2/identity/bank_account_data_requests -> POST /v2/identity/bank_account_data_requests
        POST //individual_cft_peps -> POST /v0/identity/individual_cft_peps
        GET /v0/identity/individual_cft_peps//cftpi_1 -> GET /v0/identity/individual_cft_peps/{id}
        GET //v1/callback/urls -> GET /v1/callback/urls
        GET //health/ -> GET /health
        GET //__sandbox/readyz -> GET /__sandbox/readyz
        POST //__sandbox/clock/advance -> POST /__sandbox/clock/advance
        PUT //__sandbox//faults/ -> PUT /__sandbox/faults
        GET //_sandbox/docs -> GET /__sandbox/docs
    ";
    let two = ". The path has two slashes in a row: does your base URL end with a slash?";
    assert_nearest(double, two).await;
    let last = "
        POST /v2/identity/bank_account_data_requests/ -> POST /v2/identity/bank_account_data_requests
        PATCH /v1/callback/urls/ -> PATCH /v1/callback/urls
        POST /_sandbox/reset/ -> POST /__sandbox/reset
    ";
    let leave = ". The path ends with a slash: leave it out.";
    assert_nearest(last, leave).await;
    let empty_id = "
        GET /v0/identity/individual_cft_peps/ -> POST /v0/identity/individual_cft_peps
        GET /health/ -> GET /health
    ";
    let leave = ". The path ends with a slash: leave it out, or write an id after it.";
    assert_nearest(empty_id, leave).await;
    let url = "GET /http://127.0.0.1:4586/health -> GET /health";
    let alone = ". The path contains a whole URL: send the path alone, without scheme and host.";
    assert_nearest(url, alone).await;
}

#[tokio::test]
async fn a_misspelt_path_of_the_control_api_names_its_nearest_route() {
    let table = "
        GET /_sandbox/readyz -> GET /__sandbox/readyz
        GET /sandbox/requests -> GET /__sandbox/requests
        POST /___sandbox/next -> POST /__sandbox/next
        PUT /__SANDBOX/faults -> PUT /__sandbox/faults
        DELETE /_sandbox/inbox/mine -> DELETE /__sandbox/inbox/{name}
        GET /_sandbox/explain/1a2b3c4d-7 -> GET /__sandbox/explain/{trace}
        POST /_sandbox/deliveries/4/redeliver -> POST /__sandbox/deliveries/{id}/redeliver
        POST /__sandox/verfy -> POST /__sandbox/verify
    ";
    assert_nearest(table, ".").await;
}

#[tokio::test]
async fn the_control_api_names_the_nearest_of_all_routes() {
    let sandbox = start().await;
    let slash = "The path ends with a slash: leave it out";
    let double = "The path has two slashes in a row: does your base URL end with a slash?";
    for (line, hint) in [
        (
            "GET /__sandbox/reqests",
            "The nearest is GET /__sandbox/requests.",
        ),
        (
            "POST /__sandbox/reset/",
            &format!("The nearest is POST /__sandbox/reset. {slash}."),
        ),
        (
            "GET /__sandbox/readyz/",
            &format!("The nearest is GET /__sandbox/readyz. {slash}, or write an id after it."),
        ),
        (
            "GET /__sandbox//readyz",
            &format!("The nearest is GET /__sandbox/readyz. {double}"),
        ),
        (
            "POST /__sandbox/v1.1/identity/bank_account_data_requests",
            "The nearest is POST /v1.1/identity/bank_account_data_requests.",
        ),
    ] {
        let answer = ask(&sandbox, request(line, &[], b"")).await;
        let json = answer.json();
        assert_eq!(
            (answer.status(), &json["error"]),
            (404, &json!("unknown_control_route"))
        );
        let message = json["message"].as_str().expect("a message");
        let start = format!("there is no {line}. {hint} Known below /__sandbox/ are GET livez, ");
        assert!(message.starts_with(&start), "{message}");
    }
}

#[tokio::test]
async fn a_path_is_taken_literally() {
    let table = "
        GET /HEALTH -> GET /health
        GET /health%20 -> GET /health
        GET /./health -> GET /health
        GET /v0/../health -> GET /health
        GET /health%00 -> GET /health
        GET /health;x=y -> GET /health
        GET /h\u{e9}alth -> GET /health
        GET /v0/identity/individual_cft_peps/../../../etc/passwd -> GET /v0/identity/individual_cft_peps/{id}
        GET /v0/identity/individual_cft_peps/a/b -> GET /v0/identity/individual_cft_peps/{id}
        GET /v0/identity/Individual_cft_peps/a -> GET /v0/identity/individual_cft_peps/{id}
    ";
    assert_nearest(table, ".").await;
}

#[tokio::test]
async fn a_path_that_is_near_no_route_is_told_where_all_routes_are() {
    let sandbox = start().await;
    let slash = " The path ends with a slash: leave it out";
    let double = " The path has two slashes in a row: does your base URL end with a slash?";
    for (line, ending) in [
        ("GET /foo", ""),
        ("GET /FOO", ""),
        ("GET /v0/foo", ""),
        ("GET /cft", ""),
        ("GET /v1", ""),
        ("GET /v1/identity", ""),
        ("GET /health/..", ""),
        ("POST /v1/identity/invoices", ""),
        ("GET /favicon.ico", ""),
        ("GET /index.html", ""),
        ("GET /api/users", ""),
        ("DELETE /api/v2/users/7", ""),
        ("GET /orders/2dc667a4-d232-4d51-a561-631ce966fb2c", ""),
        (
            "GET /v1/customers/2dc667a4-d232-4d51-a561-631ce966fb2c/kyc",
            "",
        ),
        ("GET /\"{id}\\|^", ""),
        ("POST /foo/", &format!("{slash}.")),
        ("GET /foo/", &format!("{slash}, or write an id after it.")),
        ("GET //foo", double),
    ] {
        let (status, code, message) = ask(&sandbox, request(line, &[], b"")).await.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{line}");
        assert_eq!(
            message,
            format!("There is no {line} here. GET /openapi.json lists all routes.{ending}")
        );
    }
    let list = ask(&sandbox, request("GET /openapi.json", &[], b"")).await;
    assert_eq!(list.status(), 200);
    for line in ["GET /__sandbox/qqqq", "POST /__sandbox/bookings/7/refund"] {
        let answer = ask(&sandbox, request(line, &[], b"")).await;
        let message = answer.json()["message"].take();
        let start = format!("there is no {line}. Known below /__sandbox/ are GET livez, readyz, ");
        assert!(
            message
                .as_str()
                .is_some_and(|message| message.starts_with(&start)),
            "{message}"
        );
    }
}

#[tokio::test]
async fn an_id_is_taken_literally() {
    let sandbox = start().await;
    for id in [
        "..",
        ".",
        "%00",
        "%2e%2e",
        "%2F",
        "a%0d%0aset-cookie:%20x",
        "\u{e9}",
        "\"",
        "{id}",
        "{{id}}",
        "null",
    ] {
        let answer = ask(
            &sandbox,
            request(&format!("GET {INDIVIDUALS}/{id}"), &[], b""),
        )
        .await;
        let message = format!("There is no record {id} in the world of this API key.");
        assert_eq!(answer.error(), error(404, "DATA_NOT_FOUND", &message));
    }
}

#[tokio::test]
async fn a_long_id_is_repeated_only_in_part() {
    let sandbox = start().await;
    let answer = ask(
        &sandbox,
        request(
            &format!("GET {INDIVIDUALS}/{}", "i".repeat(60_000)),
            &[],
            b"",
        ),
    )
    .await;
    let message = format!(
        "There is no record {} in the world of this API key.",
        "i".repeat(100)
    );
    assert_eq!(answer.error(), error(404, "DATA_NOT_FOUND", &message));
}

#[tokio::test]
async fn an_absolute_address_is_served_by_its_path() {
    let sandbox = start().await;
    let answer = ask(
        &sandbox,
        request("GET http://api.iluma.ai/health?x=y", &[], b""),
    )
    .await;
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, r#"{"status":"ok"}"#)
    );
}

#[tokio::test]
async fn a_post_to_a_record_reads_it() {
    let sandbox = start().await;
    let path = format!("{INDIVIDUALS}/cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d");
    let got = ask(&sandbox, request(&format!("GET {path}"), &[], b"")).await;
    for body in ["", "{}", "{", "\u{0}"] {
        let posted = ask(
            &sandbox,
            request(&format!("POST {path}"), &[], body.as_bytes()),
        )
        .await;
        assert_eq!((posted.status(), posted.text()), (200, got.text()));
    }
}

#[tokio::test]
async fn a_get_ignores_its_body_and_its_labels() {
    let sandbox = start().await;
    let line = format!("GET {INDIVIDUALS}/cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d");
    for (header, body) in [
        ("content-type: application/json", ""),
        ("content-type: multipart/form-data", "x"),
        ("content-type: text/plain", "hello"),
        ("content-encoding: gzip", "zipped"),
        ("content-type: application/json", "{"),
    ] {
        let answer = ask(&sandbox, request(&line, &[header], body.as_bytes())).await;
        assert_eq!(answer.status(), 200, "{header}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_or_closed() {
    let sandbox = start().await;
    for bytes in [
        &b"\r\n\r\n\r\n\r\nhello\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client says hello \r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"GET /health HTTP/3.0\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.1 \r\n\r\n",
        b"GET  /health HTTP/1.1\r\n\r\n",
        b"GET /he\x00alth HTTP/1.1\r\n\r\n",
        b"GET /he\x7falth HTTP/1.1\r\n\r\n",
        b"G\x00T /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nho st: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nx: a\x00b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nx: a\rb\r\n\r\n",
        b"GET /health HTTP/1.1\r\nx: a\r\n b\r\n\r\n",
        b"POST /health HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\ncontent-length: +1\r\n\r\nx",
        b"POST /health HTTP/1.1\r\ncontent-length: 1, 2\r\n\r\nxx",
        b"POST /health HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /health HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\nx",
        b"POST /health HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\nx",
        b"POST /health HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /health HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
        b"POST /health HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
        b"POST /health HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        b"POST /health HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    ] {
        let mut raw = Raw::connect(&sandbox).await;
        raw.try_send(bytes).await;
        let answered = raw.rest().await;
        let shown = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&answered));
        assert!(answered.is_empty() || answered.starts_with(b"HTTP/1.1 400 Bad Request\r\n"), "{shown:?}");
        assert_healthy(&sandbox).await;
    }
}

#[tokio::test]
async fn a_path_of_forbidden_characters_is_refused() {
    let sandbox = start().await;
    for path in ["/<script>", "/`id`", "/a>b"] {
        let mut raw = Raw::connect(&sandbox).await;
        raw.send(request(&format!("GET {path}"), &[], b"")).await;
        assert_eq!(
            (RawAnswer::of(&raw.rest().await).status(), path),
            (400, path)
        );
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let sandbox = start().await;
    let many = (0..200).map(|at| format!("x-{at}: y\r\n"));
    let many = many.collect::<Vec<_>>().concat();
    for (head, statuses) in [
        (
            format!("GET /health HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000)),
            &[431][..],
        ),
        (format!("GET /health HTTP/1.1\r\n{many}\r\n"), &[431]),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "p".repeat(65_535)),
            &[414, 431],
        ),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "p".repeat(100_000)),
            &[414, 431],
        ),
        (
            format!("{} /health HTTP/1.1\r\n\r\n", "M".repeat(200_000)),
            &[400, 431],
        ),
    ] {
        let mut raw = Raw::connect(&sandbox).await;
        raw.try_send(&head).await;
        let answered = raw.rest().await;
        assert!(
            answered.is_empty() || statuses.contains(&RawAnswer::of(&answered).status()),
            "{:?}",
            &head[..30]
        );
        assert_healthy(&sandbox).await;
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests_good_and_bad() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    let two_mib = vec![b' '; 2 * MIB];
    for (request, status) in [
        (HEALTH.to_vec(), 200),
        (request("GET /nothing", &[], b""), 404),
        (post_account(&[], ACCOUNT.as_bytes()), 200),
        (post_account(&[], b"{"), 400),
        (
            post_account(&["content-encoding: gzip"], ACCOUNT.as_bytes()),
            415,
        ),
        (
            post_account(&["content-type: text/plain"], ACCOUNT.as_bytes()),
            415,
        ),
        (
            post_account(
                &["content-type: multipart/form-data; boundary=b"],
                b"--b\r\nnonsense",
            ),
            415,
        ),
        (post_account(&[], &two_mib), 413),
        (request("BREW /health", &[], b"tea"), 404),
        (post_account(&["transfer-encoding: chunked"], b""), 0),
        (chunked(ACCOUNT.as_bytes(), 7), 200),
        (HEALTH.to_vec(), 200),
    ] {
        raw.send(&request).await;
        if status != 0 {
            assert_eq!(
                raw.answer().await.status(),
                status,
                "{:?}",
                String::from_utf8_lossy(&request[..60])
            );
        }
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    let ids: Vec<_> = (0..200).map(|at| format!("id-{at}")).collect();
    let mut all = Vec::new();
    for id in &ids {
        let body = if id.ends_with('7') { ACCOUNT } else { "" };
        all.extend(request(
            &format!("POST {INDIVIDUALS}/{id}"),
            &[],
            body.as_bytes(),
        ));
    }
    raw.send(all).await;
    for id in &ids {
        let message = format!("There is no record {id} in the world of this API key.");
        assert_eq!(
            raw.answer().await.error(),
            error(404, "DATA_NOT_FOUND", &message)
        );
    }
}

#[tokio::test]
async fn a_client_that_expects_to_be_told_to_go_on_is_told() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    let whole = post_account(&["expect: 100-continue"], ACCOUNT.as_bytes());
    let (head, body) = whole.split_at(whole.len() - ACCOUNT.len());
    raw.send(head).await;
    assert_eq!(raw.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send(body).await;
    assert_eq!(raw.answer().await.status(), 200);
}

#[tokio::test]
async fn json_comes_under_several_labels() {
    let sandbox = start().await;
    for label in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "  application/json ",
        "application/problem+json",
        "application/vnd.api+json; version=1",
        "",
    ] {
        let answer = ask(
            &sandbox,
            post_account(&[&format!("content-type: {label}")], ACCOUNT.as_bytes()),
        )
        .await;
        assert_eq!(answer.status(), 200, "{label}: {}", answer.text());
    }
    assert_eq!(
        ask(&sandbox, post_account(&[], ACCOUNT.as_bytes()))
            .await
            .status(),
        200,
        "no label at all"
    );
}

#[tokio::test]
async fn a_label_that_no_product_takes_is_refused() {
    let sandbox = start().await;
    let message = "This endpoint takes application/json or application/x-www-form-urlencoded.";
    for label in [
        "text/plain",
        "application/xml",
        "text/json",
        "json",
        "application/jsonp",
        "*/*",
        "image/png",
        "+json",
    ] {
        let answer = ask(
            &sandbox,
            post_account(&[&format!("content-type: {label}")], ACCOUNT.as_bytes()),
        )
        .await;
        assert_eq!(
            answer.error(),
            error(415, "UNSUPPORTED_CONTENT_TYPE", message),
            "{label}"
        );
    }
}

#[tokio::test]
async fn json_and_forms_do_not_go_to_the_upload_nor_uploads_elsewhere() {
    let sandbox = start().await;
    for label in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ] {
        let request = request(
            &format!("POST {ID_CARDS}"),
            &[&format!("content-type: {label}")],
            b"{}",
        );
        let message = "This endpoint takes multipart/form-data.";
        assert_eq!(
            ask(&sandbox, request).await.error(),
            error(415, "UNSUPPORTED_CONTENT_TYPE", message)
        );
    }
    let body = multipart(&[
        (r#"name="bank_code""#, b"BCA"),
        (r#"name="bank_account_number""#, b"1"),
    ]);
    let answer = ask(&sandbox, post_account(&[MULTIPART], &body)).await;
    let message = "This endpoint takes application/json or application/x-www-form-urlencoded.";
    assert_eq!(
        answer.error(),
        error(415, "UNSUPPORTED_CONTENT_TYPE", message)
    );
}

#[tokio::test]
async fn a_body_must_not_be_encoded() {
    let sandbox = start().await;
    let message = "A body with a content-encoding is not taken: send it as it is.";
    for encoding in ["gzip", "deflate", "br", "identity, gzip", "x"] {
        let request = post_account(
            &[&format!("content-encoding: {encoding}")],
            ACCOUNT.as_bytes(),
        );
        assert_eq!(
            ask(&sandbox, request).await.error(),
            error(415, "UNSUPPORTED_CONTENT_TYPE", message),
            "{encoding}"
        );
    }
    for encoding in ["identity", "Identity"] {
        let request = post_account(
            &[&format!("content-encoding: {encoding}")],
            ACCOUNT.as_bytes(),
        );
        assert_eq!(ask(&sandbox, request).await.status(), 200, "{encoding}");
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let sandbox = start().await;
    assert_eq!(
        ask(&sandbox, post_account(&[], &account_of(MIB)))
            .await
            .status(),
        200
    );
    let framed = [
        post_account(&["transfer-encoding: chunked"], b""),
        chunked(&account_of(MIB), 5000),
    ]
    .concat();
    assert_eq!(ask(&sandbox, framed).await.status(), 200);
}

#[tokio::test]
async fn a_body_one_byte_over_the_limit_is_refused() {
    let sandbox = start().await;
    let too_large = error(
        413,
        "REQUEST_TOO_LARGE",
        "The body is larger than 1024 KiB.",
    );
    let body = account_of(MIB + 1);
    assert_eq!(
        ask(&sandbox, post_account(&[], &body)).await.error(),
        too_large
    );
    let framed = [
        post_account(&["transfer-encoding: chunked"], b""),
        chunked(&body, 5000),
    ]
    .concat();
    assert_eq!(ask(&sandbox, framed).await.error(), too_large);
    let form = post_account(&["content-type: application/x-www-form-urlencoded"], &body);
    assert_eq!(ask(&sandbox, form).await.error(), too_large);
    let plain = post_account(&["content-type: text/plain"], &body);
    assert_eq!(
        ask(&sandbox, plain).await.status(),
        415,
        "its type is wrong first of all"
    );
}

#[tokio::test]
async fn a_form_of_exactly_the_limit_is_taken() {
    let sandbox = start().await;
    let mut form = b"bank_code=BCA&bank_account_number=1&x=".to_vec();
    form.resize(MIB, b'y');
    let label = "content-type: application/x-www-form-urlencoded";
    assert_eq!(
        ask(&sandbox, post_account(&[label], &form)).await.status(),
        200
    );
}

#[tokio::test]
async fn a_body_in_tiny_chunks_is_put_together() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    for _ in 0..2 {
        raw.send(
            [
                post_account(&["transfer-encoding: chunked"], b""),
                chunked(ACCOUNT.as_bytes(), 1),
            ]
            .concat(),
        )
        .await;
        assert_eq!(raw.answer().await.status(), 200);
    }
}

#[tokio::test]
async fn trailers_are_passed_over() {
    let sandbox = start().await;
    let mut framed = [
        post_account(&["transfer-encoding: chunked"], b""),
        chunked(ACCOUNT.as_bytes(), 9),
    ]
    .concat();
    framed.truncate(framed.len() - 2);
    framed.extend(b"x-magic-reply: FAILED\r\n\r\n");
    let answer = ask(&sandbox, framed).await;
    assert_eq!(
        (answer.status(), &answer.json()["status"]),
        (200, &json!("COMPLETED"))
    );
}

#[tokio::test]
async fn fifty_mib_are_refused_and_the_connection_stays() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    let fifty_mib = vec![b' '; 50 * MIB];
    raw.send(post_account(&[], &fifty_mib)).await;
    assert_eq!(
        raw.answer().await.error(),
        error(
            413,
            "REQUEST_TOO_LARGE",
            "The body is larger than 1024 KiB."
        )
    );
    let upload = multipart(&[(r#"name="selfie"; filename="s.png""#, &fifty_mib)]);
    raw.send(upload_request(MULTIPART, &upload)).await;
    assert_eq!(
        raw.answer().await.error(),
        error(413, "FILE_TOO_LARGE", "The upload is larger than 10 MiB.")
    );
    raw.send(HEALTH).await;
    assert_eq!(raw.answer().await.status(), 200);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    raw.send(post_account(&["transfer-encoding: chunked"], b""))
        .await;
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; MIB], b"\r\n"].concat();
    let mut sent_mib = 0;
    while sent_mib < 400 && raw.try_send(&chunk).await {
        sent_mib += 1;
    }
    assert!(sent_mib < 400, "it is still read");
    assert_healthy(&sandbox).await;
}

#[tokio::test]
async fn no_body_at_all_is_refused() {
    let sandbox = start().await;
    let no_body = error(400, "INVALID_JSON_FORMAT", "The request has no body.");
    let empty_chunks = [
        post_account(&["transfer-encoding: chunked"], b""),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat();
    for request in [
        post_account(&[], b""),
        post_account(&["content-length: 0"], b""),
        post_account(
            &["content-type: application/json", "content-length: 0"],
            b"",
        ),
        post_account(&["content-type: text/plain", "content-length: 0"], b""),
        empty_chunks,
    ] {
        assert_eq!(ask(&sandbox, request).await.error(), no_body);
    }
}

#[tokio::test]
async fn no_body_at_all_is_refused_by_the_upload_too() {
    let sandbox = start().await;
    for headers in [&[][..], &[MULTIPART, "content-length: 0"]] {
        let answer = ask(&sandbox, request(&format!("POST {ID_CARDS}"), headers, b"")).await;
        assert_eq!(
            answer.error(),
            error(400, "INVALID_JSON_FORMAT", "The request has no body.")
        );
    }
}

#[tokio::test]
async fn an_empty_object_is_a_body() {
    let sandbox = start().await;
    let answer = ask(&sandbox, post_account(&[], b"{}")).await;
    assert_eq!(
        (answer.status(), answer.json()["errors"].take()),
        (
            400,
            json!([
                {"path": "bank_account_number", "message": "is required"},
                {"path": "bank_code", "message": "is required"},
            ])
        )
    );
}

#[tokio::test]
async fn what_is_wrong_with_json_is_said_with_its_place() {
    let sandbox = start().await;
    let deep = format!("{{\"a\":{}", "[".repeat(500_000));
    for (body, said) in [
        (
            &b"{"[..],
            "The body is not valid JSON: EOF while parsing an object at line 1 column 1.",
        ),
        (
            b" ",
            "The body is not valid JSON: EOF while parsing a value at line 1 column 1.",
        ),
        (
            b"{\n \"a\": 1,\n}",
            "The body is not valid JSON: trailing comma at line 3 column 1.",
        ),
        (
            b"{} {}",
            "The body is not valid JSON: trailing characters at line 1 column 4.",
        ),
        (
            b"{\"a\": \"\n\"}",
            "The body is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0.",
        ),
        (
            deep.as_bytes(),
            "The body is not valid JSON: recursion limit exceeded at line 1 column 132.",
        ),
        (b"[]", "The body must be a JSON object, at line 1 column 1."),
        (
            b"\"text\"",
            "The body must be a JSON object, at line 1 column 1.",
        ),
        (
            b"null",
            "The body must be a JSON object, at line 1 column 1.",
        ),
        (b"1", "The body must be a JSON object, at line 1 column 1."),
    ] {
        let answer = ask(&sandbox, post_account(&[], body)).await;
        assert_eq!(answer.error(), error(400, "INVALID_JSON_FORMAT", said));
    }
}

#[tokio::test]
async fn of_a_duplicate_key_the_last_counts() {
    let sandbox = start().await;
    let body = br#"{"bank_code":"NONE","reference_id":"a","bank_account_number":"1","bank_code":"BCA","reference_id":"b"}"#;
    let answer = ask(&sandbox, post_account(&[], body)).await;
    assert_eq!(
        (answer.status(), &answer.json()["reference_id"]),
        (200, &json!("b"))
    );
}

#[tokio::test]
async fn text_is_echoed_unchanged_whatever_it_holds() {
    let sandbox = start().await;
    let text = "\0\r\nset-cookie: a=b\r\n\r\n<script>\u{7f}\u{2028}\u{feff}{{id}}\\\"🐉";
    let body =
        json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": text}).to_string();
    let answer = ask(&sandbox, post_account(&[], body.as_bytes())).await;
    assert_eq!(
        (answer.status(), &answer.json()["reference_id"]),
        (200, &json!(text))
    );
    assert_eq!(answer.header("set-cookie"), None);
}

// Slow clients, in virtual time: the clock jumps whenever all tasks wait.

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_after_ten_seconds() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    assert_closed_after(&mut raw, 10).await;
}

/// Waits for the end of a connection without further bytes.
async fn assert_closed_after(raw: &mut Raw, seconds: u64) {
    let started = Instant::now();
    let rest = raw.rest().await;
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    let passed = started.elapsed().as_secs();
    assert!(
        (seconds - 1..=seconds + 2).contains(&passed),
        "after {passed} s"
    );
}

/// Sends a byte a second. Returns true if the server closes within this many seconds.
async fn trickle(raw: &mut Raw, bytes: &[u8], seconds: usize) -> bool {
    for byte in bytes.iter().take(seconds) {
        if !raw.try_send([*byte]).await {
            return true;
        }
        sleep(Duration::from_secs(1)).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_head_that_takes_longer_than_ten_seconds_is_cut() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    assert!(!trickle(&mut raw, HEALTH, 8).await);
    assert_closed_after(&mut raw, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_takes_nine_seconds_is_served() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    for _ in 0..3 {
        let (slow, rest) = HEALTH.split_at(9);
        assert!(!trickle(&mut raw, slow, 9).await);
        raw.send(rest).await;
        assert_eq!(raw.answer().await.status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_head_of_a_connection_has_no_more_time_than_the_first() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    raw.send(HEALTH).await;
    assert_eq!(raw.answer().await.status(), 200);
    sleep(Duration::from_secs(30)).await;
    raw.send(b"GET /hea").await;
    assert_closed_after(&mut raw, 10).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_head_that_came_with_a_request_has_the_time_of_an_idle_connection() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    raw.send([HEALTH, b"GET /hea"].concat()).await;
    assert_eq!(raw.answer().await.status(), 200);
    assert_closed_after(&mut raw, 131).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_longer_than_a_minute_is_answered_recorded_and_ends_its_connection() {
    let sandbox = start().await;
    let late = error(
        408,
        "REQUEST_TIMEOUT",
        "The body did not arrive within 60 s.",
    );
    let json = "content-type: application/json";
    for (path, headers) in [
        (BANK, &[json][..]),
        (BANK, &[json, "content-encoding: gzip"]),
        (ID_CARDS, &[MULTIPART]),
    ] {
        let mut raw = Raw::connect(&sandbox).await;
        let whole = request(&format!("POST {path}"), headers, &[b' '; 1000]);
        let (head, body) = whole.split_at(whole.len() - 1000);
        raw.send(head).await;
        assert!(!trickle(&mut raw, body, 58).await);
        let started = Instant::now();
        let answer = raw.answer().await;
        let waited = started.elapsed().as_secs();
        assert!((1..=4).contains(&waited), "{headers:?}: after {waited} s");
        assert_eq!(answer.error(), late, "{headers:?}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("keep-alive"), None);
        assert_eq!(answer.header("x-sandbox-error"), Some("request timeout"));
        assert_closed_after(&mut raw, 1).await;
        let requests = sandbox.requests();
        assert_eq!(requests.last().expect("it is recorded").status, 408);
    }
    assert_eq!(sandbox.requests().len(), 3);
    assert_healthy(&sandbox).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_body_of_a_control_request_is_answered_with_408_too() {
    let sandbox = start().await;
    for path in [
        "/__sandbox/next",
        "/__sandbox/inbox/late",
        "/__sandbox/snapshot",
        "/__sandbox/clock",
    ] {
        let method = if path.ends_with("snapshot") {
            "PUT"
        } else {
            "POST"
        };
        let mut raw = Raw::connect(&sandbox).await;
        let whole = request(&format!("{method} {path}"), &[], b"{}");
        raw.send(&whole[..whole.len() - 1]).await;
        let answer = raw.answer().await;
        assert_eq!(
            (answer.status(), answer.json()),
            (
                408,
                json!({"error": "request_timeout", "message": "The body did not arrive within 60 s."})
            ),
            "{method} {path}"
        );
        assert_closed_after(&mut raw, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_longer_than_it_says_and_than_clients_keep_it() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    for pause_ms in [120_000, 124_999, 119_500] {
        raw.send(HEALTH).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("keep-alive"), Some("timeout=120"));
        sleep(Duration::from_millis(pause_ms)).await;
    }
    raw.send(HEALTH).await;
    assert_eq!(raw.answer().await.status(), 200);
    assert_closed_after(&mut raw, 131).await;
}

#[tokio::test]
async fn only_a_connection_that_is_kept_says_for_how_long() {
    let sandbox = start().await;
    for (line, headers, kept) in [
        ("GET /health HTTP/1.1", "", true),
        ("GET /health HTTP/1.1", "connection: keep-alive\r\n", true),
        ("GET /nothing HTTP/1.1", "", true),
        ("GET /__sandbox/livez HTTP/1.1", "", true),
        ("GET /health HTTP/1.1", "connection: close\r\n", false),
        ("GET /health HTTP/1.1", "connection: TE, Close\r\n", false),
        ("GET /health HTTP/1.0", "", false),
    ] {
        let mut raw = Raw::connect(&sandbox).await;
        raw.send(format!("{line}\r\nhost: x\r\n{headers}\r\n"))
            .await;
        let answer = raw.answer().await;
        let said = answer.header("keep-alive");
        assert_eq!(said, kept.then_some("timeout=120"), "{line} {headers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_its_answers_is_cut() {
    let sandbox = start().await;
    let body = json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": "r".repeat(MIB - 100)}).to_string();
    let made = ask(&sandbox, post_account(&[], body.as_bytes()))
        .await
        .json();
    let read = request(
        &format!("GET {BANK}/{}", made["id"].as_str().expect("an id")),
        &[],
        b"",
    );
    let mut raw = Raw::connect(&sandbox).await;
    raw.send(read.repeat(60)).await;
    sleep(Duration::from_mins(10)).await;
    let came = raw.rest().await.len();
    assert!(
        came < 30 * MIB,
        "ten minutes later the connection is still held, and its answers with it: {came} bytes came"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_within_its_body_leaves_nothing_behind() {
    let sandbox = start().await;
    for headers in [&[][..], &[MULTIPART]] {
        let mut raw = Raw::connect(&sandbox).await;
        let whole = post_account(headers, &[b' '; 1000]);
        raw.send(&whole[..whole.len() - 500]).await;
        drop(raw);
    }
    sleep(Duration::from_secs(2)).await;
    assert_healthy(&sandbox).await;
    sandbox.stop().await;
}

// The end.

#[tokio::test(start_paused = true)]
async fn stopping_lets_a_request_in_flight_finish_and_takes_no_more() {
    let sandbox = start().await;
    let address = sandbox.address();
    let mut raw = Raw::connect(&sandbox).await;
    let whole = post_account(&[], ACCOUNT.as_bytes());
    let (most, last) = whole.split_at(whole.len() - 1);
    raw.send(most).await;
    sleep(Duration::from_secs(1)).await;
    let stopping = tokio::spawn(sandbox.stop());
    sleep(Duration::from_secs(1)).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody new is let in"
    );
    assert!(!stopping.is_finished());
    raw.send(last).await;
    let answer = raw.answer().await;
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (200, Some("close"))
    );
    let started = Instant::now();
    stopping.await.expect("it stops");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(raw.rest().await, b"");
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_connections_that_are_idle() {
    let sandbox = start().await;
    let mut used = Raw::connect(&sandbox).await;
    used.send(HEALTH).await;
    assert_eq!(used.answer().await.status(), 200);
    let mut fresh = Raw::connect(&sandbox).await;
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    sandbox.stop().await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!((used.rest().await, fresh.rest().await), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_five_seconds_at_most() {
    let sandbox = start().await;
    let mut raw = Raw::connect(&sandbox).await;
    let whole = post_account(&[], ACCOUNT.as_bytes());
    raw.send(&whole[..whole.len() - 1]).await;
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    sandbox.stop().await;
    assert!(
        (5..7).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(raw.rest().await, b"");
}

#[tokio::test]
async fn a_dropped_sandbox_frees_its_port_and_closes_its_connections() {
    let sandbox = start().await;
    let address = sandbox.address();
    let mut raw = Raw::connect(&sandbox).await;
    raw.send(HEALTH).await;
    assert_eq!(raw.answer().await.status(), 200);
    drop(sandbox);
    assert_eq!(raw.rest().await, b"");
    let next = Sandbox::builder()
        .address(address)
        .start()
        .await
        .expect("the port is free");
    assert_healthy(&next).await;
}

// Uploads.

const MULTIPART: &str = "content-type: multipart/form-data; boundary=frontier";

/// A whole multipart body. Each part is the text after `form-data; ` and its content.
fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, content) in parts {
        body.extend(
            format!("--frontier\r\ncontent-disposition: form-data; {disposition}\r\n\r\n").bytes(),
        );
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--frontier--\r\n");
    body
}

fn upload_request(content_type: &str, body: &[u8]) -> Vec<u8> {
    request(&format!("POST {ID_CARDS}"), &[content_type], body)
}

async fn upload(sandbox: &Sandbox, parts: &[(&str, &[u8])]) -> RawAnswer {
    ask(sandbox, upload_request(MULTIPART, &multipart(parts))).await
}

fn selfie() -> Vec<u8> {
    png(600, 600, 110_000)
}

const NAME: (&str, &[u8]) = (r#"name="name""#, b"penito kristian");
const NUMBER: (&str, &[u8]) = (r#"name="id_card_number""#, b"3275031210930027");
const SELFIE: &str = r#"name="selfie"; filename="selfie.png""#;

fn complaints(answer: &RawAnswer) -> Value {
    assert_eq!(answer.error().1, "API_VALIDATION_ERROR");
    answer.json()["errors"].take()
}

#[tokio::test]
async fn an_upload_is_taken() {
    let sandbox = start().await;
    let answer = upload(&sandbox, &[NAME, NUMBER, (SELFIE, &selfie())]).await;
    assert_eq!(
        (answer.status(), &answer.json()["is_found"]),
        (200, &json!(true)),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn an_upload_may_have_a_preamble_an_epilogue_and_any_boundary() {
    let sandbox = start().await;
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    let wrapped = [
        b"This is a multipart message.\r\n".as_slice(),
        &body,
        b"That was it.\r\n",
    ]
    .concat();
    assert_eq!(
        ask(&sandbox, upload_request(MULTIPART, &wrapped))
            .await
            .status(),
        200
    );
    let quoted = r#"content-type: Multipart/Form-Data; charset=utf-8; BOUNDARY="frontier""#;
    assert_eq!(
        ask(&sandbox, upload_request(quoted, &body)).await.status(),
        200
    );
}

#[tokio::test]
async fn an_upload_that_ends_early_anywhere_is_refused() {
    let sandbox = start().await;
    let whole = multipart(&[NAME, NUMBER, (SELFIE, &png(600, 600, 60))]);
    let closing = whole.len() - b"\r\n".len();
    let mut raw = Raw::connect(&sandbox).await;
    for cut in 1..closing {
        raw.send(upload_request(MULTIPART, &whole[..cut])).await;
        let answer = raw.answer().await;
        let message = "The multipart body cannot be read: it ends before its closing boundary.";
        assert_eq!(
            answer.error(),
            error(400, "API_VALIDATION_ERROR", message),
            "cut at {cut} of {closing}"
        );
    }
}

#[tokio::test]
async fn an_upload_with_another_boundary_than_it_says_is_refused_with_both() {
    let sandbox = start().await;
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    for boundary in [
        "other",
        "frontiers",
        "fron",
        "Frontier",
        "------",
        "--frontier",
    ] {
        let request = upload_request(
            &format!("content-type: multipart/form-data; boundary={boundary}"),
            &body,
        );
        let message = format!(
            "The multipart body cannot be read: it begins with the boundary `frontier`, and the content-type gives \
             `{boundary}`."
        );
        assert_eq!(
            ask(&sandbox, request).await.error(),
            error(400, "API_VALIDATION_ERROR", &message),
        );
    }
}

#[tokio::test]
async fn an_upload_that_does_not_say_its_boundary_is_refused() {
    let sandbox = start().await;
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    let message = "The multipart body cannot be read: the content-type does not say its boundary.";
    for parameters in ["", ";", "; charset=utf-8", "; boundary", "; bound=frontier"] {
        let request = upload_request(
            &format!("content-type: multipart/form-data{parameters}"),
            &body,
        );
        assert_eq!(
            ask(&sandbox, request).await.error(),
            error(400, "API_VALIDATION_ERROR", message),
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn a_boundary_that_is_written_wrongly_is_refused_with_the_reason() {
    let sandbox = start().await;
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    for (parameters, reason) in [
        ("; boundary=", "gives an empty boundary"),
        ("; boundary=\"\"", "gives an empty boundary"),
        (
            "; boundary=fron tier",
            "must give its boundary in quotes: boundary=\"fron tier\"",
        ),
        (
            "; boundary=fron/tier; charset=utf-8",
            "must give its boundary in quotes: boundary=\"fron/tier\"",
        ),
        (
            "; boundary=frontier; Boundary=frontier",
            "gives more than one boundary",
        ),
        (
            "; boundary=frontier; boundary=\"other\"",
            "gives more than one boundary",
        ),
        (
            "; boundary=\"frontier",
            "does not close the quotes of its boundary",
        ),
        (
            "; boundary=\"frontier\"x",
            "has something behind the quotes of its boundary",
        ),
    ] {
        let request = upload_request(
            &format!("content-type: multipart/form-data{parameters}"),
            &body,
        );
        let message = format!("The multipart body cannot be read: the content-type {reason}.");
        assert_eq!(
            ask(&sandbox, request).await.error(),
            error(400, "API_VALIDATION_ERROR", &message)
        );
    }
}

#[tokio::test]
async fn a_boundary_may_have_blanks_tabs_and_other_parameters_around_it() {
    let sandbox = start().await;
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    for parameters in [
        " ;boundary=frontier",
        ";\tboundary=frontier\t",
        " \t; \tBOUNDARY = frontier ; charset=utf-8",
        "; charset=\"a;boundary=b\"; boundary= \"frontier\" ;",
        ";; boundary=\"fron\\tier\"",
    ] {
        let request = upload_request(
            &format!("content-type: multipart/form-data{parameters}"),
            &body,
        );
        let answer = ask(&sandbox, request).await;
        assert_eq!(answer.status(), 200, "{parameters}: {}", answer.text());
    }
}

#[tokio::test]
async fn lines_that_end_in_lf_alone_are_named() {
    let sandbox = start().await;
    let whole = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    let start = "--frontier\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\n";
    let all = [start.replace('\r', "").as_bytes(), &whole[start.len()..]].concat();
    let head = [
        start.replace("\"\r\n\r\n", "\"\n\n").as_bytes(),
        &whole[start.len()..],
    ]
    .concat();
    let message =
        "The multipart body cannot be read: its lines must end in CR LF, and some end in LF alone.";
    for body in [all, head] {
        assert_eq!(
            ask(&sandbox, upload_request(MULTIPART, &body))
                .await
                .error(),
            error(400, "API_VALIDATION_ERROR", message)
        );
    }
}

#[tokio::test]
async fn a_hundred_parts_are_taken_and_one_more_is_not() {
    let sandbox = start().await;
    let selfie = selfie();
    let mut parts = vec![NAME, NUMBER, (SELFIE, selfie.as_slice())];
    parts.resize(100, (r#"name="more""#, b"x"));
    assert_eq!(upload(&sandbox, &parts).await.status(), 200);
    parts.push((r#"name="more""#, b"x"));
    let message = "The multipart body cannot be read: it has more than 100 parts.";
    assert_eq!(
        upload(&sandbox, &parts).await.error(),
        error(400, "API_VALIDATION_ERROR", message)
    );
}

#[tokio::test]
async fn a_part_without_a_name_is_refused() {
    let sandbox = start().await;
    let selfie = selfie();
    let whole = multipart(&[NAME, NUMBER, (SELFIE, &selfie)]);
    let message =
        "The multipart body cannot be read: a part has no name in its content-disposition.";
    for head in [
        "content-disposition: form-data",
        "content-disposition: form-data; name=\"\"",
        "content-disposition: form-data; filename=\"z\"",
        "x: y",
    ] {
        let nameless = format!("--frontier\r\n{head}\r\n\r\nx\r\n");
        let body = [nameless.as_bytes(), &whole].concat();
        let answer = ask(&sandbox, upload_request(MULTIPART, &body)).await;
        assert_eq!(
            answer.error(),
            error(400, "API_VALIDATION_ERROR", message),
            "{head}"
        );
    }
}

#[tokio::test]
async fn two_parts_for_a_field_with_one_value_are_refused() {
    let sandbox = start().await;
    let selfie = selfie();
    for (twice, name) in [(NAME, "name"), ((SELFIE, selfie.as_slice()), "selfie")] {
        let parts = [NAME, NUMBER, (SELFIE, selfie.as_slice()), twice];
        let message = format!(
            "The multipart body cannot be read: the part `{name}` is there twice, and its field takes one value."
        );
        assert_eq!(
            upload(&sandbox, &parts).await.error(),
            error(400, "API_VALIDATION_ERROR", &message)
        );
    }
}

#[tokio::test]
async fn text_where_a_file_belongs_is_complained_about() {
    let sandbox = start().await;
    let selfie = selfie();
    for text in [
        &b"selfie.png"[..],
        b"",
        b"@selfie.png",
        &selfie[..8].escape_ascii().collect::<Vec<_>>(),
    ] {
        let answer = upload(&sandbox, &[NAME, NUMBER, (r#"name="selfie""#, text)]).await;
        assert_eq!(
            complaints(&answer),
            json!([{"path": "selfie", "message": "must be a file"}])
        );
    }
}

#[tokio::test]
async fn a_file_needs_no_file_name_and_no_true_type() {
    let sandbox = start().await;
    let selfie = selfie();
    for label in [
        "",
        "\r\ncontent-type: image/png",
        "\r\ncontent-type: application/octet-stream",
        "\r\ncontent-type: image/png; charset=binary",
        "\r\ncontent-type: text/plain",
        "\r\ncontent-type: application/json",
    ] {
        let unnamed = format!("name=\"selfie\"{label}");
        let answer = upload(&sandbox, &[NAME, NUMBER, (&unnamed, &selfie)]).await;
        assert_eq!(answer.status(), 200, "{label}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_field_for_text_is_text_whatever_the_label_of_its_part() {
    let sandbox = start().await;
    let selfie = selfie();
    for label in [
        "; filename=\"name.txt\"",
        "; filename=\"\"",
        "\r\ncontent-type: application/json",
        "; filename=\"blob\"\r\ncontent-type: application/octet-stream",
        "\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-transfer-encoding: 8bit",
    ] {
        let name = format!("name=\"name\"{label}");
        let parts = [(name.as_str(), NAME.1), NUMBER, (SELFIE, &selfie)];
        let answer = upload(&sandbox, &parts).await;
        assert_eq!(
            (answer.status(), &answer.json()["name"]),
            (200, &json!("penito kristian")),
            "{label}: {}",
            answer.text()
        );
    }
    let answer = upload(&sandbox, &[(r#"name="name""#, &selfie), NUMBER]).await;
    let message = "The multipart body cannot be read: the part `name` is not UTF-8 text.";
    assert_eq!(answer.error(), error(400, "API_VALIDATION_ERROR", message));
}

#[tokio::test]
async fn a_text_is_read_in_the_charset_of_its_part() {
    let sandbox = start().await;
    let selfie = selfie();
    let typed =
        |charset: &str| format!("name=\"name\"\r\ncontent-type: text/plain; charset={charset}");
    for (charset, content) in [
        ("ISO-8859-1", &b"Andr\xe9"[..]),
        ("\"utf-8\"", b"Andr\xc3\xa9"),
        ("utf-16le", b"A\0n\0d\0r\0\xe9\0"),
    ] {
        let parts = [(&*typed(charset), content), NUMBER, (SELFIE, &selfie)];
        let answer = upload(&sandbox, &parts).await;
        assert_eq!(answer.json()["name"], "Andr\u{e9}", "{charset}");
    }
    for (charset, reason) in [
        ("us-ascii-7", "has the unknown charset `us-ascii-7`"),
        ("utf-8", "is not UTF-8 text"),
        ("shift_jis", "is not Shift_JIS text"),
    ] {
        let parts = [
            (&*typed(charset), &b"Andr\xe9"[..]),
            NUMBER,
            (SELFIE, &selfie),
        ];
        let message = format!("The multipart body cannot be read: the part `name` {reason}.");
        assert_eq!(
            upload(&sandbox, &parts).await.error(),
            error(400, "API_VALIDATION_ERROR", &message)
        );
    }
}

#[tokio::test]
async fn a_part_in_a_transfer_encoding_is_refused_with_the_header() {
    let sandbox = start().await;
    let selfie = selfie();
    for (encoding, name, content) in [
        ("base64", NAME.0, &b"cGVuaXRv"[..]),
        ("Quoted-Printable", NAME.0, b"penito=20k"),
        ("BASE64", SELFIE, b"iVBORw0KGgo="),
    ] {
        let encoded = format!("{name}\r\nContent-Transfer-Encoding: {encoding}");
        let parts = [(encoded.as_str(), content), NUMBER, (SELFIE, &selfie)];
        let named = if name == SELFIE { "selfie" } else { "name" };
        let message = format!(
            "The multipart body cannot be read: the part `{named}` has the content-transfer-encoding `{encoding}`: send \
             its bytes as they are."
        );
        assert_eq!(
            upload(&sandbox, &parts).await.error(),
            error(400, "API_VALIDATION_ERROR", &message)
        );
    }
}

#[tokio::test]
async fn a_file_that_was_not_selected_counts_as_absent() {
    let sandbox = start().await;
    let unselected = "name=\"selfie\"; filename=\"\"\r\ncontent-type: application/octet-stream";
    let answer = upload(&sandbox, &[NAME, NUMBER, (unselected, b"")]).await;
    assert_eq!(
        complaints(&answer),
        json!([{"path": "selfie", "message": "is required"}])
    );
    let more = "name=\"more\"; filename=\"\"";
    let parts = [
        NAME,
        NUMBER,
        (unselected, &b""[..]),
        (SELFIE, &selfie()),
        (more, b""),
    ];
    assert_eq!(upload(&sandbox, &parts).await.status(), 200);
}

#[tokio::test]
async fn names_in_a_content_disposition_are_read_in_every_legal_form() {
    let sandbox = start().await;
    for (disposition, file_name) in [
        ("NAME=\"selfie\"; FileName=\"Me.png\"", "Me.png"),
        ("filename=me.png; name=selfie", "me.png"),
        (
            "name=\"selfie\"; filename*=UTF-8''b%C3%A9b%C3%A9.png",
            "b\u{e9}b\u{e9}.png",
        ),
        (
            "name=\"selfie\"; filename=\"bebe.png\"; FILENAME*=utf-8'en'b%c3%a9b%c3%a9.png",
            "b\u{e9}b\u{e9}.png",
        ),
        (
            "name=\"selfie\"; filename*=iso-8859-1''%A3.png; filename=\"x.png\"",
            "\u{a3}.png",
        ),
        (
            "name = \"selfie\" ;\tfilename = \"a;b \\\"c\\\".png\"",
            "a;b \"c\".png",
        ),
    ] {
        let answer = upload(&sandbox, &[NAME, NUMBER, (disposition, &selfie())]).await;
        assert_eq!(answer.status(), 200, "{disposition}: {}", answer.text());
        let body = sandbox
            .requests()
            .last()
            .and_then(iluma_sandbox::Exchange::body);
        assert_eq!(body.expect("a form")["selfie"]["file_name"], file_name);
    }
}

#[tokio::test]
async fn every_part_that_is_missing_is_named() {
    let sandbox = start().await;
    let answer = upload(&sandbox, &[(r#"name="else""#, b"x")]).await;
    assert_eq!(
        complaints(&answer),
        json!([
            {"path": "name", "message": "is required"},
            {"path": "id_card_number", "message": "is required"},
            {"path": "selfie", "message": "is required"},
        ])
    );
    let no_parts = ask(&sandbox, upload_request(MULTIPART, b"--frontier--\r\n")).await;
    assert_eq!(complaints(&no_parts), complaints(&answer));
}

#[tokio::test]
async fn a_text_part_that_is_not_utf_8_is_refused() {
    let sandbox = start().await;
    let answer = upload(
        &sandbox,
        &[
            (r#"name="name""#, b"penito \xff"),
            NUMBER,
            (SELFIE, &selfie()),
        ],
    )
    .await;
    let message = "The multipart body cannot be read: the part `name` is not UTF-8 text.";
    assert_eq!(answer.error(), error(400, "API_VALIDATION_ERROR", message));
}

#[tokio::test]
async fn a_broken_part_is_repeated_only_in_part() {
    let sandbox = start().await;
    let long = "n".repeat(MIB / 2);
    let named = multipart(&[(&format!("name=\"{long}\""), b"\xff")]);
    let header = [
        format!("--frontier\r\n{long}: x\r\n\r\n").as_bytes(),
        b"x\r\n--frontier--\r\n",
    ]
    .concat();
    for body in [named, header] {
        let answer = ask(&sandbox, upload_request(MULTIPART, &body)).await;
        let (status, code, message) = answer.error();
        assert_eq!((status, code.as_str()), (400, "API_VALIDATION_ERROR"));
        assert!(
            message.len() < 1000,
            "{} bytes: {}",
            message.len(),
            &message[..200]
        );
    }
}

#[tokio::test]
async fn headers_of_parts_in_every_broken_shape_are_refused() {
    let sandbox = start().await;
    let many = (0..40).map(|at| format!("x-{at}: y\r\n"));
    let many = many.collect::<Vec<_>>().concat();
    for head in [
        "no colon",
        "bad name: x",
        ": x",
        "x: \0",
        "x: \u{7}",
        many.trim_end(),
    ] {
        let body = format!("--frontier\r\n{head}\r\n\r\ncontent\r\n--frontier--\r\n");
        let (status, code, message) = ask(&sandbox, upload_request(MULTIPART, body.as_bytes()))
            .await
            .error();
        assert_eq!(
            (status, code.as_str()),
            (400, "API_VALIDATION_ERROR"),
            "{head:?}"
        );
        assert!(
            message.starts_with("The multipart body cannot be read: "),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_selfie_is_what_its_bytes_say_and_not_its_label() {
    let sandbox = start().await;
    let selfie = selfie();
    let labelled = |label: &str| format!("{SELFIE}\r\ncontent-type: {label}");
    for label in ["image/png", "image/jpeg", "text/plain", "nonsense"] {
        let answer = upload(&sandbox, &[NAME, NUMBER, (&labelled(label), &selfie)]).await;
        assert_eq!(answer.status(), 200, "{label}: {}", answer.text());
    }
    let mut lies = [
        b"GIF89a".to_vec(),
        b"%PDF-1.7".to_vec(),
        b"<html>".to_vec(),
        vec![0],
        selfie[1..].to_vec(),
    ];
    for lie in &mut lies {
        lie.resize(110_000, b'x');
        let answer = upload(&sandbox, &[NAME, NUMBER, (&labelled("image/png"), lie)]).await;
        let (status, code, _) = answer.error();
        assert_eq!(
            (status, code.as_str()),
            (415, "UNSUPPORTED_CONTENT_TYPE"),
            "{:?}",
            &lie[..6]
        );
    }
}

#[tokio::test]
async fn an_empty_selfie_is_too_small() {
    let sandbox = start().await;
    let (status, code, _) = upload(&sandbox, &[NAME, NUMBER, (SELFIE, b"")])
        .await
        .error();
    assert_eq!((status, code.as_str()), (413, "FILE_TOO_SMALL"));
}

#[tokio::test]
async fn images_that_are_broken_on_purpose_are_refused_and_nothing_else() {
    let sandbox = start().await;
    let padded = |start: &[u8], filler: u8| {
        let mut image = start.to_vec();
        image.resize(110_000, filler);
        image
    };
    for image in [
        padded(b"\x89PNG\r\n\x1a\n", 0),
        padded(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0", 0),
        padded(b"\xff\xd8\xff", 0),
        padded(b"\xff\xd8\xff", 0xff),
        padded(b"\xff\xd8\xff\xe0\0\0", 0),
        padded(b"\xff\xd8\xff\xe0\0\x01", 0xff),
        padded(b"\xff\xd8\xff\xe0\xff\xff", 0),
        padded(b"\xff\xd8\xff\xc0\0\x02", 0),
        padded(
            &b"\xff\xd8"
                .iter()
                .chain(b"\xff\xe0\0\x02".repeat(20_000).iter())
                .copied()
                .collect::<Vec<_>>(),
            0,
        ),
    ] {
        let (status, code, _) = upload(&sandbox, &[NAME, NUMBER, (SELFIE, &image)])
            .await
            .error();
        assert_eq!(
            (status, code.as_str()),
            (413, "FILE_TOO_SMALL"),
            "{:?}",
            &image[..12]
        );
    }
}

/// An accepted upload of exactly that many bytes.
fn upload_of(bytes: usize) -> Vec<u8> {
    let selfie = selfie();
    let of = |padding: &[u8]| {
        multipart(&[
            NAME,
            NUMBER,
            (SELFIE, &selfie),
            (r#"name="more"; filename="m""#, padding),
        ])
    };
    let padding = vec![b'x'; bytes - of(b"").len()];
    of(&padding)
}

#[tokio::test]
async fn an_upload_of_exactly_the_limit_is_taken() {
    let sandbox = start().await;
    let answer = ask(&sandbox, upload_request(MULTIPART, &upload_of(10 * MIB))).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn an_upload_one_byte_over_the_limit_is_refused() {
    let sandbox = start().await;
    let answer = ask(
        &sandbox,
        upload_request(MULTIPART, &upload_of(10 * MIB + 1)),
    )
    .await;
    assert_eq!(
        answer.error(),
        error(413, "FILE_TOO_LARGE", "The upload is larger than 10 MiB.")
    );
}

#[tokio::test]
async fn the_texts_of_an_upload_have_the_limit_of_a_body() {
    let sandbox = start().await;
    let selfie = selfie();
    let half = vec![b'x'; MIB / 2];
    let fixed = NAME.1.len() + NUMBER.1.len();
    let mut parts = vec![
        NAME,
        NUMBER,
        (SELFIE, selfie.as_slice()),
        (r#"name="a""#, &half),
        (r#"name="b""#, &half[fixed..]),
    ];
    assert_eq!(upload(&sandbox, &parts).await.status(), 200);
    parts.push((r#"name="c""#, b"x"));
    assert_eq!(
        upload(&sandbox, &parts).await.error(),
        error(
            413,
            "REQUEST_TOO_LARGE",
            "The body is larger than 1024 KiB."
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_line_of_an_upload_may_come_late() {
    let sandbox = start().await;
    let whole = upload_request(MULTIPART, &multipart(&[NAME, NUMBER, (SELFIE, &selfie())]));
    let framed = [
        request(
            &format!("POST {ID_CARDS}"),
            &[MULTIPART, "transfer-encoding: chunked"],
            b"",
        ),
        chunked(&multipart(&[NAME, NUMBER, (SELFIE, &selfie())]), 9999),
    ]
    .concat();
    for (request, late) in [(whole, 2), (framed, 5)] {
        let mut raw = Raw::connect(&sandbox).await;
        let (most, last) = request.split_at(request.len() - late);
        raw.send(most).await;
        sleep(Duration::from_secs(1)).await;
        raw.send(last).await;
        assert_eq!(raw.answer().await.status(), 200);
        raw.send(HEALTH).await;
        assert_eq!(raw.answer().await.status(), 200, "the connection is kept");
    }
}

#[tokio::test]
async fn what_follows_an_upload_is_read_within_the_limit_too() {
    let sandbox = start().await;
    let mut body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    body.resize(12 * MIB, b'e');
    let mut raw = Raw::connect(&sandbox).await;
    assert!(
        raw.try_send(upload_request(MULTIPART, &body)).await,
        "the connection is cut while the client still sends"
    );
    assert_eq!(
        raw.answer().await.error(),
        error(413, "FILE_TOO_LARGE", "The upload is larger than 10 MiB.")
    );
}

#[tokio::test]
async fn an_upload_with_broken_framing_ends_its_connection_and_leaves_no_trace() {
    let sandbox = start().await;
    let head = request(
        &format!("POST {ID_CARDS}"),
        &[MULTIPART, "transfer-encoding: chunked"],
        b"",
    );
    let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
    let whole = [head, chunked(&body[..5000], 1000)].concat();
    let end = whole.len() - b"0\r\n\r\n".len();
    let mut raw = Raw::connect(&sandbox).await;
    raw.send([&whole[..end], b"no size\r\n"].concat()).await;
    assert_eq!(raw.rest().await, b"");
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn a_multipart_body_that_never_comes_to_its_first_part_is_refused() {
    let sandbox = start().await;
    let preamble = [&b"x".repeat(MIB)[..], &multipart(&[NAME, NUMBER])].concat();
    let endless_head = [
        b"--frontier\r\nx: ",
        &b"y".repeat(MIB)[..],
        b"\r\n\r\nz\r\n--frontier--\r\n",
    ]
    .concat();
    for (body, reason) in [
        (preamble, "no part begins within its first 64 KiB"),
        (endless_head, "the head of a part is longer than 64 KiB"),
    ] {
        let answer = ask(&sandbox, upload_request(MULTIPART, &body)).await;
        let message = format!("The multipart body cannot be read: {reason}.");
        assert_eq!(answer.error(), error(400, "API_VALIDATION_ERROR", &message));
    }
}

#[tokio::test]
async fn large_bodies_in_flight_are_bounded_together() {
    let sandbox = start().await;
    let head = request(
        &format!("POST {ID_CARDS}"),
        &[MULTIPART, "content-length: 2000000"],
        b"",
    );
    let mut senders = Vec::new();
    for _ in 0..128 {
        let mut raw = Raw::connect(&sandbox).await;
        raw.send(&head).await;
        raw.send(b"--frontier\r\n").await;
        senders.push(raw);
    }
    let refused = loop {
        // The 128 have been sent, but maybe not all have been read yet.
        let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
        let answer = ask(&sandbox, upload_request(MULTIPART, &body)).await;
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!(refused.header("x-sandbox-error"), Some("memory"));
    assert_eq!(
        refused.error(),
        error(
            503,
            "SERVICE_UNAVAILABLE_ERROR",
            "Requests and replies in flight hold all the memory that there is for them (--memory): send the request again later."
        )
    );
    assert_eq!(
        ask(&sandbox, HEALTH).await.status(),
        200,
        "small requests go on"
    );

    drop(senders);
    loop {
        let body = multipart(&[NAME, NUMBER, (SELFIE, &selfie())]);
        if ask(&sandbox, upload_request(MULTIPART, &body))
            .await
            .status()
            == 200
        {
            break;
        }
    }
}
