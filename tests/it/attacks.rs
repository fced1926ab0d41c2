//! Attacks on the socket, against the binary: slow clients, too many clients, ambiguous framing.

use std::time::Duration;

use iluma_sandbox::Sandbox;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::attacked::Attacked;
use crate::raw::{Raw, RawAnswer, basic, request};
use crate::stage::BANK;

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: sandbox\r\n\r\n";
const ACCOUNT: &str = r#"{"bank_account_number":"1234567890","bank_code":"BCA"}"#;
/// The maximum number of connections.
const CONNECTIONS_MAX: usize = 10_000;

/// The first half of a request.
fn halves() -> [Vec<u8>; 2] {
    let whole = request(
        &format!("POST {BANK}"),
        &["content-type: application/json"],
        ACCOUNT.as_bytes(),
    );
    [whole[..30].to_vec(), whole[..whole.len() - 10].to_vec()]
}

#[tokio::test]
async fn hundreds_of_slow_heads_and_of_slow_bodies_stand_in_nobodys_way() {
    if !has_descriptors() {
        return;
    }
    let mut sandbox = Attacked::start(&[]).await;
    let mut slow = Vec::new();
    // The bodies come first, because they have a minute, but heads only ten seconds.
    for half in halves().into_iter().rev() {
        for _ in 0..700 {
            let mut raw = Raw::to(sandbox.address).await;
            raw.send(&half).await;
            slow.push(raw);
        }
    }
    sandbox.holds(1400).await;
    sandbox.witness_is_answered().await;
    drop(slow);
    sandbox.ends_unharmed().await;
}

/// True if the allocator of the system is glibc's.
#[cfg(target_env = "gnu")]
#[tokio::test]
async fn what_a_crowd_needed_is_given_back_to_the_system() {
    if !has_descriptors() {
        return;
    }
    let [_, slow_body] = halves();
    let mut sandbox = Attacked::start(&["--log-format", "off"]).await;
    sandbox.witness_is_answered().await;
    let before = sandbox.memory();
    let mut crowd = Vec::new();
    for _ in 0..1400 {
        let mut raw = Raw::to(sandbox.address).await;
        raw.send(&slow_body).await;
        crowd.push(raw);
    }
    sandbox.holds(1400).await;
    let meanwhile = sandbox.memory();
    assert!(
        meanwhile > before + before / 2,
        "{before} KiB, {meanwhile} KiB"
    );
    drop(crowd);
    sandbox.memory_returns_to(before).await;
    sandbox.ends_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_slow_heads_are_cut_and_a_thousand_slow_bodies_are_answered_in_their_time() {
    if !has_descriptors() {
        return; // both ends are this process's
    }
    let sandbox = Sandbox::start().await.expect("a sandbox");
    for (half, (limit, status_line)) in halves()
        .into_iter()
        .zip([(10, &b""[..]), (60, b"HTTP/1.1 408 Request Timeout\r\n")])
    {
        let mut slow = Vec::new();
        for _ in 0..1000 {
            let mut raw = Raw::connect(&sandbox).await;
            raw.send(&half).await;
            slow.push(raw);
        }
        let began = Instant::now();
        for raw in &mut slow {
            let answer = raw.rest().await;
            assert!(answer.starts_with(status_line) && answer.is_empty() == status_line.is_empty());
        }
        // In virtual time, which advances only while all tasks wait.
        let passed = began.elapsed().as_secs();
        assert!(
            (limit - 1..=limit + 3).contains(&passed),
            "{limit}: {passed}"
        );
    }
    assert_eq!(crate::raw::ask(&sandbox, HEALTH).await.status(), 200);
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    if !has_descriptors() {
        return;
    }
    for (memory, most) in [("8GiB", CONNECTIONS_MAX), ("32MiB", 41)] {
        let mut sandbox = Attacked::start(&["--memory", memory]).await;
        let mut held = Vec::new();
        // The witness has one connection. Each has sent a request, so it may be silent for longer than a new connection.
        for _ in 0..most - 1 {
            let mut raw = Raw::to(sandbox.address).await;
            raw.send(HEALTH).await;
            held.push(raw);
        }
        let mut late = Raw::to(sandbox.address).await;
        late.send(HEALTH).await;
        let mut later = Raw::to(sandbox.address).await;
        later.send(HEALTH).await;
        // Accepted connections are served. The others have no descriptor.
        sandbox.holds(most - 1).await;
        sandbox.witness_is_answered().await;
        held.truncate(most - 3);
        assert_eq!(late.answer().await.status(), 200);
        assert_eq!(later.answer().await.status(), 200);
        drop((held, late, later));
        sandbox.ends_unharmed().await;
    }
}

/// This process needs a socket for each of up to ten thousand connections, and other tests need sockets at the same
/// time. Returns false, with a message, if the process may not open so many.
fn has_descriptors() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let enough = 2 * CONNECTIONS_MAX as u64;
    let limit = getrlimit(Resource::Nofile);
    // A privileged user can raise the hard limit too.
    let at_least = |limit: Option<u64>| limit.map(|limit| limit.max(enough));
    let raised = Rlimit {
        current: at_least(limit.current),
        maximum: at_least(limit.maximum),
    };
    let has = setrlimit(Resource::Nofile, raised).is_ok();
    if !has {
        eprintln!("SKIPPED: a process may not have as many descriptors here (ulimit -Hn)");
    }
    has
}

