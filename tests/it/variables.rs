//! The environment: which variables count, how lists are split, and what wrong and unknown ones do.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use clap::{Arg, ArgAction};
use iluma_sandbox::{PUBLIC_KEY, cli};
use serde_json::Value;

use crate::process::{Process, command, run, write};

/// What Kubernetes writes into `…_PORT`.
const SERVICE: &str = "tcp://10.0.0.1:4586";

const SERVE: [&str; 5] = ["serve", "--port", "0", "--log-format", "json"];

/// The flags of `serve` that have a variable, without those that `SERVE` has.
fn flags() -> Vec<Arg> {
    let all = cli::command();
    let serve = all.find_subcommand("serve").expect("a command");
    let flags = serve.get_arguments().filter(|flag| {
        let is_given = matches!(flag.get_long(), Some("port" | "log-format"));
        flag.get_env().is_some() && !is_given
    });
    flags.cloned().collect()
}

fn variable(flag: &Arg) -> String {
    let name = flag.get_env().and_then(OsStr::to_str);
    name.expect("a variable").to_owned()
}

fn is_list(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::Append)
}

/// URLs are expected there, or any text.
fn may_have_url(flag: &Arg) -> bool {
    ["callback", "api-key", "control-token"].contains(&flag.get_long().expect("a long name"))
}

/// The exit code and stderr of a command that ends.
fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("it runs");
    let err = String::from_utf8(output.stderr).expect("UTF-8");
    (output.status.code(), err)
}

/// The warnings in the log of a sandbox that starts and stops.
fn warnings(serve: Command) -> Vec<String> {
    let (code, _, log) = Process::start(serve).terminate();
    assert_eq!(code, 0, "{log}");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let warnings = lines.filter(|line| line["level"] == "WARN");
    let warnings = warnings.map(|line| line["message"].as_str().expect("a message").to_owned());
    warnings.collect()
}

fn ignored(variable: &str) -> String {
    format!("{variable} is ignored because its value is a URL, as Kubernetes sets it for a Service")
}

#[test]
fn a_url_in_a_variable_that_takes_none_is_ignored_with_one_line_in_the_log() {
    let names: BTreeSet<_> = flags()
        .iter()
        .filter(|flag| !may_have_url(flag))
        .map(variable)
        .collect();
    assert!(names.contains("ILUMA_SANDBOX_TLS_PORT") && names.contains("ILUMA_SANDBOX_SCENARIOS"));
    let mut serve = command(&SERVE);
    serve.envs(names.iter().map(|name| (name, SERVICE)));
    let mut lines = warnings(serve);
    lines.sort();
    assert_eq!(
        lines,
        names.iter().map(|name| ignored(name)).collect::<Vec<_>>()
    );
}

#[test]
fn a_variable_of_a_kubernetes_service_stops_no_command() {
    let mut serve = command(&["serve", "--bind", "127.0.0.2", "--log-format", "json"]);
    serve.env("ILUMA_SANDBOX_PORT", SERVICE);
    assert_eq!(warnings(serve), [ignored("ILUMA_SANDBOX_PORT")]);

    let process = Process::serve(&["--log-format", "off"]);
    for arguments in [
        vec!["readyz", "--url", &process.url],
        vec!["env", "--url", &process.url],
        vec!["coverage", "--url", &process.url],
    ] {
        let mut asks = command(&arguments);
        asks.env("ILUMA_SANDBOX_PORT", SERVICE);
        let line = format!(
            "iluma-sandbox: warning: {}\n",
            ignored("ILUMA_SANDBOX_PORT")
        );
        assert_eq!(ended(asks), (Some(0), line), "{arguments:?}");
    }
    let mut lists = command(&["list", "--format", "json"]);
    lists.env("ILUMA_SANDBOX_PORT", SERVICE);
    assert_eq!(ended(lists), (Some(0), String::new()), "it needs no port");
    let mut readyz = command(&["readyz", "--url", &process.url, "--port", "1"]);
    readyz.env("ILUMA_SANDBOX_PORT", SERVICE);
    assert_eq!(ended(readyz), (Some(0), String::new()), "the flag counts");
}

