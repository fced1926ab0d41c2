//! Access to the control API: the Host, the Origin, the control token, in this order.

use std::net::SocketAddr;

use iluma_sandbox::{Builder, ControlToken, PUBLIC_KEY, Sandbox};
#[cfg(unix)]
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::raw::{RawAnswer, ask, basic};

const ROUTE: &str = "/__sandbox/clock";
const TOKEN: &str = "x-sandbox-control-token";

fn token(text: &str) -> ControlToken {
    text.parse().expect("a token")
}

/// A request with exactly these headers.
fn request(line: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{line} HTTP/1.1\r\nauthorization: {}\r\n",
        basic(PUBLIC_KEY)
    );
    for (name, value) in headers {
        text.extend([*name, ": ", *value, "\r\n"]);
    }
    text + "\r\n"
}

async fn get(sandbox: &Sandbox, path: &str, headers: &[(&str, &str)]) -> RawAnswer {
    ask(sandbox, request(&format!("GET {path}"), headers)).await
}

fn refusal(answer: &RawAnswer) -> (u16, String) {
    let error = answer.json()["error"]
        .as_str()
        .expect("an error")
        .to_owned();
    (answer.status(), error)
}

fn foreign_host() -> (u16, String) {
    (403, "foreign_host".to_owned())
}

fn foreign_origin() -> (u16, String) {
    (403, "foreign_origin".to_owned())
}

/// A sandbox that listens on every address, and so on one that is not a loopback address.
fn everywhere() -> Builder {
    Sandbox::builder().address(SocketAddr::from(([0, 0, 0, 0], 0)))
}

#[tokio::test]
async fn on_a_loopback_address_the_host_is_a_loopback_name() {
    let sandbox = Sandbox::start().await.expect("it starts");
    for host in [
        "localhost",
        "LocalHost:1",
        "localhost.:4586",
        "my-app.localhost:4586",
        "127.0.0.1:4586",
        "127.9.8.7",
        "[::1]:4586",
        "[::1]",
        "[::ffff:127.0.0.1]:80",
    ] {
        assert_eq!(
            get(&sandbox, ROUTE, &[("host", host)]).await.status(),
            200,
            "{host}"
        );
    }
    for host in [
        "sandbox",
        "iluma:4586",
        "example.com",
        "localhost.example.com",
        "notlocalhost",
        "127.0.0.1.example.com",
        "example.com@localhost",
        "localhost@example.com",
        "0.0.0.0:4586",
        "192.168.1.1",
        "[::]:4586",
        "[::1",
        "[::1]example.com",
        "[::1]:+4586",
        "localhost:+4586",
        "127.1",
        "localhost, example.com",
        "local host",
        "l\u{f6}calhost",
        "",
    ] {
        let answer = get(&sandbox, ROUTE, &[("host", host)]).await;
        assert_eq!(refusal(&answer), foreign_host(), "{host}");
    }
    let two = get(
        &sandbox,
        ROUTE,
        &[("host", "localhost"), ("host", "example.com")],
    )
    .await;
    assert_eq!(refusal(&two), foreign_host());
    assert_eq!(refusal(&get(&sandbox, ROUTE, &[]).await), foreign_host());
    let by_target = "GET http://example.com/__sandbox/clock";
    let answer = ask(&sandbox, request(by_target, &[("host", "localhost")])).await;
    assert_eq!(refusal(&answer), foreign_host());
}

#[tokio::test]
async fn the_host_matters_to_all_of_the_control_api_and_to_nothing_else() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let foreign = [("host", "example.com")];
    for path in ["livez", "readyz", "nothing", "inbox/mine", "worlds"] {
        let answer = get(&sandbox, &format!("/__sandbox/{path}"), &foreign).await;
        assert_eq!(refusal(&answer), foreign_host(), "{path}");
    }
    assert_eq!(get(&sandbox, "/health", &foreign).await.status(), 200);
    let refused = get(&sandbox, ROUTE, &foreign).await;
    assert_eq!(
        refused.json()["message"],
        "the Host `example.com` is no name of this machine: on a loopback address the control API answers to \
         localhost, names that end in .localhost, 127.0.0.0/8 and [::1]; use one of these, or serve with \
         --bind on an address of another name"
    );
}

