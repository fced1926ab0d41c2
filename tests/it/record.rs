//! `serve --record`: what happens is in the file while it happens, whole and without secrets.

use std::fs;
use std::path::{Path, PathBuf};

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::process::{BINARY, Process, command, run};
use crate::stage::{BANK, key};

fn place() -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.jsonl");
    let text = path.to_str().expect("UTF-8").to_owned();
    (folder, path, text)
}

fn request(process: &Process, method: &str, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    client
        .request(method, format!("{}{path}", process.url))
        .basic_auth(PUBLIC_KEY, Some(""))
}

async fn ask(process: &Process, number: &str) -> Answer {
    let input = json!({"bank_account_number": number, "bank_code": "BCA"});
    Answer::of(request(process, "POST", BANK).json(&input)).await
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it is there");
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn replay(path: &str) -> (i32, String) {
    let (code, report, complaint) = run(&["replay", path]);
    (code, report + &complaint)
}

#[tokio::test]
async fn a_recording_has_what_happened_over_resets_ends_and_restarts_and_replays() {
    let (_folder, path, text) = place();
    for _ in 0..2 {
        let process = Process::serve(&["--record", &text]);
        ask(&process, "1").await;
        ask(&process, "1").await;
        let next = json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "PENDING"});
        Answer::of(request(&process, "POST", "/__sandbox/next").json(&next)).await;
        ask(&process, "1").await;
        Answer::of(request(&process, "POST", "/__sandbox/reset")).await;
        ask(&process, "1").await;
        Answer::of(request(&process, "DELETE", "/__sandbox/worlds")).await;
        ask(&process, "1").await;
        let readyz = Answer::of(request(&process, "GET", "/__sandbox/readyz"))
            .await
            .json();
        assert_eq!(
            (&readyz["recording"]["lost"], &readyz["recording"]["error"]),
            (&json!(0), &Value::Null)
        );
        let (code, _, log) = process.stop(Signal::TERM);
        assert_eq!(code, 0, "{log}");
    }
    let all = lines(&path);
    let is_of = |kind: &str| all.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(
        (
            is_of("export"),
            is_of("world"),
            is_of("exchange"),
            is_of("end")
        ),
        (2, 4, 10, 4)
    );
    let (code, report) = replay(&text);
    let expected = "10 requests replayed, 0 different; 8 callbacks compared, 0 different\n";
    assert_eq!((code, report.as_str()), (0, expected));
}

#[tokio::test]
async fn after_a_kill_the_file_has_whole_lines_and_goes_on_after_the_last_one() {
    let (_folder, path, text) = place();
    let process = Process::serve(&["--record", &text]);
    for number in ["1", "2", "3"] {
        ask(&process, number).await;
    }
    // The writer is a thread of its own: what readyz counts is in the file.
    loop {
        let readyz = Answer::of(request(&process, "GET", "/__sandbox/readyz"))
            .await
            .json();
        if readyz["recording"]["lines"] == 6 {
            break;
        }
    }
    drop(process); // SIGKILL
    assert_eq!(lines(&path).len(), 6);
    let (code, report) = replay(&text);
    let expected = "3 requests replayed, 0 different; 0 callbacks compared, 0 different\n";
    assert_eq!((code, report.as_str()), (0, expected));

    let mut torn = fs::read(&path).expect("it is there");
    torn.extend(b"{\"type\":\"exchange\",\"seq\":4");
    fs::write(&path, torn).expect("it is written");
    assert_eq!(
        replay(&text),
        (0, expected.to_owned()),
        "the rest of a line is left out"
    );
    let process = Process::serve(&["--record", &text]);
    ask(&process, "1").await;
    process.stop(Signal::TERM);
    assert_eq!(
        lines(&path).len(),
        6 + 2 + 1 + 1 + 1 + 1,
        "head, generation, world, exchange, delivery, end"
    );
    assert_eq!(replay(&text).0, 0);
}

#[tokio::test]
async fn the_recording_has_whole_bodies_where_the_journal_has_their_beginning() {
    let (_folder, path, _) = place();
    let client = Client::of(Sandbox::builder().record(&path)).await;
    let long = "x".repeat(100_000);
    let input = json!({"bank_account_number": "1", "bank_code": "BCA", "reference_id": long});
    client.post(BANK, &input).await;
    client.sandbox.stop().await;
    let all = lines(&path);
    let exchange = all
        .iter()
        .find(|line| line["type"] == "exchange")
        .expect("it is there");
    assert_eq!(exchange["body"], input);
    assert_eq!(exchange["lacks"], Value::Null);
    assert_eq!(replay(path.to_str().expect("UTF-8")).0, 0);
}

#[tokio::test]
async fn keys_and_tokens_are_not_written_and_redact_takes_out_personal_values_too() {
    for redacts in [false, true] {
        let (_folder, path, _) = place();
        let client = Client::of(Sandbox::builder().record(&path).redact(redacts)).await;
        let token = client.sandbox.callback_token();
        let input =
            json!({"bank_account_number": "7000000001", "bank_code": "BCA", "reference_id": token});
        Answer::of(client.as_key(&key('a'), "POST", BANK).json(&input)).await;
        client.post(BANK, &input).await;
        client.sandbox.stop().await;
        let text = fs::read_to_string(&path).expect("it is there");
        for secret in [token.as_str(), &key('a')[20..], &PUBLIC_KEY[20..]] {
            assert!(!text.contains(secret), "{secret}");
        }
        assert_eq!(text.contains("7000000001"), !redacts);
    }
}

