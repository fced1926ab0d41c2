//! `ILUMA_SANDBOX_URL`: the twin of `--url` in every command that calls a running sandbox.

use std::process::Command;

use clap::Arg;
use iluma_sandbox::cli;

use crate::process::{Process, command, run};
use crate::receiver::refusing_address;

const VARIABLE: &str = "ILUMA_SANDBOX_URL";

/// Commands that write a URL into a document and call nothing.
const CALLS_NOTHING: [&str; 2] = ["openapi", "postman"];

fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn every_url_of_a_running_sandbox_has_the_variable() {
    let mut all = cli::command();
    all.build();
    let mut commands = 0;
    for command in all.get_subcommands() {
        let url = |one: &&Arg| one.get_long() == Some("url");
        let Some(url) = command.get_arguments().find(url) else {
            continue;
        };
        let name = command.get_name();
        let variable = url.get_env().and_then(|name| name.to_str());
        let expected = (!CALLS_NOTHING.contains(&name)).then_some(VARIABLE);
        assert_eq!(variable, expected, "{name}");
        commands += 1;
    }
    assert!(commands >= 8, "{commands}");
}

#[test]
fn it_comes_before_bind_and_port_and_after_flags() {
    let process = Process::serve(&["--log-format", "off"]);
    let ready = format!("{} is ready\n", process.url);
    let mut readyz = command(&["readyz"]);
    readyz
        .env(VARIABLE, &process.url)
        .env("ILUMA_SANDBOX_BIND", "127.0.0.9")
        .env("ILUMA_SANDBOX_PORT", "1");
    assert_eq!(ended(&mut readyz), (Some(0), ready.clone(), String::new()));
    let nowhere = format!("http://{}", refusing_address());
    let mut readyz = command(&["readyz", "--url", &process.url]);
    readyz.env(VARIABLE, &nowhere);
    assert_eq!(ended(&mut readyz), (Some(0), ready.clone(), String::new()));
    let port = process.url.rsplit(':').next().expect("a port");
    let mut readyz = command(&["readyz", "--port", port]);
    readyz.env(VARIABLE, &nowhere);
    assert_eq!(ended(&mut readyz), (Some(0), ready, String::new()));
}

#[test]
fn an_error_names_the_variables_that_were_read() {
    let url = format!("http://{}", refusing_address());
    let port = url.rsplit(':').next().expect("a port");
    let reason = "connection refused; start one, or give its URL with --url\n";
    for (name, value) in [(VARIABLE, url.as_str()), ("ILUMA_SANDBOX_PORT", port)] {
        for arguments in [["readyz"], ["coverage"], ["env"]] {
            let mut asks = command(&arguments);
            asks.env(name, value);
            let sentence =
                format!("iluma-sandbox: cannot reach a sandbox at {url} (from {name}): {reason}");
            assert_eq!(
                ended(&mut asks),
                (Some(1), String::new(), sentence),
                "{arguments:?}"
            );
        }
    }
    let (_, _, err) = run(&["readyz", "--url", &url]);
    assert_eq!(
        err,
        format!("iluma-sandbox: cannot reach a sandbox at {url}: {reason}")
    );
}

#[test]
fn a_wrong_value_is_refused_by_name_and_shows_no_password() {
    for (value, shown, reason) in [
        (
            "ftp://127.0.0.1",
            "ftp://127.0.0.1",
            "`ftp://127.0.0.1` is not the URL of a sandbox, such as http://127.0.0.1:4586: \
             `ftp://127.0.0.1` is not an http URL",
        ),
        (
            "http://user:secret@127.0.0.1/",
            "…@127.0.0.1/",
            "`…@127.0.0.1/` is not the URL of a sandbox, such as http://127.0.0.1:4586: \
             a URL with a user name or password in it is not called",
        ),
    ] {
        let mut readyz = command(&["readyz"]);
        readyz.env(VARIABLE, value);
        let sentence = format!("iluma-sandbox: {VARIABLE}='{shown}' is wrong: {reason}\n");
        assert_eq!(ended(&mut readyz), (Some(2), String::new(), sentence));
    }
}