#[test]
fn a_wrong_value_is_refused_with_the_name_of_its_variable() {
    for (name, value, reason) in [
        (
            "PORT",
            "abc",
            "='abc' is wrong: invalid digit found in string",
        ),
        (
            "PORT",
            "65536",
            "='65536' is wrong: 65536 is not in 0..=65535",
        ),
        (
            "PORT",
            "1\n",
            r"='1\n' is wrong: invalid digit found in string",
        ),
        (
            "BIND",
            "here",
            "='here' is wrong: write `localhost` or an IP address without a port, such as 0.0.0.0 or ::1",
        ),
        ("SEED", "x", "='x' is wrong: invalid digit found in string"),
        (
            "LOG_FORMAT",
            "xml",
            "='xml' is wrong: write one of pretty, json, off",
        ),
        (
            "WATCHLIST_DATES",
            "x",
            "='x' is wrong: write `strings` or `objects`",
        ),
        (
            "CALLBACK_SIGNING",
            "x",
            "='x' is wrong: write `standard-webhooks`",
        ),
        (
            "CALLBACK",
            "A=http://localhost:1/?ids=1,2",
            "='2' is wrong: write TYPE=URL; a comma separates values (in a URL, write it as %2C)",
        ),
        ("CALLBACK_HOST_MAP", "a", "='a' is wrong: write FROM=TO"),
        (
            "API_KEY",
            "my://secret",
            " is wrong: an API key begins with `iluma_development_`, `iluma_live_` or `iluma_production_`",
        ),
        (
            "CONTROL_TOKEN",
            "my secret",
            " is wrong: a control token has 1 to 200 letters, digits and signs of ASCII, and no blanks",
        ),
    ] {
        let name = format!("ILUMA_SANDBOX_{name}");
        let mut serve = command(&["serve"]);
        serve.env(&name, value);
        let sentence = format!("iluma-sandbox: {name}{reason}\n");
        assert_eq!(ended(serve), (Some(2), sentence));
    }
    for arguments in [["readyz"], ["coverage"], ["env"]] {
        let mut asks = command(&arguments);
        asks.env("ILUMA_SANDBOX_PORT", "abc");
        let sentence =
            "iluma-sandbox: ILUMA_SANDBOX_PORT='abc' is wrong: invalid digit found in string\n";
        assert_eq!(ended(asks), (Some(2), sentence.to_owned()), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_reported_with_the_name_of_its_variable() {
    let mut serve = command(&SERVE);
    serve.env("ILUMA_SANDBOX_CALLBACK_CA", "/none");
    let reason = "cannot read /none: no such file or directory\n";
    let sentence = format!("iluma-sandbox: ILUMA_SANDBOX_CALLBACK_CA: {reason}");
    assert_eq!(ended(serve), (Some(2), sentence));
    let mut coverage = command(&["coverage", "--url", "https://127.0.0.1:1"]);
    coverage.env("ILUMA_SANDBOX_CA_FILE", "/none");
    let sentence = format!("iluma-sandbox: ILUMA_SANDBOX_CA_FILE: {reason}");
    assert_eq!(ended(coverage), (Some(2), sentence));
    let (code, _, err) = run(&[
        "coverage",
        "--url",
        "https://127.0.0.1:1",
        "--ca-file",
        "/none",
    ]);
    assert_eq!(
        (code, err),
        (2, format!("iluma-sandbox: --ca-file: {reason}"))
    );
}

#[test]
fn a_wrong_value_that_is_not_needed_stops_nothing() {
    let mut lists = command(&["list", "--format", "json"]);
    lists.env("ILUMA_SANDBOX_PORT", "abc");
    assert_eq!(ended(lists), (Some(0), String::new()));
    let mut serve = command(&SERVE);
    serve.env("ILUMA_SANDBOX_PORT", "abc");
    assert_eq!(warnings(serve), [""; 0], "the flag counts");
    let mut help = command(&["serve", "--help"]);
    help.env("ILUMA_SANDBOX_PORT", "abc");
    assert_eq!(ended(help), (Some(0), String::new()));
}

#[test]
fn a_value_that_is_not_utf_8_is_refused_with_the_name_of_its_variable() {
    for flag in flags() {
        let name = variable(&flag);
        let mut serve = command(&SERVE);
        serve.env(&name, OsStr::from_bytes(b"\xff"));
        let sentence = format!("iluma-sandbox: the value of {name} is not UTF-8\n");
        assert_eq!(ended(serve), (Some(2), sentence));
    }
}

#[test]
fn an_empty_variable_and_a_list_without_items_count_as_not_set() {
    for empty in ["", " , ,"] {
        let flags = flags();
        let names = flags
            .iter()
            .filter(|flag| empty.is_empty() || is_list(flag))
            .map(variable);
        let mut serve = command(&SERVE);
        serve.envs(names.map(|name| (name, empty)));
        assert_eq!(warnings(serve), [""; 0], "{empty:?}");
    }
}

#[tokio::test]
async fn the_items_of_a_list_are_trimmed_and_empty_ones_are_skipped() {
    let [one, other] = ["a", "b"].map(|letter| format!("iluma_development_{}", letter.repeat(40)));
    let mut serve = command(&["serve", "--port", "0", "--log-format", "off"]);
    serve.env("ILUMA_SANDBOX_API_KEY", format!(" {one} ,, {other}, "));
    let process = Process::start(serve);
    let client = reqwest::Client::new();
    for (key, status) in [(&*one, 200), (&*other, 200), (PUBLIC_KEY, 401)] {
        let url = format!("{}/v1/callback/urls", process.url);
        let asked = client.get(url).basic_auth(key, Some(""));
        assert_eq!(asked.send().await.expect("an answer").status(), status);
    }

    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "one/sandbox.toml", "wrong");
    write(folder.path(), "two/sandbox.toml", "wrong too");
    let mut check = command(&["check", "--format", "json"]);
    check.current_dir(folder.path());
    check.env("ILUMA_SANDBOX_SCENARIOS", "one , ,two,");
    let report: Value =
        serde_json::from_slice(&check.output().expect("it runs").stdout).expect("JSON");
    let files = report["errors"].as_array().expect("errors").iter();
    let files: Vec<_> = files.map(|error| error["file"].as_str()).collect();
    assert_eq!(files, [Some("one/sandbox.toml"), Some("two/sandbox.toml")]);
}

#[test]
fn a_command_uses_the_first_of_several_keys() {
    let other = format!("iluma_development_{}", "b".repeat(40));
    let mut postman = command(&["postman", "--environment"]);
    postman.env("ILUMA_SANDBOX_API_KEY", format!(", {other} , {PUBLIC_KEY}"));
    let printed = postman.output().expect("it runs").stdout;
    let environment: Value = serde_json::from_slice(&printed).expect("JSON");
    assert_eq!(environment["values"][1]["value"], *other);
}

#[test]
fn a_comma_does_not_split_a_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let comma = folder.path().join("a,b");
    let mine = "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\nbody.status = 'MINE'";
    write(&comma, "mine.toml", mine);
    let process = Process::serve(&[
        "--log-format",
        "off",
        "--scenarios",
        comma.to_str().expect("UTF-8"),
        "--callback",
        "NAME_VALIDATOR_REQUEST=http://127.0.0.1:1/?ids=1,2",
    ]);
    let trigger = ["trigger", "NAME_VALIDATOR_REQUEST", "--outcome", "MINE"];
    let target = ["--url", &process.url, "--wait", "100ms"];
    let (_, out, err) = run(&[&trigger[..], &target].concat());
    assert!(out.contains("http://127.0.0.1:1/?ids=1,2\n"), "{out}{err}");
}

#[test]
fn a_list_in_a_flag_is_refused_with_the_advice_to_repeat_the_flag() {
    let key = format!("iluma_development_{}", "a".repeat(40));
    let (code, out, err) = run(&["serve", "--api-key", &format!("{key},{key}")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "iluma-sandbox: a value of --api-key is no API key: after its beginning an API key has 30 to 80 letters, \
         digits, `/`, `=` or `+`; to give several, repeat the flag: --api-key A --api-key B\n"
    );
    let (code, _, err) = run(&["serve", "--allow-egress", "a.test,b.test"]);
    assert_eq!(code, 2);
    let sentence = "for '--allow-egress <HOST>': write one host, and repeat the flag for each\n";
    assert!(err.contains(sentence), "{err}");
}

#[test]
fn the_help_shows_what_is_set_except_secrets() {
    let mut help = command(&["serve", "--help"]);
    help.env("ILUMA_SANDBOX_API_KEY", "secret,secret");
    help.env("ILUMA_SANDBOX_CONTROL_TOKEN", "secret");
    help.env("ILUMA_SANDBOX_SCENARIOS", "one, two");
    let out = String::from_utf8(help.output().expect("it runs").stdout).expect("UTF-8");
    assert!(
        out.contains("[env: ILUMA_SANDBOX_SCENARIOS=one, two]"),
        "{out}"
    );
    assert!(out.contains("[env: ILUMA_SANDBOX_API_KEY]"), "{out}");
    assert!(!out.contains("secret"), "{out}");
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let unknown = [
        (
            "ILUMA_SANDBOX_PROT",
            "4600",
            "so it is ignored: did you mean ILUMA_SANDBOX_PORT?",
        ),
        (
            "ILUMA_SANDBOX_SCENARIO",
            "x",
            "so it is ignored: did you mean ILUMA_SANDBOX_SCENARIOS?",
        ),
        (
            "ILUMA_SANDBOX_TSL_PORT",
            "8443",
            "so it is ignored: did you mean ILUMA_SANDBOX_TLS_PORT?",
        ),
        ("ILUMA_SANDBOX_ZZZZ", "x", "so it is ignored"),
    ];
    for (name, value, end) in unknown {
        let line = format!("the sandbox has no variable {name}, {end}");
        let mut serve = command(&SERVE);
        serve.env(name, value);
        assert_eq!(warnings(serve), [line.as_str()]);
        let mut lists = command(&["list", "--format", "json"]);
        lists.env(name, value);
        let line = format!("iluma-sandbox: warning: {line}\n");
        assert_eq!(ended(lists), (Some(0), line));
    }
}

#[test]
fn variables_of_service_links_and_of_the_clients_are_no_warning() {
    let mut serve = command(&SERVE);
    let known = [
        ("BIN", "/usr/bin/iluma-sandbox"),
        ("TEST_PANICS", "0"),
        ("UNKNOWN", ""),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "4586"),
        ("SERVICE_PORT_HTTP_ALT", "4586"),
        ("PORT_4586_TCP", SERVICE),
        ("PORT_4586_TCP_PROTO", "tcp"),
        ("PORT_4586_TCP_PORT", "4586"),
        ("PORT_4586_TCP_ADDR", "10.0.0.1"),
        ("PORT_53_UDP", "udp://10.0.0.1:53"),
        ("PORT_53_UDP_ADDR", "10.0.0.1"),
        ("STAGING_SERVICE_HOST", "10.0.0.1"),
        ("STAGING_SERVICE_PORT", "4586"),
        ("STAGING_SERVICE_PORT_HTTP", "4586"),
        ("STAGING_PORT", SERVICE),
        ("STAGING_PORT_4586_TCP", SERVICE),
        ("STAGING_PORT_4586_TCP_ADDR", "10.0.0.1"),
    ];
    serve.envs(known.map(|(name, value)| (format!("ILUMA_SANDBOX_{name}"), value)));
    assert_eq!(warnings(serve), [""; 0]);
}

/// Only one file reads the environment, so that empty values count as not set everywhere.
#[test]
fn the_environment_is_read_in_one_place() {
    let readers: Vec<_> = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .into_iter()
        .filter(|path| {
            std::fs::read_to_string(path)
                .expect("a source")
                .contains("env::var")
        })
        .collect();
    let allowed = ["cli/variables.rs", "json_schema/committed.rs"]; // the second is a test
    let others: Vec<_> = readers
        .iter()
        .filter(|path| !allowed.iter().any(|end| path.ends_with(end)))
        .collect();
    assert_eq!((readers.len(), others), (2, Vec::new()));
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let sources = paths.flat_map(|path| {
        if path.is_dir() {
            sources(&path)
        } else {
            vec![path]
        }
    });
    sources
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}
