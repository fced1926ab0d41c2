//! `--memory` bounds what clients can make the sandbox hold, and large requests leave room for small ones.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{ResponseFuture, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, StatusCode};
use iluma_sandbox::{Memory, PUBLIC_KEY, Sandbox};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Answer, Client};
use crate::process::run;
use crate::raw::{Raw, basic, request};
use crate::stage::BANK;

const NEVER_ROOM: &str = "The request or its reply needs more memory than there is for all that are in flight (--memory): give the sandbox more, or send less.";

const NO_ROOM: &str = "Requests and replies in flight hold all the memory that there is for them (--memory): send the request again later.";

/// Of this setting, 5.5 MiB are for large requests and replies in flight and for those that last, 2 MiB for small
/// ones, and half a MiB for refusals.
fn little() -> Memory {
    "48MiB".parse().expect("a size")
}

async fn start() -> Client {
    Client::of(Sandbox::builder().memory(little())).await
}

/// Senders of JSON bodies that hold `bytes` each and never end.
async fn unfinished(client: &Client, count: usize, bytes: usize) -> Vec<Raw> {
    let kind = ["content-type: application/json", "content-length: 900000"];
    let head = request(&format!("POST {BANK}"), &kind, b"");
    let mut senders = Vec::new();
    for _ in 0..count {
        let mut raw = Raw::connect(&client.sandbox).await;
        raw.send(&head).await;
        raw.send(vec![b' '; bytes]).await;
        senders.push(raw);
    }
    senders
}

async fn large(client: &Client) -> Answer {
    let text = "9".repeat(100_000);
    client
        .post(
            BANK,
            &json!({"bank_account_number": text, "bank_code": "BCA"}),
        )
        .await
}

/// Waits until all that was sent has been read: then a large request finds no room.
async fn refused(client: &Client) -> Answer {
    loop {
        let answer = large(client).await;
        if answer.status == 503 {
            return answer;
        }
    }
}

