//! Every sentence of the documents that promises a line of the log is in this list, with its proof.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::json;

use crate::process::{Process, write};
use crate::raw::Raw;
use crate::secure::address;

/// What shows that a promise is kept.
enum Proof {
    /// A sandbox of the test below logs these words, because of this event.
    Log(Event, &'static str),
    /// The test of this name, in this file.
    Test(&'static str, &'static str),
    /// The sentence is about another log.
    OtherLog,
}

#[derive(Clone, Copy, PartialEq)]
enum Event {
    Fault,
    ForeignPage,
    BrokenReload,
    Request,
    Callback,
    RefusedUrl,
    CutAtStop,
}

const EVENTS: [Event; 7] = [
    Event::Fault,
    Event::ForeignPage,
    Event::BrokenReload,
    Event::Request,
    Event::Callback,
    Event::RefusedUrl,
    Event::CutAtStop,
];

use Event::{BrokenReload, Callback, CutAtStop, Fault, ForeignPage, RefusedUrl, Request};
use Proof::{Log, OtherLog, Test};

/// The document, the words of the sentence, and the proof.
const PROMISES: &[(&str, &str, Proof)] = &[
    (
        "docs/faults.md",
        "The log and the journal (`fault`, `delay`) always have it",
        Log(Fault, "fault=\"malformed\""),
    ),
    (
        "docs/scenario-format.md",
        "The mistake is logged and shown",
        Log(BrokenReload, "scenarios not reloaded"),
    ),
    (
        "docs/scenario-format.md",
        "logs the warnings at the start and at each reload",
        Test(
            "warnings",
            "a_sandbox_serves_in_spite_of_a_warning_and_says_it_in_the_log_and_by_readyz",
        ),
    ),
    (
        "docs/worlds.md",
        "If it cannot be written, the log says",
        Test(
            "state_process",
            "a_file_that_cannot_be_written_is_reported_once_and_ends_the_process_with_1",
        ),
    ),
    (
        "docs/replay.md",
        "If the disk is full, the log says so once",
        Test(
            "record",
            "a_full_disk_is_reported_once_in_the_log_and_in_readyz_and_the_sandbox_goes_on",
        ),
    ),
    (
        "docs/reliability.md",
        "the log says it once, `readyz` says it until a write succeeds",
        Test(
            "state_process",
            "a_file_that_cannot_be_written_is_reported_once_and_ends_the_process_with_1",
        ),
    ),
    (
        "docs/personal-data.md",
        "the log has no contents of requests",
        Test("logging", "nothing_that_a_client_made_up_is_in_the_log"),
    ),
    (
        "docs/command-line.md",
        "Format of the log on stderr",
        Test(
            "logging",
            "every_exchange_of_the_journal_has_exactly_one_line",
        ),
    ),
    (
        "docs/how-requests-are-read.md",
        "The log and the explanation say so too",
        Log(ForeignPage, "hint="),
    ),
    (
        "docs/log-and-metrics.md",
        "The log has a line for each request",
        Log(Request, "INFO answered trace="),
    ),
    (
        "docs/log-and-metrics.md",
        "and a line for each attempt of a callback",
        Log(
            Callback,
            "WARN callback dlv_1 → 127.0.0.1:9/cb: connection refused, try 1 of 2, next in 3600s",
        ),
    ),
    (
        "docs/log-and-metrics.md",
        "A callback URL that is refused has a line of the log",
        Log(RefusedUrl, "WARN callback URL 127.0.0.1:9/cb: refused"),
    ),
    (
        "docs/log-and-metrics.md",
        "failed TLS handshake are lines of the log",
        Test(
            "logging",
            "a_tls_handshake_that_fails_has_a_line_with_its_reason",
        ),
    ),
    (
        "docs/log-and-metrics.md",
        "`--log-format json` every line of the log",
        Test("logging", "with_json_every_error_of_a_start_is_json"),
    ),
    (
        "docs/log-and-metrics.md",
        "Nothing in the log is personal",
        Test("logging", "nothing_that_a_client_made_up_is_in_the_log"),
    ),
    (
        "docs/command-line.md",
        "If the port cannot be opened at `::1`, the log says so",
        Test(
            "loopbacks",
            "a_fixed_port_that_is_taken_at_the_second_address_is_a_warning",
        ),
    ),
    (
        "docs/command-line.md",
        "is ignored if the variable cannot have a URL, and the log says so",
        Test(
            "variables",
            "a_url_in_a_variable_that_takes_none_is_ignored_with_one_line_in_the_log",
        ),
    ),
    (
        "docs/reliability.md",
        "the sandbox listens at 127.0.0.1 only, and the log says so",
        Test(
            "loopbacks",
            "a_fixed_port_that_is_taken_at_the_second_address_is_a_warning",
        ),
    ),
    (
        "docs/ci.md",
        "The log of the sandbox shows",
        Log(Request, "INFO answered trace="),
    ),
    (
        "docs/ci.md",
        "So the log of the sandbox is off",
        Test(
            "exec",
            "the_log_of_the_sandbox_is_on_stderr_when_it_is_asked_for",
        ),
    ),
    (
        "docs/https.md",
        "it is renewed with the same key, and the log says so",
        Test(
            "tls_files",
            "a_certificate_that_is_missing_or_near_its_end_is_made_anew_by_the_same_key",
        ),
    ),
    (
        "docs/troubleshooting.md",
        "the log says which `ILUMA_SANDBOX_…` is unknown",
        Test(
            "variables",
            "a_url_in_a_variable_that_takes_none_is_ignored_with_one_line_in_the_log",
        ),
    ),
    (
        "docs/troubleshooting.md",
        "The log says whether the port could be",
        Test(
            "loopbacks",
            "a_fixed_port_that_is_taken_at_the_second_address_is_a_warning",
        ),
    ),
    (
        "docs/production.md",
        "recorded fixtures or debug logs",
        OtherLog,
    ),
    ("docs/ci.md", "the log of the job hides it", OtherLog),
    ("docs/reliability.md", "in a line of the log", OtherLog),
    ("docs/reliability.md", "the log has no panic", OtherLog),
    (
        "docs/reliability.md",
        "and the log says how many",
        Log(CutAtStop, "1 connections were cut after 5 s"),
    ),
    (
        "docs/reliability.md",
        "finished deliveries in the log of a world",
        OtherLog,
    ),
    (
        "docs/reliability.md",
        "the log, `deliveries`, `idle` and `readyz` say so",
        Test(
            "callback_order",
            "the_world_with_most_pending_callbacks_gives_way_and_everything_says_so",
        ),
    ),
    (
        "docs/reliability.md",
        "The log has the place and the backtrace",
        Test(
            "panics",
            "a_panic_costs_the_request_that_met_it_and_its_world_stays_usable",
        ),
    ),
    ("SECURITY.md", "is_logged_in_plain_words", OtherLog),
    (
        "SECURITY.md",
        "The log has no key (except the documentation's",
        Test(
            "command_line",
            "neither_keys_nor_tokens_nor_personal_fields_are_logged",
        ),
    ),
];

/// How a document speaks of the log.
const WORDS: &str = r"(?i)\bthe log\b|\blogs\b|\b(?:is|are) logged\b|is_logged";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).expect("a folder");
    let docs = docs.map(|one| format!("docs/{}", one.expect("a file").file_name().display()));
    let docs = docs.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
    ["README.md".to_owned(), "SECURITY.md".to_owned()]
        .into_iter()
        .chain(docs)
        .collect()
}

