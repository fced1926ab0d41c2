//! A panic affects only its own request. The tests tell the binary where to panic, see `src/base/panics.rs`.

use serde_json::{Value, json};

use crate::process::{Process, command, write};
use crate::stage::key;

const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const TYPE: &str = "NAME_VALIDATOR_REQUEST";
const FAILED: &str = "The sandbox failed while it answered this request.";

/// The binary with test panics switched on.
fn start(arguments: &[&str]) -> Process {
    let mut command = command(&[&["serve", "--port", "0"], arguments].concat());
    command.env("ILUMA_SANDBOX_TEST_PANICS", "1");
    Process::start(command)
}

/// A client that keeps its connection open.
struct Asker<'a> {
    http: reqwest::Client,
    url: &'a str,
    key: String,
}

impl<'a> Asker<'a> {
    fn new(sandbox: &'a Process, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build();
        Self {
            http: http.expect("a client"),
            url: &sandbox.url,
            key: key.to_owned(),
        }
    }

    /// Status, body and `x-sandbox-outcome`.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (u16, Value, Option<String>) {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .basic_auth(&self.key, Some(""));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let outcome = response.headers().get("x-sandbox-outcome");
        let outcome = outcome.map(|name| name.to_str().expect("text").to_owned());
        (status, response.json().await.expect("JSON"), outcome)
    }

    /// Creates a record while the next panic is set for a place.
    async fn record(&self, panic_at: &str) -> (u16, Value, Option<String>) {
        let headers = [
            ("x-magic-reply", "COMPLETED_FOUND"),
            ("x-sandbox-test-panic", panic_at),
        ];
        self.ask("POST", BANK, &headers, None).await
    }

    async fn control(&self, method: &str, path: &str) -> (u16, Value) {
        let (status, body, _) = self
            .ask(method, &format!("/__sandbox/{path}"), &[], None)
            .await;
        (status, body)
    }
}

/// How often the log mentions each of these.
fn told(log: &str, words: &[&str]) -> Vec<usize> {
    words
        .iter()
        .map(|words| log.matches(words).count())
        .collect()
}

#[tokio::test]
async fn a_panic_costs_the_request_that_met_it_and_its_world_stays_usable() {
    let sandbox = start(&[]);
    let (one, other) = (
        Asker::new(&sandbox, &key('a')),
        Asker::new(&sandbox, &key('b')),
    );
    let expected = other.record("").await;
    for place in ["answer", "lock", "record"] {
        let (status, body, outcome) = one.record(place).await;
        assert_eq!(
            (
                status,
                &body["error_code"],
                &body["message"],
                outcome.as_deref()
            ),
            (500, &json!("SERVER_ERROR"), &json!(FAILED), None),
            "{place}"
        );
        let (status, record, _) = one.record("").await;
        assert_eq!(status, 200, "{place}: {record}");
        let id = record["id"].as_str().expect("an id");
        let (status, read, _) = one.ask("GET", &format!("{BANK}/{id}"), &[], None).await;
        assert_eq!((status, read), (200, record), "{place}");
    }
    assert_eq!(one.control("POST", "reset").await.0, 200);
    assert_eq!(other.control("POST", "reset").await.0, 200);
    assert_eq!(other.record("").await, expected);
    let (code, _, log) = sandbox.terminate();
    assert_eq!(code, 0, "{log}");
    let words = [
        "panicked at src/base/panics.rs:",
        "answering a request panicked; this is a bug of the sandbox",
        "answering the request 00000000-",
        "iluma_sandbox::answer::",
        "a test asked for it",
    ];
    let times = told(&log, &words);
    assert_eq!(
        (times[0], times[1], times[2], times[4]),
        (3, 1, 2, 0),
        "{log}"
    );
    assert!(times[3] >= 2, "the way to the panic is told: {log}");
}

#[tokio::test]
async fn a_panic_on_the_way_of_a_control_route_is_answered_by_a_500_of_its_kind() {
    let sandbox = start(&[]);
    let one = Asker::new(&sandbox, &key('a'));
    let headers = [("x-sandbox-test-panic", "control")];
    let (status, body, _) = one.ask("GET", "/__sandbox/world", &headers, None).await;
    let message = "the sandbox failed while it answered this request; its log says where";
    assert_eq!(
        (status, body),
        (500, json!({"error": "server_error", "message": message}))
    );
    assert_eq!(one.control("GET", "world").await.0, 200);
    assert_eq!(sandbox.terminate().0, 0);
}

