//! `/__sandbox/llms.txt` and the page of the documents: they are complete and load nothing else.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::client::{Answer, Client};
use crate::process::{Process, command, run};

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let (_, help, _) = run(&["--help"]);
    let (_, commands) = help.split_once("Commands:").expect("commands");
    let (commands, _) = commands.split_once("Options:").expect("options");
    let names = commands.lines().filter_map(|line| {
        let line = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next()
    });
    let names = names.filter(|name| *name != "help").map(str::to_owned);
    let names: Vec<_> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[tokio::test]
async fn it_names_every_endpoint_and_outcome() {
    let client = Client::start().await;
    let answer = Answer::of(client.bare("GET", "/__sandbox/llms.txt")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(
        answer.text.contains(&client.sandbox.url()),
        "{}",
        answer.text
    );
    assert!(answer.text.contains(iluma_sandbox::PUBLIC_KEY));
    let catalog = client.get("/__sandbox/catalog").await.json();
    for endpoint in catalog["endpoints"].as_array().expect("endpoints") {
        let word = |value: &Value| value.as_str().expect("a text").to_owned();
        let line = format!(
            "- {} {} ",
            word(&endpoint["method"]),
            word(&endpoint["path"])
        );
        let line = answer.text.lines().find(|one| one.starts_with(&line));
        let line = line.unwrap_or_else(|| panic!("no line for {endpoint:#}"));
        for outcome in endpoint["outcomes"].as_array().expect("outcomes") {
            assert!(line.contains(&word(&outcome["name"])), "{line} {outcome}");
        }
    }
    assert!(
        !answer.text.contains("## Command line"),
        "a fixture has none"
    );
}

#[tokio::test]
async fn where_the_binary_serves_it_names_every_command() {
    let sandbox = Process::serve(&[]);
    let page = reqwest::get(format!("{}/__sandbox/llms.txt", sandbox.url)).await;
    let page = page.expect("an answer").text().await.expect("text");
    for command in commands() {
        assert!(
            page.contains(&format!("- `iluma-sandbox {command}`: ")),
            "{command}"
        );
    }
    assert!(page.len() < 20_000, "one page, not {} bytes", page.len());
}

#[test]
fn every_command_takes_format_json() {
    // The scripts for shells and the manual pages have other formats. The output of `exec` is that of its command, and
    // `export` writes JSON lines.
    let text_alone =
        |name: &String| matches!(name.as_str(), "completions" | "man" | "exec" | "export");
    for name in commands().iter().filter(|name| !text_alone(name)) {
        let (code, help, _) = run(&[name, "--help"]);
        assert_eq!(code, 0);
        let help: Vec<_> = help.split_whitespace().collect(); // lines are broken anywhere
        let help = help.join(" ");
        let format = help.split_once("--format ");
        let (_, format) = format.unwrap_or_else(|| panic!("{name} has no --format"));
        let values = format.split("ossible values:").nth(1).unwrap_or_default();
        let values: String = values.chars().take(150).collect();
        assert!(values.contains("json"), "{name}: {values}");
    }
}

#[test]
fn what_init_document_and_schema_did_is_told_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("mine").display().to_string();
    let (code, printed, _) = run(&["init", &at, "--format", "json"]);
    let told: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!((code, &told["folder"]), (0, &Value::from(at.as_str())));
    for file in told["written"].as_array().expect("files") {
        assert!(std::path::Path::new(file.as_str().expect("a path")).exists());
    }
    let output = folder.path().join("ktp.png").display().to_string();
    let magic = ["--magic", "completed_not_found"];
    let (code, printed, _) = run(&[
        "document", "-o", &output, magic[0], magic[1], "--format", "json",
    ]);
    let told: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        (code, &told["magic"], &told["width"]),
        (0, &"COMPLETED_NOT_FOUND".into(), &1012.into())
    );
    let path = told["path"].as_str().expect("a path");
    let bytes = std::fs::metadata(path).expect("the file").len();
    assert_eq!(told["bytes"], bytes);
    let (code, printed, _) = run(&["schema", "--format", "json"]);
    assert_eq!(code, 0);
    assert!(
        serde_json::from_str::<Value>(&printed)
            .expect("JSON")
            .is_object()
    );
}

#[cfg(unix)]
#[test]
fn what_is_ready_is_told_as_json_on_one_line() {
    let mut serve = command(&[
        "serve",
        "--port",
        "0",
        "--format",
        "json",
        "--log-format",
        "off",
    ]);
    let mut child = serve.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe"));
    printed.read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    let url = ready["url"].as_str().expect("a URL");
    assert_eq!(url, format!("http://127.0.0.1:{}", ready["port"]));
    assert_eq!(ready["api_key"], iluma_sandbox::PUBLIC_KEY);
    assert_eq!(ready["pid"], child.id());
    child.kill().expect("it is stopped");
    child.wait().expect("it has ended");
}

#[tokio::test]
async fn the_page_of_the_documents_is_small_and_asks_no_other_host() {
    let client = Client::start().await;
    let mut bytes = 0;
    for (path, content_type) in [
        ("docs", "text/html; charset=utf-8"),
        ("docs/page.js", "text/javascript; charset=utf-8"),
        ("docs/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = Answer::of(client.bare("GET", &format!("/__sandbox/{path}"))).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(content_type)),
            "{path}"
        );
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(
            !answer.text.contains("https://") && !answer.text.contains("//cdn"),
            "{path}"
        );
        bytes += answer.text.len();
    }
    assert!((1000..40_000).contains(&bytes), "{bytes}");
}