#[tokio::test]
async fn only_pages_of_the_sandbox_itself_may_use_the_control_api() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let with =
        async |host, origin| get(&sandbox, ROUTE, &[("host", host), ("origin", origin)]).await;
    for (host, origin) in [
        ("127.0.0.1:4586", "http://127.0.0.1:4586"),
        ("127.0.0.1:4586", "http://localhost:4586"),
        ("localhost:4586", "http://[::1]:4586"),
        ("app.localhost:4586", "http://APP.localhost:4586"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost"),
        ("localhost:443", "https://localhost"),
    ] {
        assert_eq!(with(host, origin).await.status(), 200, "{origin} at {host}");
    }
    for (host, origin) in [
        ("localhost:4586", "null"),
        ("localhost:4586", ""),
        ("localhost:4586", "http://example.com"),
        ("localhost:4586", "http://example.com:4586"),
        ("localhost:4586", "http://localhost:3000"),
        ("localhost:4586", "http://localhost"),
        ("localhost", "https://localhost:80"),
        ("localhost:4586", "http://localhost.example.com:4586"),
        ("localhost:4586", "http://localhost:4586@example.com"),
        ("localhost:4586", "chrome-extension://localhost:4586"),
        ("localhost:4586", "localhost:4586"),
        (
            "localhost:4586",
            "http://localhost:4586, http://example.com",
        ),
    ] {
        let refused = refusal(&with(host, origin).await);
        assert_eq!(refused, foreign_origin(), "{origin} at {host}");
    }
    let hosts = [
        ("host", "localhost"),
        ("origin", "http://localhost"),
        ("origin", "null"),
    ];
    assert_eq!(
        refusal(&get(&sandbox, ROUTE, &hosts).await),
        foreign_origin()
    );
    assert_eq!(
        with("localhost:4586", "http://example.com").await.json()["message"],
        "the Origin `http://example.com` may not use the control API: no web page may that this sandbox has not served itself"
    );
    let elsewhere = [("host", "localhost"), ("origin", "null")];
    assert_eq!(get(&sandbox, "/health", &elsewhere).await.status(), 200);
    let inbox = ask(&sandbox, request("POST /__sandbox/inbox/mine", &elsewhere)).await;
    assert_eq!(
        refusal(&inbox),
        foreign_origin(),
        "callbacks come from no page"
    );
}

#[tokio::test]
async fn what_a_browser_calls_cross_site_is_refused_unless_somebody_follows_a_link() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let host = ("host", "localhost");
    let site = |site| ("sec-fetch-site", site);
    let navigates = ("sec-fetch-mode", "navigate");
    for headers in [
        vec![host, site("same-origin")],
        vec![host, site("none")],
        vec![host, site("cross-site"), navigates],
    ] {
        assert_eq!(
            get(&sandbox, ROUTE, &headers).await.status(),
            200,
            "{headers:?}"
        );
    }
    for (line, headers) in [
        (format!("GET {ROUTE}"), vec![host, site("cross-site")]),
        (
            format!("GET {ROUTE}"),
            vec![host, site("cross-site"), ("sec-fetch-mode", "no-cors")],
        ),
        (
            "POST /__sandbox/reset".to_owned(),
            vec![host, site("cross-site"), navigates],
        ),
    ] {
        let answer = ask(&sandbox, request(&line, &headers)).await;
        assert_eq!(refusal(&answer), foreign_origin(), "{line} {headers:?}");
    }
}

