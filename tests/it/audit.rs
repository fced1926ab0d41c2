//! `iluma-sandbox audit` against correct and faulty receivers.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use iluma_sandbox::Sandbox;
use serde_json::Value;

use crate::process::{run, write};
use crate::receiver::refusing_address;

pub(crate) const TYPE: &str = "NAME_VALIDATOR_REQUEST";

/// One callback as it arrived.
pub(crate) struct Heard {
    pub(crate) token: Option<String>,
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    pub(crate) signed: Option<Signed>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signatures: String,
}

impl Heard {
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut read = Vec::new();
        let head_end = loop {
            let mut chunk = [0; 4096];
            let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
            read.extend_from_slice(&chunk[..length]);
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8(read[..head_end].to_vec()).ok()?;
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        let length: usize = header("content-length")?.parse().ok()?;
        let mut body = read.split_off(head_end);
        let begun = body.len();
        body.resize(length, 0);
        stream.read_exact(&mut body[begun..]).ok()?;
        Some(Self {
            token: header("x-callback-token"),
            signed: header("webhook-id").map(|id| Signed {
                id,
                timestamp: header("webhook-timestamp").unwrap_or_default(),
                signatures: header("webhook-signature").unwrap_or_default(),
            }),
            body,
        })
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A receiver that answers each callback with the result of `answer`. Without a result, it does not answer.
pub(crate) fn receiver(answer: impl FnMut(&Heard) -> Option<u16> + Send + 'static) -> String {
    let answer = Mutex::new(answer);
    concurrent_receiver(move |heard| answer.lock().expect("no panic")(heard))
}

/// The same for callbacks that are processed at the same time.
pub(crate) fn concurrent_receiver(
    answer: impl Fn(&Heard) -> Option<u16> + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let heard = Heard::read(&mut stream).expect("a request");
                let status = answer(&heard);
                match status {
                    Some(status) => write!(
                        stream,
                        "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    )
                    .unwrap_or_default(), // one sender does not wait for the answer
                    None => {
                        stream.read_to_end(&mut Vec::new()).ok(); // until the sender gives up
                    }
                }
            });
        }
    });
    format!("http://{address}/callbacks")
}

/// A correct receiver: compares the token, reads the JSON, accepts a known record without an error.
pub(crate) fn careful(token: String) -> impl FnMut(&Heard) -> Option<u16> + Send + 'static {
    let mut known = HashSet::new();
    move |heard| {
        if heard.token.as_deref() != Some(&token) {
            return Some(401);
        }
        let Some(record) = heard.json() else {
            return Some(400);
        };
        let id = record["id"].as_str()?.to_owned();
        Some(if known.insert(id) { 201 } else { 200 })
    }
}

pub(crate) async fn documented_token() -> String {
    let sandbox = Sandbox::start().await.expect("it starts");
    sandbox.callback_token()
}

pub(crate) fn audit(url: &str, more: &[&str]) -> (i32, String, String) {
    let arguments = ["audit", "--callback", url, "--type", TYPE];
    let (code, out, err) = run(&[&arguments, more].concat());
    (code, out.replace(url, "URL"), err)
}

/// The lines that begin with `FAIL`.
pub(crate) fn failures(out: &str) -> Vec<&str> {
    out.lines()
        .filter(|line| line.starts_with("FAIL"))
        .collect()
}

#[tokio::test]
async fn a_receiver_that_does_everything_right_passes() {
    let token = documented_token().await;
    let url = receiver(careful(token.clone()));
    let (code, out, err) = audit(&url, &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        format!(
            "callbacks of type NAME_VALIDATOR_REQUEST to URL\n\
             x-callback-token: {token}\n\
             \n\
             pass normal: sent a callback → 201\n\
             pass duplicate: sent the same callback twice → 201, then 200\n\
             pass reorder: sent the callbacks of two records, the later one first → 201, then 201\n\
             pass wrong-token: sent a callback with a wrong token → 401\n\
             pass no-token: sent a callback without a token → 401\n\
             pass stale: sent a finished record, then its older state → 201, then 200\n\
             pass unknown-fields: sent a callback with fields that are not documented → 201\n\
             pass invalid-json: sent a callback that is not JSON → 400\n\
             pass truncated: sent the first half of a callback → 400\n\
             pass retry: sent a callback, again after each 5xx → 201: \
             the receiver did not fail, so no retry was tested\n\
             pass raw-body: sent a callback whose JSON has unusual blanks, escapes, numbers and order → 201: \
             it was not signed, so only the parser was tested: add --callback-signing standard-webhooks\n\
             skip wrong-signature: callbacks are signed only with --callback-signing standard-webhooks\n\
             skip old-timestamp: callbacks are signed only with --callback-signing standard-webhooks\n\
             skip rotated-secret: callbacks are signed only with --callback-signing standard-webhooks\n\
             pass concurrent-duplicate: sent the same callback twice at the same time → 200 and 201\n\
             pass slow-answer: sent a callback without waiting for the answer, then again → no wait, then 200\n\
             pass large: sent a callback of 512 KiB → 201\n\
             pass unknown-type: sent a callback about a record of an unknown product → 201\n\
             \n\
             15 passed, 0 failed\n"
        )
    );
}

