//! The commands that control a running sandbox, against the binary.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};

use iluma_sandbox::PUBLIC_KEY;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::process::{Process, command, run, write};
use crate::receiver::refusing_address;
use crate::stage::{BANK, TYPE};

const ENDPOINT: &str = "v1.1/bank_account_data_requests";

/// Each command with arguments that are correct.
const COMMANDS: [&[&str]; 14] = [
    &["next", ENDPOINT, "SERVER_ERROR"],
    &["next"],
    &["requests"],
    &["verify"],
    &["tail"],
    &["clock"],
    &["clock", "advance", "3d"],
    &["faults"],
    &["faults", "set", "503"],
    &["reset"],
    &["worlds"],
    &["deliveries"],
    &["redeliver", "dlv_1"],
    &["callback", TYPE, "http://127.0.0.1:1/"],
];

fn serve() -> Process {
    Process::serve(&["--log-format", "off"])
}

/// A command for the sandbox: exit code, stdout and stderr.
fn control(process: &Process, arguments: &[&str]) -> (i32, String, String) {
    run(&[arguments, &["--url", &process.url]].concat())
}

/// The output of a command that succeeds.
fn shown(process: &Process, arguments: &[&str]) -> String {
    let (code, out, err) = control(process, arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}: {out}");
    out
}

/// The same as JSON.
fn shown_json(process: &Process, arguments: &[&str]) -> Value {
    let out = shown(process, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&out).expect("JSON")
}

/// Asks the emulated API about an account; status and trace.
async fn ask_as(process: &Process, key: &str, magic: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .post(format!("{}{BANK}", process.url))
        .basic_auth(key, Some(""))
        .header("x-magic-reply", magic)
        .json(&json!({"bank_account_number": "1234567890", "bank_code": "BCA"}));
    let answer = request.send().await.expect("an answer");
    let trace = answer.headers()["x-sandbox-trace"].to_str().expect("ASCII");
    (answer.status().as_u16(), trace.to_owned())
}

async fn ask(process: &Process, magic: &str) -> (u16, String) {
    ask_as(process, PUBLIC_KEY, magic).await
}

