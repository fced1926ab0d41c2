//! `iluma-sandbox exec`: a command with a sandbox of its own, its environment, signals and exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use iluma_sandbox::PUBLIC_KEY;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{BINARY, command, write};

/// `exec` with flags, running a script of `sh`.
fn exec(flags: &[&str], script: &str) -> Command {
    command(&[&["exec"], flags, &["--", "sh", "-c", script]].concat())
}

fn output(mut command: Command) -> Output {
    command.output().expect("it runs")
}

/// Its exit code, stdout and stderr.
fn ended(command: Command) -> (Option<i32>, String, String) {
    let output = output(command);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn is_listening(url: &str) -> bool {
    TcpStream::connect(url.strip_prefix("http://").expect("a URL")).is_ok()
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), signal).expect("it runs");
}

/// A command that runs until the test ends it.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it, and waits for its first line.
    fn start(mut command: Command) -> (Self, String) {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut running = Self { child, stdout };
        let line = running.line();
        (running, line)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn code(&mut self) -> Option<i32> {
        let stdin = self.child.stdin.take(); // `wait` would close it, and end commands that read it
        let code = self.child.wait().expect("it ends").code();
        drop(stdin);
        code
    }
}

impl Drop for Running {
    /// Its command reads stdin, which ends with it.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

mod environment {
    use super::*;

    const SHOWN: &str = r#"printf '%s\n' "$ILUMA_BASE_URL" "$ILUMA_API_KEY" "$ILUMA_CALLBACK_TOKEN" \
        "$ILUMA_SANDBOX_URL" "${ILUMA_SANDBOX_CONTROL_TOKEN-unset}" "$NO_PROXY" "$no_proxy""#;

    fn shown(flags: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
        let mut exec = exec(flags, SHOWN);
        exec.env_remove("NO_PROXY").env_remove("no_proxy");
        exec.envs(variables.iter().copied());
        let (code, out, err) = ended(exec);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_knows_where_the_sandbox_is_and_what_to_call_it_with() {
        let shown = shown(&[], &[("ILUMA_SANDBOX_PORT", "1")]);
        let [url, key, token, again, control_token, ..] = &shown[..] else {
            panic!("{shown:?}");
        };
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        assert_ne!(url, "http://127.0.0.1:1", "a free port");
        assert_eq!((url, key.as_str()), (again, PUBLIC_KEY));
        assert_eq!((token.len(), control_token.as_str()), (64, ""));
        assert!(!is_listening(url), "it ends with the command");
    }

    #[test]
    fn loopback_needs_no_proxy_and_the_users_exceptions_stay() {
        let loopback = "localhost,127.0.0.1,::1";
        for (variables, upper, lower) in [
            (&[][..], loopback, loopback),
            (
                &[("NO_PROXY", "corp.test, 127.0.0.1")],
                "corp.test, 127.0.0.1,localhost,::1",
                "corp.test, 127.0.0.1,localhost,::1",
            ),
            (
                &[("NO_PROXY", "a.test"), ("no_proxy", "b.test")],
                "a.test,localhost,127.0.0.1,::1",
                "b.test,localhost,127.0.0.1,::1",
            ),
            (&[("no_proxy", "*")], "*", "*"),
        ] {
            let shown = shown(&[], variables);
            assert_eq!(shown[5..], [upper, lower], "{variables:?}");
        }
        let shown = shown(&["--bind", "127.0.0.2"], &[]);
        assert_eq!(shown[5], "localhost,127.0.0.1,::1,127.0.0.2");
    }

    #[test]
    fn the_commands_of_the_sandbox_find_it_with_whatever_flags_it_was_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("ca");
        let key = crate::stage::key('x');
        let (key, authority) = (key.as_str(), authority.to_str().expect("UTF-8"));
        for flags in [
            &[][..],
            &["--control-token", "t"],
            &["--api-key", key],
            &["--tls", "--ca-dir", authority],
        ] {
            let script = format!("'{BINARY}' readyz && '{BINARY}' coverage --min 0 >/dev/null");
            let (code, out, err) = ended(exec(flags, &script));
            assert_eq!((code, err.as_str()), (Some(0), ""), "{flags:?}");
            assert!(out.ends_with(" is ready\n"), "{flags:?}: {out}");
        }
    }
}

mod exit_codes {
    use super::*;