/// A sandbox that sends callbacks to its own inbox. The URL is known only when it runs.
async fn register_callback_url(one: &Asker<'_>) {
    let body = json!({"type": TYPE, "url": format!("{}/__sandbox/inbox/here", one.url)});
    let (status, answer, _) = one.ask("POST", "/v1/callback/urls", &[], Some(body)).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_panic_while_a_callback_is_sent_fails_that_callback_and_nothing_waits_for_it() {
    let sandbox = start(&["--callback-retries", "none"]);
    let one = Asker::new(&sandbox, &key('a'));
    register_callback_url(&one).await;
    assert_eq!(one.record("attempt").await.0, 200);
    assert_eq!(one.control("GET", "idle?wait=1m").await.0, 200);
    assert_eq!(one.record("").await.0, 200);
    assert_eq!(one.control("GET", "idle?wait=1m").await.0, 200);
    let (_, log) = one.control("GET", "deliveries").await;
    let states = |n: usize| {
        (
            &log["deliveries"][n]["state"],
            &log["deliveries"][n]["reason"],
        )
    };
    let reason = "the sandbox failed while it sent this; its log says where";
    assert_eq!(states(0), (&json!("delivered"), &Value::Null), "{log}");
    assert_eq!(states(1), (&json!("failed"), &json!(reason)), "{log}");
    // Otherwise, a client that waits until nothing is pending would wait for ever.
    assert_eq!(one.control("POST", "reset").await.0, 200);
    let (code, _, log) = sandbox.terminate();
    assert_eq!(code, 0, "{log}");
    assert_eq!(
        told(&log, &["sending the callback 1 of world"]),
        [1],
        "{log}"
    );
}

#[tokio::test]
async fn a_panic_of_the_task_that_sends_a_worlds_callbacks_does_not_end_it() {
    let sandbox = start(&[]);
    let one = Asker::new(&sandbox, &key('a'));
    register_callback_url(&one).await;
    assert_eq!(one.record("line").await.0, 200);
    let (status, received) = one.control("GET", "inbox/here?wait=1m&count=2").await;
    assert_eq!(status, 200, "{received}");
    let (code, _, log) = sandbox.terminate();
    assert_eq!(code, 0, "{log}");
    assert_eq!(
        told(&log, &["sending a world's callbacks panicked"]),
        [1],
        "{log}"
    );
}

#[tokio::test]
async fn a_panic_of_an_advance_is_told_to_whoever_asked_for_it() {
    let sandbox = start(&[]);
    let one = Asker::new(&sandbox, &key('a'));
    register_callback_url(&one).await;
    let headers = [("x-magic-reply", "PENDING_THEN_COMPLETED_FOUND")];
    assert_eq!(one.ask("POST", BANK, &headers, None).await.0, 200);
    let headers = [("x-sandbox-test-panic", "advance")];
    let by = || Some(json!({"by": "1h"}));
    let (status, ..) = one
        .ask("POST", "/__sandbox/clock/advance", &headers, by())
        .await;
    assert_eq!(status, 500);
    let (status, advanced, _) = one.ask("POST", "/__sandbox/clock/advance", &[], by()).await;
    assert_eq!(status, 200, "{advanced}");
    assert_eq!(sandbox.terminate().0, 0);
}

#[tokio::test]
async fn a_panic_while_files_are_read_keeps_the_last_good_ones_and_the_next_change_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", &scenario("first"));
    let path = folder.path().to_str().expect("UTF-8");
    let sandbox = start(&["--scenarios", path]);
    let one = Asker::new(&sandbox, &key('a'));
    let armed = async |place: &str| {
        let headers = [("x-sandbox-test-panic", place)];
        one.ask("GET", "/health", &headers, None).await;
    };
    let said = async || {
        let headers = [("x-magic-reply", "OURS")];
        one.ask("POST", BANK, &headers, None).await.1["message"].take()
    };
    armed("reload").await;
    write(folder.path(), "mine.toml", &scenario("second"));
    let ready = reloaded(&one, 1).await;
    assert_eq!(
        ready["errors"][0]["message"],
        "the scenario files cannot be read because of a bug in the sandbox; its log has the details",
        "{ready}"
    );
    assert_eq!(said().await, "first");
    armed("watch").await;
    write(folder.path(), "mine.toml", &scenario("third"));
    reloaded(&one, 2).await;
    assert_eq!(said().await, "third");
    let (code, _, log) = sandbox.terminate();
    assert_eq!(code, 0, "{log}");
    let words = [
        "reloading the scenarios panicked",
        "watching the scenario files panicked",
    ];
    assert_eq!(told(&log, &words), [1, 1], "{log}");
}

/// A file in which an own outcome answers with that message.
fn scenario(says: &str) -> String {
    format!(
        "extends = \"v1.1/bank_account_data_requests\"\n\n\
         [outcomes.OURS]\nstatus = 422\nerror = \"{says}\"\n"
    )
}

/// The answer of `readyz` after this many reloads, including failed ones.
async fn reloaded(one: &Asker<'_>, count: u64) -> Value {
    loop {
        let (_, ready) = one.control("GET", "readyz").await;
        if ready["reloads"].as_u64().expect("a count") >= count {
            return ready;
        }
    }
}

#[tokio::test]
async fn the_header_does_nothing_where_the_process_was_not_started_for_it() {
    let sandbox = Process::serve(&[]);
    let one = Asker::new(&sandbox, &key('a'));
    for place in ["answer", "lock", "record", "line", "attempt"] {
        assert_eq!(one.record(place).await.0, 200, "{place}");
    }
    assert_eq!(sandbox.terminate().0, 0);
}
