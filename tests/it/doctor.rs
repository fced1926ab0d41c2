//! `iluma-sandbox doctor`: what it finds, and how it ends.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Process, command, write};
use crate::receiver::{Reaction, Receiver, refusing_address};
use crate::stage::TYPE;

const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// `doctor` on a machine without proxies and without an authority.
fn doctor(arguments: &[&str]) -> Command {
    let mut doctor = command(&[&["doctor"], arguments].concat());
    for name in PROXIES {
        doctor.env_remove(name);
    }
    doctor.env("ILUMA_SANDBOX_CA_DIR", "/no/such/folder");
    doctor
}

/// The exit code, and the findings of a check.
fn found(mut doctor: Command, check: &str) -> (Option<i32>, Vec<Value>) {
    let output = doctor.args(["--format", "json"]).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let mut of_check: Vec<_> = findings.clone();
    of_check.retain(|one| one["check"] == check);
    for one in &mut of_check {
        one.as_object_mut().expect("an object").remove("check");
    }
    (output.status.code(), of_check)
}

fn ok(message: &str) -> Value {
    json!({"level": "ok", "message": message, "remedy": null})
}

fn warning(message: &str, remedy: &str) -> Value {
    json!({"level": "warning", "message": message, "remedy": remedy})
}

fn error(message: &str, remedy: &str) -> Value {
    json!({"level": "error", "message": message, "remedy": remedy})
}

fn port_of(url: &str) -> &str {
    url.rsplit(':').next().expect("a port")
}

#[test]
fn a_sandbox_at_both_addresses_is_well() {
    let process = Process::serve(&["--log-format", "off"]);
    let (port, pid) = (port_of(&process.url), process.pid());
    let version = env!("CARGO_PKG_VERSION");
    let message = format!(
        "127.0.0.1:{port} and [::1]:{port} belong to iluma-sandbox {version} (process {pid})"
    );
    let (code, findings) = found(doctor(&["--url", &process.url]), "port");
    assert_eq!((code, findings), (Some(0), vec![ok(&message)]));
}

#[test]
fn a_sandbox_at_one_address_alone_is_a_warning() {
    let process = Process::serve(&["--bind", "127.0.0.1", "--log-format", "off"]);
    let (port, pid) = (port_of(&process.url), process.pid());
    let version = env!("CARGO_PKG_VERSION");
    let message = format!(
        "127.0.0.1:{port} belongs to iluma-sandbox {version} (process {pid}), but nothing listens at [::1]:{port}, \
         where some clients look for `localhost` first"
    );
    let remedy =
        format!("call http://127.0.0.1:{port}, or start the sandbox with --bind localhost");
    let (code, findings) = found(doctor(&["--url", &process.url]), "port");
    assert_eq!(
        (code, findings),
        (Some(0), vec![warning(&message, &remedy)])
    );
}

#[test]
fn a_sandbox_that_is_named_and_not_there_is_an_error() {
    let address = refusing_address();
    let url = format!("http://{address}");
    let remedy = format!("start one: iluma-sandbox --port {}", address.port());
    let message = format!("no sandbox runs at {url}");
    let (code, findings) = found(doctor(&["--url", &url]), "port");
    assert_eq!((code, findings), (Some(1), vec![error(&message, &remedy)]));
    let mut by_variable = doctor(&[]);
    by_variable.env("ILUMA_SANDBOX_URL", &url);
    let message = message + " (from ILUMA_SANDBOX_URL)";
    let (code, findings) = found(by_variable, "port");
    assert_eq!((code, findings), (Some(1), vec![error(&message, &remedy)]));
}

/// The program accepts no connection and so never answers.
#[test]
fn another_program_at_the_port_is_an_error_that_names_the_process() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let name = std::fs::read_to_string("/proc/self/comm").expect("Linux");
    let (name, pid) = (name.trim(), std::process::id());
    let message = format!("{address} belongs to {name} (process {pid}), which is no sandbox");
    let remedy = "stop it, or start the sandbox at another port with --port and name that with ILUMA_SANDBOX_URL";
    let (code, findings) = found(doctor(&["--url", &format!("http://{address}")]), "port");
    assert_eq!((code, findings), (Some(1), vec![error(&message, remedy)]));
}