    #[test]
    fn it_ends_with_the_exit_code_of_the_command() {
        for code in [0, 1, 2, 42, 125, 255] {
            let ended = ended(exec(&[], &format!("exit {code}")));
            assert_eq!(ended, (Some(code), String::new(), String::new()));
        }
    }

    #[test]
    fn a_command_that_a_signal_ended_gives_128_and_its_number() {
        for (name, code) in [("TERM", 143), ("KILL", 137), ("ABRT", 134)] {
            let (ended, ..) = ended(exec(&[], &format!("kill -{name} $$")));
            assert_eq!(ended, Some(code), "{name}");
        }
    }

    #[test]
    fn a_command_that_cannot_run_gives_127_or_126_and_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "plain", "text");
        let plain = folder.path().join("plain");
        let plain = plain.to_str().expect("UTF-8");
        for (program, code, reason) in [
            ("no-such-command", 127, "no such file or directory"),
            (plain, 126, "permission denied"),
            ("/", 126, "permission denied"),
        ] {
            let sentence = format!("iluma-sandbox: cannot run `{program}`: {reason}\n");
            let run = command(&["exec", "--", program]);
            assert_eq!(ended(run), (Some(code), String::new(), sentence));
        }
    }

    #[test]
    fn a_sandbox_that_cannot_start_runs_no_command() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        for (flags, code) in [
            (["--scenarios", "/no/such/folder"], 2),
            (["--port", &port], 1),
            (["--min-coverage", "101"], 2),
        ] {
            let (ended, out, err) = ended(exec(&flags, "echo ran"));
            assert_eq!((ended, out.as_str()), (Some(code), ""), "{flags:?}: {err}");
            assert!(!err.is_empty(), "{flags:?}");
        }
        let (code, _, err) = ended(command(&["exec", "--seed", "1"]));
        assert_eq!(code, Some(2), "{err}");
    }

    #[test]
    fn a_coverage_that_is_too_low_counts_if_the_command_succeeds() {
        for (min, script, code, is_low) in [
            ("1", "true", 3, true),
            ("1", "exit 7", 7, true),
            ("0", "true", 0, false),
            ("0", "exit 7", 7, false),
        ] {
            let (ended, _, err) = ended(exec(&["--min-coverage", min], script));
            assert_eq!(ended, Some(code), "{min} {script}: {err}");
            assert_eq!(
                err.contains("less than the 1 % that --min-coverage requires"),
                is_low,
                "{err}"
            );
        }
    }
}

mod export {
    use super::*;

    #[test]
    fn it_has_every_line_of_the_run_when_it_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let call = format!("'{BINARY}' env >/dev/null");
        for (at, (on, script, is_written)) in [
            ("always", "true", true),
            ("always", "exit 7", true),
            ("failure", "true", false),
            ("failure", "exit 7", true),
        ]
        .into_iter()
        .enumerate()
        {
            let path = folder.path().join(format!("{at}.jsonl"));
            let file = path.to_str().expect("UTF-8");
            let flags = ["--export", file, "--export-on", on];
            let (_, _, err) = ended(exec(&flags, &format!("{call}; {script}")));
            assert_eq!(err, "");
            assert_eq!(path.exists(), is_written, "{on} {script}");
            if is_written {
                let text = std::fs::read_to_string(&path).expect("a file");
                let head: Value =
                    serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
                assert_eq!(head["type"], "export", "{text}");
            }
        }
        let path = folder.path().join("low.jsonl");
        let file = path.to_str().expect("UTF-8");
        let flags = ["--min-coverage", "1", "--export-on", "failure"];
        let flags = [&flags[..], &["--export", file]].concat();
        assert_eq!(ended(exec(&flags, "true")).0, Some(3));
        assert!(path.exists(), "too little coverage is a failure too");
    }

    #[test]
    fn one_that_fails_counts_if_the_command_succeeds() {
        let file = "/no/such/folder/run.jsonl";
        let sentence =
            format!("iluma-sandbox: cannot export to {file}: no such file or directory\n");
        for (script, code) in [("true", 4), ("exit 7", 7)] {
            let ended = ended(exec(&["--export", file], script));
            assert_eq!(ended, (Some(code), String::new(), sentence.clone()));
        }
    }
}

