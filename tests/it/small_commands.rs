//! The small commands, and `serve --exit-with-parent`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use iluma_sandbox::PUBLIC_KEY;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::process::{BINARY, Process, command, run, write};
use crate::receiver::refusing_address;
use crate::stage::key;

const EXITING: [&str; 6] = [
    "serve",
    "--port",
    "0",
    "--exit-with-parent",
    "--log-format",
    "json",
];

/// Reads the ready line.
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

/// Kills a process with a signal that it cannot handle.
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
    assert!(log.contains("stdin was closed"), "{log}");
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

/// Starts the sandbox below a shell that waits for it, kills the shell, and waits for the end of the sandbox: the
/// sandbox has the last open end of stdout.
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
    assert!(log.contains("the parent process has ended"), "{log}");
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
        assert!(
            log.contains("\"why\":\"SIGTERM\"") || log.contains("why=\"SIGTERM\""),
            "{log}"
        );
    }
}

mod readyz {
    use super::*;

    #[test]
    fn a_sandbox_that_is_ready_is_said_to_be() {
        let process = Process::serve(&["--control-token", "secret", "--log-format", "off"]);
        let said = run(&["readyz", "--url", &process.url]);
        let sentence = format!("{} is ready\n", process.url);
        assert_eq!(said, (0, sentence, String::new()), "it needs no token");
        let (code, out, _) = run(&["readyz", "--url", &process.url, "--format", "json"]);
        let ready: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((code, &ready["status"]), (0, &json!("ready")));
    }

    #[test]
    fn it_is_found_by_the_environment_of_serve() {
        let process = Process::serve(&["--log-format", "off"]);
        let port = process.url.rsplit(':').next().expect("a port");
        for bind in ["0.0.0.0", "127.0.0.1"] {
            let output = command(&["readyz"])
                .env("ILUMA_SANDBOX_BIND", bind)
                .env("ILUMA_SANDBOX_PORT", port)
                .env("ILUMA_SANDBOX_API_KEY", "not looked at")
                .output()
                .expect("it runs");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
        let output = command(&["readyz"])
            .env("ILUMA_SANDBOX_PORT", "0")
            .output()
            .expect("it runs");
        let err = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(
            err,
            "iluma-sandbox: ILUMA_SANDBOX_PORT is 0, which means any free port: give the URL of the sandbox with --url (its ready file has it)\n"
        );
        assert_eq!(output.status.code(), Some(2));
    }

    #[test]
    fn where_nothing_listens_nothing_is_ready() {
        let url = unused();
        let (code, out, err) = run(&["readyz", "--url", &url]);
        let reason = format!(
            "cannot reach a sandbox at {url}: connection refused; start one, or give its URL with --url\n"
        );
        assert_eq!(
            (code, out.as_str(), err),
            (1, "", format!("iluma-sandbox: {reason}"))
        );
        let (code, _, err) = run(&["readyz", "--url", &url, "--wait", "--timeout", "200ms"]);
        assert_eq!(
            (code, err),
            (1, format!("iluma-sandbox: not ready after 200ms: {reason}"))
        );
    }

    /// A URL of the loopback interface without a listener.
    fn unused() -> String {
        format!("http://{}", refusing_address())
    }

    #[test]
    fn it_waits_for_one_that_starts_later() {
        let url = unused();
        let port = url.rsplit(':').next().expect("a port");
        let mut waiting = command(&["readyz", "--url", &url, "--wait", "--timeout", "1m"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        assert!(waiting.try_wait().expect("it can be asked").is_none());
        let _process = Process::start(command(&["serve", "--port", port, "--log-format", "off"]));
        let waited = waiting.wait_with_output().expect("it ends");
        assert_eq!(waited.status.code(), Some(0));
        assert_eq!(waited.stdout, format!("{url} is ready\n").into_bytes());
    }

    #[test]
    fn one_that_never_answers_is_not_waited_for_longer_than_was_said() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        for more in [&[][..], &["--wait"]] {
            let arguments = [&["readyz", "--url", &url, "--timeout", "100ms"], more].concat();
            let (code, _, err) = run(&arguments);
            assert_eq!(
                (code, err),
                (
                    1,
                    format!("iluma-sandbox: no answer from {url} within 100ms\n")
                )
            );
        }
    }

    #[test]
    fn what_is_no_sandbox_is_not_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("somebody asks");
            let asked = socket.read(&mut [0; 1000]).expect("a request");
            assert!(asked > 0);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            socket.write_all(answer.as_bytes()).expect("it is read");
        });
        let (code, _, err) = run(&["readyz", "--url", &url]);
        assert_eq!(
            (code, err),
            (
                1,
                format!("iluma-sandbox: the server at {url} is not a sandbox\n")
            )
        );
        serving.join().expect("it answers");
    }

    #[test]
    fn broken_scenarios_are_shown_where_they_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let scenarios = folder.path().to_str().expect("UTF-8");
        let flags = [
            "--scenarios",
            scenarios,
            "--strict-reload",
            "--log-format",
            "json",
        ];
        let mut process = Process::serve(&flags);
        write(folder.path(), "v9/mine.toml", "path = ");
        let mut log = BufReader::new(process.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("scenarios not reloaded") {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("a line"), 0);
        }
        let (code, _, err) = run(&["readyz", "--url", &process.url]);
        let sentence = format!(
            "iluma-sandbox: the sandbox at {} is not ready because its scenario files are broken:\n",
            process.url
        );
        assert!(
            code == 1 && err.starts_with(&sentence) && err.contains("mine.toml"),
            "{err}"
        );
    }
}

