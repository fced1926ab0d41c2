//! What reaches a terminal: texts of files and servers without escape sequences, and variables that no shell can take for
//! code.

use std::io::{BufRead, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::process::{run, write};
use iluma_sandbox::PUBLIC_KEY;

/// An escape sequence, a C1 control, bidi controls, characters without width, separators, and a line break.
const PLANTED: &str =
    "\u{1b}[31m\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{2029}\u{7f}\r\nforged line";

fn assert_safe(command: &[&str], output: &str) {
    let is_safe = |c: char| {
        let is_mark = matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        matches!(c, '\n' | '\t') || !(c.is_control() || is_mark)
    };
    let unsafe_char = output.chars().find(|c| !is_safe(*c));
    assert_eq!(unsafe_char, None, "{command:?}: {output:?}");
    let forged = output.lines().find(|line| line.starts_with("forged line"));
    assert_eq!(forged, None, "{command:?}: {output:?}");
}

fn assert_runs_safely(command: &[&str]) -> String {
    let (_, out, err) = run(command);
    assert_safe(command, &out);
    assert_safe(command, &err);
    if command.contains(&"json") && !out.is_empty() {
        serde_json::from_str::<Value>(&out).expect("JSON");
    }
    out
}

/// A server that answers every request with the same JSON.
fn server(answer: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (status, body) = (
        answer["status_code"].as_u64().unwrap_or(200),
        answer.to_string(),
    );
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let received = socket.read(&mut [0; 4096]);
            assert!(received.is_ok_and(|bytes| bytes > 0), "a request");
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            socket.write_all((head + &body).as_bytes()).ok();
        }
    });
    url
}

#[test]
fn no_command_prints_an_escape_sequence_of_a_file_or_of_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let toml = json!(PLANTED).to_string(); // a text of JSON is one of TOML too
    let endpoint = format!(
        "path = \"/v9/things\"\n[request.properties]\nname = {{ type = \"string\", description = {toml} }}\n\
         [outcomes.MADE]\ndefault = true\nbody = {{ a = {toml} }}\n\
         [outcomes.OTHER]\nwhen = {{ \"input.name\" = {toml} }}\nbody = {{ a = 1 }}\n"
    );
    write(folder.path(), "v9/things.toml", &endpoint);
    let path = folder.path().to_str().expect("UTF-8");
    let scenarios = ["--scenarios", path];
    for command in [
        &["check", path][..],
        &["check", path, "--format", "json"],
        &["list"],
        &["list", "--format", "json"],
        &["list", "--format", "markdown"],
        &["openapi"],
        &["postman"],
        &["try", "POST", "/v9/things", "--data", "{}"],
        &[
            "try",
            "POST",
            "/v9/things",
            "--data",
            "{}",
            "--format",
            "json",
        ],
        &[
            "try",
            "POST",
            "/v9/things",
            "-H",
            "x-magic-reply: \u{9b}\u{202e}",
            "--data",
            "{\"name\": \"\\u009b\"}",
        ],
        &["document", "--magic", PLANTED],
        &[
            "audit",
            "--callback",
            "http://127.0.0.1:1",
            "--type",
            PLANTED,
        ],
    ] {
        let mut command = command.to_vec();
        if command[0] != "check" {
            command.extend(scenarios);
        }
        assert_runs_safely(&command);
    }
    write(
        folder.path(),
        &format!("v9/{PLANTED}.toml"),
        &format!("path = 1\n{toml} = 1\n"),
    );
    let out = assert_runs_safely(&["check", path]);
    assert!(out.contains(r"\u{1b}[31m\u{9b}2J\u{202e}"), "{out}");
    assert_runs_safely(&["check", path, "--format", "json"]);
    assert_runs_safely(&["list", "--scenarios", path]);
    assert_runs_safely(&["list", PLANTED]);
    assert_runs_safely(&[PLANTED]);
    assert_runs_safely(&["serve", "--scenarios", path, "--port", "0"]);
    let inside = folder.path().join(PLANTED);
    assert_runs_safely(&["init", inside.to_str().expect("UTF-8")]);
    let picture = folder.path().join(format!("{PLANTED}.png"));
    assert_runs_safely(&["document", "--output", picture.to_str().expect("UTF-8")]);
}

