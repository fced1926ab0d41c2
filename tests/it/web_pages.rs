//! Requests that a browser sends for a web page of another origin: the page sees a CORS error alone, so the warning, the
//! journal, the explanation and the log say what happened.

use std::io::Write;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Process, run};
use crate::stage::BANK;

const PAGE: &str = "http://localhost:5173";

const PREFLIGHT: &str = "a browser asks whether a web page of another origin may send its request (CORS preflight). No page \
                         may, because the API key is a secret. Call the API from your server, or in development through a \
                         proxy on the page's own origin";
const SENT: &str = "a web page of another origin sent this request. The page cannot read the response, because the API key is \
                    a secret and no response has CORS headers. Call the API from your server, or in development through a \
                    proxy on the page's own origin";

async fn preflight(client: &Client, path: &str) -> Answer {
    let request = client.bare("OPTIONS", path).header("origin", PAGE);
    let request = request.header("access-control-request-method", "POST");
    Answer::of(request.header("access-control-request-headers", "authorization")).await
}

async fn sent(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request("POST", BANK);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.json(&json!({"bank_account_number": "1", "bank_code": "BCA"}))).await
}

async fn explanation(client: &Client, answer: &Answer) -> Value {
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json()
}

fn grants_nothing(answer: &Answer) -> bool {
    let mut names = answer.headers.keys();
    !names.any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn a_preflight_is_refused_and_everything_says_why() {
    let client = Client::start().await;
    for path in [BANK, "/v1/callback/urls", "/health", "/nowhere"] {
        let answer = preflight(&client, path).await;
        let message = format!("There is no OPTIONS {path} here: {PREFLIGHT}.");
        assert_eq!((answer.status, answer.message()), (404, message.clone()));
        assert_eq!(answer.header("x-sandbox-warning"), Some(PREFLIGHT));
        assert!(grants_nothing(&answer));
        let why = explanation(&client, &answer).await;
        assert_eq!(
            (&why["chosen_by"], &why["because"]),
            (&json!("no_route"), &json!(message))
        );
        assert_eq!(why["notes"], json!([]));
        let export = client.get("/__sandbox/export?world=all").await.text;
        let kept = export.lines().last().expect("a line");
        let kept: Value = serde_json::from_str(kept).expect("JSON");
        assert_eq!(kept["reply"]["message"], message);
        assert_eq!(kept["reply_headers"]["x-sandbox-warning"], PREFLIGHT);
    }
    let plain = Answer::of(client.bare("OPTIONS", BANK)).await;
    assert!(
        plain
            .message()
            .starts_with(&format!("There is no OPTIONS {BANK} here. "))
    );
    assert_eq!(plain.header("x-sandbox-warning"), None);
}

#[tokio::test]
async fn a_request_of_a_page_of_another_origin_is_answered_with_a_warning() {
    let client = Client::start().await;
    let pages: [&[(&str, &str)]; 6] = [
        &[("origin", PAGE)],
        &[("origin", "null")],
        &[("origin", "https://shop.example")],
        &[
            ("origin", PAGE),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "cors"),
        ],
        &[
            ("origin", PAGE),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "cors"),
        ],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
    ];
    for headers in pages {
        let answer = sent(&client, headers).await;
        assert_eq!(
            (answer.status, answer.header("x-sandbox-warning")),
            (200, Some(SENT))
        );
        assert!(grants_nothing(&answer));
        let why = explanation(&client, &answer).await;
        assert_eq!(why["notes"], json!([SENT]));
    }
}

#[tokio::test]
async fn a_program_a_proxy_and_a_page_of_the_sandbox_get_no_such_warning() {
    let client = Client::start().await;
    let own = client.sandbox.url();
    let others: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", &own)],
        &[("origin", PAGE), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ],
    ];
    for headers in others {
        let answer = sent(&client, headers).await;
        assert_eq!(
            (answer.status, answer.header("x-sandbox-warning")),
            (200, None)
        );
        let why = explanation(&client, &answer).await;
        assert_eq!(why["notes"], json!([]));
    }
}

#[test]
fn try_explains_a_preflight_and_a_page() {
    let origin = format!("origin: {PAGE}");
    let asks = "access-control-request-method: POST";
    let (code, printed, _) = run(&["try", "OPTIONS", BANK, "-H", &origin, "-H", asks]);
    assert_eq!(code, 0);
    let because = format!("because  There is no OPTIONS {BANK} here: {PREFLIGHT}.\n");
    assert!(printed.contains(&because), "{printed}");
    let (code, printed, _) = run(&["try", "POST", BANK, "-H", &origin, "-d", "{}"]);
    assert_eq!(code, 0);
    assert!(printed.contains(&format!("note     {SENT}\n")), "{printed}");
}

#[test]
#[cfg(unix)]
fn the_log_says_what_a_page_and_a_wrong_key_need_and_shows_nothing_of_them() {
    let process = Process::serve(&[]);
    let address = process.url.strip_prefix("http://").expect("a URL");
    let key = base64(&format!("{}:\n", iluma_sandbox::PUBLIC_KEY));
    let heads = [
        format!(
            "OPTIONS {BANK} HTTP/1.1\r\norigin: http://secret.example\r\naccess-control-request-method: POST\r\n"
        ),
        "GET /health HTTP/1.1\r\norigin: http://secret.example\r\n".to_owned(),
        format!("GET /v1/callback/urls HTTP/1.1\r\nauthorization: Basic {key}\r\n"),
        "PUT /__sandbox/faults HTTP/1.1\r\norigin: http://secret.example\r\n".to_owned(),
    ];
    for head in heads {
        let mut socket = std::net::TcpStream::connect(address).expect("a connection");
        let request = format!("{head}host: {address}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("it is sent");
        std::io::copy(&mut socket, &mut std::io::sink()).expect("an answer");
    }
    let (code, _, log) = process.terminate();
    assert_eq!(code, 0);
    for hint in [
        format!("hint=\"{PREFLIGHT}\""),
        format!("hint=\"{SENT}\""),
        "hint=\"The password is a line break, as `echo` writes one: ".to_owned(),
        "a web page of another origin called the control API and was refused: call it from a test or from a server"
            .to_owned(),
    ] {
        assert!(log.contains(&hint), "{hint} is not in {log}");
    }
    assert!(!log.contains("secret.example"), "{log}");
    let shown = log.matches(iluma_sandbox::PUBLIC_KEY).count();
    assert_eq!(shown, 1, "the table at the start alone shows it: {log}");
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