#[test]
fn a_receiver_that_takes_everything_fails_where_it_should_refuse() {
    let url = receiver(|_| Some(200));
    let (code, out, err) = audit(&url, &[]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(
        failures(&out),
        [
            "FAIL wrong-token: sent a callback with a wrong token → 200; expected 401, 403 or \
             another 4xx: anybody who finds the URL could send callbacks: compare the token first",
            "FAIL no-token: sent a callback without a token → 200; expected 401, 403 or another \
             4xx: anybody who finds the URL could send callbacks: require the token first",
            "FAIL invalid-json: sent a callback that is not JSON → 200; expected 400 or another \
             4xx: an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
            "FAIL truncated: sent the first half of a callback → 200; expected 400 or another \
             4xx: an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
        ]
    );
    assert!(out.ends_with("\n11 passed, 4 failed\n"), "{out}");
}

#[test]
fn a_receiver_that_minds_what_it_should_not_mind_is_told_why() {
    let mut seen = HashSet::new();
    let url = receiver(move |heard| {
        let Some(record) = heard.json() else {
            return Some(500);
        };
        let known = [
            "id",
            "status",
            "bank_account_number",
            "bank_code",
            "created",
            "updated",
            "reference_id",
            "result",
        ];
        let fields = record.as_object()?;
        let strange = fields.keys().any(|name| !known.contains(&name.as_str()));
        let again = !seen.insert(record["id"].as_str()?.to_owned());
        Some(match (strange, again) {
            (true, _) => 422,
            (_, true) => 409,
            _ => 204,
        })
    });
    let (code, out, _) = audit(&url, &["--format", "json"]);
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["ok"], false);
    let steps = report["steps"].as_array().expect("a list");
    let shown: Vec<_> = steps
        .iter()
        .map(|step| {
            let text = |name: &str| step[name].as_str().unwrap_or("-");
            format!(
                "{} {} {} <- {}",
                step["pass"],
                text("name"),
                text("received"),
                text("expected")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "true normal 204 <- 2xx",
            "false duplicate 204, then 409 <- 2xx",
            "true reorder 204, then 204 <- 2xx",
            "false wrong-token 204 <- 401, 403 or another 4xx",
            "false no-token 204 <- 401, 403 or another 4xx",
            "false stale 204, then 409 <- 2xx",
            "false unknown-fields 422 <- 2xx",
            "false invalid-json 500 <- 400 or another 4xx",
            "false truncated 500 <- 400 or another 4xx",
            "true retry 204 <- 2xx in the end",
            "true raw-body 204 <- 2xx",
            "false concurrent-duplicate 204 and 409 <- 2xx",
            "false slow-answer no wait, then 409 <- 2xx within 5s",
            "false large 422 <- 2xx",
            "true unknown-type 204 <- 2xx",
        ]
    );
    assert_eq!(
        steps[1],
        serde_json::json!({
            "name": "duplicate",
            "pass": false,
            "expected": "2xx",
            "received": "204, then 409",
            "note": "a callback can arrive more than once: accept a known one without an error",
            "advice": "a callback can arrive more than once: accept a known one without an error",
        })
    );
    assert_eq!(steps[0]["note"], Value::Null);
    assert!(steps.iter().all(|step| {
        step["advice"]
            .as_str()
            .is_some_and(|advice| advice.contains(": "))
    }));
    assert_eq!(
        report["skipped"][0],
        serde_json::json!({
            "name": "wrong-signature",
            "reason": "callbacks are signed only with --callback-signing standard-webhooks",
            "advice": "anybody who learns the token could send callbacks: compute the signature and compare it, in \
                       constant time",
        })
    );
    assert_eq!(report["skipped"].as_array().map(Vec::len), Some(3));
}

#[test]
fn what_is_sent_is_what_the_report_says() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    let url = receiver(move |one| {
        let mut kept = kept.lock().expect("no panic");
        kept.push((one.token.clone(), one.body.clone()));
        Some(if one.token.as_deref() == Some("mine") {
            200
        } else {
            403
        })
    });
    let (_, out, _) = audit(&url, &["--token", "mine"]);
    assert!(out.contains("\nx-callback-token: mine\n"), "{out}");
    let heard = heard.lock().expect("no panic");
    let json = |at: usize| serde_json::from_slice::<Value>(&heard[at].1).ok();
    let id = |at: usize| json(at).expect("JSON")["id"].clone();
    assert_eq!(heard.len(), 20);
    assert_eq!(heard[1].1, heard[2].1, "the duplicate's bytes are the same");
    assert_ne!(id(3), id(4), "two records change places");
    assert_eq!(
        heard[5].0.as_ref().map(String::len),
        Some(64),
        "a wrong token looks right"
    );
    assert_eq!(heard[6].0, None);
    assert_eq!(id(7), id(8), "a state and an older one are of one record");
    let status = |at: usize| json(at).expect("JSON")["status"].clone();
    assert_eq!(
        (status(7), status(8)),
        ("COMPLETED".into(), "PENDING".into())
    );
    assert!(json(9).expect("JSON").get("x_unknown_field").is_some());
    assert_eq!((json(10), json(11)), (None, None));
    let wrong_tokens = [5, 6];
    for (at, (token, _)) in heard.iter().enumerate() {
        let is_right = token.as_deref() == Some("mine");
        assert_eq!(is_right, !wrong_tokens.contains(&at), "{at}");
    }
    let respelled = String::from_utf8_lossy(&heard[13].1).into_owned();
    assert!(
        respelled.starts_with("{\n\t\"result\" :\t{\n\t"),
        "{respelled}"
    );
    assert!(
        respelled.contains("\"status\" :\t\"\\u0043OMPLETED\""),
        "{respelled}"
    );
    assert_ne!(json(13).expect("JSON").to_string(), respelled);
    assert_eq!(heard[14].1, heard[15].1, "two copies at once");
    assert!(heard[16].1 == heard[17].1, "the same again after a hang-up");
    assert_eq!(heard[18].1.len(), 512 << 10);
    assert_eq!(json(18).expect("JSON")["status"], "COMPLETED");
    let unknown = id(19);
    assert!(unknown.as_str().is_some_and(|id| id.starts_with("xnew_")));
    let ids: HashSet<_> = [0, 1, 3, 4, 5, 6, 7, 9, 12, 13, 14, 16, 18, 19]
        .map(id)
        .into();
    assert_eq!(ids.len(), 14, "each step has records of its own");
}