mod env {
    use super::*;

    /// The variables of a shell after it has evaluated the output.
    fn evaluated(arguments: &[&str]) -> [String; 3] {
        let variables =
            r#"printf '%s\n' "$ILUMA_BASE_URL" "$ILUMA_API_KEY" "$ILUMA_CALLBACK_TOKEN""#;
        let script = format!(
            r#"eval "$("$@")"; sh -c '{}'"#,
            variables.replace('\'', r"'\''")
        );
        let output = Command::new("sh")
            .args(["-c", &script, "sh", BINARY, "env"])
            .args(arguments)
            .output()
            .expect("a shell");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        let lines: Vec<_> = out.lines().map(str::to_owned).collect();
        lines.try_into().expect("three variables")
    }

    #[test]
    fn a_shell_knows_where_the_sandbox_is_and_what_to_call_it_with() {
        let process = Process::serve(&["--log-format", "off"]);
        let [url, api_key, token] = evaluated(&["--url", &process.url]);
        assert_eq!((url, api_key.as_str()), (process.url.clone(), PUBLIC_KEY));
        assert_eq!(token.len(), 64);
        let own = key('e');
        let [_, api_key, others] = evaluated(&["--url", &process.url, "--api-key", &own]);
        assert_eq!(api_key, own);
        assert_ne!(others, token);
    }

    #[test]
    fn a_world_of_its_own_is_made_once_and_found_again() {
        let process = Process::serve(&["--control-token", "t", "--log-format", "off"]);
        let target = ["--url", &process.url, "--control-token", "t", "--world"];
        let mine = evaluated(&[&target[..], &["it's mine"]].concat());
        assert_eq!(mine, evaluated(&[&target[..], &["it's mine"]].concat()));
        assert_ne!(mine[1], evaluated(&[&target[..], &["another"]].concat())[1]);
    }

    #[test]
    fn every_shell_has_its_own_words() {
        let process = Process::serve(&["--log-format", "off"]);
        let url = format!("{}/it's", process.url);
        let printed = |format| {
            let (_, out, err) = run(&["env", "--url", &process.url, "--format", format]);
            assert_eq!(err, "");
            out.replace(&process.url, "URL")
        };
        let token = "5b60990fe96f683b012174f17bfd70bcd10966516908eacb4615b32db0b2c3fb";
        assert_eq!(
            printed("sh"),
            format!(
                "export ILUMA_BASE_URL='URL'\nexport ILUMA_API_KEY='{PUBLIC_KEY}'\nexport ILUMA_CALLBACK_TOKEN='{token}'\nexport ILUMA_SANDBOX_URL='URL'\n"
            )
        );
        assert_eq!(
            printed("fish"),
            format!(
                "set -gx ILUMA_BASE_URL 'URL'\nset -gx ILUMA_API_KEY '{PUBLIC_KEY}'\nset -gx ILUMA_CALLBACK_TOKEN '{token}'\nset -gx ILUMA_SANDBOX_URL 'URL'\n"
            )
        );
        assert_eq!(
            printed("powershell"),
            format!(
                "$env:ILUMA_BASE_URL = 'URL'\n$env:ILUMA_API_KEY = '{PUBLIC_KEY}'\n$env:ILUMA_CALLBACK_TOKEN = '{token}'\n$env:ILUMA_SANDBOX_URL = 'URL'\n"
            )
        );
        let json: Value = serde_json::from_str(&printed("json")).expect("JSON");
        assert_eq!(
            json,
            json!({"ILUMA_BASE_URL": "URL", "ILUMA_API_KEY": PUBLIC_KEY, "ILUMA_CALLBACK_TOKEN": token, "ILUMA_SANDBOX_URL": "URL"})
        );
        let (code, out, err) = run(&["env", "--url", &url]);
        assert_eq!(
            (code, out.as_str()),
            (1, ""),
            "there is no sandbox below a path"
        );
        assert!(err.starts_with("iluma-sandbox: "), "{err}");
    }

