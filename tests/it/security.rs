//! Attacks on the claims of SECURITY.md: web pages that want to send callbacks, addresses that are never called,
//! secrets in everything that is shown, requests for the data of another world.

use std::fs;
use std::path::Path;

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use reqwest::header::HeaderName;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::raw::{ask, basic};
use crate::receiver::Receiver;
use crate::stage::{BANK, TYPE, URLS, key};

#[tokio::test]
async fn a_web_page_cannot_have_callbacks_sent_and_nothing_is_tested_for_it() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let receiver = Receiver::start().await;
    let port = sandbox.address().port();
    // The request of a form with the documentation's key in its address, and of a page whose name points here.
    let (own, rebound) = (
        format!("127.0.0.1:{port}"),
        format!("attacker.example:{port}"),
    );
    let own_page = format!("http://{own}");
    let rebound_page = format!("http://{rebound}");
    let register = async |host: &str, headers: &[(&str, &str)]| {
        let body = format!("type={TYPE}&url={}", receiver.url_text());
        let mut request = format!(
            "POST {URLS} HTTP/1.1\r\nhost: {host}\r\nauthorization: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
            basic(PUBLIC_KEY),
            body.len()
        );
        for (name, value) in headers {
            request.extend([*name, ": ", *value, "\r\n"]);
        }
        ask(&sandbox, request + "\r\n" + &body).await
    };
    for (host, headers, reason) in [
        (
            &own,
            &[("origin", "https://attacker.example")][..],
            "the Origin `https://attacker.example`",
        ),
        (&own, &[("origin", "null")], "the Origin `null`"),
        (
            &own,
            &[("sec-fetch-site", "cross-site")],
            "a page of another site",
        ),
        (
            &own,
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
            "a page of another site",
        ),
        (
            &rebound,
            &[("origin", rebound_page.as_str())],
            "the Host `attacker.example",
        ),
    ] {
        let answer = register(host, headers).await;
        let reply = answer.json();
        assert_eq!(
            (answer.status(), &reply["error_code"]),
            (400, &json!("CALLBACK_TEST_FAILED_ERROR"))
        );
        let message = reply["message"].as_str().expect("a message");
        assert!(
            message.starts_with(&format!("No test was sent: {reason}")),
            "{message}"
        );
        assert_eq!(answer.header("x-sandbox-error"), Some("foreign page"));
    }
    assert!(
        receiver.so_far().is_empty(),
        "a web page had something sent"
    );
    let listed = ask(
        &sandbox,
        format!(
            "GET {URLS} HTTP/1.1\r\nhost: {own}\r\nauthorization: {}\r\n\r\n",
            basic(PUBLIC_KEY)
        ),
    );
    assert_eq!(listed.await.json(), json!([]));
    // Programs, and the sandbox's own page, are allowed.
    assert_eq!(register(&own, &[]).await.status(), 200);
    assert_eq!(register("iluma.test", &[]).await.status(), 200);
    assert_eq!(
        register(
            &own,
            &[("origin", &own_page), ("sec-fetch-site", "same-origin")]
        )
        .await
        .status(),
        200
    );
    assert_eq!(receiver.received(3).await.len(), 3);
}