#[test]
fn a_receiver_that_refuses_everything_is_not_praised_for_it() {
    let url = receiver(|_| Some(401));
    let (code, out, _) = audit(&url, &[]);
    assert_eq!(code, 1);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[3],
        "FAIL normal: sent a callback → 401; expected 2xx: \
         does the receiver know this token? --token sends another one"
    );
    assert_eq!(
        lines[6],
        "pass wrong-token: sent a callback with a wrong token → 401: \
         the receiver refused the normal callback too, so this result proves little"
    );
    assert!(out.ends_with("\n4 passed, 11 failed\n"), "{out}");
}

#[test]
fn what_a_receiver_failed_to_take_is_sent_again() {
    let mut last = Vec::new();
    let mut times = 0;
    let url = receiver(move |heard| {
        times = if heard.body == last { times + 1 } else { 1 };
        last.clone_from(&heard.body);
        Some(if times < 3 { 500 } else { 200 })
    });
    let (code, out, _) = audit(&url, &[]);
    assert_eq!(code, 1, "a receiver that fails at once is no good one");
    assert!(
        out.contains(
            "\npass retry: sent a callback, again after each 5xx → 500, then 500, then 200\n"
        ),
        "{out}"
    );

    let url = receiver(|_| Some(503));
    let (_, out, _) = audit(&url, &[]);
    assert_eq!(
        failures(&out)[9],
        "FAIL retry: sent a callback, again after each 5xx → 503, then 503, then 503, then 503; \
         expected 2xx in the end: a failed callback is sent again: accept it when the reason of the failure \
         is gone"
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_fails_the_step_and_the_battery_goes_on() {
    let mut careful = careful(documented_token().await);
    let url = receiver(move |heard| match heard.json() {
        Some(_) => careful(heard),
        None => None,
    });
    let (code, out, _) = audit(&url, &["--receiver-time", "300ms"]);
    assert_eq!(code, 1);
    assert_eq!(
        failures(&out),
        [
            "FAIL invalid-json: sent a callback that is not JSON → timed out after 300ms; \
             expected 400 or another 4xx: an unreadable body is the sender's mistake: answer 400, not 2xx \
             and not 5xx",
            "FAIL truncated: sent the first half of a callback → timed out after 300ms; \
             expected 400 or another 4xx: an unreadable body is the sender's mistake: answer 400, not 2xx \
             and not 5xx",
        ]
    );
    assert!(out.ends_with("\n13 passed, 2 failed\n"), "{out}");
}

#[test]
fn a_redirect_is_no_acceptance() {
    let url = receiver(|_| Some(302));
    let (_, out, _) = audit(&url, &[]);
    assert_eq!(
        failures(&out)[0],
        "FAIL normal: sent a callback → redirect refused (status 302); expected 2xx: \
         a callback that is not answered with 2xx counts as lost and is sent again: answer 2xx as soon as it is \
         stored"
    );
    assert_eq!(failures(&out).len(), 15);
}

#[test]
fn a_receiver_that_is_not_there_ends_it_at_once() {
    let url = format!("http://{}/", refusing_address());
    for format in ["text", "json"] {
        let (code, out, err) = audit(&url, &["--format", format]);
        assert_eq!(code, 1);
        assert!(!out.contains("pass") && !out.contains("FAIL"), "{out}");
        assert_eq!(
            err,
            format!("iluma-sandbox: the receiver {url} cannot be reached: connection refused\n")
        );
    }
    let (code, _, err) = audit("http://169.254.169.254/", &[]);
    assert_eq!(code, 1);
    assert_eq!(
        err,
        "iluma-sandbox: the receiver http://169.254.169.254/ cannot be reached: \
         169.254.169.254 is an address that is never called\n"
    );
}

#[test]
fn a_closed_connection_fails_the_step_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            Heard::read(&mut stream);
        }
    });
    let (code, out, _) = audit(&url, &[]);
    assert_eq!(code, 1);
    assert_eq!(
        failures(&out)[3],
        "FAIL wrong-token: sent a callback with a wrong token → the connection was closed without \
         an answer; expected 401, 403 or another 4xx: anybody who finds the URL could send callbacks: \
         compare the token first"
    );
    assert!(out.ends_with("\n0 passed, 15 failed\n"), "{out}");
}

