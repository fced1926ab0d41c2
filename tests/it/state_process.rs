//! `--state FILE` of the binary: signals, exit codes, the log.

use std::fs;
use std::path::{Path, PathBuf};

use iluma_sandbox::PUBLIC_KEY;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::process::{Process, command, run};
use crate::raw::Raw;
use crate::stage::{BANK, key};

fn place(folder: &Path) -> (PathBuf, String) {
    let path = folder.join("worlds.state");
    let text = path.to_str().expect("UTF-8").to_owned();
    (path, text)
}

fn request(process: &Process, method: &str, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build();
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client
        .expect("a client")
        .request(method, format!("{}{path}", process.url));
    request.basic_auth(PUBLIC_KEY, Some(""))
}

/// Makes a record. Returns its path.
async fn record(process: &Process) -> String {
    let input = json!({"bank_account_number": "7000000001", "bank_code": "BCA"});
    let answer = Answer::of(request(process, "POST", BANK).json(&input)).await;
    format!("{BANK}/{}", answer.json()["id"].as_str().expect("an id"))
}

async fn status(process: &Process, path: &str) -> u16 {
    Answer::of(request(process, "GET", path)).await.status
}

#[tokio::test]
async fn each_signal_writes_the_file_and_a_kill_keeps_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, path) = place(folder.path());
    let flags = ["--state", path.as_str()];
    let mut records: Vec<String> = Vec::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let process = Process::serve(&flags);
        for record in &records {
            assert_eq!(status(&process, record).await, 200);
        }
        records.push(record(&process).await);
        let (code, _, log) = process.stop(signal);
        assert_eq!(code, 0, "{log}");
    }
    let process = Process::serve(&flags);
    records.push(record(&process).await);
    let saved = Answer::of(request(&process, "POST", "/__sandbox/state")).await;
    assert_eq!(saved.json()["status"], "written");
    assert_eq!(saved.json()["path"], path.as_str());
    let lost = record(&process).await;
    drop(process); // SIGKILL
    let process = Process::serve(&flags);
    for record in &records {
        assert_eq!(status(&process, record).await, 200);
    }
    assert_eq!(status(&process, &lost).await, 404);
    let names = fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["worlds.state", "worlds.state.lock"]);
}

#[tokio::test]
async fn the_list_of_worlds_shows_which_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, path) = place(folder.path());
    let process = Process::serve(&["--state", &path]);
    let client = reqwest::Client::builder().no_proxy().build();
    let ask = client
        .expect("a client")
        .post(format!("{}{BANK}", process.url));
    let ask = ask
        .basic_auth(key('a'), Some(""))
        .header("x-magic-reply", "COMPLETED_FOUND");
    assert_eq!(Answer::of(ask).await.status, 200);
    assert_eq!(process.terminate().0, 0);
    let process = Process::serve(&["--state", &path]);
    let (code, out, error) = run(&["worlds", "--url", &process.url]);
    assert_eq!((code, error.as_str()), (0, ""));
    let rows = out.lines().map(|line| line.split_whitespace().collect());
    let rests = rows.filter(|row: &Vec<_>| row.contains(&"rests"));
    let rests: Vec<_> = rests.map(|row| row[1..6].to_vec()).collect();
    assert_eq!(rests, [["1", "0", "0", "0", "rests"]], "{out}");
}

#[test]
fn a_file_that_cannot_be_used_ends_the_start_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, path) = place(folder.path());
    fs::write(&file, "mine").expect("a file");
    let shown = fs::canonicalize(&file).expect("a file");
    let foreign = format!(
        "iluma-sandbox: {} is not a state file, and was not changed: name another file with --state\n",
        shown.display()
    );
    let serve = ["serve", "--port", "0", "--state", path.as_str()];
    assert_eq!(run(&serve), (2, String::new(), foreign.clone()));
    let exec = ["exec", "--state", path.as_str(), "--", "true"];
    assert_eq!(run(&exec), (2, String::new(), foreign));
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    let mut with_variables = command(&["serve", "--port", "0"]);
    with_variables
        .env("ILUMA_SANDBOX_STATE", &path)
        .env("ILUMA_SANDBOX_REDACT", "1");
    let output = with_variables.output().expect("it ends");
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).expect("UTF-8").as_str()
        ),
        (
            Some(2),
            "iluma-sandbox: a state file holds all that worlds know, also personal fields: leave out --state or --redact\n"
        )
    );
}

#[tokio::test]
async fn exec_writes_the_file_when_its_command_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, path) = place(folder.path());
    let ask = "curl --silent --noproxy '*' --user $ILUMA_API_KEY: --request POST \
               $ILUMA_BASE_URL/v1.1/identity/bank_account_data_requests -H 'x-magic-reply: COMPLETED_FOUND'; exit 3";
    let (code, out, error) = run(&["exec", "--state", &path, "--", "sh", "-c", ask]);
    assert_eq!((code, error.as_str()), (3, ""));
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    let process = Process::serve(&["--state", &path]);
    let record = format!("{BANK}/{}", answer["id"].as_str().expect("an id"));
    assert_eq!(status(&process, &record).await, 200);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_reported_once_and_ends_the_process_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let sub = folder.path().join("sub");
    fs::create_dir(&sub).expect("a folder");
    let (_, path) = place(&sub);
    let process = Process::serve(&["--state", &path]);
    record(&process).await;
    fs::remove_dir_all(&sub).expect("no folder");
    for _ in 0..3 {
        let answer = Answer::of(request(&process, "POST", "/__sandbox/state")).await;
        assert_eq!(answer.status, 500);
    }
    let (code, _, log) = process.terminate();
    assert_eq!(code, 1, "{log}");
    let reported = log
        .matches("the state file cannot be written: no such file or directory")
        .count();
    assert_eq!(reported, 1, "{log}");
    assert!(
        log.contains("iluma-sandbox: the state file could not be written at the end, and is as it was before: no such file"),
        "{log}"
    );
}

#[tokio::test]
async fn a_second_interrupt_ends_the_process_with_what_the_first_has_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, path) = place(folder.path());
    let process = Process::serve(&["--state", &path]);
    let made = record(&process).await;
    let address = process.url.strip_prefix("http://").expect("a URL");
    let mut raw = Raw::to(address.parse().expect("an address")).await;
    // A body that never comes holds the stop for five seconds.
    let head =
        "POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    raw.send(head).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 100 "));
    process.signal(Signal::INT);
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    let (code, _, log) = process.stop(Signal::INT);
    assert_eq!(code, 130, "{log}");
    let process = Process::serve(&["--state", &path]);
    assert_eq!(status(&process, &made).await, 200);
}