    #[test]
    fn nothing_is_printed_where_nothing_can_be_said() {
        let process = Process::serve(&["--control-token", "t", "--log-format", "off"]);
        let target = ["env", "--url", &process.url];
        let (code, out, err) = run(&target);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("send the control token"), "{err}");
        let nameless = [&target[..], &["--control-token", "t", "--world", ""]].concat();
        let (code, out, err) = run(&nameless);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(
            err.contains("a world's name has 1 to 200 characters"),
            "{err}"
        );
    }
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, err) = run(&["completions", shell]);
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        for word in ["readyz", "exit-with-parent", "completions"] {
            assert!(out.contains(word), "{shell} does not know {word}");
        }
        let (code, json, _) = run(&["completions", shell, "--format", "json"]);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((code, json), (0, json!({"shell": shell, "script": out})));
    }
    assert_eq!(run(&["completions", "csh"]).0, 2);
}

#[test]
fn bash_completes_a_word_that_was_begun() {
    let script = r#"
        source <("$0" completions bash)
        COMP_WORDS=(iluma-sandbox rea) COMP_CWORD=1
        completes=$(complete -p iluma-sandbox) completes=${completes##*-F }
        ${completes%% *} iluma-sandbox rea iluma-sandbox
        echo "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-c", script, BINARY])
        .output()
        .expect("a shell");
    assert_eq!(
        String::from_utf8(output.stdout).expect("UTF-8"),
        "readyz\n",
        "{:?}",
        output.stderr
    );
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let (code, all, err) = run(&["man"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(all.contains(".TH iluma-sandbox 1"), "{all}");
    let (code, serve, _) = run(&["man", "serve"]);
    assert_eq!(code, 0);
    assert!(
        serve.contains("exit\\-with\\-parent") && serve.contains("ILUMA_SANDBOX_PORT"),
        "{serve}"
    );

    let (code, json, _) = run(&["man", "serve", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let expected = json!({"command": "iluma-sandbox serve", "page": serve});
    assert_eq!((code, json), (0, expected));

    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("new/man1");
    let path = pages.to_str().expect("UTF-8");
    assert_eq!(
        run(&["man", "--dir", path]),
        (0, String::new(), String::new())
    );
    for command in ["", "-serve", "-readyz", "-man"] {
        let name = format!("iluma-sandbox{command}.1");
        assert!(pages.join(&name).exists(), "{name}");
    }
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).expect("a page");
    assert_eq!(page("iluma-sandbox-serve.1"), serve);
    assert_eq!(
        page("iluma-sandbox-ca-path.1"),
        run(&["man", "ca", "path"]).1
    );
    let names = std::fs::read_dir(&pages).expect("a folder");
    let names = names.map(|name| name.expect("an entry").file_name());
    let helps = names.filter(|name| name.to_string_lossy().contains("-help"));
    assert_eq!(helps.collect::<Vec<_>>(), ["iluma-sandbox-ca-trust-help.1"]);

    let (code, _, err) = run(&["man", "server"]);
    let sentence = "iluma-sandbox: there is no command `server`: did you mean `serve`?\n";
    assert_eq!((code, err.as_str()), (2, sentence));
    let (code, _, err) = run(&["man", "ca", "paths"]);
    let sentence = "iluma-sandbox: there is no command `ca paths`: did you mean `ca path`?\n";
    assert_eq!((code, err.as_str()), (2, sentence));
    write(folder.path(), "file", "");
    let file = folder.path().join("file");
    let (code, _, err) = run(&["man", "--dir", file.to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    assert!(
        err.starts_with("iluma-sandbox: cannot write manual pages into "),
        "{err}"
    );
}