mod gates {
    use super::*;

    /// Asks the sandbox of the command for its own key, with one more header.
    fn call(path: &str, header: &str, body: &str) -> String {
        format!(
            "curl -s -o /dev/null -u \"$ILUMA_API_KEY:\" -H '{header}' -H 'content-type: application/json' \
             -d '{body}' \"$ILUMA_BASE_URL{path}\""
        )
    }

    const KTP: &str = "/v2/identity/ktp_data_requests";

    #[test]
    fn the_coverage_can_be_of_some_endpoints_without_some_items_and_of_one_kind() {
        let found = call(KTP, "x-magic-reply: COMPLETED_FOUND", "");
        let of = [
            "--coverage-endpoint",
            "v2/ktp_data_requests",
            "--min-coverage",
            "100",
        ];
        for (more, code) in [
            (&[][..], 3),
            (
                &[
                    "--coverage-ignore",
                    "errors",
                    "--coverage-ignore",
                    "COMPLETED_N*",
                ],
                0,
            ),
            (&["--coverage-only", "errors"], 3),
            (&["--coverage-ignore", "no_such"], 2),
        ] {
            let (ended, out, err) =
                ended(exec(&[&of, more].concat(), &format!("{found}; echo ran")));
            assert_eq!(ended, Some(code), "{more:?}: {err}");
            assert_eq!(
                out.is_empty(),
                code == 2,
                "a wrong pattern is found before the command runs"
            );
        }
        let (code, _, err) = ended(exec(&["--coverage-ignore", "errors"], "true"));
        assert_eq!(code, Some(2), "nothing asks for the coverage: {err}");
    }

    #[test]
    fn the_coverage_can_be_compared_with_a_saved_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let saved = folder.path().join("coverage.json");
        let file = saved.to_str().expect("UTF-8");
        let found = call(KTP, "x-magic-reply: COMPLETED_FOUND", "");
        let save = format!("{found}; '{BINARY}' coverage --format json >'{file}'");
        assert_eq!(ended(exec(&[], &save)).0, Some(0));
        let flags = ["--coverage-at-least-as", file];
        assert_eq!(
            ended(exec(&flags, &found)),
            (Some(0), String::new(), String::new())
        );
        let sentence = format!(
            "iluma-sandbox: {file} covers what is not covered now: v2/ktp_data_requests/COMPLETED_FOUND\n"
        );
        assert_eq!(
            ended(exec(&flags, "true")),
            (Some(3), String::new(), sentence)
        );
        std::fs::write(&saved, "[]").expect("written");
        let (code, out, err) = ended(exec(&flags, "echo ran"));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("is no saved coverage: "), "{err}");
    }

    #[test]
    fn a_live_key_and_likely_personal_data_fail_the_run_at_its_end_if_that_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("run.jsonl");
        let export = [
            "--export",
            file.to_str().expect("UTF-8"),
            "--export-on",
            "failure",
        ];
        let flags = [&["--fail-on", "warning"], &export[..]].concat();
        let live = format!("iluma_live_{}", "0".repeat(42));
        let real = call(
            KTP,
            "a: b",
            r#"{"nik": "3171011202800001", "name": "Dummy"}"#,
        );
        let script = format!("{real}; {real}; ILUMA_API_KEY={live}; {real}");
        assert_eq!(
            ended(exec(&[], &script)).0,
            Some(0),
            "by default nothing fails"
        );
        let (code, out, err) = ended(exec(&flags, &format!("{script}; echo ran")));
        assert_eq!((code, out.as_str()), (Some(5), "ran\n"), "{err}");
        let worlds = ["d9b6db51", "28d10d40"];
        let [own, of_live] = worlds.map(|_| "[0-9a-f]{8}");
        let pattern = format!(
            "^iluma-sandbox: `--fail-on warning`: the sandbox has warned of this: \
             nik may be the identity number of a real person \\(v2/ktp_data_requests, world {own}, 2 times\\); \
             a key of the live environment was sent to a sandbox \\(v2/ktp_data_requests, world {of_live}, once\\); \
             nik may be the identity number of a real person \\(v2/ktp_data_requests, world {of_live}, once\\)\n$"
        );
        assert!(
            regex::Regex::new(&pattern)
                .expect("a pattern")
                .is_match(&err),
            "{err}"
        );
        assert!(
            !err.contains(&live) && !err.contains("3171011202800001"),
            "{err}"
        );
        assert!(file.exists(), "a warning is a failure");
        assert_eq!(ended(exec(&flags, &format!("{real}; exit 7"))).0, Some(7));
        assert_eq!(ended(exec(&flags, "true")).0, Some(0));
    }

    #[test]
    fn the_page_of_the_run_is_written_with_and_without_the_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("run.html");
        let file = page.to_str().expect("UTF-8");
        let key = format!("iluma_development_{}", "k".repeat(60));
        let found = call(KTP, "x-magic-reply: COMPLETED_FOUND", "");
        let flags = ["--export-html", file, "--api-key", &key];
        assert_eq!(
            ended(exec(&flags, &found)),
            (Some(0), String::new(), String::new())
        );
        let html = std::fs::read_to_string(&page).expect("a file");
        assert!(html.starts_with("<!doctype html>\n"), "{}", &html[..200]);
        assert!(html.contains("\"outcome\":\"v2/ktp_data_requests/COMPLETED_FOUND\""));
        assert!(!html.contains(&key), "keys are masked");
        let (code, _, err) = ended(exec(&["--export-html", "/no/such/folder/run.html"], "true"));
        assert_eq!(
            (code, err.as_str()),
            (
                Some(4),
                "iluma-sandbox: cannot export to /no/such/folder/run.html: no such file or directory\n"
            )
        );
    }
}

