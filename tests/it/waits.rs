//! Everything that waits, and what ends it: its own time, its event, the end of its world, the stop of the sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use iluma_sandbox::{Expectation, Query, Sandbox};
use serde_json::{Value, json};

use crate::patience::patiently;
use crate::raw::{Raw, RawAnswer, ask, request, request_as};
use crate::receiver::{Reaction, Receiver, StandingClock};
use crate::stage::{BANK, TYPE};

/// A request that waits.
struct WaitingRequest {
    line: &'static str,
    header: &'static str,
    body: Value,
    /// The status when the wait is over.
    expired: u16,
    /// Whether it waits for something in a world. Then it ends with the world.
    is_in_world: bool,
}

/// Every kind of waiting request. All but `events` have a time of their own: `wait`, `never_within`, or a limit of
/// docs/reliability.md.
fn waiting_requests(receiver: &str) -> Vec<WaitingRequest> {
    let control = |line, body, expired, is_in_world| WaitingRequest {
        line,
        header: "x-a: b",
        body,
        expired,
        is_in_world,
    };
    let product = |line, header, body, expired, is_in_world| WaitingRequest {
        header,
        ..control(line, body, expired, is_in_world)
    };
    let of_status = json!({"status": 599});
    vec![
        control(
            "GET /__sandbox/requests?status=599&wait=60s",
            Value::Null,
            408,
            true,
        ),
        control(
            "GET /__sandbox/requests?world=strangers&status=599&wait=60s",
            Value::Null,
            408,
            false,
        ),
        control(
            "POST /__sandbox/verify",
            json!({"request": of_status, "wait": "60s"}),
            417,
            true,
        ),
        control(
            "POST /__sandbox/verify",
            json!({"request": of_status, "never_within": "60s"}),
            200,
            true,
        ),
        control(
            "GET /__sandbox/deliveries?state=delivered&wait=60s",
            Value::Null,
            408,
            true,
        ),
        control("GET /__sandbox/idle?wait=60s", Value::Null, 408, true),
        control(
            "GET /__sandbox/inbox/empty?wait=60s",
            Value::Null,
            408,
            false,
        ),
        control(
            "POST /__sandbox/clock",
            json!({"now": "2026-02-01T00:00:00Z"}),
            200,
            true,
        ),
        control(
            "POST /__sandbox/clock/advance",
            json!({"by": "1h"}),
            200,
            true,
        ),
        control("GET /__sandbox/events", Value::Null, 200, false),
        product(
            "POST /v1/callback/urls",
            "content-type: application/json",
            json!({"type": TYPE, "url": receiver}),
            400,
            true,
        ),
        product(
            "POST /v1.1/identity/bank_account_data_requests",
            "x-magic-reply: COMPLETED_FOUND; callback=early",
            Value::Null,
            200,
            true,
        ),
        product(
            "POST /v1.1/identity/bank_account_data_requests",
            "x-magic-reply: COMPLETED_FOUND; delay=10m",
            Value::Null,
            200,
            false,
        ),
        product(
            "POST /v1.1/identity/bank_account_data_requests",
            "x-magic-reply: COMPLETED_FOUND; fault=slow(1b/s)",
            Value::Null,
            200,
            false,
        ),
    ]
}

/// Control routes that are answered by async code and wait only for what they cancel themselves, or for the disk.
const BRIEF_ROUTES: [&str; 12] = [
    "DELETE worlds",
    "GET coverage",
    "GET export",
    "GET inbox",
    "GET metrics",
    "GET readyz",
    "GET snapshot",
    "GET worlds",
    "POST reset",
    "POST state",
    "POST worlds",
    "PUT snapshot",
];

/// The async methods of the library, and what ends each of them besides its event.
const METHODS: &[(&str, &str)] = &[
    (
        "advance",
        "the stop; the end of the world; 30 s for each receiver",
    ),
    ("delivered", "its time; the end of the world; the stop"),
    ("end", "it cancels what it waits for"),
    ("idle", "its time; the end of the world; the stop"),
    ("idle_within", "its time; the end of the world; the stop"),
    ("next", "its time"),
    ("next_within", "its time"),
    (
        "reloaded",
        "the end of the sandbox, which cannot come before it: it borrows the sandbox",
    ),
    ("reset", "it cancels what it waits for"),
    ("start", "it waits for nothing but the system"),
    ("stop", "5 s"),
    ("verify_within", "its time; the end of the world; the stop"),
    ("wait_for", "its time; the end of the world; the stop"),
    (
        "wait_for_within",
        "its time; the end of the world; the stop",
    ),
];