#[tokio::test]
async fn no_preflight_is_granted_and_no_reply_may_be_read_by_a_page() {
    let client = Client::start().await;
    for path in [
        BANK,
        URLS,
        "/health",
        "/openapi.json",
        "/__sandbox/reset",
        "/__sandbox/livez",
    ] {
        for method in ["OPTIONS", "GET"] {
            let request = client.request(method, path);
            let request = request
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization")
                .header("origin", "https://attacker.example");
            let answer = Answer::of(request).await;
            let mut names = answer.headers.keys().map(HeaderName::as_str);
            let leave = names.find(|name| name.starts_with("access-control-"));
            assert_eq!(leave, None, "{method} {path}");
            if method == "OPTIONS" {
                assert!(answer.status >= 400, "{path}: {}", answer.status);
            }
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let text = read("SECURITY.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted.filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() > 25, "{named:?}");
    for (file, name) in named {
        let modules = fs::read_dir(root.join("src")).expect("the modules");
        let in_module = modules.map(|module| module.expect("a module").path());
        let is_there = in_module
            .chain([root.join("tests/it")])
            .map(|folder| fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap_or_default())
            .any(|source| source.contains(&format!("fn {name}()")));
        assert!(is_there, "there is no test {file}::{name}");
    }
}

#[tokio::test]
async fn an_address_that_is_never_called_is_not_called_in_any_spelling_of_a_url() {
    let client = Client::start().await;
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[::5efe:169.254.169.254]",
        "168.63.129.16",
        "192.0.0.192",
    ] {
        let body = json!({"type": TYPE, "url": format!("http://{host}/latest/meta-data/")});
        let answer = client.post(URLS, &body).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.text);
        let message = answer.message();
        let is_refused = message.contains("is an address that is never called")
            || message.contains("write an IPv4 address as four decimal numbers");
        assert!(is_refused, "{host}: {message}");
    }
    assert_eq!(client.get(URLS).await.json(), json!([]));
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_key_the_control_token_or_a_world_s_tokens() {
    let (own, other, token) = (key('K'), key('L'), "control-token-of-this-test");
    let receiver = Receiver::start().await;
    let builder = Sandbox::builder()
        .api_key(own.parse().expect("a key"))
        .api_key(other.parse().expect("a key"))
        .control_token(token.parse().expect("a token"))
        .sign_callbacks(true)
        .callback(TYPE, receiver.url());
    let client = Client::of(builder).await;
    let control = |method: &str, path: &str| {
        let request = client.as_key(&own, method, &format!("/__sandbox/{path}"));
        request.header("x-sandbox-control-token", token)
    };
    let secrets = Answer::of(control("GET", "world")).await.json();
    let text = |name: &str| secrets[name].as_str().expect("a secret").to_owned();
    let secrets = [
        own.clone(),
        other.clone(),
        basic(&own),
        token.to_owned(),
        text("callback_token"),
        text("callback_signing_secret"),
    ];
    // Correct and wrong requests with secrets in unexpected places. If a request reaches no world, nobody knows which
    // world's tokens it could contain.
    let known = json!({"bank_account_number": "1234567890", "bank_code": "BCA", "given_name": own, "extra": secrets});
    let unknown = json!({"given_name": own, "extra": secrets[..4]});
    let stranger = key('M');
    for (key, method, path, body) in [
        (&own, "POST", BANK, &known),
        (&own, "GET", "/v1/callback/urls", &known),
        (&own, "POST", "/v1/nothing", &unknown),
        (&stranger, "POST", BANK, &unknown),
    ] {
        let request = client.as_key(key, method, path).header("x-iluma", &own);
        let request = request.header("x-sandbox-control-token", token);
        Answer::of(request.json(body)).await;
    }
    Answer::of(client.as_key(&own, "GET", &format!("{BANK}/{own}"))).await;
    Answer::of(control("POST", "inbox/mine").json(&unknown)).await;
    receiver.received(1).await;
    Answer::of(control("GET", "idle?wait=10s")).await;
    let trace = Answer::of(client.as_key(&own, "POST", BANK).json(&known)).await;
    let trace = trace.header("x-sandbox-trace").expect("a trace").to_owned();
    let explained = format!("explain/{trace}");
    // Except `world` and `deliveries`, which show what a receiver has to expect and what it got.
    for path in [
        "requests",
        "requests?world=all",
        "requests?world=strangers",
        "export",
        "export?world=all",
        &explained,
        "worlds",
        "catalog",
        "coverage",
        "fidelity",
        "metrics",
        "readyz",
        "setup",
        "snapshot",
        "callback_urls",
        "next",
        "faults",
        "clock",
        "openapi.json",
        "llms.txt",
        "inbox",
    ] {
        let answer = Answer::of(control("GET", path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        for secret in &secrets {
            assert!(
                !answer.text.contains(secret.as_str()),
                "{path} shows {secret}: {}",
                answer.text
            );
        }
    }
    for path in ["/openapi.json", "/docs", "/__sandbox/"] {
        let answer = Answer::of(client.bare("GET", path)).await;
        for secret in &secrets {
            assert!(
                !answer.text.contains(secret.as_str()),
                "{path} shows {secret}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_another_worlds_cannot_be_reached_by_guessing_its_names() {
    let (own, other) = (key('K'), key('L'));
    let receiver = Receiver::start().await;
    let builder = Sandbox::builder()
        .api_key(own.parse().expect("a key"))
        .callback(TYPE, receiver.url());
    let client = Client::of(builder.api_key(other.parse().expect("a key"))).await;
    let made = Answer::of(
        client
            .as_key(&other, "POST", BANK)
            .header("x-magic-reply", "COMPLETED_FOUND"),
    )
    .await;
    let trace = made.header("x-sandbox-trace").expect("a trace").to_owned();
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    receiver.received(1).await;
    Answer::of(client.as_key(&other, "GET", "/__sandbox/idle?wait=10s")).await;
    let control = |key: &str, method: &str, path: &str| {
        client.as_key(key, method, &format!("/__sandbox/{path}"))
    };
    // The number of the other world's delivery, the id of its record, everything that could be emptied.
    let redelivered = Answer::of(control(&own, "POST", "deliveries/dlv_1/redeliver")).await;
    assert_eq!(redelivered.status, 404, "{}", redelivered.text);
    let read = Answer::of(client.as_key(&own, "GET", &format!("{BANK}/{id}"))).await;
    assert_eq!(read.status, 404, "{}", read.text);
    for (method, path) in [
        ("POST", "reset"),
        ("DELETE", "next"),
        ("DELETE", "faults"),
        ("DELETE", "worlds"),
    ] {
        assert_eq!(
            Answer::of(control(&own, method, path)).await.status,
            200,
            "{path}"
        );
    }
    let log = Answer::of(control(&other, "GET", "deliveries"))
        .await
        .json();
    assert_eq!(log["matching"], 1, "{log}");
    let read = Answer::of(client.as_key(&other, "GET", &format!("{BANK}/{id}"))).await;
    assert_eq!(read.status, 200, "{}", read.text);
    // A key that is not accepted sees nothing, with any name.
    let (stranger, tag) = (key('M'), trace.split('-').next().expect("a tag"));
    for path in [
        format!("explain/{trace}"),
        format!("requests?world={tag}"),
        "requests?world=all".to_owned(),
        "export?world=all".to_owned(),
        format!("snapshot?world={tag}"),
        format!("deliveries?world={tag}"),
        "snapshot".to_owned(),
    ] {
        let answer = Answer::of(control(&stranger, "GET", &path)).await;
        assert_eq!(answer.status, 401, "{path}: {}", answer.text);
        let refusal: Value = answer.json();
        assert_eq!(refusal["error"], "no_world", "{path}");
    }
}
