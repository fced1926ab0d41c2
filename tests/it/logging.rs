//! The log of the binary: a line for each request, callback attempt and failed handshake, and nothing of a client in it.

use std::net::SocketAddr;

use iluma_sandbox::PUBLIC_KEY;
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Process, command, run, write};
use crate::raw::{Raw, RawAnswer, basic};
use crate::secure::{Offer, address};

const FORMATS: [&str; 2] = ["pretty", "json"];
const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const TYPE: &str = "NAME_VALIDATOR_REQUEST";
const FACES: &str = "/v1/identity/face_comparisons";

/// The address that a process listens on.
fn address_of(process: &Process) -> SocketAddr {
    address(&process.url)
}

async fn ask(
    process: &Process,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> reqwest::Response {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = client
        .request(method, format!("{}{path}", process.url))
        .basic_auth(PUBLIC_KEY, Some(""));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_null() {
        request = request.json(body);
    }
    request.send().await.expect("an answer")
}

/// A request that gets the outcome.
async fn magic(process: &Process, path: &str, outcome: &str) -> reqwest::Response {
    ask(
        process,
        "POST",
        path,
        &[("x-magic-reply", outcome)],
        &Value::Null,
    )
    .await
}

async fn control(process: &Process, method: &str, path: &str, body: &Value) -> Value {
    let answer = ask(process, method, &format!("/__sandbox/{path}"), &[], body).await;
    answer.json().await.expect("JSON")
}

/// The log of a process that is stopped.
fn log_of(process: Process) -> String {
    let (code, _, log) = process.terminate();
    assert_eq!(code, 0, "{log}");
    log
}

/// The level and the message of each line with these words, in a log of JSON.
fn messages(log: &str, words: &str) -> Vec<String> {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let shown = lines.map(|line| {
        let [level, message] =
            ["level", "message"].map(|name| line[name].as_str().unwrap_or_default().to_owned());
        format!("{level} {message}")
    });
    shown.filter(|line| line.contains(words)).collect()
}

#[tokio::test]
async fn every_exchange_of_the_journal_has_exactly_one_line() {
    for format in FORMATS {
        let process = Process::serve(&["--log-format", format]);
        let catalog = control(&process, "GET", "catalog", &Value::Null).await;
        let endpoints = catalog["endpoints"].as_array().expect("endpoints");
        for endpoint in endpoints {
            let path = endpoint["path"].as_str().expect("a path");
            let method = endpoint["method"].as_str().unwrap_or("POST");
            for outcome in endpoint["outcomes"].as_array().expect("outcomes") {
                let outcome = outcome["name"].as_str().expect("a name");
                ask(
                    &process,
                    method,
                    path,
                    &[("x-magic-reply", outcome)],
                    &Value::Null,
                )
                .await;
            }
            ask(
                &process,
                "GET",
                &format!("{path}/nobody"),
                &[],
                &Value::Null,
            )
            .await;
            ask(&process, "DELETE", path, &[], &Value::Null).await;
        }
        for path in [
            "/no/such/route",
            "/v1/callback/urls",
            "/health",
            "/%ff",
            "//",
        ] {
            ask(&process, "GET", path, &[], &Value::Null).await;
            ask(
                &process,
                "GET",
                path,
                &[("authorization", "Basic !")],
                &Value::Null,
            )
            .await;
        }
        for fault in ["malformed", "status(503)", "delay=1ms"] {
            magic(&process, BANK, &format!("COMPLETED_FOUND; fault={fault}")).await;
        }
        let listed = control(
            &process,
            "GET",
            "requests?world=all&limit=1000",
            &Value::Null,
        )
        .await;
        let requests = listed["requests"].as_array().expect("requests");
        let traces: Vec<_> = requests
            .iter()
            .map(|one| one["trace"].as_str().expect("a trace"))
            .collect();
        assert!(traces.len() > 100, "{}", traces.len());
        let log = log_of(process);
        for trace in traces {
            let lines = log
                .lines()
                .filter(|line| line.contains(&format!("\"{trace}\"")));
            assert_eq!(lines.count(), 1, "{trace} in {format}");
        }
    }
}

#[tokio::test]
async fn a_line_of_a_request_has_its_trace_its_path_its_endpoint_its_outcome_and_its_time() {
    let process = Process::serve(&["--log-format", "json"]);
    magic(
        &process,
        &format!("{BANK}?page=2"),
        "COMPLETED_FOUND; delay=2ms",
    )
    .await;
    ask(
        &process,
        "GET",
        "/v1.1/identity/bank_acount_data_request",
        &[],
        &Value::Null,
    )
    .await;
    control(&process, "GET", "nope", &Value::Null).await;
    let log = log_of(process);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| line["path"].is_string())
        .collect();
    let [answered, lost, refused] = lines.as_slice() else {
        panic!("{log}");
    };
    let of = |line: &Value, names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), line[*name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    assert!(
        answered["trace"]
            .as_str()
            .is_some_and(|trace| trace.ends_with("-1")),
        "{answered}"
    );
    assert!(answered["micros"].is_u64(), "{answered}");
    assert_eq!(
        of(
            answered,
            &[
                "level", "method", "path", "endpoint", "outcome", "status", "delay_ms", "hint"
            ]
        ),
        json!({
            "level": "INFO",
            "method": "POST",
            "path": format!("{BANK}?…"),
            "endpoint": "v1.1/bank_account_data_requests",
            "outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND",
            "status": 200,
            "delay_ms": 2,
            "hint": format!("no callback: no URL is registered for {TYPE}"),
        })
    );
    assert_eq!(
        of(
            lost,
            &["method", "path", "endpoint", "outcome", "status", "hint"]
        ),
        json!({
            "method": "GET",
            "path": "/v1.1/identity/bank_acount_data_request",
            "endpoint": null,
            "outcome": "NOT_FOUND",
            "status": 404,
            "hint": "no such route",
        })
    );
    assert_eq!(
        of(refused, &["message", "method", "path", "status"]),
        json!({"message": "the control API refused", "method": "GET", "path": "/__sandbox/nope", "status": 404})
    );
}

