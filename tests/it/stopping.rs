//! How a process stops: the signals that stop it, a second Ctrl-C, its ready file, and output that cannot be written.
#![cfg(unix)]

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{BINARY, Process, command, run};
use crate::raw::Raw;

fn serve_with(ready_file: &Path) -> Process {
    Process::serve(&[
        "--ready-file",
        ready_file.to_str().expect("UTF-8"),
        "--log-format",
        "off",
    ])
}

fn pid_in(ready_file: &Path) -> Value {
    let text = fs::read_to_string(ready_file).expect("a ready file");
    serde_json::from_str::<Value>(&text).expect("JSON")["pid"].take()
}

/// The binary with the usual reaction to signals. A shell has a job in the background ignore some, and its children
/// inherit that.
#[cfg(target_os = "linux")]
fn with_default_signals(arguments: &[&str]) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal").arg(BINARY).args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ILUMA_SANDBOX_")) {
        env.env_remove(name);
    }
    env.stdin(Stdio::null());
    env
}

#[test]
#[cfg(target_os = "linux")]
fn each_of_the_four_signals_stops_the_process_and_removes_its_ready_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    for (signal, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::TERM, "SIGTERM"),
        (Signal::HUP, "SIGHUP"),
        (Signal::QUIT, "SIGQUIT"),
    ] {
        let path = file.to_str().expect("UTF-8");
        let serve = ["serve", "--port", "0", "--ready-file", path];
        let process = Process::start(with_default_signals(&serve));
        assert!(file.exists());
        let (code, _, log) = process.stop(signal);
        assert_eq!((code, file.exists()), (0, false), "{name}: {log}");
        assert!(log.contains(&format!("stopping why=\"{name}\"")), "{log}");
    }
}

#[test]
fn a_process_that_nohup_started_outlives_its_terminal() {
    for (ignored, signal) in [("HUP", Signal::HUP), ("QUIT", Signal::QUIT)] {
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                &format!("trap '' {ignored}; exec \"$@\""),
                "sh",
                BINARY,
            ])
            .args(["serve", "--port", "0"])
            .stdin(Stdio::null());
        let process = Process::start(shell);
        process.signal(signal);
        let (code, _, log) = process.stop(Signal::TERM);
        assert_eq!(code, 0);
        assert!(log.contains("stopping why=\"SIGTERM\""), "{log}");
    }
}

#[tokio::test]
async fn a_second_ctrl_c_cuts_the_requests_in_flight() {
    let mut process = Process::serve(&[]);
    let address = process.url.strip_prefix("http://").expect("a URL");
    let mut raw = Raw::to(address.parse().expect("an address")).await;
    // A body that never comes holds the stop for five seconds.
    let head =
        "POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    raw.send(head).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 100 "));
    process.signal(Signal::INT);
    process.wait_for_log("stopping");
    let (code, _, log) = process.stop(Signal::INT);
    assert_eq!(code, 130, "{log}");
    assert!(
        log.contains("stopped at once by a second Ctrl-C; requests in flight were cut"),
        "{log}"
    );
    assert_eq!(raw.rest().await, b"");
}

#[test]
fn a_start_that_fails_leaves_the_ready_file_of_a_running_sandbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    let first = serve_with(&file);
    let port = first.url.rsplit(':').next().expect("a port");
    let path = file.to_str().expect("UTF-8");
    for arguments in [
        &["serve", "--port", port, "--ready-file", path][..],
        &[
            "serve",
            "--port",
            "0",
            "--scenarios",
            "/no/such/folder",
            "--ready-file",
            path,
        ],
    ] {
        let (code, _, _) = run(arguments);
        assert_ne!(code, 0);
        assert_eq!(pid_in(&file), first.pid(), "{arguments:?}");
    }
    assert_eq!(first.terminate().0, 0);
    assert!(!file.exists());
}

