//! The small commands, and `serve --exit-with-parent`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{BINARY, Process, command};

const EXITING: [&str; 6] = [
    "serve",
    "--port",
    "0",
    "--exit-with-parent",
    "--log-format",
    "json",
];

/// Reads the line that says it is ready.
fn ready(stdout: &mut impl BufRead) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let url = line.strip_prefix("iluma-sandbox is ready at ");
    url.unwrap_or_else(|| panic!("not ready: {line:?}"))
        .trim()
        .to_owned()
}

/// The answer of the control API, head and body.
fn ask(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").expect("a URL");
    let mut socket = TcpStream::connect(address).expect("it listens");
    let request =
        format!("GET /__sandbox/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Kills a process that cannot do anything about it.
fn kill(child: &mut Child) {
    let pid = i32::try_from(child.id()).expect("a process id");
    kill_process(Pid::from_raw(pid).expect("a process id"), Signal::KILL).expect("it is alive");
    child.wait().expect("it ends");
}

#[test]
fn a_sandbox_ends_when_its_stdin_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let ready_file = folder.path().join("ready.json");
    let mut serving = command(&EXITING)
        .arg("--ready-file")
        .arg(&ready_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    ready(&mut BufReader::new(serving.stdout.as_mut().expect("piped")));
    assert!(ready_file.exists());
    let ended = serving.wait_with_output().expect("it ends"); // closes stdin first
    let log = String::from_utf8(ended.stderr).expect("UTF-8");
    assert!(log.contains("stdin has ended"), "{log}");
    assert_eq!(
        ended.status.code(),
        Some(0),
        "it stops as if it was asked to"
    );
    assert!(!ready_file.exists(), "it takes its ready file with it");
}

#[test]
fn what_is_written_to_its_stdin_does_not_end_it() {
    let mut serving = command(&EXITING)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = serving.stdin.take().expect("piped");
    stdin.write_all(&vec![b'x'; 100_000]).expect("it reads on");
    let mut stdout = BufReader::new(serving.stdout.take().expect("piped"));
    ready(&mut stdout);
    stdin
        .write_all(&vec![b'x'; 100_000])
        .expect("it is still there");
    drop(stdin);
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
}

/// Starts the sandbox below a shell that waits for it, kills the shell, and waits for the end of the sandbox:
/// it holds the last other end of stdout.
fn orphaned(stdin: Stdio, serves: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", serves, "sh", BINARY])
        .args(EXITING)
        .env_remove("ILUMA_SANDBOX_PORT")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdout = BufReader::new(shell.stdout.take().expect("piped"));
    let mut stderr = shell.stderr.take().expect("piped");
    let held = shell.stdin.take();
    let url = ready(&mut stdout);
    assert!(ask(&url, "livez").ends_with(r#"{"status":"alive"}"#));
    kill(&mut shell);
    let mut log = String::new();
    stderr.read_to_string(&mut log).expect("UTF-8");
    assert!(log.contains("its parent process is gone"), "{log}");
    assert_eq!(stdout.read_line(&mut String::new()).expect("an end"), 0);
    drop(held);
}

#[test]
fn a_parent_that_is_killed_takes_the_sandbox_with_it() {
    orphaned(Stdio::null(), r#""$@" & wait"#);
}

#[test]
fn it_does_so_while_somebody_else_holds_stdin() {
    orphaned(Stdio::piped(), r#"exec 3<&0; "$@" <&3 & wait"#);
}

#[test]
fn dev_null_and_files_as_stdin_are_held_by_nobody_and_do_not_count() {
    let file = std::fs::File::open(file!()).map_or(Stdio::null(), Stdio::from);
    for stdin in [Stdio::null(), file] {
        let mut serve = command(&EXITING);
        serve.stdin(stdin);
        let (code, _, log) = Process::start(serve).terminate();
        assert_eq!(code, 0);
        assert!(log.contains("it was asked to"), "{log}");
    }
}