mod streams {
    use super::*;

    #[test]
    fn stdin_and_stdout_belong_to_the_command() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let mut exec = command(&["exec", "--exit-with-parent", "--", "cat"]);
        let mut child = exec
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        let sent = bytes.clone();
        let writing = std::thread::spawn(move || stdin.write_all(&sent).expect("it reads"));
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("all is written");
        assert!(output.status.success());
        assert!(output.stdout == bytes, "{} bytes", output.stdout.len());
        assert!(output.stderr.is_empty());
    }

    #[test]
    fn the_log_of_the_sandbox_is_on_stderr_when_it_is_asked_for() {
        let (code, out, err) = ended(exec(&["--log-format", "json"], "echo mine"));
        assert_eq!((code, out.as_str()), (Some(0), "mine\n"));
        let line: Value = serde_json::from_str(&err).expect("one line of JSON");
        assert_eq!(line["message"], "started");
    }
}

mod signals {
    use super::*;

    /// Says which signals it gets, and ends with 7 at the line `end`. A signal ends a `read` as the end of stdin does.
    const SAYS: &str = "for s in INT TERM HUP; do trap \"echo $s\" $s; done; echo ready; n=0; \
        while [ $n -lt 20 ]; do read -r line && [ \"$line\" = end ] && exit 7; n=$((n + 1)); done";

    #[test]
    fn they_are_sent_on_once_and_the_exit_code_stays_that_of_the_command() {
        for (number, name) in [
            (Signal::INT, "INT"),
            (Signal::TERM, "TERM"),
            (Signal::HUP, "HUP"),
        ] {
            let (mut running, line) = Running::start(exec(&[], SAYS));
            assert_eq!(line, "ready");
            signal(&running.child, number);
            assert_eq!(running.line(), name);
            let mut stdin = running.child.stdin.take().expect("piped");
            stdin.write_all(b"end\n").expect("it reads");
            assert_eq!(running.line(), "", "{name} came once");
            assert_eq!(running.code(), Some(7), "{name}");
        }
    }

    #[test]
    fn a_command_that_a_signal_ends_ends_all() {
        let script = "echo \"$ILUMA_BASE_URL\"; exec sleep 600";
        for (number, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let (mut running, url) = Running::start(exec(&[], script));
            assert!(is_listening(&url));
            signal(&running.child, number);
            assert_eq!(running.code(), Some(code));
            assert!(!is_listening(&url));
        }
    }