#[test]
fn no_command_prints_an_escape_sequence_of_a_server() {
    let explanation = json!({
        "trace": PLANTED, "status": 200, "outcome": PLANTED, "because": PLANTED, "chosen_by": PLANTED,
        "request": {"method": PLANTED, "path": PLANTED}, "notes": [PLANTED],
    });
    let delivery = json!({
        "id": PLANTED, "seq": 1, "type": PLANTED, "url": PLANTED, "state": "failed", "outcome": PLANTED,
        "record": PLANTED, "body": PLANTED, "attempts": [{"error": PLANTED}], "status_code": 202,
    });
    let row = json!({
        "id": PLANTED, "type": PLANTED, "url": PLANTED, "state": PLANTED, "outcome": PLANTED, "endpoint": PLANTED,
        "fault": PLANTED, "delay": PLANTED, "world": PLANTED, "name": PLANTED, "trace": PLANTED, "path": PLANTED,
        "at": PLANTED, "times": PLANTED, "by": PLANTED, "attempts": [{"error": PLANTED}],
    });
    let lists = json!({
        "requests": [row], "deliveries": [row], "worlds": [row], "waiting": [row], "callback_urls": [row],
        "faults": [row], "now": PLANTED, "cleared": PLANTED, "matched": PLANTED, "cancelled_callbacks": PLANTED,
    });
    let difference = json!({"field": PLANTED, "expected": PLANTED, "received": PLANTED});
    let near_miss = json!({"trace": PLANTED, "request": PLANTED, "differences": [difference]});
    let not_verified = json!({"message": PLANTED, "near_misses": [near_miss], "status_code": 417});
    let too_late = json!({"message": PLANTED, "near_misses": [near_miss], "why": [PLANTED], "status_code": 408});
    let refusal = json!({"error": PLANTED, "message": PLANTED, "status_code": 400, PLANTED: 1});
    let unready = json!({"status": "unready", "error_text": "\u{9b}\u{202e}", "status_code": 503});
    let no_sandbox = json!([PLANTED]);
    for answer in [
        explanation,
        delivery,
        lists,
        not_verified,
        too_late,
        refusal,
        unready,
        no_sandbox,
    ] {
        let url = server(&answer);
        for command in [
            &["explain", "12345678-1"][..],
            &["trigger", "NAME_VALIDATOR_REQUEST", "--wait", "0s"],
            &["coverage"],
            &["readyz"],
            &["env"],
            &["env", "--world", "mine"],
            &["next"],
            &["next", "--clear"],
            &["requests"],
            &["verify"],
            &["tail", "--reconnect", "0s"],
            &["clock"],
            &["faults"],
            &["reset"],
            &["reset", "--world", "mine"],
            &["worlds"],
            &["deliveries"],
            &["redeliver", "dlv_1", "--wait", "0s"],
            &["callback"],
        ] {
            for format in ["text", "json"] {
                let mut command = [command, &["--url", &url]].concat();
                let has_text = command[0] != "env";
                if has_text || format == "json" {
                    command.extend(["--format", format]);
                }
                assert_runs_safely(&command);
            }
        }
    }
}

/// A server that is asked for events sends these. It answers everything else with the same JSON.
fn server_of_events(events: &str, answer: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (events, answer) = (events.to_owned(), answer.to_string());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let mut head = [0; 4096];
            let received = socket.read(&mut head).unwrap_or_default();
            let is_stream = head[..received].starts_with(b"GET /__sandbox/events");
            let (kind, body) = if is_stream {
                ("text/event-stream", &events)
            } else {
                ("application/json", &answer)
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            socket.write_all((head + body).as_bytes()).ok();
        }
    });
    url
}

#[test]
fn tail_prints_no_escape_sequence_of_a_server() {
    let request = json!({
        "at": PLANTED, "method": PLANTED, "path": PLANTED, "status": PLANTED, "outcome": PLANTED, "mark": PLANTED,
        "fault": PLANTED, "trace": PLANTED,
    });
    let attempt = json!({"error": PLANTED});
    let failed = |seq: u64, attempts: usize| {
        json!({
            "seq": seq, "id": PLANTED, "type": PLANTED, "url": PLANTED, "state": "retrying",
            "attempts": vec![attempt.clone(); attempts],
        })
    };
    let events = format!(
        "event: exchanges\ndata: {}\n\nevent: skipped\ndata: {}\n\nevent: deliveries\ndata: {}\n\n",
        json!([request]),
        json!({"exchanges": PLANTED}),
        json!({"world": PLANTED, "last_seq": 1}),
    );
    let url = server_of_events(
        &events,
        &json!({"deliveries": [failed(1, 1)], "last_seq": 1}),
    );
    for format in ["text", "json"] {
        let tail = [
            "tail",
            "--url",
            &url,
            "--reconnect",
            "0s",
            "--format",
            format,
        ];
        let mut child = crate::process::command(&tail);
        let child = child.stdout(std::process::Stdio::piped());
        let child = child.stderr(std::process::Stdio::piped());
        let mut child = child.spawn().expect("it starts");
        let mut out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        let mut lines = String::new();
        for _ in 0..2 {
            out.read_line(&mut lines).expect("a line");
        }
        child.kill().expect("it runs"); // it would connect again for ever
        let mut err = String::new();
        let mut stderr = child.stderr.take().expect("piped");
        stderr.read_to_string(&mut err).expect("UTF-8");
        child.wait().expect("it ends");
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert_safe(&tail, &lines);
        assert_safe(&tail, &err);
    }
}

#[test]
fn env_prints_no_key_or_token_that_a_shell_could_take_for_code() {
    let token = "a".repeat(64);
    let key = |end: &str| format!("iluma_development_{}{end}", "k".repeat(40));
    for (key, token, is_sandbox) in [
        (key(""), token.clone(), true),
        (key("'; calc; '"), token.clone(), false),
        (key("\u{2019}; calc; \u{2018}"), token.clone(), false),
        (key("\u{201d}"), token.clone(), false),
        (key(""), format!("{}\u{201b}", "a".repeat(63)), false),
        (key(""), format!("{token}'\nexport X=1"), false),
        (key(""), "$(calc)".to_owned(), false),
        (key("`calc`"), token.clone(), false),
    ] {
        let url = server(&json!({"api_key": key, "callback_token": token}));
        for format in ["sh", "fish", "powershell", "json"] {
            let (code, out, err) =
                run(&["env", "--url", &url, "--world", "mine", "--format", format]);
            assert_eq!(code, i32::from(!is_sandbox), "{key} {token}: {out}{err}");
            assert_eq!(out.is_empty(), !is_sandbox, "{out}");
            if !is_sandbox {
                assert_eq!(
                    err,
                    format!("iluma-sandbox: the server at {url} is not a sandbox\n")
                );
            }
        }
    }
    let world = server(&json!({"callback_token": token}));
    for path in ["/a'b", "/$(calc)", "/a`b", "/a;b"] {
        let (code, out, err) = run(&[
            "env",
            "--url",
            &format!("{world}{path}"),
            "--api-key",
            PUBLIC_KEY,
        ]);
        assert_ne!(code, 0, "{path}: {out}{err}");
        assert_eq!(out, "", "{path}");
    }
}
