//! Every place that reads a URL, a host or an address reads it in the same strict way.

use clap::Command;
use iluma_sandbox::{CallbackUrl, PUBLIC_KEY, Sandbox, cli};
use serde_json::json;

use crate::client::{Answer, Client};
use crate::process::{run, write};
use crate::receiver::Receiver;
use crate::stage::{TYPE, URLS};

/// Hosts, with ports where a URL may have them, that no place accepts.
const WRONG_HOSTS: [&str; 32] = [
    "",
    ".",
    "..",
    "a..b",
    "[::1]evil.test",
    "evil.test[::1]",
    "[::1",
    "::1]",
    "[]",
    "[1.2.3.4]",
    "[::1%25eth0]",
    "[::1%eth0]",
    "[v1.x]",
    "0x7f.0.0.1",
    "0x7f000001",
    "0177.0.0.1",
    "2130706433",
    "127.1",
    "127.0.0.1.",
    "127.0.0.256",
    "1.2.3.4.5",
    "ho st",
    "host\t",
    "ho\u{0}st",
    "ho\\st",
    "ho%73t",
    "hö.test",
    "127。0。0。1",
    "host:+1",
    "user@host",
    "*",
    "-{}",
];

/// What may follow a host in a URL, but not in this way.
const WRONG_ENDS: [&str; 19] = [
    ":", ":0", ":+1", ":-1", ":080", ":65536", ":99999", ":1x", ":1:1", ":１", "/✓", "/a b", "/%",
    "/%4", "/%zz", "/a\\b", "/#a", "?a=✓", "/\u{7f}",
];

const WRONG_STARTS: [&str; 9] = [
    "",
    "//host/",
    "host/",
    "http:/host/",
    "http:host/",
    "ftp://host/",
    "http ://host/",
    "http://user@host/",
    "http://user:secret@host/",
];

fn wrong_urls() -> Vec<String> {
    let hosts = WRONG_HOSTS.iter().map(|host| format!("http://{host}/"));
    let bare = WRONG_HOSTS.iter().map(|host| format!("http://{host}:1/"));
    let ends = WRONG_ENDS
        .iter()
        .map(|end| format!("http://127.0.0.1{end}"));
    let more = WRONG_ENDS.iter().map(|end| format!("https://[::1]{end}"));
    let starts = WRONG_STARTS.map(str::to_owned);
    let long = format!("http://127.0.0.1/{}", "a".repeat(8 << 10));
    let all = hosts.chain(bare).chain(ends).chain(more).chain(starts);
    all.chain([long]).collect()
}

/// The text can be an argument and be written into a TOML string.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control())
}

/// Flags whose value is a URL, a host or an address: the command, the flag, what comes before the value, and whether
/// the value is a URL. A flag of all commands is listed with one of them.
const FLAGS: [(&str, &str, &str, bool); 9] = [
    ("serve", "--bind", "", false),
    ("serve", "--tls-host", "", false),
    ("serve", "--allow-egress", "", false),
    ("serve", "--callback-host-map", "localhost=", false),
    ("serve", "--callback", "NAME_VALIDATOR_REQUEST=", true),
    ("audit", "--callback", "", true),
    ("readyz", "--url", "", true),
    ("replay", "--against", "", true),
    ("ca trust-help", "--url", "", true),
];

/// Names of values that are no URLs, hosts or addresses.
const OTHER_VALUES: [&str; 0] = [];

#[tokio::test]
async fn a_wrong_url_is_refused_by_the_api_the_library_and_a_snapshot() {
    let client = Client::start().await;
    let receiver = Receiver::start().await;
    let registered = json!({"type": TYPE, "url": receiver.url_text()});
    assert_eq!(client.post(URLS, &registered).await.status, 200);
    let snapshot = client.get("/__sandbox/snapshot").await.json();
    for url in wrong_urls() {
        let sentence = url.parse::<CallbackUrl>().map(|_| url.clone());
        let sentence = sentence.expect_err("it is refused");
        assert!(!sentence.contains("secret"), "{sentence}");
        assert!(is_plain(&sentence), "{sentence:?}");
        for method in ["POST", "PATCH"] {
            let body = json!({"type": TYPE, "url": url});
            let answer = Answer::of(client.request(method, URLS).json(&body)).await;
            assert_eq!(answer.status, 400, "{url}");
            if !url.is_empty() {
                let message = format!("The callback URL cannot be taken: {sentence}.");
                assert_eq!(answer.message(), message);
            }
        }
        let mut changed = snapshot.clone();
        changed["callback_urls"][0]["url"] = json!(url);
        let answer = client.request("PUT", "/__sandbox/snapshot").json(&changed);
        let answer = Answer::of(answer).await;
        assert_eq!(answer.status, 400, "{url}: {}", answer.text);
        assert!(answer.message().contains(&sentence), "{}", answer.text);
    }
    let after = client.get("/__sandbox/snapshot").await.json();
    assert_eq!(after["callback_urls"], snapshot["callback_urls"]);
}

#[test]
fn a_wrong_url_in_a_file_is_refused_at_its_place() {
    // A process for each URL takes long: the reading itself is the same function.
    for url in wrong_urls().iter().filter(|url| is_plain(url)).step_by(7) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = url.replace('\\', "\\\\");
        write(
            folder.path(),
            "sandbox.toml",
            &format!("[callback_urls]\n{TYPE} = \"{url}\"\n"),
        );
        let (code, out, err) = run(&["check", &folder.path().to_string_lossy()]);
        assert_eq!(code, 1, "{url}: {out}{err}");
        assert!((out + &err).contains("sandbox.toml:2"), "{url}");
    }
}