    #[test]
    fn a_second_ctrl_c_kills_a_command_that_ignores_the_first() {
        let (mut running, line) = Running::start(exec(&[], SAYS));
        assert_eq!(line, "ready");
        signal(&running.child, Signal::INT);
        assert_eq!(running.line(), "INT");
        signal(&running.child, Signal::INT);
        assert_eq!(running.code(), Some(137));
    }

    #[test]
    fn a_second_ctrl_c_kills_what_the_command_has_started_too() {
        // The inner command ignores SIGINT, and it keeps stdout.
        let script = "(trap '' INT; exec sleep 600) & trap 'echo INT' INT; echo ready; \
            for at in 1 2 3; do wait; done";
        let (mut running, line) = Running::start(exec(&[], script));
        assert_eq!(line, "ready");
        signal(&running.child, Signal::INT);
        assert_eq!(running.line(), "INT");
        signal(&running.child, Signal::INT);
        assert_eq!(running.code(), Some(137));
        let mut rest = String::new();
        running.stdout.read_to_string(&mut rest).expect("UTF-8");
        assert_eq!(rest, "");
    }

    /// The terminal sends Ctrl-C to the command too, so it must not be sent on. `exec` is stopped until the command has
    /// handled the first, because two signals at once are one.
    #[test]
    fn ctrl_c_in_a_terminal_reaches_the_command_once() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "says", &SAYS.replace("ready", "$PPID"));
        let says = folder.path().join("says");
        let line = format!(
            "trap : INT; '{BINARY}' exec -- sh '{}'; exit $?",
            says.display()
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script
            .env_remove("ILUMA_SANDBOX_PORT")
            .env("SHELL", "/bin/sh");
        let (mut running, pid) = Running::start(script);
        let pid = pid.parse().ok().and_then(Pid::from_raw);
        let send = |signal| kill_process(pid.expect("a process id"), signal).expect("it runs");
        let mut stdin = running.child.stdin.take().expect("piped");
        send(Signal::STOP);
        stdin.write_all(b"\x03").expect("the terminal reads");
        assert_eq!(running.line().trim_start_matches("^C"), "INT");
        send(Signal::CONT);
        for (signal, name) in [(Signal::TERM, "TERM"), (Signal::HUP, "HUP")] {
            send(signal);
            assert_eq!(running.line(), name);
        }
        stdin.write_all(b"end\n").expect("the terminal reads");
        let mut rest = String::new();
        running.stdout.read_to_string(&mut rest).expect("UTF-8");
        assert_eq!(rest.trim(), "end", "the echo of the terminal");
        drop(stdin);
        assert_eq!(running.code(), Some(7));
    }
}

#[test]
fn a_child_that_the_command_leaves_behind_holds_up_nothing() {
    let script = "sleep 600 & echo \"$! $ILUMA_BASE_URL\"; exit 5"; // it keeps stdout
    let (mut running, line) = Running::start(exec(&[], script));
    let (pid, url) = line.split_once(' ').expect("two words");
    assert_eq!(running.code(), Some(5));
    assert!(!is_listening(url));
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::KILL).expect("it is still there");
}

#[test]
fn a_parent_that_has_ended_ends_the_command_if_that_is_asked_for() {
    let exec = format!(
        "'{BINARY}' exec --exit-with-parent -- sh -c 'echo \"$ILUMA_BASE_URL\"; exec sleep 600' & wait"
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &exec]).env_remove("ILUMA_SANDBOX_PORT");
    let (mut running, url) = Running::start(shell);
    assert!(is_listening(&url));
    signal(&running.child, Signal::KILL);
    let mut rest = String::new();
    running.stdout.read_to_string(&mut rest).expect("UTF-8"); // its end is that of the command
    assert_eq!(rest, "");
    running.child.wait().expect("it has ended");
}

#[test]
fn its_ready_file_is_there_while_the_command_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ready.json");
    let file = path.to_str().expect("UTF-8");
    let script = format!("cat '{file}'");
    let (code, out, err) = ended(exec(&["--ready-file", file], &script));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let ready: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(ready["api_key"], PUBLIC_KEY);
    assert!(!path.exists());
}