#[test]
fn products_of_the_user_s_own_are_audited_too() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "v9/mine.toml",
        r#"path = "/v9/mine"
id = "mine_{hex24}"
callback.type = "MINE"
[outcomes.DONE]
default = true
callback = true
body = { id = "{{id}}", mine = true }
"#,
    );
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    let url = receiver(move |one| {
        kept.lock().expect("no panic").push(one.body.clone());
        Some(200)
    });
    let dir = folder.path().to_str().expect("UTF-8");
    let arguments = [
        "audit",
        "--callback",
        &url,
        "--type",
        "MINE",
        "--scenarios",
        dir,
    ];
    let (code, _, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (1, ""));
    let first: Value = serde_json::from_slice(&heard.lock().expect("no panic")[0]).expect("JSON");
    assert_eq!(first["mine"], true);

    write(folder.path(), "v9/mine.toml", "path = /v9\n");
    let (code, out, err) = run(&arguments);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.ends_with("iluma-sandbox: nothing was sent: correct the scenario files above\n"),
        "{err}"
    );
}

#[test]
fn audit_called_wrongly_exits_with_2() {
    let url = "http://127.0.0.1:1/";
    for (arguments, expected) in [
        (vec!["audit", "--type", TYPE], "--callback <URL>"),
        (vec!["audit", "--callback", url], "--type <TYPE>"),
        (
            vec!["audit", "--callback", "ftp://127.0.0.1/", "--type", TYPE],
            "`ftp://127.0.0.1/` is not an http URL",
        ),
        (
            vec![
                "audit",
                "--callback",
                url,
                "--type",
                "NAME_VALIDATOR_REQUST",
            ],
            "iluma-sandbox: no endpoint sends callbacks of the type `NAME_VALIDATOR_REQUST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?\n",
        ),
        (
            vec!["audit", "--callback", url, "--type", TYPE, "--token", ""],
            "a token must be plain text that fits into a header, and not empty",
        ),
    ] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}