#[test]
fn a_proxy_is_a_warning_unless_the_sandbox_is_excepted() {
    let process = Process::serve(&["--log-format", "off"]);
    let with = |variables: &[(&str, &str)]| {
        let mut doctor = doctor(&["--url", &process.url]);
        doctor.envs(variables.iter().copied());
        let (code, mut findings) = found(doctor, "proxy");
        assert_eq!((code, findings.len()), (Some(0), 1));
        findings.remove(0)
    };
    assert_eq!(with(&[]), ok("no proxy is set"));
    let proxy = ("HTTP_PROXY", "http://user:secret@proxy.test:3128");
    let exempt = "HTTP_PROXY is set, and NO_PROXY has localhost, 127.0.0.1, ::1";
    assert_eq!(
        with(&[proxy, ("no_proxy", "localhost,127.0.0.1,::1")]),
        ok(exempt)
    );
    assert_eq!(with(&[proxy, ("NO_PROXY", "*")]), ok(exempt));
    assert_eq!(
        with(&[proxy, ("NO_PROXY", "LOCALHOST 127.0.0.0/8,[::1]")]),
        ok(exempt)
    );
    for (no_proxy, lacks) in [
        (&[][..], "localhost, 127.0.0.1, ::1"),
        (&[("NO_PROXY", "localhost")], "127.0.0.1, ::1"),
        (
            &[
                ("NO_PROXY", "localhost,127.0.0.1,::1"),
                ("no_proxy", "localhost,::1"),
            ],
            "127.0.0.1",
        ),
    ] {
        let missing = lacks.replace(", ", ",");
        let message = format!(
            "HTTP_PROXY is set, but NO_PROXY or no_proxy lacks {lacks}: many clients ask the proxy for the sandbox"
        );
        let remedy = format!(
            "export NO_PROXY=\"$NO_PROXY,{missing}\" no_proxy=\"$no_proxy,{missing}\" (`iluma-sandbox exec` does it for its command)"
        );
        let variables = [&[proxy], no_proxy].concat();
        assert_eq!(with(&variables), warning(&message, &remedy));
    }
}