#[test]
fn the_end_of_one_sandbox_leaves_the_ready_file_that_another_has_written_since() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    let first = serve_with(&file);
    let second = serve_with(&file);
    assert_eq!(first.terminate().0, 0);
    assert_eq!(pid_in(&file), second.pid());
    assert_eq!(second.terminate().0, 0);
    assert!(!file.exists());
}

#[test]
fn only_a_ready_file_of_a_sandbox_that_has_ended_is_removed_before_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    let ended = {
        let mut process = Command::new("true").spawn().expect("a process");
        process.wait().expect("it ends");
        process.id()
    };
    let running = std::process::id();
    let of = |pid: u32| json!({"pid": pid, "control_url": "http://127.0.0.1:1/__sandbox"});
    for (text, stays) in [
        (of(ended).to_string(), false),
        (of(running).to_string(), true),
        (String::new(), true),
        ("not a ready file".to_owned(), true),
    ] {
        fs::write(&file, &text).expect("a file");
        let path = file.to_str().expect("UTF-8");
        let missing = ["--scenarios", "/no/such/folder", "--ready-file", path];
        let (code, _, _) = run(&[&["serve", "--port", "0"], &missing[..]].concat());
        assert_ne!(code, 0);
        assert_eq!(file.exists(), stays, "{text}");
    }
}

/// Every command that prints something without a running sandbox.
fn printing_commands(folder: &Path) -> Vec<Vec<String>> {
    let own = |path: &str| folder.join(path).to_str().expect("UTF-8").to_owned();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut all: Vec<_> = [
        "--help",
        "--version",
        "help serve",
        "serve --help",
        "list",
        "list --format json",
        "list --format markdown",
        "openapi",
        "postman",
        "schema",
        "check",
        "check --format json",
        "completions bash",
        "man",
        "man serve",
        "try POST /v1.1/identity/bank_account_data_requests -d {}",
        "serve --port 0 --log-format off",
        "serve --port 0 --log-format off --format json",
    ]
    .map(words)
    .into();
    all.push([words("init"), vec![own("init")]].concat());
    all.push([words("document --output"), vec![own("card.png")]].concat());
    for line in [
        "ca path --ca-dir",
        "ca export --ca-dir",
        "ca trust-help --ca-dir",
    ] {
        all.push([words(line), vec![own("ca")]].concat());
    }
    all
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_cannot_write_its_output_exits_with_1_and_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in printing_commands(folder.path()) {
        let full = OpenOptions::new().write(true).open("/dev/full");
        let arguments: Vec<_> = line.iter().map(String::as_str).collect();
        let output = command(&arguments)
            .stdout(full.expect("/dev/full"))
            .output()
            .expect("it runs");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{line:?}: {said}");
        assert!(
            said.contains("iluma-sandbox: the output cannot be written: No space left on device"),
            "{line:?}: {said}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_stderr_that_cannot_be_written_changes_no_exit_code() {
    for (line, code) in [
        (
            &["serve", "--port", "0", "--scenarios", "/no/such/folder"][..],
            2,
        ),
        (&["check", "/no/such/folder"], 1),
        (&["list", "no/such/endpoint"], 2),
        (&["no-such-command"], 2),
        (&["readyz", "--url", "http://127.0.0.1:1"], 1),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full");
        let output = command(line).stderr(full.expect("/dev/full")).output();
        let status = output.expect("it runs").status;
        assert_eq!(status.code(), Some(code), "{line:?}");
    }
}

#[test]
fn a_reader_that_has_closed_the_pipe_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let commands = printing_commands(folder.path());
    for line in commands.iter().filter(|line| line[0] != "serve") {
        let arguments: Vec<_> = line.iter().map(String::as_str).collect();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(&arguments).stdout(writer).output();
        let output = output.expect("it runs");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!said.contains("cannot be written"), "{line:?}: {said}");
        assert_ne!(output.status.code(), Some(101), "{line:?}: {said}");
    }
}