async fn get(process: &Process, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{}/__sandbox/{path}", process.url));
    let answer = request.basic_auth(PUBLIC_KEY, Some("")).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

/// Registers the inbox of the sandbox as the receiver of callbacks.
fn register_inbox(process: &Process) -> String {
    let url = format!("{}/__sandbox/inbox/mine", process.url);
    let out = shown(process, &["callback", TYPE, &url]);
    assert_eq!(out, format!("callbacks of the type {TYPE} go to {url}\n"));
    url
}

#[tokio::test]
async fn next_queues_an_outcome_for_the_next_requests() {
    let process = serve();
    assert_eq!(shown(&process, &["next"]), "no outcome is queued\n");
    let busy = "SERVICE_UNAVAILABLE_ERROR";
    let out = shown(&process, &["next", ENDPOINT, busy, "--times", "2"]);
    assert_eq!(out, format!("{ENDPOINT}  {busy}  2 times\n"));
    let out = shown(&process, &["next", BANK, "COMPLETED_NOT_FOUND"]);
    assert_eq!(
        out,
        format!("{ENDPOINT}  {busy}  2 times\n{ENDPOINT}  COMPLETED_NOT_FOUND        once\n")
    );
    assert_eq!(shown_json(&process, &["next"]), get(&process, "next").await);
    let statuses = [ask(&process, "").await.0, ask(&process, "").await.0];
    assert_eq!(statuses, [503, 503]);
    let out = shown(&process, &["next", ENDPOINT, "NOT_FOUND", "--reads"]);
    assert_eq!(
        out,
        format!(
            "{ENDPOINT}  COMPLETED_NOT_FOUND  once\n{ENDPOINT}  NOT_FOUND            once  GET\n"
        )
    );
    let out = shown(&process, &["next", "--clear", ENDPOINT]);
    assert_eq!(out, "removed 2 outcomes\n");
    assert_eq!(ask(&process, "").await.0, 200);
}

#[test]
fn misspelt_names_are_refused_with_the_nearest_there_is() {
    let process = serve();
    let url = "http://127.0.0.1:1/";
    for (arguments, sentence) in [
        (
            &["next", "v1.1/bank_acount_data_requests", "SERVER_ERROR"][..],
            "`endpoint`: there is no endpoint `v1.1/bank_acount_data_requests`: did you mean \
             `v1.1/bank_account_data_requests`?",
        ),
        (
            &["next", ENDPOINT, "SERVER_EROR"],
            "`outcome`: `SERVER_EROR` is no x-magic-reply of this endpoint. Did you mean `SERVER_ERROR`?",
        ),
        (
            &["requests", "--endpoint", "v1.1/bank_acount_data_requests"],
            "there is no endpoint `v1.1/bank_acount_data_requests`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            &["verify", "--outcome", "COMPLETED_FUOND"],
            "there is no outcome `COMPLETED_FUOND`: did you mean `COMPLETED_FOUND`?",
        ),
        (
            &["tail", "--endpoint", "v1.1/bank_acount_data_requests"],
            "there is no endpoint `v1.1/bank_acount_data_requests`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            &["faults", "set", "rset"],
            "`faults[0]`: `rset` is no fault. Did you mean `reset`?",
        ),
        (
            &[
                "faults",
                "set",
                "503",
                "--endpoint",
                "v1.1/bank_acount_data_requests",
            ],
            "`faults[0]`: there is no endpoint `v1.1/bank_acount_data_requests`: did you mean \
             `v1.1/bank_account_data_requests`?",
        ),
        (
            &["callback", "NAME_VALIDATR_REQUEST", url],
            "no endpoint sends callbacks of the type `NAME_VALIDATR_REQUEST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            &["deliveries", "--type", "NAME_VALIDATR_REQUEST"],
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATR_REQUEST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            &["deliveries", "--state", "deliverd"],
            "`state` is scheduled, sending, retrying, delivered, failed, cancelled, suppressed, dropped or no_url: \
             did you mean `delivered`?",
        ),
        (
            &["trigger", "NAME_VALIDATR_REQUEST"],
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATR_REQUEST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            &["coverage", "--ignore", "COMPLETED_FOND"],
            "`ignore`: nothing that counts is called `COMPLETED_FOND`: did you mean `COMPLETED_FOUND`?",
        ),
    ] {
        let (code, out, err) = control(&process, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        let err = err.strip_prefix("iluma-sandbox: ").expect("a sentence");
        assert!(err.starts_with(sentence), "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn requests_are_listed_as_the_filters_say() {
    let process = serve();
    assert_eq!(shown(&process, &["requests"]), "no request matches\n");
    let (_, found) = ask(&process, "COMPLETED_FOUND").await;
    let (_, busy) = ask(&process, "SERVICE_UNAVAILABLE_ERROR").await;
    let listed = get(&process, "requests").await;
    assert_eq!(shown_json(&process, &["requests"]), listed);
    let at = |index: usize| listed["requests"][index]["at"].as_str().expect("a time");
    let heading = "time                         method  path                                       status  outcome  ";
    let line = |index: usize, status: u16, outcome: &str, trace: &str| {
        let width = "SERVICE_UNAVAILABLE_ERROR".len();
        format!(
            "{}  POST    {BANK}  {status}     {outcome:width$}  {trace}\n",
            at(index)
        )
    };
    let (first, second) = (
        line(1, 200, "COMPLETED_FOUND", &found),
        line(0, 503, "SERVICE_UNAVAILABLE_ERROR", &busy),
    );
    let out = shown(&process, &["requests"]);
    let (head, rows) = out.split_once('\n').expect("lines");
    assert!(head.starts_with(heading.trim_end()), "{head}");
    assert_eq!(rows, format!("{second}{first}"));
    let out = shown(&process, &["requests", "--oldest-first"]);
    assert!(out.ends_with(&format!("{first}{second}")), "{out}");
    let of = |filters: &[&str]| {
        let listed = shown_json(&process, &[&["requests"], filters].concat());
        let requests = listed["requests"].as_array().expect("a list").clone();
        let traces = requests.into_iter().map(|one| one["trace"].clone());
        traces.collect::<Vec<_>>()
    };
    assert_eq!(of(&["--status", "503"]), [busy.as_str()]);
    assert_eq!(of(&["--outcome", "completed_found"]), [found.as_str()]);
    assert_eq!(
        of(&["--endpoint", BANK, "--after-seq", "1"]),
        [busy.as_str()]
    );
    assert_eq!(
        of(&["--where", "header.x-magic-reply=COMPLETED_FOUND"]),
        [found.as_str()]
    );
    assert_eq!(
        of(&["--where", "body.bank_account_number=1234567890"]).len(),
        2
    );
    assert_eq!(of(&["--where", "body.bank_code=BNI"]).len(), 0);
    assert_eq!(of(&["--method", "GET"]).len(), 0);
    assert_eq!(of(&["--all-worlds"]).len(), 2);
    assert_eq!(of(&["--strangers"]).len(), 0);
    let out = shown(&process, &["requests", "--limit", "1"]);
    assert!(out.ends_with("1 of 2 requests are listed\n"), "{out}");
}

#[tokio::test]
async fn a_request_that_does_not_come_in_time_is_an_error_with_the_closest() {
    let process = serve();
    let (_, trace) = ask(&process, "COMPLETED_FOUND").await;
    let (code, out, err) = control(&process, &["requests", "--status", "503", "--wait", "1ms"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: expected at least 1 request with status 503, but 0 of 1 matched\n  \
             close was {trace}, POST {BANK} → 200 COMPLETED_FOUND:\n    \
             status: expected 503, received 200\n"
        )
    );
    let json = [
        "requests", "--status", "503", "--wait", "1ms", "--format", "json",
    ];
    let (code, out, _) = control(&process, &json);
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &answer["error"]), (1, &json!("timeout")));
    let (code, ..) = control(&process, &["requests", "--count", "2"]);
    assert_eq!(code, 2);
}

#[tokio::test]
async fn verify_counts_requests_and_shows_the_closest_if_they_did_not_come() {
    let process = serve();
    let (_, busy) = ask(&process, "SERVICE_UNAVAILABLE_ERROR").await;
    ask(&process, "COMPLETED_FOUND").await;
    let out = shown(
        &process,
        &["verify", "--endpoint", ENDPOINT, "--exactly", "2"],
    );
    assert_eq!(out, "verified by 2 requests\n");
    let (first, second) = (r#"{"status": 503}"#, r#"{"status": 200}"#);
    let in_order = ["verify", "--in-order", first, "--in-order", second];
    assert_eq!(shown_json(&process, &in_order)["verified"], true);
    shown(&process, &["verify", "--at-least", "1", "--at-most", "3"]);
    shown(
        &process,
        &["verify", "--status", "500", "--never-within", "1ms"],
    );
    let wrong = ["verify", "--where", "body.bank_code=BNI", "--status", "503"];
    let (code, out, err) = control(&process, &wrong);
    assert_eq!((code, out.as_str()), (1, ""));
    let near = format!(
        "\n  close was {busy}, POST {BANK} → 503 SERVICE_UNAVAILABLE_ERROR:\n    \
         body.bank_code: expected \"BNI\", received \"BCA\"\n"
    );
    assert!(err.contains(&near), "{err}");
    let (code, out, _) = control(&process, &[&wrong[..], &["--format", "json"]].concat());
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &answer["error"]), (1, &json!("not_verified")));
    for misuse in [
        &["verify", "--exactly", "1", "--at-least", "1"][..],
        &["verify", "--in-order", "503"],
        &["verify", "--in-order", first, "--status", "503"],
        &["verify", "--where", "bank_code=BCA"],
        &["verify", "--where", "body.bank_code"],
        &["verify", "--where", "body.count:=many"],
    ] {
        let (code, out, err) = control(&process, misuse);
        assert_eq!((code, out.as_str()), (2, ""), "{misuse:?}: {err}");
    }
}

#[tokio::test]
async fn the_clock_is_moved_forward_and_never_back() {
    let process = serve();
    let start = "now       2026-01-01T00:00:00.000Z\nclock     frozen\nadvanced  0 ms\n";
    assert_eq!(shown(&process, &["clock"]), start);
    let out = shown(&process, &["clock", "advance", "3d"]);
    assert_eq!(
        out,
        "now       2026-01-04T00:00:00.000Z\nclock     frozen\nadvanced  3 days\n"
    );
    shown(&process, &["clock", "set", "2026-02-01T00:00:00Z"]);
    assert_eq!(
        shown_json(&process, &["clock"]),
        get(&process, "clock").await
    );
    for (arguments, sentence) in [
        (
            ["clock", "set", "2026-01-31T00:00:00Z"],
            "`now`: a clock is never put back, and this one shows 2026-02-01T00:00:00.000Z",
        ),
        (
            ["clock", "advance", "3y"],
            "`by`: `3y` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
    ] {
        let told = control(&process, &arguments);
        assert_eq!(
            told,
            (2, String::new(), format!("iluma-sandbox: {sentence}\n"))
        );
    }
    assert_eq!(control(&process, &["clock", "advance"]).0, 2);
    register_inbox(&process);
    ask(&process, "COMPLETED_FOUND; callback=late(1h)").await;
    let out = shown(&process, &["clock", "advance", "1h"]);
    let callback = format!("\ndlv_1  {TYPE}  delivered  status 200  {ENDPOINT}/COMPLETED_FOUND  ");
    assert!(out.contains(&callback), "{out}");
}

#[tokio::test]
async fn faults_are_set_shown_and_removed() {
    let process = serve();
    assert_eq!(shown(&process, &["faults"]), "no fault is set\n");
    let out = shown(&process, &["faults", "set", "503", "--endpoint", ENDPOINT]);
    let head = "endpoint                         fault        delay  probability  rate limit  requests  hit\n";
    let (table, end) = out.split_once("they end in ").expect("the end");
    assert_eq!(
        table,
        format!("{head}{ENDPOINT}  status(503)  -      1.0          -           0         0\n")
    );
    assert!(end.ends_with(" s\n"), "{end}");
    assert_eq!(ask(&process, "").await.0, 503);
    let faults = shown_json(&process, &["faults"]);
    assert_eq!(faults["faults"][0]["struck"], 1);
    let limited = ["faults", "set", "--rate-limit", "1/1m", "--ttl", "1h"];
    let out = shown(&process, &limited);
    assert!(
        out.contains("\nall       -      -      1.0          1/60s       0         0\n"),
        "{out}"
    );
    let slow = [
        "faults",
        "set",
        "reset",
        "--delay",
        "1ms",
        "--probability",
        "0.5",
    ];
    assert!(shown(&process, &slow).contains("\nall       reset  1ms    0.5 "));
    assert_eq!(shown(&process, &["faults", "clear"]), "no fault is set\n");
    assert_eq!(ask(&process, "").await.0, 200);
    for misuse in [
        &["faults", "--delay", "3s"][..],
        &["faults", "clear", "503"],
        &["faults", "set"],
        &["faults", "set", "--rate-limit", "5"],
        &["faults", "set", "503", "--ttl", "9d"],
    ] {
        let (code, out, err) = control(&process, misuse);
        assert_eq!((code, out.as_str()), (2, ""), "{misuse:?}: {err}");
    }
}

#[tokio::test]
async fn a_world_is_named_created_listed_and_emptied() {
    let process = serve();
    let (code, out, err) = control(&process, &["requests", "--world", "my test"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "", "iluma-sandbox: there is no world `my test`\n")
    );
    shown(
        &process,
        &["next", ENDPOINT, "SERVER_ERROR", "--world", "my test"],
    );
    let (code, out, err) = control(&process, &["requests", "--world", "my tset"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (
            1,
            "",
            "iluma-sandbox: there is no world `my tset`: did you mean `my test`?\n"
        )
    );
    assert_eq!(ask(&process, "").await.0, 200, "it is another world");
    let (_, env, _) = control(&process, &["env", "--world", "my test", "--format", "json"]);
    let env: Value = serde_json::from_str(&env).expect("JSON");
    let key = env["ILUMA_API_KEY"].as_str().expect("a key");
    let (status, trace) = ask_as(&process, key, "").await;
    assert_eq!(status, 500);
    let listed = shown_json(&process, &["requests", "--world", "my test"]);
    assert_eq!(listed["requests"][0]["trace"], trace.as_str());
    let out = shown(&process, &["worlds", "--world", "my test"]);
    let (tag, _) = trace.split_once('-').expect("a tag");
    let (head, row) = out.split_once('\n').expect("two lines");
    assert_eq!(
        head,
        "world     records  requests  callbacks  pending  idle  name"
    );
    assert_eq!(
        row,
        format!("{tag}  0        1         0          0        0 s   my test\n")
    );
    assert_eq!(shown(&process, &["worlds"]).lines().count(), 3);
    let out = shown(&process, &["reset", "--world", "my test"]);
    assert_eq!(out, "the world is empty; 0 callbacks cancelled\n");
    let out = shown(&process, &["requests", "--world", "my test"]);
    assert_eq!(out, "no request matches\n");
}

#[test]
fn with_hidden_names_every_world_can_be_named() {
    let process = Process::serve(&["--redact", "--log-format", "off"]);
    shown(&process, &["reset", "--world", "secret"]);
    let out = shown(&process, &["requests", "--world", "secret"]);
    assert_eq!(out, "no request matches\n");
}

#[test]
fn a_world_can_be_named_where_only_some_keys_are_let_in() {
    let key = format!("iluma_development_{}", "k".repeat(40));
    let process = Process::serve(&["--api-key", &key, "--log-format", "off"]);
    shown(
        &process,
        &["next", ENDPOINT, "SERVER_ERROR", "--world", "mine"],
    );
    let with_key = ["next", "--world", "mine", "--api-key", &key];
    for arguments in [&["next", "--world", "mine"][..], &with_key] {
        let queue = shown_json(&process, arguments);
        assert_eq!(queue["waiting"][0]["outcome"], "SERVER_ERROR");
    }
}

#[tokio::test]
async fn callbacks_are_registered_listed_and_sent_again() {
    let process = serve();
    assert_eq!(shown(&process, &["deliveries"]), "no callback matches\n");
    let url = register_inbox(&process);
    let urls = shown_json(&process, &["callback"]);
    assert_eq!(urls, get(&process, "callback_urls").await);
    let out = shown(&process, &["callback"]);
    let row = out
        .lines()
        .find(|line| line.starts_with(TYPE))
        .expect("a row");
    assert!(row.ends_with(&format!("  request  {url}")), "{row}");
    ask(&process, "COMPLETED_FOUND").await;
    let out = shown(
        &process,
        &["deliveries", "--state", "delivered", "--wait", "10s"],
    );
    let row = format!("dlv_1     {TYPE}  delivered  status 200  {ENDPOINT}/COMPLETED_FOUND  {url}");
    assert_eq!(out.lines().nth(1), Some(&*row), "{out}");
    let out = shown(&process, &["redeliver", "dlv_1"]);
    assert!(
        out.starts_with(&format!("dlv_2 {TYPE} to {url}\n")),
        "{out}"
    );
    assert!(out.ends_with("try 1   status 200\ndelivered\n"), "{out}");
    let told = control(&process, &["redeliver", "dlv_9"]);
    let sentence = "iluma-sandbox: this world has no delivery `dlv_9`\n";
    assert_eq!(told, (1, String::new(), sentence.to_owned()));
    assert_eq!(control(&process, &["redeliver", "../reset"]).0, 2);
    let waiting = ["deliveries", "--state", "failed", "--wait", "1ms"];
    let (code, out, err) = control(&process, &waiting);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with("iluma-sandbox: 0 of 1 deliveries matched in time\n  "),
        "{err}"
    );
    let (code, _, err) = control(&process, &["deliveries", "--state", "lost"]);
    assert_eq!(code, 2);
    assert!(err.contains("`state` is scheduled, sending, "), "{err}");
}

#[test]
fn a_receiver_that_refuses_the_test_callback_is_not_registered() {
    let process = serve();
    let url = format!("http://{}/", refusing_address());
    let (code, out, err) = control(&process, &["callback", TYPE, &url]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    let (code, _, err) = control(&process, &["callback", TYPE, "ftp://127.0.0.1/"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(control(&process, &["callback", TYPE]).0, 2);
}

#[tokio::test]
async fn a_world_is_saved_to_a_file_and_loaded_from_it() {
    let process = serve();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("before.json").display().to_string();
    ask(&process, "COMPLETED_FOUND").await;
    let out = shown(&process, &["snapshot", "save", &path]);
    let bytes = std::fs::metadata(&path).expect("a file").len();
    assert_eq!(out, format!("{path} has the world, in {bytes} bytes\n"));
    let told = control(&process, &["snapshot", "save", &path]);
    let sentence = format!("iluma-sandbox: {path} already exists: use --force to overwrite it\n");
    assert_eq!(told, (1, String::new(), sentence));
    let saved = shown_json(&process, &["snapshot", "save", &path, "--force"]);
    assert_eq!(saved["path"], path.as_str());
    shown(&process, &["reset"]);
    let out = shown(&process, &["snapshot", "load", &path]);
    assert_eq!(out, "the world has 1 record again; 0 callbacks cancelled\n");
    let other = shown(&process, &["snapshot", "load", &path, "--world", "other"]);
    assert!(
        other.contains("\nnote: the snapshot is of another key's world"),
        "{other}"
    );
    write(folder.path(), "foreign.json", "{\"hello\": 1}");
    let foreign = folder.path().join("foreign.json").display().to_string();
    let (code, out, err) = control(&process, &["snapshot", "load", &foreign]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with(
            "iluma-sandbox: the snapshot cannot be restored, and nothing was changed: "
        ),
        "{err}"
    );
    let none = folder.path().join("none.json").display().to_string();
    let (code, _, err) = control(&process, &["snapshot", "load", &none]);
    assert_eq!(code, 1);
    assert!(
        err.starts_with(&format!("iluma-sandbox: cannot read {none}: ")),
        "{err}"
    );
}

#[test]
fn every_command_takes_the_control_token() {
    let process = Process::serve(&[
        "--control-token",
        "secret-token-1234",
        "--log-format",
        "off",
    ]);
    for arguments in COMMANDS {
        let (code, out, err) = control(&process, arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(
            err.contains("x-sandbox-control-token"),
            "{arguments:?}: {err}"
        );
    }
    for arguments in [&["next"][..], &["worlds", "--world", "mine"], &["requests"]] {
        let with_token = [arguments, &["--control-token", "secret-token-1234"]].concat();
        let (code, _, err) = control(&process, &with_token);
        assert!(!err.contains("token"), "{code} {err}");
    }
}

#[test]
fn every_command_says_if_no_sandbox_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.json").display().to_string();
    let url = format!("http://{}", refusing_address());
    let save: &[&str] = &["snapshot", "save", &path];
    for arguments in COMMANDS.into_iter().chain([save]) {
        for format in ["text", "json"] {
            let all = [arguments, &["--url", &url, "--format", format]].concat();
            let (code, out, err) = run(&all);
            assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
            let start = format!("iluma-sandbox: cannot reach a sandbox at {url}: ");
            assert!(err.starts_with(&start), "{arguments:?}: {err}");
        }
    }
}

#[test]
fn every_command_has_an_example_in_its_help() {
    for arguments in COMMANDS.into_iter().chain([&["snapshot"][..]]) {
        let (code, help, _) = run(&[arguments[0], "--help"]);
        assert_eq!(code, 0);
        let example = format!("\n  iluma-sandbox {}", arguments[0]);
        let (_, end) = help.split_once("\nExample").expect("an example");
        assert!(end.contains(&example), "{help}");
    }
}

#[test]
fn completions_know_the_shipped_endpoints_outcomes_and_callback_types() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, err) = run(&["completions", shell]);
        assert_eq!((code, err.as_str()), (0, ""));
        let names = ["SERVICE_UNAVAILABLE_ERROR", TYPE];
        // These scripts complete only values of flags.
        let is_partial = shell == "powershell";
        for name in names.into_iter().chain([ENDPOINT]) {
            assert!(script.contains(name) || is_partial, "{shell}: {name}");
        }
    }
    let completed = |words: &str| {
        let script = format!(
            "source <(\"$0\" completions bash); COMP_WORDS=({words} ''); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _iluma__sandbox iluma-sandbox '' \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = std::process::Command::new("bash")
            .args(["-c", &script, crate::process::BINARY])
            .output()
            .expect("bash runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let lines = |text: &str, name: &str| text.lines().any(|line| line == name);
    assert!(lines(&completed("iluma-sandbox next"), ENDPOINT));
    assert!(lines(
        &completed("iluma-sandbox coverage --endpoint"),
        ENDPOINT
    ));
    assert!(lines(
        &completed("iluma-sandbox requests --outcome"),
        "COMPLETED_FOUND"
    ));
    assert!(lines(&completed("iluma-sandbox deliveries --type"), TYPE));
    let (code, _, err) = run(&["list", "v9/mine"]);
    assert_eq!(
        (code, err.contains("v9/mine")),
        (2, true),
        "own names are no wrong arguments"
    );
}

/// `tail` while it runs.
struct Tail {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Tail {
    /// Starts it and waits until it is connected.
    fn of(process: &Process, arguments: &[&str]) -> Self {
        let arguments = [&["tail", "--url", &process.url], arguments].concat();
        let mut child = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().map(BufReader::new);
        let mut tail = Self {
            stderr: BufReader::new(child.stderr.take().expect("piped")),
            stdout,
            child,
        };
        let url = &process.url;
        assert_eq!(
            tail.note(),
            format!("requests and callbacks of {url} (Ctrl-C ends this)\n")
        );
        tail
    }

    fn note(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a line");
        line
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("open");
        stdout.read_line(&mut line).expect("a line");
        line
    }

    /// The next line without its time.
    fn event(&mut self) -> String {
        let line = self.line();
        let (time, rest) = line.split_once("  ").expect("a time");
        assert_eq!(
            (time.len(), time.matches([':', '.']).count()),
            (12, 3),
            "{line}"
        );
        rest.trim_end().to_owned()
    }

    fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("a process id"), Signal::INT).expect("it runs");
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn request_event(status: u16, outcome: &str, trace: &str) -> String {
    format!("POST {BANK} → {status} {outcome}  {trace}")
}

#[tokio::test]
async fn tail_shows_requests_and_callbacks_as_they_come() {
    let process = serve();
    let url = register_inbox(&process);
    let (_, before) = ask(&process, "COMPLETED_NOT_FOUND").await;
    shown(
        &process,
        &["deliveries", "--state", "delivered", "--wait", "10s"],
    );
    let mut tail = Tail::of(&process, &[]);
    let (_, busy) = ask(&process, "SERVER_ERROR").await;
    assert_eq!(tail.event(), request_event(500, "SERVER_ERROR", &busy));
    let (_, found) = ask(&process, "COMPLETED_FOUND").await;
    assert_eq!(tail.event(), request_event(200, "COMPLETED_FOUND", &found));
    let (tag, _) = found.split_once('-').expect("a tag");
    assert_eq!(
        tail.event(),
        format!("callback {TYPE} to {url} → delivered status 200  {tag} dlv_2")
    );
    let mut tail = Tail::of(&process, &["--lines", "3", "--format", "json"]);
    for trace in [&before, &busy, &found] {
        let line: Value = serde_json::from_str(&tail.line()).expect("JSON");
        assert_eq!(
            (&line["type"], &line["trace"]),
            (&json!("exchange"), &json!(trace))
        );
    }
    shown(&process, &["redeliver", "dlv_1"]);
    let line: Value = serde_json::from_str(&tail.line()).expect("JSON");
    let named = ["type", "id", "state", "callback_type", "world"].map(|name| &line[name]);
    assert_eq!(
        json!(named),
        json!(["delivery", "dlv_3", "delivered", TYPE, tag])
    );
}

#[tokio::test]
async fn tail_shows_each_try_of_a_callback_in_every_world_also_after_a_reset() {
    let inbox = serve();
    let url = format!("{}/__sandbox/inbox/busy?status=503&times=1", inbox.url);
    let callback = format!("{TYPE}={url}");
    let start = ["--callback", &callback, "--callback-retries", "1h"];
    let process = Process::serve(&[&start[..], &["--log-format", "off"]].concat());
    let (_, env, _) = control(&process, &["env", "--world", "mine", "--format", "json"]);
    let env: Value = serde_json::from_str(&env).expect("JSON");
    let key = env["ILUMA_API_KEY"].as_str().expect("a key");
    let mut tail = Tail::of(&process, &["--all-worlds"]);
    let (_, trace) = ask_as(&process, key, "COMPLETED_FOUND").await;
    let (tag, _) = trace.split_once('-').expect("a tag");
    let callback = |state: &str| format!("callback {TYPE} to {url} → {state}  {tag} dlv_1");
    let asked = request_event(200, "COMPLETED_FOUND", &trace);
    assert_eq!(tail.event(), asked);
    assert_eq!(tail.event(), callback("retrying status 503"));
    shown(&process, &["clock", "advance", "1h", "--world", "mine"]);
    assert_eq!(tail.event(), callback("delivered status 200"));
    shown(&process, &["reset", "--world", "mine"]);
    ask_as(&process, key, "COMPLETED_FOUND").await;
    assert_eq!(tail.event(), asked.replace("-1", "-2"));
    assert_eq!(tail.event(), callback("delivered status 200"));
}

#[tokio::test]
async fn tail_shows_only_what_the_filters_ask_for() {
    let process = serve();
    let mut failures = Tail::of(&process, &["--status", "5xx"]);
    let mut of_endpoint = Tail::of(&process, &["--endpoint", BANK, "--status", "200"]);
    let mut of_other = Tail::of(
        &process,
        &["--endpoint", "v0/individual_cft_peps", "--all-worlds"],
    );
    let mut everything = Tail::of(&process, &["--all-worlds"]);
    let (_, found) = ask(&process, "COMPLETED_FOUND").await;
    let (_, busy) = ask(&process, "SERVER_ERROR").await;
    let key = format!("iluma_development_{}", "k".repeat(40));
    let (_, other) = ask_as(&process, &key, "COMPLETED_FOUND").await;
    assert_eq!(failures.event(), request_event(500, "SERVER_ERROR", &busy));
    assert_eq!(
        of_endpoint.event(),
        request_event(200, "COMPLETED_FOUND", &found)
    );
    for (status, outcome, trace) in [
        (200, "COMPLETED_FOUND", &found),
        (500, "SERVER_ERROR", &busy),
        (200, "COMPLETED_FOUND", &other),
    ] {
        assert_eq!(everything.event(), request_event(status, outcome, trace));
    }
    reqwest::get(format!("{}/nowhere", process.url))
        .await
        .expect("an answer");
    let stranger = everything.event();
    assert!(stranger.starts_with("GET /nowhere → 404 "), "{stranger}");
    of_other.interrupt();
    assert_eq!(
        (of_other.exit_code(), of_other.line()),
        (Some(0), String::new())
    );
}

#[tokio::test]
async fn tail_ends_without_an_error_on_ctrl_c_and_on_a_closed_pipe() {
    let process = serve();
    let mut tail = Tail::of(&process, &[]);
    tail.interrupt();
    assert_eq!((tail.exit_code(), tail.note()), (Some(0), String::new()));
    let mut tail = Tail::of(&process, &[]);
    ask(&process, "COMPLETED_FOUND").await;
    tail.event();
    drop(tail.stdout.take());
    assert_eq!((tail.exit_code(), tail.note()), (Some(0), String::new()));
}

#[tokio::test]
async fn tail_goes_on_when_the_sandbox_starts_again() {
    let process = serve();
    let url = process.url.clone();
    let port = url.rsplit(':').next().expect("a port").to_owned();
    let mut tail = Tail::of(&process, &["--reconnect", "1m"]);
    let (_, first) = ask(&process, "COMPLETED_FOUND").await;
    assert_eq!(tail.event(), request_event(200, "COMPLETED_FOUND", &first));
    process.terminate();
    let lost =
        format!("the sandbox at {url} has closed the connection: waiting until it is back\n");
    assert_eq!(tail.note(), lost);
    let again = Process::start(command(&["--port", &port, "--log-format", "off"]));
    let (_, second) = ask(&again, "SERVER_ERROR").await;
    assert_eq!(first, second, "it counts anew");
    assert_eq!(tail.note(), format!("connected to {url} again\n"));
    assert_eq!(tail.event(), request_event(500, "SERVER_ERROR", &second));
}

#[test]
fn tail_says_that_the_sandbox_has_stopped_for_good() {
    let process = serve();
    let url = process.url.clone();
    let mut tail = Tail::of(&process, &["--reconnect", "0s"]);
    process.terminate();
    tail.note();
    assert_eq!(
        tail.note(),
        format!("iluma-sandbox: the sandbox at {url} has stopped, and it was not back within 0s\n")
    );
    assert_eq!(tail.exit_code(), Some(1));
}
