//! Unplanned ends: SIGTERM under load, kill -9, a full disk, a clock that jumps.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::attacked::Attacked;
use crate::process::{BINARY, Process, command, write};
use crate::raw::{Raw, RawAnswer, request, request_as};
use crate::receiver::refusing_address;
use crate::stage::{BANK, key};

fn late(delay: &str) -> Vec<u8> {
    let asks = format!("x-magic-reply: COMPLETED_FOUND; delay={delay}");
    request(&format!("POST {BANK}"), &[&asks], b"")
}

#[tokio::test]
async fn every_request_that_was_taken_is_answered_after_sigterm() {
    let sandbox = Attacked::start(&[]).await;
    let address = sandbox.address;
    let mut waiting = Vec::new();
    for _ in 0..500 {
        let mut raw = Raw::to(address).await;
        raw.send(late("10m")).await;
        waiting.push(raw);
    }
    // An exchange is in the journal before its delay begins.
    let mut looker = Raw::to(address).await;
    loop {
        let look = request("GET /__sandbox/requests?limit=1", &[], b"");
        looker.send(look).await;
        let listed = looker.answer().await.json();
        if listed["requests"][0]["seq"] == 500 {
            break;
        }
    }
    // Other clients keep sending requests until they are refused. No answer may be cut.
    let asking: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn(async move {
                let mut answered = 0;
                while let Ok(socket) = tokio::net::TcpStream::connect(address).await {
                    let mut raw = Raw::of(socket);
                    if !raw.try_send(late("0s")).await {
                        break;
                    }
                    let bytes = raw.answer_or_nothing().await;
                    if bytes.is_empty() {
                        break; // it was in the system's queue, and never taken
                    }
                    assert_eq!(RawAnswer::of(&bytes).json()["status"], "COMPLETED");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let ended = tokio::task::spawn_blocking(|| sandbox.into_process().terminate());
    for raw in &mut waiting {
        assert_eq!(raw.answer().await.status(), 200);
        assert_eq!(raw.rest().await, b"");
    }
    for asking in asking {
        asking.await.expect("no answer was cut");
    }
    let (code, _, log) = ended.await.expect("it ends");
    assert_eq!(code, 0, "{log}");
    assert!(
        !log.contains("panicked") && !log.contains("were cut"),
        "{log}"
    );
}

#[tokio::test]
async fn after_kill_9_another_takes_the_same_port_and_the_ready_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    let path = file.to_str().expect("UTF-8");
    let address = refusing_address(); // so that no other test is given it in between
    let port = address.port().to_string();
    let serve = || command(&["serve", "--port", &port, "--ready-file", path]);
    let first = Process::start(serve());
    // Connections in every state are left open.
    let mut left = Vec::new();
    for bytes in [
        &b""[..],
        b"GET /hea",
        b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n",
        &late("10m"),
    ] {
        let mut raw = Raw::to(address).await;
        raw.send(bytes).await;
        left.push(raw);
    }
    assert_eq!(left[2].answer().await.status(), 200);
    drop(first); // by SIGKILL
    let stale: Value = read(&file);
    let second = Process::start(serve());
    assert_eq!(second.url, format!("http://{address}"));
    let ready: Value = read(&file);
    assert_eq!(ready["pid"], second.pid());
    assert_ne!(stale["pid"], ready["pid"]);
    let answer = {
        let mut raw = Raw::to(address).await;
        raw.send(late("0s")).await;
        raw.answer().await
    };
    assert_eq!(answer.status(), 200);
    drop(left);
    assert_eq!(second.terminate().0, 0);
    assert!(!file.exists());
}

fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("the ready file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_ready_file_that_does_not_fit_on_the_disk_is_one_sentence_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    // No file may grow. This has the same effect as a full disk.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", BINARY])
        .args([
            "serve",
            "--port",
            "0",
            "--log-format",
            "off",
            "--ready-file",
        ])
        .arg(&file)
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let sentence = format!("cannot write the ready file {}: ", file.display());
    assert_eq!(
        (output.status.code(), said.contains(&sentence)),
        (Some(1), true),
        "{said}"
    );
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A library between the binary and the C library: the machine's clock shows the seconds that a file contains.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, at);
    if (id == CLOCK_REALTIME) {
        FILE *file = fopen(getenv("CLOCK_FILE"), "r");
        long long shown;
        if (file && fscanf(file, "%lld", &shown) == 1) at->tv_sec = shown;
        if (file) fclose(file);
    }
    return done;
}
"#;