#[tokio::test]
async fn without_descriptors_it_serves_whom_it_has_and_takes_the_others_in_when_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    crate::process::write(folder.path(), "ours.toml", OURS);
    let path = folder.path().to_str().expect("UTF-8");
    let mut sandbox = Attacked::limited("-n 64", &["--scenarios", path]).await;
    let mut more = Vec::new();
    for _ in 0..100 {
        let mut raw = Raw::to(sandbox.address).await;
        raw.send(HEALTH).await;
        more.push(raw);
    }
    while sandbox.open() < 64 {
        sandbox.witness_is_answered().await;
    }
    sandbox.witness_is_answered().await;
    // The first connections close. Then all others are served, including the last.
    for mut raw in more {
        assert_eq!(raw.answer().await.status(), 200);
    }
    // Files that could not be read without a descriptor are read again.
    let mut raw = Raw::to(sandbox.address).await;
    loop {
        raw.send(HEALTH_OF_FILES).await;
        let ready = raw.answer().await;
        if ready.json()["scenarios"] == "current" {
            break;
        }
    }
    raw.send(request(
        &format!("POST {BANK}"),
        &["x-magic-reply: OURS"],
        b"",
    ))
    .await;
    assert_eq!(raw.answer().await.status(), 422);
    drop(raw);
    let log = sandbox.ends_unharmed().await;
    assert!(log.contains("cannot accept a connection: "), "{log}");
    let told = log.matches("cannot accept a connection: ").count();
    assert!(told < 1000, "it does not spin: {told}");
}

const HEALTH_OF_FILES: &[u8] = b"GET /__sandbox/readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
const OURS: &str = "extends = \"v1.1/bank_account_data_requests\"\n\n[outcomes.OURS]\nstatus = 422\nerror = \"ours\"\n";

#[tokio::test]
async fn clients_that_reset_their_connection_anywhere_leave_nothing_behind() {
    let sandbox = Attacked::start(&[]).await;
    let whole = request(
        &format!("POST {BANK}"),
        &["content-type: application/json"],
        ACCOUNT.as_bytes(),
    );
    for end in 0..=whole.len() {
        let mut socket = TcpStream::connect(sandbox.address)
            .await
            .expect("a connection");
        socket.write_all(&whole[..end]).await.expect("it is taken");
        rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).expect("a socket");
        drop(socket); // by a RST
    }
    sandbox.ends_unharmed().await;
}

/// Its answers are not awaited: most clients that close half a connection have left, and answers may take long.
#[tokio::test]
async fn clients_that_shut_their_half_are_closed() {
    let sandbox = Attacked::start(&[]).await;
    for half in halves() {
        let mut raw = Raw::to(sandbox.address).await;
        raw.send(half).await;
        raw.shut().await;
        assert_eq!(raw.rest().await, b"");
    }
    let mut raw = Raw::to(sandbox.address).await;
    let late = request(
        &format!("POST {BANK}"),
        &["x-magic-reply: COMPLETED_FOUND;delay=10m"],
        b"",
    );
    raw.send(late).await;
    raw.shut().await;
    assert_eq!(raw.rest().await, b"");
    drop(raw);
    sandbox.ends_unharmed().await;
}

#[tokio::test]
async fn a_thousand_pipelined_requests_are_answered_in_their_order() {
    let sandbox = Attacked::start(&[]).await;
    let mut raw = Raw::to(sandbox.address).await;
    let read = |id: usize| request(&format!("GET {BANK}/{id}"), &[], b"");
    let all: Vec<u8> = (0..1000).flat_map(read).collect();
    raw.send(all).await;
    for id in 0..1000 {
        let (status, _, message) = raw.answer().await.error();
        assert_eq!(status, 404);
        assert!(
            message.contains(&format!("no record {id} in")),
            "{id}: {message}"
        );
    }
    drop(raw);
    sandbox.ends_unharmed().await;
}