#[tokio::test]
async fn with_a_token_all_of_the_control_api_asks_for_it_but_what_tells_nothing() {
    let client = Client::of(Sandbox::builder().control_token(token("s3cret"))).await;
    let ask = |method, path: &str| client.request(method, &format!("/__sandbox/{path}"));
    for (method, path) in [
        ("GET", "livez"),
        ("GET", "readyz"),
        ("HEAD", "readyz"),
        ("GET", "openapi.json"),
        ("POST", "inbox/mine"),
    ] {
        let answer = Answer::of(ask(method, path)).await;
        assert_eq!(answer.status, 200, "{method} {path}");
    }
    for (method, path) in [
        ("GET", "world"),
        ("GET", "worlds"),
        ("POST", "worlds"),
        ("DELETE", "worlds"),
        ("GET", "coverage"),
        ("GET", "metrics"),
        ("POST", "reset"),
        ("GET", "inbox/mine"),
        ("DELETE", "inbox/mine"),
        ("POST", "inbox/mine/more"),
        ("POST", "livez"),
        ("GET", "livez/"),
        ("GET", "nothing"),
        ("OPTIONS", "reset"),
    ] {
        let answer = Answer::of(ask(method, path)).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert_eq!(
            answer.json()["error"],
            "control_token_required",
            "{method} {path}"
        );
        for wrong in ["s3cre", "s3cret0", "S3cret", ""] {
            let answer = Answer::of(ask(method, path).header(TOKEN, wrong)).await;
            assert_eq!(
                answer.json()["error"],
                "wrong_control_token",
                "{method} {path}"
            );
        }
        let admitted = Answer::of(ask(method, path).header(TOKEN, "s3cret")).await;
        assert_ne!(admitted.status, 401, "{method} {path}");
    }
    let bank = "/v1.1/identity/bank_account_data_requests";
    assert_eq!(
        client.magic(bank, "PENDING").await.status,
        200,
        "products ask for none"
    );
    let none = Answer::of(ask("GET", "world")).await;
    assert_eq!(
        none.json()["message"],
        "send the control token in x-sandbox-control-token: it was given with --control-token, or else printed at the start"
    );
    let wrong = Answer::of(ask("GET", "world").header(TOKEN, "guess")).await;
    assert_eq!(
        wrong.json()["message"],
        "what x-sandbox-control-token says is not the control token of this sandbox"
    );
}

#[tokio::test]
async fn the_host_is_judged_before_the_origin_and_that_before_the_token() {
    let sandbox = Sandbox::builder()
        .control_token(token("t"))
        .start()
        .await
        .expect("it starts");
    let headers = [("host", "example.com"), ("origin", "null"), (TOKEN, "t")];
    assert_eq!(
        refusal(&get(&sandbox, ROUTE, &headers).await),
        foreign_host()
    );
    let headers = [("host", "localhost"), ("origin", "null")];
    assert_eq!(
        refusal(&get(&sandbox, ROUTE, &headers).await),
        foreign_origin()
    );
}