/// A binary whose machine clock shows the time in a file of this folder.
fn with_clock_of(folder: &Path, arguments: &[&str]) -> Command {
    write(folder, "clock.c", CLOCK);
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .status();
    assert!(
        built
            .expect("a C compiler, which linking needs too")
            .success()
    );
    show(folder, 1_800_000_000);
    let mut serve = command(&[&["serve", "--port", "0"], arguments].concat());
    serve
        .env("LD_PRELOAD", &library)
        .env("CLOCK_FILE", folder.join("clock"));
    serve
}

fn show(folder: &Path, seconds: i64) {
    write(folder, "clock", &seconds.to_string());
}

/// Forward, back, to the epoch, and to the ends of the calendar. Outside of these, hyper has no date for an answer.
const JUMPS: [i64; 4] = [1_900_000_000, 1_700_000_000, 0, 253_402_300_799];

#[tokio::test]
async fn a_machine_whose_clock_jumps_answers_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sandbox = Attacked::of(with_clock_of(folder.path(), &[])).await;
    let mut raw = Raw::to(sandbox.address).await;
    for seconds in JUMPS {
        show(folder.path(), seconds);
        sandbox.witness_is_answered().await;
        raw.send(late("1ms")).await;
        assert_eq!(raw.answer().await.status(), 200, "{seconds}");
        for look in ["requests", "export", "worlds", "deliveries", "readyz"] {
            let look = request_as(
                &key('w'),
                &format!("GET /__sandbox/{look}"),
                &["connection: close"],
                b"",
            );
            let mut raw = Raw::to(sandbox.address).await;
            raw.send(look).await;
            let answer = RawAnswer::of(&raw.rest().await);
            assert_eq!(answer.status(), 200, "{seconds}: {}", answer.text());
        }
    }
    // The binary must have seen the jumps, or the test proves nothing. A time outside of the calendar is shown as
    // nothing.
    raw.send(request("GET /__sandbox/requests?limit=2", &[], b""))
        .await;
    let listed = raw.answer().await.json();
    let at = [0, 1].map(|place| listed["requests"][place]["at"].as_str());
    assert_eq!(at[0], None, "{listed}");
    assert!(
        at[1].is_some_and(|at| at.starts_with("1970-01-01T")),
        "{listed}"
    );
    drop(raw);
    sandbox.ends_unharmed().await;
}

#[tokio::test]
async fn records_that_show_the_machines_time_are_made_whatever_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Process::start(with_clock_of(folder.path(), &["--clock", "system"]));
    let address = sandbox.url.strip_prefix("http://").expect("plain HTTP");
    let address = address.parse().expect("an address");
    let mut created = Vec::new();
    for seconds in JUMPS {
        show(folder.path(), seconds);
        let mut raw = Raw::to(address).await;
        for turn in [
            late("0s"),
            request("POST /__sandbox/clock/advance", &[], br#"{"by":"1h"}"#),
        ] {
            raw.send(turn).await;
            let answer = raw.answer().await;
            assert_eq!(answer.status(), 200, "{seconds}: {}", answer.text());
            created.extend(
                answer.json()["created"]
                    .as_str()
                    .map(|at| at[..4].to_owned()),
            );
        }
    }
    assert_eq!(created, ["2030", "2023", "1970", "9999"]);
    let (code, _, log) = sandbox.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn too_little_memory_for_the_start_is_one_sentence_and_exit_code_1() {
    let mut sentences = Vec::new();
    let mut may_lack_heap = true;
    // Below the first of these the system cannot even load the binary, and from the last on there is enough.
    for kib in (20_000..400_000).step_by(2_500) {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {kib}; exec \"$@\""), "sh", BINARY])
            .args(["serve", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        if line.starts_with("iluma-sandbox is ready at ") {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
            break;
        }
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let is_loaded = !matches!(output.status.code(), None | Some(127));
        // At the first limit that loads the binary, nothing may be left for its first line.
        if may_lack_heap && said.contains("allocation") {
            may_lack_heap = false;
            continue;
        }
        if is_loaded || said.contains("panicked") || said.contains("allocation") {
            assert_eq!(output.status.code(), Some(1), "{kib} KiB: {said}");
            assert_eq!(said.lines().count(), 1, "{kib} KiB: {said}");
            sentences.push(said);
        }
    }
    let start = "iluma-sandbox: cannot start: the system gives less than ";
    assert!(!sentences.is_empty());
    for said in sentences {
        assert!(said.starts_with(start), "{said}");
    }
}
