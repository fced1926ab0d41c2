//! `iluma-sandbox trigger` against a running sandbox, with an inbox as the receiver.

use iluma_sandbox::PUBLIC_KEY;
use serde_json::{Value, json};

use crate::process::{Process, command, run};
use crate::receiver::refusing_address;

const TYPE: &str = "NAME_VALIDATOR_REQUEST";

/// A sandbox whose callbacks go to its own inbox `mine`.
async fn serve() -> Process {
    let process = Process::serve(&["--log-format", "off"]);
    let url = format!("{}/__sandbox/inbox/mine", process.url);
    register(&process, PUBLIC_KEY, &url).await;
    process
}

async fn register(process: &Process, key: &str, url: &str) {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/callback/urls", process.url))
        .basic_auth(key, Some(""))
        .json(&json!({"type": TYPE, "url": url}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
}

async fn get(url: &str, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{url}{path}"));
    let response = request.basic_auth(PUBLIC_KEY, Some("")).send().await;
    let text = response.expect("an answer").text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn it_prints_what_was_delivered() {
    let process = serve().await;
    let arguments = ["trigger", TYPE, "--url", &process.url];
    let overrides = [
        "--outcome",
        "COMPLETED_NOT_FOUND",
        "--set",
        "result.is_found=true",
        "--set",
        "reference_id=mine = 7",
    ];
    let (code, out, err) = run(&[&arguments[..], &overrides].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let inbox = get(&process.url, "/__sandbox/inbox/mine").await;
    let body = inbox["received"][0]["body"].as_str().expect("text");
    let record: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(record["result"]["is_found"], true);
    assert_eq!(record["reference_id"], "mine = 7");
    let id = record["id"].as_str().expect("an id");
    assert_eq!(
        out.replace(&process.url, "URL"),
        format!(
            "dlv_1 NAME_VALIDATOR_REQUEST to URL/__sandbox/inbox/mine\n\
             outcome v1.1/bank_account_data_requests/COMPLETED_NOT_FOUND\n\
             record  {id}\n\
             body    {body}\n\
             try 1   status 200\n\
             delivered\n"
        )
    );
    let path = format!("/v1.1/identity/bank_account_data_requests/{id}");
    assert_eq!(get(&process.url, &path).await, record, "the GET agrees");
}

#[tokio::test]
async fn it_prints_the_delivery_as_json_too() {
    let process = serve().await;
    let arguments = ["--format", "json", "--url", &process.url];
    let endpoint = ["trigger", "--endpoint", "v1.1/bank_account_data_requests"];
    let (code, out, err) = run(&[&endpoint[..], &arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let delivery: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(delivery["state"], "delivered");
    let listed = get(&process.url, "/__sandbox/deliveries").await;
    assert_eq!(delivery, listed["deliveries"][0]);
}

#[tokio::test]
async fn a_try_that_fails_is_waited_for_and_shown() {
    let inbox = Process::serve(&["--log-format", "off"]);
    let refusing = format!(
        "{TYPE}={}/__sandbox/inbox/busy?status=500&times=2",
        inbox.url
    );
    let process = Process::serve(&[
        "--log-format",
        "off",
        "--callback-retries",
        "10ms,10ms",
        "--callback",
        &refusing,
    ]);
    let (code, out, err) = run(&["trigger", TYPE, "--url", &process.url]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let at = inbox.url.trim_start_matches("http://");
    let failed = |at_try: usize| {
        format!(
            "try {at_try}   status 500\n        tried: {at}: reached\n        answer: {{\"inbox\":\"busy\",\"seq\":{at_try}}}\n"
        )
    };
    let tries = format!(
        "\n{}{}try 3   status 200\ndelivered\n",
        failed(1),
        failed(2)
    );
    assert!(out.ends_with(&tries), "{out}");
}

#[tokio::test]
async fn what_is_never_delivered_fails_in_a_sentence() {
    let inbox = Process::serve(&["--log-format", "off"]);
    let refusing = format!("{TYPE}={}/__sandbox/inbox/no?status=503", inbox.url);
    let start = ["--log-format", "off", "--callback", &refusing];
    let process = Process::serve(&[&start[..], &["--callback-retries", "none"]].concat());
    let (code, out, err) = run(&["trigger", TYPE, "--url", &process.url]);
    assert_eq!(code, 1);
    let at = inbox.url.trim_start_matches("http://");
    let tried = |seq: usize| {
        format!(
            "\ntry 1   status 503\n        tried: {at}: reached\n        answer: {{\"inbox\":\"no\",\"seq\":{seq}}}\n"
        )
    };
    assert!(out.ends_with(&(tried(1) + "failed\n")), "{out}");
    assert_eq!(
        err,
        "iluma-sandbox: the callback was not delivered: status 503\n"
    );

    let process = Process::serve(&[&start[..], &["--callback-retries", "1h"]].concat());
    let (code, out, err) = run(&["trigger", TYPE, "--url", &process.url, "--wait", "300ms"]);
    assert_eq!(code, 1);
    assert!(out.ends_with(&(tried(2) + "retrying\n")), "{out}");
    assert_eq!(
        err,
        "iluma-sandbox: the callback was not delivered within 300ms, and will be tried again: \
         status 503\n"
    );
}

#[tokio::test]
async fn it_finds_the_sandbox_and_the_key_as_serve_does() {
    let process = serve().await;
    let key = format!("iluma_development_{}", "k".repeat(40));
    let url = format!("{}/__sandbox/inbox/of-the-key", process.url);
    register(&process, &key, &url).await;
    let port = process.url.rsplit(':').next().expect("a port");
    let output = command(&["trigger", TYPE])
        .env("ILUMA_SANDBOX_BIND", "0.0.0.0")
        .env("ILUMA_SANDBOX_PORT", port)
        .env("ILUMA_SANDBOX_API_KEY", format!("{key},{PUBLIC_KEY}"))
        .output()
        .expect("it runs");
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(out.contains("/__sandbox/inbox/of-the-key\n"), "{out}");
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn what_the_sandbox_refuses_is_said_in_its_words() {
    let process = Process::serve(&["--log-format", "off", "--api-key", PUBLIC_KEY]);
    let other = format!("iluma_development_{}", "k".repeat(40));
    for (arguments, code, expected) in [
        (
            vec![TYPE],
            2,
            "no URL is registered for NAME_VALIDATOR_REQUEST: \
             POST one to /v1/callback/urls, or start with --callback\n",
        ),
        (
            vec!["NO_SUCH"],
            2,
            "`type`: no endpoint sends callbacks of the type `NO_SUCH`: known are `ENTITY_CFT_PEP`, ",
        ),
        (
            vec!["NAME_VALIDATOR_REQUST"],
            2,
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATOR_REQUST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?\n",
        ),
        (
            vec![TYPE, "--outcome", "COMPLETED_FOUNT"],
            2,
            "Did you mean `COMPLETED_FOUND`?",
        ),
        (
            vec![TYPE, "--api-key", &other],
            1,
            "This sandbox was started for other API keys than the one that was sent.\n",
        ),
    ] {
        let all = [&["trigger", "--url", &process.url], &arguments[..]].concat();
        let (exited, out, err) = run(&all);
        assert_eq!((exited, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.starts_with("iluma-sandbox: "), "{err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn a_sandbox_that_is_not_there_is_one_clear_sentence() {
    let url = format!("http://{}", refusing_address());
    let (code, out, err) = run(&["trigger", TYPE, "--url", &url]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: cannot reach a sandbox at {url}: connection refused; \
             start one, or give its URL with --url\n"
        )
    );
}

#[test]
fn trigger_called_wrongly_exits_with_2() {
    for (arguments, expected) in [
        (vec!["trigger"], "<TYPE>"),
        (
            vec!["trigger", TYPE, "--set", "no value"],
            "write PATH=VALUE",
        ),
        (
            vec!["trigger", TYPE, "--set", "sum=18446744073709551616"],
            "write a number that fits into 64 bits, or text in quotes",
        ),
        (
            vec!["trigger", TYPE, "--set", "sum=1e999"],
            "write a number that fits into 64 bits, or text in quotes",
        ),
        (
            vec!["trigger", TYPE, "--url", "ftp://127.0.0.1:4586"],
            "`ftp://127.0.0.1:4586` is not the URL of a sandbox",
        ),
        (
            vec!["trigger", TYPE, "--api-key", "secret"],
            "iluma-sandbox: --api-key is not an API key: an API key begins with `iluma_development_`",
        ),
    ] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
        assert!(!err.contains("secret"), "{err}");
    }
}