/// The files of `src` that wait for a time, a change or a turn, with the number of places, and what ends them.
const FILES: &[(&str, usize, &str)] = &[
    ("base/in_flight.rs", 1, "a second"),
    (
        "cli/replay/run.rs",
        1,
        "nothing: the time of a replay passes at once",
    ),
    (
        "server/recording/recording_writer.rs",
        2,
        "the next event; the stop",
    ),
    (
        "base/turns.rs",
        3,
        "another calculation ends; its turn, a millisecond",
    ),
    ("callbacks/advance.rs", 4, "running attempts end; the stop"),
    (
        "callbacks/connect.rs",
        2,
        "the next address is tried; the time of a receiver",
    ),
    ("callbacks/egress.rs", 1, "the time of a receiver"),
    (
        "callbacks/resolver.rs",
        4,
        "the time of a lookup's turn; the time of a receiver",
    ),
    (
        "callbacks/run.rs",
        6,
        "a turn, a due time, a reset, the stop",
    ),
    ("catalogue/watch.rs", 2, "a second; the end of the sandbox"),
    ("cli/audit/battery.rs", 2, "the time between two tries"),
    (
        "cli/client.rs",
        2,
        "the time that the server was given, and 10 s",
    ),
    (
        "cli/control/events.rs",
        1,
        "the sandbox says nothing for longer than it keeps silent",
    ),
    (
        "cli/control/tail.rs",
        2,
        "--reconnect; the next event; Ctrl-C",
    ),
    ("cli/doctor/clients.rs", 1, "10 s"),
    ("cli/doctor/network.rs", 1, "3 s"),
    ("cli/doctor/port.rs", 2, "2 s"),
    ("cli/os.rs", 3, "a signal, which is what stops"),
    ("cli/port_holder.rs", 1, "the time for one answer"),
    ("cli/readyz.rs", 2, "--timeout"),
    ("cli/replay/against/remote.rs", 1, "the time for an answer"),
    (
        "cli/replay/against/sending.rs",
        2,
        "the pause of --rate; the time that a record had then, a minute at most",
    ),
    (
        "cli/process.rs",
        3,
        "memory is given back until the process ends",
    ),
    ("cli/trigger.rs", 1, "--wait"),
    ("cli/try_out.rs", 1, "the time for one answer"),
    ("control/events.rs", 5, "the client goes; the stop"),
    (
        "control/unsent.rs",
        3,
        "a reload; a world of the state file; the stop",
    ),
    (
        "control/upload_store.rs",
        1,
        "a minute; an earlier end of the uploads",
    ),
    (
        "sandbox/receiver.rs",
        2,
        "its time; the end of the receiver",
    ),
    ("sandbox/blocking.rs", 2, "as `wait_for` of a world; 5 s"),
    ("sandbox/sandbox.rs", 1, "a reload"),
    ("sandbox/worlds.rs", 1, "as `wait_for` of a world"),
    ("server/accept.rs", 5, "the stop, and 5 s"),
    ("server/body.rs", 1, "a second"),
    ("server/connection/http2.rs", 1, "20 s"),
    (
        "server/follow_up.rs",
        1,
        "5 s; the end of the world; the stop",
    ),
    ("server/pace.rs", 2, "the time for a body"),
    ("server/sabotage.rs", 5, "the delay; a second; the stop"),
    ("server/stop_signal.rs", 1, "the stop"),
    (
        "server/state/keeper.rs",
        3,
        "a minute; the stop; the end of the requests in flight",
    ),
    ("server/tls/authority_folder.rs", 1, "5 s"),
    ("world/watchers.rs", 1, "the stream that waits ends"),
];

/// The waits of `world`, which all others use.
const FILES_OF_WORLD: &[(&str, usize, &str)] = &[
    (
        "world/journal/wait.rs",
        3,
        "a new request; it has been shown to those who wait; their time",
    ),
    (
        "world/waiting.rs",
        4,
        "its time; the end of the world; the stop",
    ),
    ("world/world.rs", 2, "attempts that were called back"),
    ("world/worlds.rs", 1, "another sum ends"),
];

fn key(number: usize) -> String {
    format!("iluma_development_{number:040}")
}

struct Waiters {
    sandbox: Sandbox,
    _receiver: Receiver,
    _clock: StandingClock,
    open: Vec<(WaitingRequest, Raw)>,
}