#[tokio::test]
async fn nothing_that_a_client_made_up_is_in_the_log() {
    const NIK: &str = "3171234567890123";
    for format in FORMATS {
        let process = Process::serve(&["--log-format", format, "--callback-retries", "none"]);
        let secret = format!("iluma_live_{}", "s3cr3t".repeat(8));
        let signs = "%1b[31m%c2%9b%e2%80%ae%0d%0aINFO";
        for path in [
            format!("/{NIK}"),
            format!("/customers/Budi-Contoh/{secret}"),
            format!("/customers/budi-contoh?name=Budi-Contoh&nik={NIK}&token={secret}"),
            format!("/{signs}?{signs}"),
            format!("{BANK}/Budi-Contoh"),
            format!("/v0/identity/individual_cft_peps/{NIK}?{NIK}=Budi-Contoh"),
            format!("/businesses/{NIK}/api_keys?token={secret}"),
            format!("/__sandbox/{secret}/Budi-Contoh?{NIK}"),
        ] {
            let headers = [
                ("x-magic-reply", "Budi-Contoh"),
                ("user-agent", &secret),
                ("x-sandbox-world", NIK),
            ];
            ask(&process, "GET", &path, &[], &Value::Null).await;
            ask(
                &process,
                "POST",
                &path,
                &headers,
                &json!({"given_names": "Budi-Contoh", "nik": NIK}),
            )
            .await;
            ask(&process, "S3CR3T", &path, &[], &Value::Null).await;
        }
        let mut raw = Raw::to(address_of(&process)).await;
        raw.send("GET /v1/\u{9b}\u{202e}Budi\u{1b} HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        raw.rest().await;
        for url in [
            format!("http://127.0.0.1:9/Budi-Contoh/{NIK}?token={secret}"),
            format!("{}/__sandbox/inbox/Budi-Contoh?key={secret}", process.url),
        ] {
            ask(
                &process,
                "POST",
                "/v1/callback/urls",
                &[],
                &json!({"type": TYPE, "url": url}),
            )
            .await;
        }
        magic(&process, BANK, "COMPLETED_FOUND").await;
        control(&process, "GET", "idle?wait=10s", &Value::Null).await;
        let secrets = control(&process, "GET", "world", &Value::Null).await;
        let token = secrets["callback_token"].as_str().expect("a token");
        let log = log_of(process);
        assert!(log.contains("callback dlv_1"), "{log}");
        for planted in [
            NIK,
            &NIK[2..],
            "Budi",
            "budi",
            "s3cr3t",
            "S3CR3T",
            token,
            "[31m",
            "\u{9b}",
            "\u{202e}",
            "\u{1b}",
            "%0a",
        ] {
            assert!(!log.contains(planted), "{planted:?} in {log}");
        }
    }
}

#[tokio::test]
async fn every_attempt_of_a_callback_has_a_line() {
    let process = Process::serve(&["--log-format", "json", "--callback-retries", "1ms,1ms"]);
    let inbox = format!("{}/__sandbox/inbox/busy", process.url);
    let at = inbox.trim_start_matches("http://").replace("/busy", "/bu…");
    let register = async |query: &str| {
        let body = json!({"type": TYPE, "url": format!("{inbox}{query}")});
        ask(&process, "POST", "/v1/callback/urls", &[], &body).await
    };
    let idle = async || control(&process, "GET", "idle?wait=20s", &Value::Null).await;
    register("").await;
    magic(&process, BANK, "COMPLETED_FOUND; callback=wrong-token").await;
    idle().await;
    magic(&process, BANK, "COMPLETED_FOUND; callback=none").await;
    control(&process, "POST", "deliveries/dlv_1/redeliver", &json!({})).await;
    idle().await;
    control(&process, "POST", "trigger", &json!({"type": TYPE})).await;
    idle().await;
    register("?status=500&times=99").await;
    let gone = json!({"type": TYPE, "url": "http://127.0.0.1:9/cb"});
    ask(&process, "POST", "/v1/callback/urls", &[], &gone).await;
    let log = log_of(process);
    assert_eq!(
        messages(&log, "callback"),
        [
            format!("INFO callback URL {at}: the test was accepted"),
            format!("INFO callback dlv_1 → {at}: delivered, try 1 of 3, on purpose: wrong-token"),
            format!("INFO callback dlv_2 → {at}: not sent, on purpose: none"),
            format!("INFO callback dlv_3 → {at}: ordered through the control API, on purpose: wrong-token, the same message as dlv_1"),
            format!("INFO callback dlv_3 → {at}: delivered, try 1 of 3, on purpose: wrong-token, the same message as dlv_1"),
            format!("INFO callback dlv_4 → {at}: ordered through the control API"),
            format!("INFO callback dlv_4 → {at}: delivered, try 1 of 3"),
            format!("WARN callback URL {at}?…: refused, because the test was not accepted: status 500"),
            "WARN callback URL 127.0.0.1:9/cb: refused, because the test was not accepted: connection refused".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_callback_that_fails_says_when_the_next_try_comes_and_when_it_is_given_up() {
    let process = Process::serve(&[
        "--log-format",
        "json",
        "--callback-retries",
        "1ms,16s",
        "--callback",
        &format!("{TYPE}=http://127.0.0.1:9/cb"),
    ]);
    magic(&process, BANK, "COMPLETED_FOUND").await;
    control(&process, "POST", "clock/advance", &json!({"by": "1m"})).await;
    magic(&process, BANK, "COMPLETED_FOUND; callback=late(1h)").await;
    control(&process, "POST", "reset", &json!({})).await;
    let log = log_of(process);
    let shown = messages(&log, "callback");
    assert_eq!(
        shown,
        [
            "WARN callback dlv_1 → 127.0.0.1:9/cb: connection refused, try 1 of 3, next in 1ms",
            "WARN callback dlv_1 → 127.0.0.1:9/cb: connection refused, try 2 of 3, next in 16s",
            "WARN callback dlv_1 → 127.0.0.1:9/cb: connection refused, try 3 of 3, given up",
            "INFO callbacks dlv_2 were cancelled: the world was reset",
        ],
        "{log}"
    );
}

/// What the requests in flight hold, with this one.
async fn held(process: &Process) -> u64 {
    let mut raw = Raw::to(address_of(process)).await;
    raw.send("GET /__sandbox/readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    let ready = RawAnswer::of(&raw.rest().await).json();
    ready["in_flight"]["bytes"].as_u64().expect("a number")
}

/// Waits until a request is in flight beside the one that asks, or until that one is alone. Each holds 5 KiB.
async fn until_two_in_flight(process: &Process, are_two: bool) {
    while (held(process).await >= 10 << 10) != are_two {}
}

#[tokio::test]
async fn a_client_that_goes_away_has_a_line() {
    let process = Process::serve(&["--log-format", "json"]);
    let mut within_body = Raw::to(address_of(&process)).await;
    within_body
        .send(format!(
            "POST {BANK} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{{"
        ))
        .await;
    until_two_in_flight(&process, true).await;
    drop(within_body);
    until_two_in_flight(&process, false).await;
    let mut before_reply = Raw::to(address_of(&process)).await;
    before_reply
        .send(format!(
            "GET /__sandbox/requests?wait=50s&count=9 HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
            basic(PUBLIC_KEY)
        ))
        .await;
    until_two_in_flight(&process, true).await;
    drop(before_reply);
    let mut process = process;
    process.wait_for_log("before the reply");
    let mut log = messages(&log_of(process), "went away");
    log.sort();
    assert_eq!(
        log,
        [
            "INFO the client went away before its body was complete",
            "INFO the client went away before the reply",
        ]
    );
}

#[tokio::test]
async fn a_tls_handshake_that_fails_has_a_line_with_its_reason() {
    use tokio_rustls::rustls::version::TLS13;
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().to_str().expect("UTF-8");
    let process = Process::serve(&["--tls", "--ca-dir", ca, "--log-format", "json"]);
    let pem = std::fs::read_to_string(folder.path().join("ca.pem")).expect("an authority");
    let other = rcgen::generate_simple_self_signed(["other".to_owned()]).expect("a certificate");
    let at = address_of(&process);
    let stranger = other.cert.pem();
    Offer::trusting(&stranger)
        .to(at, "localhost")
        .await
        .expect_err("nobody signed it");
    Offer::trusting(&pem)
        .to(at, "kyc.test")
        .await
        .expect_err("another name");
    let mut plain = Raw::to(at).await;
    plain
        .send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    plain.rest().await;
    let mut garbage = Raw::to(at).await;
    garbage.send([0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9]).await;
    garbage.rest().await;
    let offer = Offer {
        versions: vec![&TLS13],
        ..Offer::trusting(&pem)
    };
    offer.to(at, "localhost").await.expect("this one is right");
    let log = log_of(process);
    let shown = messages(&log, "WARN");
    for words in [
        "WARN a TLS handshake failed: the client does not trust the authority of the certificate",
        "the certificate is not for the name `kyc.test`: add --tls-host kyc.test",
        "WARN a client sent plain HTTP to an HTTPS port: write https:// in its URL",
        "WARN a TLS handshake failed: what the client sent is no TLS handshake",
    ] {
        let lines = shown.iter().filter(|line| line.contains(words));
        assert_eq!(lines.count(), 1, "{words}: {log}");
    }
    assert_eq!(shown.len(), 4, "{log}");
}

#[tokio::test]
async fn a_request_that_the_port_refuses_has_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().to_str().expect("UTF-8");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let plain = free.local_addr().expect("an address");
    drop(free);
    let port = plain.port().to_string();
    let mut process = Process::start(command(&[
        "serve",
        "--port",
        &port,
        "--tls-port",
        "0",
        "--https-only",
        "--ca-dir",
        ca,
        "--log-format",
        "json",
    ]));
    process.url = format!("http://{plain}");
    let answer = ask(&process, "POST", FACES, &[], &Value::Null).await;
    let status = answer.status().as_u16();
    let log = log_of(process);
    let line = log
        .lines()
        .find(|line| line.contains("--https-only"))
        .expect("a line");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(
        (&line["path"], &line["status"]),
        (&json!(FACES), &json!(status))
    );
}

#[test]
fn the_start_shows_a_table_on_stderr_and_the_ready_line_on_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let target = format!("{TYPE}=http://localhost:3000/cb?token=1");
    let process = Process::serve(&["--scenarios", dir, "--callback", &target]);
    let url = process.url.clone();
    let log = log_of(process);
    let table = log.split_inclusive('\n').take(7).collect::<String>();
    assert_eq!(
        table,
        format!(
            "iluma-sandbox {}\n  URL            {url}\n  inspector      {url}/__sandbox/\n  API key        {PUBLIC_KEY}\n  \
             scenarios      {dir}\n  callbacks      {TYPE} → localhost:3000/cb?…\n  control token  not needed\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn with_json_the_table_is_one_line_and_shows_no_secret() {
    let key = format!("iluma_development_{}", "k".repeat(40));
    let process = Process::serve(&[
        "--log-format",
        "json",
        "--api-key",
        &key,
        "--control-token",
        "s3cr3t",
    ]);
    let url = process.url.clone();
    let log = log_of(process);
    let mut first: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    first["timestamp"].take();
    assert_eq!(
        first,
        json!({
            "timestamp": null,
            "level": "INFO",
            "message": "started",
            "url": url,
            "inspector": format!("{url}/__sandbox/"),
            "api_key": "as given by --api-key",
            "scenarios": "the shipped ones",
            "callbacks": "none by default; register a URL with POST /v1/callback/urls",
            "control_token": "needed, as given by --control-token",
        })
    );
    assert!(!log.contains(&key) && !log.contains("s3cr3t"), "{log}");
}

#[test]
fn with_json_every_error_of_a_start_is_json() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", "extends = \"nothing\"\n");
    let dir = folder.path().to_str().expect("UTF-8");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (arguments, code, words) in [
        (
            vec!["--scenarios", dir],
            2,
            "there is no file `nothing` to extend",
        ),
        (
            vec!["--port", &port],
            1,
            "address already in use; choose another with --port",
        ),
        (
            vec!["--callback", "NAMES=http://127.0.0.1:1/"],
            2,
            "no endpoint sends callbacks of the type `NAMES`",
        ),
        (
            vec!["--ready-file", "/no/such/folder/ready.json"],
            1,
            "cannot write the ready file",
        ),
        (
            vec!["--clock", "noon"],
            2,
            "`noon` is neither `system` nor an instant",
        ),
        (vec!["--api-key", "secret"], 2, "an API key begins with"),
        (vec!["--sed", "1"], 2, "unexpected argument '--sed' found"),
    ] {
        let mut line = vec!["serve", "--log-format", "json"];
        if !arguments.contains(&"--port") {
            line.extend(["--port", "0"]);
        }
        let (exit, _, err) = run(&[line, arguments.clone()].concat());
        assert_eq!(exit, code, "{err}");
        let shown = messages(&err, words);
        assert_eq!(shown.len(), 1, "{arguments:?}: {err}");
        assert!(shown[0].starts_with("ERROR "), "{shown:?}");
    }
}

#[test]
fn without_a_log_there_is_no_table_but_the_error_that_ends_the_start() {
    let process = Process::serve(&["--log-format", "off"]);
    assert_eq!(log_of(process), "");
    let (code, _, err) = run(&[
        "serve",
        "--log-format",
        "off",
        "--port",
        "0",
        "--scenarios",
        "/no/such/folder",
    ]);
    assert_eq!(code, 2);
    assert!(
        err.contains("cannot be read: no such file or directory"),
        "{err}"
    );
}

#[test]
fn a_port_that_another_sandbox_has_is_named_with_its_process_and_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().to_str().expect("UTF-8");
    for flags in [
        vec!["--control-token", "s3cr3t"],
        vec!["--tls", "--ca-dir", ca],
    ] {
        let holder = Process::serve(&flags);
        let port = address_of(&holder).port();
        let (code, _, err) = run(&["serve", "--port", &port.to_string()]);
        assert_eq!(code, 1);
        assert_eq!(
            err,
            format!(
                "iluma-sandbox: cannot listen on 127.0.0.1:{port}: address already in use by iluma-sandbox {} (process {}); \
                 choose another with --port (0 picks a free port) or --bind\n",
                env!("CARGO_PKG_VERSION"),
                holder.pid()
            )
        );
    }
}