#[tokio::test]
async fn at_its_limit_the_recording_ends_and_the_sandbox_goes_on() {
    let (_folder, path, text) = place();
    let mut process = Process::serve(&["--record", &text, "--record-max", "4KiB"]);
    for at in 0..20 {
        assert_eq!(ask(&process, &at.to_string()).await.status, 200);
    }
    process.wait_for_log("has reached its limit");
    let readyz = Answer::of(request(&process, "GET", "/__sandbox/readyz"))
        .await
        .json();
    assert_eq!(readyz["recording"]["full"], true);
    let (_, _, log) = process.stop(Signal::TERM);
    assert_eq!(log.matches("has reached its limit").count(), 1, "{log}");
    assert!(fs::metadata(&path).expect("it is there").len() <= 4096);
    let (code, report) = replay(&text);
    assert_eq!(code, 0, "{report}");
    let (code, _, complaint) = run(&["serve", "--record", &text, "--record-max", "much"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("`much` is no size"), "{complaint}");
}

/// A file that may not grow any more behaves as on a full disk.
#[tokio::test]
async fn a_full_disk_is_reported_once_in_the_log_and_in_readyz_and_the_sandbox_goes_on() {
    let (_folder, path, text) = place();
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {BINARY} serve --port 0 --record {text}");
    let mut shell = command(&[]);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", &script])
        .stdin(std::process::Stdio::null());
    for (name, value) in shell.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    shell.args(["--version"]);
    let mut process = Process::start(limited);
    for at in 0..40 {
        assert_eq!(ask(&process, &at.to_string()).await.status, 200);
    }
    process.wait_for_log("cannot write the recording");
    let readyz = Answer::of(request(&process, "GET", "/__sandbox/readyz"))
        .await
        .json();
    assert!(readyz["recording"]["error"].is_string(), "{readyz}");
    assert_eq!(readyz["recording"]["full"], false);
    let (code, _, log) = process.stop(Signal::TERM);
    assert_eq!(
        (code, log.matches("cannot write the recording").count()),
        (0, 1),
        "{log}"
    );
    assert!(
        !lines(&path).is_empty(),
        "every line that is there is whole"
    );
    assert_eq!(replay(&text).0, 0);
}

#[test]
fn a_sandbox_that_does_not_start_leaves_the_file_as_it_was() {
    let (folder, path, text) = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let refused = |more: &[&str]| {
        let flags = [&["serve", "--port", &port, "--record", &text], more].concat();
        let (code, _, complaint) = run(&flags);
        assert_eq!(code, 1, "{complaint}");
        assert!(complaint.contains("address already in use"), "{complaint}");
    };
    let no_state = |flags: &[&str]| {
        let (code, _, complaint) =
            run(&[&["serve", "--port", "0", "--record", &text], flags].concat());
        assert_ne!(code, 0, "{complaint}");
    };
    refused(&[]);
    no_state(&["--state", "/no/such/folder/state"]);
    no_state(&["--callback", "NOTHING=http://127.0.0.1:1/"]);
    assert!(names(folder.path()).is_empty(), "there was no file");

    std::os::unix::fs::symlink("behind.jsonl", &path).expect("a link");
    refused(&[]);
    assert_eq!(
        names(folder.path()),
        ["run.jsonl"],
        "there was a link alone"
    );
    fs::remove_file(&path).expect("it is there");

    let torn = format!(
        "{}\n{{\"type\":\"excha",
        json!({"type": "export", "version": 2})
    );
    for content in ["", &torn] {
        fs::write(&path, content).expect("it is written");
        refused(&[]);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), content);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
    let names = entries.map(|entry| name(entry).expect("an entry").into_string());
    names.collect::<Result<_, _>>().expect("UTF-8")
}

#[test]
fn a_file_that_is_no_recording_is_not_touched() {
    let (folder, path, text) = place();
    let refused = |path: &str, why: &str| {
        let (code, _, complaint) = run(&["serve", "--port", "0", "--record", path]);
        let expected = format!("cannot record into {path}: {why}; name another file with --record");
        assert_eq!(code, 2, "{complaint}");
        assert!(complaint.contains(&expected), "{complaint}");
    };
    for content in ["hello\n", "{\"type\":\"exchange\"}\n", "no line end"] {
        fs::write(&path, content).expect("it is written");
        refused(&text, "it is there already, and is no recording");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), content);
    }
    refused(folder.path().to_str().expect("UTF-8"), "it is no file");
    refused("/no/such/folder/run.jsonl", "no such file or directory");
    fs::remove_file(&path).expect("it is there");
    let process = Process::serve(&["--record", &text]);
    refused(&text, "another sandbox records into it");
    drop(process);
}