/// Sends every waiting request in a world of its own. In each, a callback hangs.
async fn all_waiting() -> Waiters {
    let clock = StandingClock::hold();
    let receiver = Receiver::that(Reaction::Hang).await;
    let sandbox = Sandbox::builder()
        .callback(TYPE, receiver.url())
        .start()
        .await;
    let sandbox = sandbox.expect("a sandbox");
    let mut open = Vec::new();
    for (at, waiting) in waiting_requests(&receiver.url_text())
        .into_iter()
        .enumerate()
    {
        let key = key(at);
        let trigger = json!({"type": TYPE}).to_string();
        let trigger = request_as(&key, "POST /__sandbox/trigger", &[], trigger.as_bytes());
        assert_eq!(ask(&sandbox, trigger).await.status(), 202);
        let body = match &waiting.body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut raw = Raw::connect(&sandbox).await;
        raw.send(request_as(
            &key,
            waiting.line,
            &[waiting.header],
            body.as_bytes(),
        ))
        .await;
        open.push((waiting, raw));
    }
    for _ in 0..3 {
        ask(&sandbox, request("GET /health", &[], b"")).await; // whatever came before has been read by now
    }
    Waiters {
        sandbox,
        _receiver: receiver,
        _clock: clock,
        open,
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_every_request_that_waits_as_if_its_time_were_over() {
    let waiters = all_waiting().await;
    patiently(waiters.sandbox.stop())
        .await
        .expect("nothing holds the stop");
    for (waiting, mut raw) in waiters.open {
        let answer = RawAnswer::of(&raw.rest().await);
        let line = waiting.line;
        assert_eq!(
            answer.status(),
            waiting.expired,
            "{line}: {}",
            answer.text()
        );
        if line.contains("events") {
            let end = "0\r\n\r\n";
            assert!(answer.text().ends_with(end), "{}", answer.text());
        } else {
            let length = answer.body.len().to_string();
            assert_eq!(answer.header("content-length"), Some(&*length), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_is_dropped_answers_every_request_that_waits() {
    let waiters = all_waiting().await;
    drop(waiters.sandbox);
    for (waiting, mut raw) in waiters.open {
        let answer = RawAnswer::of(&raw.rest().await);
        assert_eq!(answer.status(), waiting.expired, "{}", waiting.line);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_world_answers_every_request_that_waits_for_something_in_it() {
    let waiters = all_waiting().await;
    for (at, (waiting, mut raw)) in waiters.open.into_iter().enumerate() {
        let end = request_as(&key(at), "DELETE /__sandbox/worlds", &[], b"");
        let ended = ask(&waiters.sandbox, end).await;
        assert_eq!(ended.status(), 200, "{}", waiting.line);
        if waiting.is_in_world {
            // What `idle` waits for has ended with the world.
            let ended = if waiting.line.contains("idle") {
                200
            } else {
                waiting.expired
            };
            assert_eq!(raw.answer().await.status(), ended, "{}", waiting.line);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_and_the_end_of_a_world_end_the_waits_of_the_library() {
    let clock = StandingClock::hold();
    for stops in [true, false] {
        let receiver = Receiver::that(Reaction::Hang).await;
        let builder = Sandbox::builder().callback(TYPE, receiver.url());
        let sandbox = builder.start().await.expect("a sandbox");
        let world = sandbox.world();
        world.trigger(json!({"type": TYPE}));
        receiver.open(1).await;
        let hour = Duration::from_hours(1);
        let once = Expectation::at_least(1, Query::any());
        let end = async {
            tokio::task::yield_now().await;
            if stops {
                sandbox.stop().await;
            } else {
                world.end().await;
            }
        };
        let all = async {
            tokio::join!(
                world.wait_for_within(hour, Query::any()),
                world.verify_within(hour, &once),
                world.idle_within(hour),
                world.advance(hour),
                end,
            )
        };
        let (waited, verified, idle, tried, ()) = patiently(all).await.expect("all end");
        let came = "expected at least 1 request with anything, but no request came";
        let messages = [waited.map(drop), verified.map(drop)]
            .map(|one| one.expect_err("nothing came").message);
        assert_eq!(messages, [came, came]);
        assert_eq!(idle.is_err(), stops, "{idle:?}");
        assert_eq!(tried, []);
    }
    drop(clock);
}

#[tokio::test]
async fn a_request_during_the_stop_is_answered_and_its_connection_is_closed() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let mut raw = Raw::connect(&sandbox).await;
    let post = request(
        &format!("POST {BANK}"),
        &["x-magic-reply: COMPLETED_FOUND"],
        b"",
    );
    raw.send(&post[..20]).await;
    ask(&sandbox, request("GET /health", &[], b"")).await; // the first bytes have been read by now
    let stopped = tokio::spawn(sandbox.stop());
    tokio::task::yield_now().await;
    raw.send(&post[20..]).await;
    let answer = RawAnswer::of(&raw.rest().await);
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (200, Some("close"))
    );
    stopped.await.expect("it stops");
}

#[test]
fn every_route_that_waits_is_in_the_list() {
    let listed: BTreeSet<String> = waiting_requests("http://127.0.0.1:9/")
        .iter()
        .filter_map(|one| {
            let (method, path) = one.line.split_once(" /__sandbox/")?;
            let path = path
                .split('?')
                .next()
                .expect("a path")
                .replace("/empty", "/{name}");
            Some(format!("{method} {path}"))
        })
        .collect();

    let document = include_str!("../../src/control/openapi.json");
    let document: Value = serde_json::from_str(document).expect("JSON");
    let operations = document["paths"].as_object().expect("paths").iter();
    let waits = operations.flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").iter();
        let waits = methods.filter(|(_, operation)| {
            let text = operation.to_string();
            text.contains("parameters/Wait") || text.contains("schemas/Verification")
        });
        waits.map(move |(method, _)| format!("{} {}", method.to_uppercase(), &path[1..]))
    });
    let documented: BTreeSet<_> = waits.collect();
    assert!(documented.len() >= 5, "{documented:?}");
    assert_eq!(documented.difference(&listed).collect::<Vec<_>>(), [""; 0]);

    // A row of the table such as `get("idle", OwnWorldAsync(…`, also if the row is broken into lines.
    let routes = include_str!("../../src/control/routes.rs");
    let (_, routes) = routes.split_once("static ROUTES").expect("the table");
    let (routes, _) = routes.split_once("];").expect("its end");
    let rows = routes.lines().filter(|row| row.contains("Async("));
    let route = |row: &str| {
        let (method, rest) = row.trim().split_once("(\"")?;
        Some(format!(
            "{} {}",
            method.to_uppercase(),
            rest.split('"').next()?
        ))
    };
    let may_wait: BTreeSet<_> = rows.filter_map(route).collect();
    assert!(may_wait.len() > 10, "{may_wait:?}");
    let brief = BRIEF_ROUTES.map(str::to_owned).into();
    let events = "GET events".to_owned(); // it streams
    let expected: BTreeSet<_> = listed.union(&brief).cloned().collect();
    let found: BTreeSet<_> = may_wait.into_iter().chain([events]).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_async_method_of_the_library_is_in_the_list() {
    let mut found = BTreeSet::new();
    for (_, text) in sources("sandbox") {
        let methods = text.split("pub async fn ").skip(1);
        found.extend(methods.filter_map(|text| text.split('(').next().map(str::to_owned)));
    }
    let listed: BTreeSet<_> = METHODS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_place_that_waits_is_in_the_list() {
    const WORDS: [&str; 14] = [
        ".closed()",
        ".changed()",
        ".wait_for(",
        ".notified()",
        "timeout(",
        "timeout_at(",
        ".acquire()",
        ".acquire_owned()",
        ".recv()",
        "recv_timeout(",
        ".lock().await",
        "sleep(",
        "sleep_until(",
        "join_next()",
    ];
    let mut found = BTreeMap::new();
    for (path, text) in sources("")
        .into_iter()
        .filter(|(path, _)| !path.starts_with("fuzzing"))
    {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"));
        let waits = lines.filter(|line| WORDS.iter().any(|word| line.contains(word)));
        let waits = waits
            .filter(|line| !line.contains("world.changed();") && !line.contains("self.changed();"));
        let count = waits.filter(|line| !line.contains("try_join_next")).count();
        if count > 0 {
            found.insert(path, count);
        }
    }
    let listed = FILES.iter().chain(FILES_OF_WORLD);
    let listed: BTreeMap<_, _> = listed
        .map(|(path, count, _)| ((*path).to_owned(), *count))
        .collect();
    assert_eq!(found, listed, "say in the list what ends the new wait");
}

/// The files of a folder of `src`, with their paths.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("it is below");
                let name = name.to_str().expect("UTF-8").replace('\\', "/");
                files.push((name, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    files
}