#[test]
fn every_sentence_that_promises_a_line_of_the_log_has_a_proof() {
    let words = Regex::new(WORDS).expect("a pattern");
    let mut breaches = Vec::new();
    for name in documents() {
        let text = fs::read_to_string(root().join(&name)).expect("a document");
        for (at, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| words.is_match(line))
        {
            let mut known = PROMISES.iter().filter(|(document, ..)| *document == name);
            if !known.any(|(_, quote, _)| line.contains(quote)) {
                breaches.push(format!("{name}:{}: not in the list: {line}", at + 1));
            }
        }
        for (_, quote, proof) in PROMISES.iter().filter(|(document, ..)| *document == name) {
            if !text.contains(quote) {
                breaches.push(format!("{name} no longer says `{quote}`"));
            }
            if let Test(file, test) = proof {
                let tests = fs::read_to_string(root().join(format!("tests/it/{file}.rs")));
                if !tests
                    .expect("a file of tests")
                    .contains(&format!("fn {test}"))
                {
                    breaches.push(format!("`{quote}`: there is no test {file}::{test}"));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[tokio::test]
async fn the_log_has_what_the_documents_promise() {
    for event in EVENTS {
        let log = log_after(event).await;
        for (document, quote, proof) in PROMISES {
            if let Log(needs, words) = proof
                && *needs == event
            {
                assert!(log.contains(words), "{document}: `{quote}`: {log}");
            }
        }
    }
}

/// The log of a sandbox in which this happened.
async fn log_after(event: Event) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let callback = "NAME_VALIDATOR_REQUEST=http://127.0.0.1:9/cb";
    let retries = "--callback-retries=1h";
    let mut process = Process::serve(&["--scenarios", dir, retries, "--callback", callback]);
    let bank = format!("{}/v1.1/identity/bank_account_data_requests", process.url);
    let urls = format!("{}/v1/callback/urls", process.url);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let key =
        |request: reqwest::RequestBuilder| request.basic_auth(iluma_sandbox::PUBLIC_KEY, Some(""));
    let send = async |request: reqwest::RequestBuilder| {
        key(request).send().await.expect("an answer").status()
    };
    let found = client
        .post(&bank)
        .header("x-magic-reply", "COMPLETED_FOUND");
    match event {
        Event::Fault => {
            send(
                client
                    .post(&bank)
                    .header("x-magic-reply", "COMPLETED_FOUND; fault=malformed"),
            )
            .await;
        }
        Event::ForeignPage => {
            send(found.header("origin", "https://shop.example")).await;
        }
        Event::BrokenReload => {
            write(folder.path(), "mine.toml", "extends = \"nothing\"\n");
            process.wait_for_log("not reloaded");
        }
        Event::Request => {
            send(found).await;
        }
        Event::Callback => {
            send(found).await;
            process.wait_for_log("callback dlv_1");
        }
        Event::CutAtStop => {}
        Event::RefusedUrl => {
            let body = json!({"type": "NAME_VALIDATOR_REQUEST", "url": "http://127.0.0.1:9/cb"});
            send(client.post(&urls).json(&body)).await;
        }
    }
    let open = open_body(event, &process.url).await;
    let log = process.terminate().2;
    drop(open);
    log
}

/// A connection whose body is never complete.
async fn open_body(event: Event, url: &str) -> Option<Raw> {
    if event != Event::CutAtStop {
        return None;
    }
    let mut raw = Raw::to(address(url)).await;
    let head = "POST /__sandbox/reset HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    raw.send(head).await;
    raw.head().await; // the sandbox waits for the body now
    Some(raw)
}