/// Sent after the tested headers: a request that may or may not be hidden in the body.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Sends an ambiguously framed request. Returns the statuses of all answers until the connection is
/// closed or waits for more.
async fn statuses(sandbox: &Attacked, framing: &str) -> Vec<u16> {
    let mut raw = Raw::to(sandbox.address).await;
    let authorization = basic(iluma_sandbox::PUBLIC_KEY);
    let head = format!(
        "POST {BANK} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\ncontent-type: application/json\r\n"
    );
    raw.try_send([head.as_bytes(), framing.as_bytes()].concat())
        .await;
    let mut rest = raw.rest().await;
    let mut statuses = Vec::new();
    while !rest.is_empty() {
        let mut answer = RawAnswer::of(&rest);
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a number"));
        rest = answer.body.split_off(length);
        statuses.push(answer.status());
    }
    statuses
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a_framing_that_two_readers_could_take_in_two_ways_hides_no_request() {
    let sandbox = Attacked::start(&[]).await;
    let body = ACCOUNT;
    let (length, both) = (body.len(), body.len() + HIDDEN.len());
    let size = format!("{length:x}");
    for (framing, expected) in [
        // Correct requests, to show that the others fail because of their framing.
        (
            format!("connection: close\r\ncontent-length: {length}\r\n\r\n{body}"),
            &[200][..],
        ),
        (
            format!("content-length: {length}\r\n\r\n{body}{HIDDEN}"),
            &[200, 404],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[200, 404],
        ),
        // Two lengths.
        (
            format!("content-length: {length}\r\ncontent-length: {both}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length: {both}\r\ncontent-length: {length}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length: {length}, {both}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length: {length}\r\ncontent-length: {length}\r\n\r\n{body}{HIDDEN}"),
            &[200, 404],
        ),
        // A length and chunks: the chunks count, and nothing after them is read.
        (
            format!(
                "content-length: {both}\r\ntransfer-encoding: chunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[200],
        ),
        (
            format!(
                "transfer-encoding: chunked\r\ncontent-length: {both}\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[200],
        ),
        // Chunked encoding with a wrong name.
        (
            format!(
                "transfer-encoding: chunked, identity\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[400],
        ),
        (
            format!("transfer-encoding: xchunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[400],
        ),
        (
            format!("transfer-encoding : chunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[400],
        ),
        (
            format!("transfer-encoding: \x0bchunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[400],
        ),
        (
            format!("transfer-encoding:\r\n chunked\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[400],
        ),
        (
            format!(
                "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[400],
        ),
        // Invalid lengths.
        (
            format!("content-length: +{length}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length: 0x{size}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length: {length}\0\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length : {length}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        (
            format!("content-length:\r\n {length}\r\n\r\n{body}{HIDDEN}"),
            &[400],
        ),
        // Invalid chunks: the request is refused and its connection is closed.
        (
            format!("transfer-encoding: chunked\r\n\r\n0x{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n+{size}\r\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n{size}\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n{size}\r\n{body}0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n{size}\r\n{body}XX0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!(
                "transfer-encoding: chunked\r\n\r\n10000000000000000\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[],
        ),
        // Short extensions of a chunk are ignored.
        (
            format!(
                "transfer-encoding: chunked\r\n\r\n{size};a=b;c=\"d\"\r\n{body}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[200, 404],
        ),
        (
            format!("transfer-encoding: chunked\r\n\r\n{size};a\n{body}\r\n0\r\n\r\n{HIDDEN}"),
            &[],
        ),
        (
            format!(
                "transfer-encoding: chunked\r\n\r\n{size};{}\r\n{body}\r\n0\r\n\r\n{HIDDEN}",
                "a".repeat(20_000)
            ),
            &[],
        ),
        // A bare LF ends a line, as RFC 9112 allows.
        (
            format!("content-length: {length}\n\n{body}{HIDDEN}"),
            &[200, 404],
        ),
    ] {
        let shown = &framing[..framing.len().min(120)];
        assert_eq!(
            (statuses(&sandbox, &framing).await, shown),
            (expected.to_vec(), shown)
        );
    }
    sandbox.ends_unharmed().await;
}

#[tokio::test]
async fn a_log_on_a_full_disk_stops_nothing() {
    let mut serve = std::process::Command::new("sh");
    serve.args([
        "-c",
        "exec \"$@\" 2>/dev/full",
        "sh",
        crate::process::BINARY,
        "serve",
        "--port",
        "0",
    ]);
    let mut sandbox = Attacked::of(serve).await;
    for _ in 0..1000 {
        sandbox.witness_is_answered().await;
    }
    assert_eq!(sandbox.ends_unharmed().await, "");
}