#[test]
fn a_wrong_value_of_a_flag_is_refused_by_name() {
    for (command, flag, before, is_url) in FLAGS {
        let values = if is_url {
            wrong_urls()
        } else {
            WRONG_HOSTS.map(str::to_owned).into()
        };
        let chosen = values.iter().filter(|value| is_plain(value)).step_by(7);
        for value in chosen.filter(|value| !is_wildcard_of(flag, value)) {
            let value = format!("{before}{value}");
            let mut arguments: Vec<_> = command.split(' ').collect();
            let given = format!("{flag}={value}");
            arguments.push(&given);
            if command == "serve" {
                arguments.extend(["--port", "0", "--tls"]);
            }
            if command == "audit" {
                arguments.extend(["--type", TYPE]);
            }
            if command == "replay" {
                arguments.extend(["--suite", "documented", "--api-key", PUBLIC_KEY]);
            }
            let (code, out, err) = run(&arguments);
            assert_eq!((code, out.as_str()), (2, ""), "{given}: {err}");
            assert!(!err.contains("secret"), "{err}");
        }
    }
}

/// A list of names skips an empty one.
fn is_wildcard_of(flag: &str, value: &str) -> bool {
    value.is_empty() && flag == "--allow-egress"
}

#[test]
fn every_flag_with_a_url_a_host_or_an_address_is_in_the_list() {
    let mut all = cli::command();
    all.build();
    let mut unlisted = Vec::new();
    collect(&all, "", &mut unlisted);
    assert_eq!(unlisted, [""; 0], "add it to FLAGS");
}

/// Names the flags below a command whose value looks like a URL, a host or an address, and that are not listed.
fn collect(command: &Command, path: &str, unlisted: &mut Vec<String>) {
    for argument in command.get_arguments() {
        let Some(long) = argument
            .get_long()
            .filter(|_| argument.get_action().takes_values())
        else {
            continue;
        };
        let names = argument.get_value_names().unwrap_or_default();
        let help = argument
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let is_one = names.iter().any(|name| {
            let parts = ["URL", "HOST", "ADDR", "FROM", "IP"];
            parts
                .iter()
                .any(|part| name.split('=').any(|word| word == *part))
        }) || help.starts_with("URL of");
        let listed = FLAGS
            .iter()
            .any(|(_, flag, ..)| *flag == format!("--{long}"));
        if is_one && !listed && !OTHER_VALUES.contains(&long) {
            unlisted.push(format!("{path} --{long}"));
        }
    }
    for inner in command.get_subcommands() {
        collect(inner, &format!("{path} {}", inner.get_name()), unlisted);
    }
}

#[tokio::test]
async fn a_query_after_the_host_is_sent_with_a_slash() {
    let client = Client::start().await;
    let receiver = Receiver::start().await;
    for (end, line) in [
        ("?a=1", "POST /?a=1 HTTP/1.1"),
        ("", "POST / HTTP/1.1"),
        ("/%E2%9C%93?ids[]=1", "POST /%E2%9C%93?ids[]=1 HTTP/1.1"),
    ] {
        let url = format!("HTTP://127.0.0.1:{}{end}", receiver.port());
        let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text);
        assert_eq!(answer.json()["url"], json!(url));
        assert_eq!(receiver.so_far().last().expect("a test").line, line);
    }
}

#[tokio::test]
async fn an_entry_of_the_host_map_without_effect_is_refused_at_the_start() {
    let started = |from: &'static str, to: &'static str| async move {
        let builder = Sandbox::builder().callback_host("twice.test", "127.0.0.1");
        builder.callback_host(from, to).start().await.map(drop)
    };
    for (from, to, reason) in [
        (
            "http://a.test",
            "b.test",
            "`http://a.test` is not a host: write the host alone, without `http://` and path",
        ),
        (
            "a.test:80",
            "b.test",
            "`a.test:80` is not a host: write the host alone, without a port",
        ),
        (
            "a.test",
            "[::1]:80",
            "`[::1]:80` is not a host: write the host alone, without a port",
        ),
        (
            "*.test",
            "b.test",
            "`*.test` is not a host: no name contains `*`",
        ),
        ("", "b.test", "`` is not a host: it is empty"),
        (
            "TWICE.test.",
            "b.test",
            "the host `TWICE.test.` is mapped twice",
        ),
        (
            "a.test",
            "169.254.169.254",
            "169.254.169.254 is an address that is never called",
        ),
    ] {
        let error = started(from, to).await.expect_err("it does not start");
        let sentence = format!("`{from}={to}` in the host map has no effect: {reason}");
        assert_eq!(error.to_string(), sentence);
        let (code, _, err) = run(&[
            "serve",
            "--port",
            "0",
            "--callback-host-map",
            "twice.test=127.0.0.1",
            "--callback-host-map",
            &format!("{from}={to}"),
        ]);
        assert_eq!((code, err), (2, format!("iluma-sandbox: {sentence}\n")));
    }
    let error = Sandbox::builder()
        .allow_egress("https://a.test")
        .start()
        .await
        .map(drop);
    assert_eq!(
        error.expect_err("it does not start").to_string(),
        "`https://a.test` is not a host: write the host alone, without `http://` and path"
    );
}

#[tokio::test]
async fn a_mapped_host_is_found_in_every_spelling() {
    let receiver = Receiver::start().await;
    let client = Client::of(
        Sandbox::builder()
            .callback_host("a.test", "localhost")
            .callback_host("::2", "127.0.0.1"),
    )
    .await;
    for host in ["a.test", "A.TEST.", "[::2]", "[0:0::2]"] {
        let url = format!("http://{host}:{}/", receiver.port());
        let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.text);
    }
}