#[test]
fn variables_of_a_kubernetes_service_are_a_warning() {
    let process = Process::serve(&["--log-format", "off"]);
    let (code, findings) = found(doctor(&["--url", &process.url]), "variables");
    let none = "no variable looks like a service link of Kubernetes";
    assert_eq!((code, findings), (Some(0), vec![ok(none)]));
    let mut linked = doctor(&["--url", &process.url]);
    linked.env("ILUMA_SANDBOX_PORT", "tcp://10.0.0.1:4586");
    linked.env("ILUMA_SANDBOX_SERVICE_HOST", "10.0.0.1");
    let (code, findings) = found(linked, "variables");
    let message = "ILUMA_SANDBOX_PORT, ILUMA_SANDBOX_SERVICE_HOST were set by Kubernetes for a Service, and the sandbox ignores them";
    let remedy = "set `enableServiceLinks: false` in the pod, or give the Service another name than iluma-sandbox";
    assert_eq!((code, findings), (Some(0), vec![warning(message, remedy)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_each_registered_receiver_answers() {
    for (status, end) in [
        (401, Ok("answers 401 to an empty request without a token")),
        (200, Ok("answers 200 to an empty request without a token")),
        (
            404,
            Err((
                "answers 404",
                "nothing is at this path: correct the registered URL",
            )),
        ),
        (
            307,
            Err((
                "answers 307",
                "callbacks follow no redirect: register the URL that it leads to",
            )),
        ),
        (500, Err(("answers 500", "see the log of the receiver"))),
    ] {
        let receiver = Receiver::that(Reaction::status(status)).await;
        let callback = format!("{TYPE}={}", receiver.url_text());
        let process = Process::serve(&["--callback", &callback, "--log-format", "off"]);
        let url = receiver.url_text().replace("http://", "");
        let (code, findings) = found(doctor(&["--url", &process.url]), "receivers");
        let expected = match end {
            Ok(end) => ok(&format!("{TYPE}: {url} {end}")),
            Err((end, remedy)) => warning(&format!("{TYPE}: {url} {end}"), remedy),
        };
        assert_eq!((code, findings), (Some(0), vec![expected]));
        let asked = receiver.only().await;
        assert_eq!(
            (asked.header("x-callback-token"), asked.text().as_str()),
            (None, "{}")
        );
    }
}

#[test]
fn a_receiver_that_does_not_answer_is_an_error() {
    let address = refusing_address();
    let callback = format!("{TYPE}=http://{address}/callbacks");
    let process = Process::serve(&["--callback", &callback, "--log-format", "off"]);
    let (code, findings) = found(doctor(&["--url", &process.url]), "receivers");
    let message = format!("{TYPE}: {address}/callbacks does not answer: connection refused");
    let remedy = "start the receiver, or register another URL";
    assert_eq!((code, findings), (Some(1), vec![error(&message, remedy)]));
}

/// A folder with the programs that `doctor` looks for.
fn program(folder: &Path, name: &str, script: &str) {
    write(folder, name, &format!("#!/bin/sh\n{script}\n"));
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join(name), mode).expect("a file");
}

#[test]
fn clients_are_asked_whether_they_trust_the_authority_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let (programs, authority) = (folder.path().join("bin"), folder.path().join("ca"));
    let authority = authority.to_str().expect("UTF-8");
    let process = Process::serve(&["--log-format", "off"]);
    let with = |url: &str| {
        let mut doctor = doctor(&["--url", url, "--ca-dir", authority]);
        doctor.env("PATH", &programs);
        found(doctor, "trust")
    };
    let none =
        "skipped: there is no local certificate authority; the first `serve --tls` creates it";
    assert_eq!(with(&process.url), (Some(0), vec![ok(none)]));

    let secure = Process::serve(&["--tls", "--ca-dir", authority, "--log-format", "off"]);
    program(&programs, "curl", "exit 0");
    program(
        &programs,
        "node",
        "echo 'SELF_SIGNED_CERT_IN_CHAIN self-signed' >&2; exit 1",
    );
    program(&programs, "java", "echo 'no JVM' >&2; exit 1");
    let distrust = "node does not trust the local certificate authority: SELF_SIGNED_CERT_IN_CHAIN self-signed";
    let remedy = "see `iluma-sandbox ca trust-help node`";
    let mut findings = vec![
        ok("curl trusts the local certificate authority"),
        warning(&format!("{distrust} (this matters only for HTTPS)"), remedy),
        ok("python was skipped: python3 is not installed here"),
        warning(
            "java cannot be asked: java failed: no JVM",
            "see whether the program works here",
        ),
    ];
    assert_eq!(with(&process.url), (Some(0), findings.clone()));
    findings[1] = error(distrust, remedy);
    assert_eq!(with(&secure.url), (Some(1), findings));

    // curl 7.88 and 8 say the reason first, and then this.
    let reason = "curl: (60) SSL certificate problem: unable to get local issuer certificate";
    let advice = "More details here: https://curl.se/docs/sslcerts.html\n\n\
        curl failed to verify the legitimacy of the server and therefore could not\n\
        establish a secure connection to it. To learn more about this situation and\n\
        how to fix it, please visit the web page mentioned above.";
    program(
        &programs,
        "curl",
        &format!("echo '{reason}\n{advice}' >&2; exit 60"),
    );
    let (code, findings) = with(&secure.url);
    let distrust = format!("curl does not trust the local certificate authority: {reason}");
    let remedy = "see `iluma-sandbox ca trust-help curl`";
    assert_eq!((code, &findings[0]), (Some(1), &error(&distrust, remedy)));
}

#[test]
fn a_real_client_trusts_it_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().to_str().expect("UTF-8");
    let process = Process::serve(&["--tls", "--ca-dir", authority, "--log-format", "off"]);
    let mut told = doctor(&["--url", &process.url, "--ca-dir", authority]);
    told.env("CURL_CA_BUNDLE", folder.path().join("ca.pem"));
    let (_, findings) = found(told, "trust");
    let curl = findings[0]["message"].as_str().expect("a message");
    let is_absent = curl == "curl was skipped: curl is not installed here";
    assert!(
        is_absent || curl == "curl trusts the local certificate authority",
        "{curl}"
    );
    let other = tempfile::NamedTempFile::new().expect("a file");
    let mut untold = doctor(&["--url", &process.url, "--ca-dir", authority]);
    untold.env("CURL_CA_BUNDLE", other.path());
    let (_, findings) = found(untold, "trust");
    let curl = findings[0]["message"].as_str().expect("a message");
    let distrust = "curl does not trust the local certificate authority: curl: (";
    assert!(is_absent || curl.starts_with(distrust), "{curl}");
}

#[test]
fn the_text_has_a_line_for_each_finding_and_its_remedy_below() {
    let url = format!("http://{}", refusing_address());
    let output = doctor(&["--url", &url]).output().expect("it runs");
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    let port = port_of(&url);
    let start = format!(
        "error    port       no sandbox runs at {url}\n                    remedy: start one: iluma-sandbox --port {port}\n"
    );
    assert!(out.starts_with(&start), "{out}");
    assert!(
        out.contains("\nok       proxy      no proxy is set\n"),
        "{out}"
    );
    assert!(out.ends_with("\n1 error, no warning\n"), "{out}");
    assert_eq!(output.status.code(), Some(1));
}