#[test]
fn a_size_is_read_in_all_its_spellings_and_a_wrong_one_is_refused() {
    for (text, bytes) in [
        ("32MiB", 32 << 20),
        ("48 MiB", 48 << 20),
        ("1g", 1 << 30),
        ("2GiB", 2 << 30),
        ("100MB", 100_000_000),
        ("33554432", 32 << 20),
        ("40000k", 40_000 << 10),
    ] {
        assert_eq!(text.parse().map(Memory::bytes), Ok(bytes), "{text}");
    }
    for (text, reason) in [
        ("31MiB", "a sandbox needs at least 32MiB"),
        ("0", "a sandbox needs at least 32MiB"),
        (
            "",
            "`` is no size: write `512MiB`, `2G` or a number of bytes",
        ),
        (
            "much",
            "`much` is no size: write `512MiB`, `2G` or a number of bytes",
        ),
        (
            "64 MiB!",
            "`64 MiB!` is no size: write `512MiB`, `2G` or a number of bytes",
        ),
        (
            "-1",
            "`-1` is no size: write `512MiB`, `2G` or a number of bytes",
        ),
        (
            "1.5G",
            "`1.5G` is no size: write `512MiB`, `2G` or a number of bytes",
        ),
    ] {
        assert_eq!(text.parse::<Memory>(), Err(reason.to_owned()));
        let (code, _, error) = run(&["serve", "--port", "0", &format!("--memory={text}")]);
        assert_eq!(code, 2, "{text}: {error}");
        assert!(error.contains(reason) || text.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn unfinished_bodies_share_one_part_of_the_memory_and_small_requests_go_on() {
    let client = start().await;
    let senders = unfinished(&client, 90, 64 << 10).await;
    let answer = refused(&client).await;
    assert_eq!(
        (answer.header("x-sandbox-error"), answer.message().as_str()),
        (Some("memory"), NO_ROOM)
    );
    assert_eq!(answer.json()["error_code"], "SERVICE_UNAVAILABLE_ERROR");
    let small = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(small.status, 200, "{}", small.text);
    let control = client
        .post(
            "/__sandbox/verify",
            &json!({"padding": "x".repeat(100_000)}),
        )
        .await;
    assert_eq!(
        (control.status, control.header("x-sandbox-error")),
        (503, Some("memory"))
    );
    assert_eq!(
        control.json(),
        json!({"error": "memory", "message": NO_ROOM})
    );
    drop(senders);
    while large(&client).await.status == 503 {}
}

#[tokio::test]
async fn a_request_waits_for_room_and_gets_it() {
    let client = start().await;
    let senders = unfinished(&client, 90, 64 << 10).await;
    refused(&client).await;
    let (answer, ()) = tokio::join!(large(&client), async {
        tokio::task::yield_now().await;
        drop(senders);
    });
    assert_ne!(answer.status, 503, "{}", answer.text);
}

#[tokio::test]
async fn a_request_that_waits_holds_nothing_of_a_large_head() {
    let client = start().await;
    let padding = "x".repeat(54_000);
    let mut waiting = Vec::new();
    for turn in 1..=3_u64 {
        for _ in 0..30 {
            let request = client
                .request("GET", "/__sandbox/requests?wait=60s&count=9")
                .header("x-padding", &padding);
            waiting.push(tokio::spawn(Answer::of(request)));
        }
        // Each holds 4 KiB and a little. Before it waits, it holds its whole head.
        let most = turn * 30;
        while !(most << 12..(most * 6) << 10).contains(&held(&client).await) {}
    }
    for one in &waiting {
        assert!(!one.is_finished(), "it waits");
        one.abort();
    }
}

/// What requests and replies in flight hold.
async fn held(client: &Client) -> u64 {
    let ready = client.get("/__sandbox/readyz").await.json();
    ready["in_flight"]["bytes"].as_u64().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn a_large_reply_that_nobody_reads_gives_its_memory_back_after_a_minute() {
    let client = Client::start().await;
    for number in 0..1000 {
        let body = json!({"bank_account_number": format!("{number:0>4000}"), "bank_code": "BCA"});
        client.post(BANK, &body).await;
    }
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let socket = socket
        .connect(client.sandbox.address())
        .await
        .expect("a connection");
    let mut raw = Raw::of(socket);
    raw.send(request("GET /__sandbox/requests?limit=1000", &[], b""))
        .await;
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(held(&client).await > 4 << 20);
    tokio::time::sleep(Duration::from_secs(62)).await;
    assert!(held(&client).await < 16 << 10);
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|text| text.parse().ok()).expect("a length");
    assert!(raw.rest().await.len() < length, "the connection was cut");
}

/// A connection whose client reads so many bytes of each reply.
async fn http2(client: &Client, window: u32) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(client.sandbox.address()).await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (sender, connection) = builder
        .handshake(socket.expect("a connection"))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn asked(client: &Client, method: &str, path: &str) -> Request<()> {
    Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", client.sandbox.address()))
        .header(AUTHORIZATION, basic(PUBLIC_KEY))
        .header(CONTENT_TYPE, "application/json")
        .body(())
        .expect("a request")
}

/// Sends the beginning of a body. Returns the reply, and checks that the client is told to stop sending.
async fn refused_while_it_is_sent(client: &Client, bytes: usize) -> hyper::Response<()> {
    let mut sender = http2(client, 1 << 16).await.ready().await.expect("ready");
    let request = asked(client, "POST", BANK);
    let (answer, mut body) = sender.send_request(request, false).expect("sent");
    body.send_data(vec![b' '; bytes].into(), false)
        .expect("it is sent when the sandbox reads it");
    let (head, mut content) = answer.await.expect("an answer").into_parts();
    let mut whole = Vec::new();
    while let Some(piece) = content.data().await {
        whole.extend_from_slice(&piece.expect("the reply is whole"));
    }
    serde_json::from_slice::<serde_json::Value>(&whole).expect("JSON");
    let reset = std::future::poll_fn(|context| body.poll_reset(context)).await;
    assert_eq!(reset.expect("a reset"), Reason::NO_ERROR);
    hyper::Response::from_parts(head, ())
}

#[tokio::test]
async fn over_http2_a_refused_body_need_not_end_before_its_reply_comes() {
    let client = start().await;
    let answer = refused_while_it_is_sent(&client, 1_100_000).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let senders = unfinished(&client, 90, 64 << 10).await;
    refused(&client).await;
    let answer = refused_while_it_is_sent(&client, 60_000).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["x-sandbox-error"], "memory");
    drop(senders);
}

/// Requests over HTTP/2 on new connections, 100 on each. Nothing of their replies but the heads is read.
async fn unread(client: &Client, count: usize) -> Vec<ResponseFuture> {
    let mut answers = Vec::new();
    for _ in 0..count / 100 {
        let mut sender = http2(client, 0).await;
        for _ in 0..100 {
            sender = sender.ready().await.expect("ready");
            let request = asked(client, "GET", "/__sandbox/readyz");
            let (answer, _) = sender.send_request(request, true).expect("sent");
            answers.push(answer);
        }
    }
    answers
}

#[tokio::test]
async fn a_stream_of_http2_holds_its_memory_until_its_reply_is_read() {
    let client = start().await;
    let mut held_open = Vec::new();
    for answer in unread(&client, 100).await {
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        held_open.push(answer);
    }
    let most = 8 << 10;
    assert!((100 * most..101 * most).contains(&held(&client).await));
    drop(held_open);
    while held(&client).await > most {}
}

#[tokio::test]
async fn a_head_of_a_stream_counts_before_anybody_looks_at_it() {
    let client = start().await;
    let mut answers = JoinSet::new();
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let mut sender = http2(&client, 0).await;
        for _ in 0..100 {
            sender = sender.ready().await.expect("ready");
            let mut request = asked(&client, "POST", BANK);
            let padding = "x".repeat(49_500).parse().expect("a value");
            request.headers_mut().insert("x-padding", padding);
            let (answer, body) = sender.send_request(request, false).expect("sent");
            answers.spawn(answer);
            bodies.push(body);
        }
    }
    // Each takes 57 KiB: there is room for 98, and for 8 refusals at a time.
    let (mut refused, mut reset) = (0, 0);
    while refused + reset < 300 - 98 {
        match answers.join_next().await.expect("more").expect("no panic") {
            Ok(answer) => {
                assert_eq!(answer.status(), 503);
                refused += 1;
            }
            Err(error) => {
                assert_eq!(error.reason(), Some(Reason::CANCEL));
                reset += 1;
            }
        }
    }
    assert!(refused >= 8, "{refused}");
    assert!(reset > 0, "{refused} were refused");
}

#[tokio::test]
async fn a_body_that_never_has_room_is_refused_at_once_and_the_reason_says_so() {
    let memory = "32MiB".parse().expect("a size");
    let client = Client::of(Sandbox::builder().memory(memory)).await;
    let request = client.request("PUT", "/__sandbox/snapshot");
    let answer = Answer::of(request.body(vec![b' '; 4 << 20])).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["x-sandbox-error"], "memory");
    assert_eq!(answer.json()["message"], NEVER_ROOM);
}

#[tokio::test]
async fn streams_that_nobody_reads_cannot_hold_more_than_there_is_for_them() {
    let client = start().await;
    let senders = unfinished(&client, 90, 64 << 10).await;
    refused(&client).await;
    let (mut answered, mut refused, mut reset) = (Vec::new(), Vec::new(), 0);
    for answer in unread(&client, 500).await {
        match answer.await {
            Ok(answer) if answer.status() == 200 => answered.push(answer),
            Ok(answer) => {
                assert_eq!(answer.status(), 503);
                refused.push(answer);
            }
            Err(error) => {
                assert_eq!(error.reason(), Some(Reason::CANCEL));
                reset += 1;
            }
        }
    }
    // Half a MiB, 9 KiB for each with its head, and what the bodies have left.
    assert!((56..72).contains(&refused.len()), "{}", refused.len());
    assert!(reset > 0, "{} were answered", answered.len());
    assert_eq!(answered.len() + refused.len() + reset, 500);
    drop((answered, refused, senders));
    while held(&client).await > 8 << 10 {}
    assert_eq!(client.magic(BANK, "COMPLETED_FOUND").await.status, 200);
}