#[tokio::test]
async fn a_sandbox_without_a_token_takes_any() {
    let client = Client::start().await;
    assert!(client.sandbox.control_token().is_none());
    let answer = Answer::of(client.request("GET", ROUTE).header(TOKEN, "left over")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn outside_of_the_loopback_interface_a_token_is_made_and_the_host_is_free() {
    let sandbox = everywhere().start().await.expect("it starts");
    let made = sandbox.control_token().expect("a token").reveal();
    assert!(
        made.len() == 64 && made.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{made}"
    );
    let other = everywhere().start().await.expect("it starts");
    assert_ne!(
        other.control_token().expect("a token").reveal(),
        made,
        "the seed does not tell it"
    );
    assert!(!format!("{sandbox:?}").contains(made), "it is not logged");

    let ask = async |headers: &[(&str, &str)]| get(&sandbox, ROUTE, headers).await;
    let host = ("host", "iluma:4586");
    let refused = ask(&[host]).await;
    assert_eq!(
        refusal(&refused),
        (401, "control_token_required".to_owned())
    );
    assert_eq!(ask(&[host, (TOKEN, made)]).await.status(), 200);
    for (origin, status) in [
        ("http://iluma:4586", 200),
        ("http://localhost:4586", 200),
        ("http://iluma", 403),
        ("http://example.com:4586", 403),
        ("null", 403),
    ] {
        let answer = ask(&[host, (TOKEN, made), ("origin", origin)]).await;
        assert_eq!(answer.status(), status, "{origin}");
    }
}

#[tokio::test]
async fn a_token_that_was_given_is_the_one_wherever_the_sandbox_listens() {
    let sandbox = everywhere()
        .control_token(token("mine"))
        .start()
        .await
        .expect("it starts");
    assert_eq!(sandbox.control_token().expect("a token").reveal(), "mine");
}

#[tokio::test]
async fn the_token_is_neither_in_the_journal_nor_in_the_inbox() {
    let client = Client::of(Sandbox::builder().control_token(token("s3cret"))).await;
    for (method, path) in [
        ("GET", "/v1/callback/urls"),
        ("POST", "/__sandbox/inbox/mine"),
    ] {
        let sent = client
            .request(method, path)
            .header(TOKEN, "s3cret")
            .header("x-other", "kept");
        assert_eq!(Answer::of(sent).await.status, 200);
    }
    let journal = client.sandbox.requests();
    assert!(
        journal[0].head.contains("x-sandbox-control-token: …\n"),
        "{}",
        journal[0].head
    );
    let inbox = client
        .request("GET", "/__sandbox/inbox/mine")
        .header(TOKEN, "s3cret");
    let received = Answer::of(inbox).await;
    assert!(
        received.text.contains("kept") && !received.text.contains("s3cret"),
        "{}",
        received.text
    );
}

#[test]
fn a_text_that_no_header_can_carry_is_no_token() {
    let rule = "a control token has 1 to 200 letters, digits and signs of ASCII, and no blanks";
    for text in ["", "two words", "line\nbreak", "é", &"x".repeat(201)] {
        assert_eq!(
            text.parse::<ControlToken>().err().as_deref(),
            Some(rule),
            "{text:?}"
        );
    }
    let longest = "x".repeat(200);
    assert_eq!(token(&longest).reveal(), longest);
}

#[cfg(unix)]
mod command_line {
    use super::*;
    use crate::process::{Process, command, run};
    use crate::stage::key;

    fn ready_file(arguments: &[&str]) -> (Process, Value) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ready.json");
        let path = path.to_str().expect("UTF-8");
        let process = Process::serve(&[&["--ready-file", path], arguments].concat());
        let ready = std::fs::read_to_string(path).expect("a ready file");
        (process, serde_json::from_str(&ready).expect("JSON"))
    }

    #[test]
    fn the_ready_file_says_the_token() {
        let (_process, ready) = ready_file(&["--log-format", "off"]);
        assert_eq!(ready["control_token"], Value::Null);
        let (process, ready) = ready_file(&["--control-token", "s3cret"]);
        assert_eq!(ready["control_token"], "s3cret");
        let (_, out, err) = process.terminate();
        assert!(
            !out.contains("s3cret") && !err.contains("s3cret"),
            "who gave it knows it: {out}{err}"
        );
    }

    #[test]
    fn a_token_that_was_made_is_printed() {
        let (process, ready) = ready_file(&["--bind", "0.0.0.0", "--log-format", "off"]);
        let made = ready["control_token"].as_str().expect("a token");
        let (code, out, _) = process.terminate();
        let printed = format!("the control API needs the header x-sandbox-control-token: {made}\n");
        assert_eq!((code, out), (0, printed));
    }

    #[test]
    fn every_command_that_asks_a_sandbox_takes_the_token() {
        let process = Process::serve(&["--control-token", "s3cret", "--log-format", "off"]);
        let own = key('g');
        let trace = "00000000-1";
        for (arguments, admitted) in [
            (vec!["coverage"], 0),
            (vec!["trigger", "NAME_VALIDATOR_REQUEST"], 2),
            (vec!["explain", trace], 1),
        ] {
            let target = ["--url", &process.url, "--api-key", &own];
            let arguments = [arguments, target.to_vec()].concat();
            let (code, _, err) = run(&arguments);
            assert!(
                code != 0 && err.contains("send the control token"),
                "{arguments:?}: {err}"
            );
            for (name, value) in [("ILUMA_SANDBOX_CONTROL_TOKEN", "s3cret"), ("NO_TOKEN", "")] {
                let flag = if value.is_empty() {
                    vec!["--control-token", "s3cret"]
                } else {
                    vec![]
                };
                let all = [&arguments[..], &flag].concat();
                let output = command(&all).env(name, value).output().expect("it runs");
                let err = String::from_utf8(output.stderr).expect("UTF-8");
                assert!(!err.contains("control token"), "{all:?}: {err}");
                assert_eq!(output.status.code(), Some(admitted), "{all:?}: {err}");
            }
        }
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        for arguments in [&["serve", "--port", "0"][..], &["coverage"]] {
            let (code, out, err) = run(&[arguments, &["--control-token", "my secret"]].concat());
            let sentence = "iluma-sandbox: --control-token: a control token has 1 to 200 letters, digits and signs of ASCII, and no blanks\n";
            assert_eq!((code, out.as_str(), err.as_str()), (2, "", sentence));
        }
    }
}
