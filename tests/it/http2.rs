//! HTTP/2 by prior knowledge, its faults, and hostile clients.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use iluma_sandbox::Sandbox;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, advance, timeout};

use crate::client::{Client, png};
use crate::patience::patiently;
use crate::raw::{ask, request};
use crate::secure::{Http2, Read};
use crate::stage::Stage;

const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const ID_CARDS: &str = "/v0/identity/id_card_verifications";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0x42;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const ENHANCE_YOUR_CALM: u32 = 11;

async fn start() -> Sandbox {
    Sandbox::start().await.expect("a sandbox")
}

/// How a stream was reset.
fn reason(error: &(dyn std::error::Error + 'static)) -> h2::Reason {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(reason) = error.downcast_ref().and_then(h2::Error::reason) {
            return reason;
        }
        cause = error.source();
    }
    panic!("no reason in {error:?}");
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a length")
        .to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The head of `POST /health`: four fields of the static table, none of which is huffman-coded.
fn head(path: &str) -> Vec<u8> {
    let mut head = vec![0x83, 0x86, 0x44, u8::try_from(path.len()).expect("short")];
    head.extend(path.bytes());
    head.extend([0x41, 1, b'x']); // :authority
    head
}

/// A client that writes any frames.
struct Frames {
    socket: TcpStream,
}

impl Frames {
    /// Connects, and sends the preface and its SETTINGS.
    async fn connect(sandbox: &Sandbox) -> Self {
        let socket = TcpStream::connect(sandbox.address())
            .await
            .expect("a connection");
        let mut frames = Self { socket };
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
        frames.socket.write_all(&hello).await.expect("it is taken");
        frames
    }

    /// Returns false if the server accepts no more data.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending = timeout(Duration::from_secs(20), self.socket.write_all(bytes));
        sending.await.is_ok_and(|sent| sent.is_ok())
    }

    /// The next frame: kind, flags, stream, payload. None when the connection has ended.
    async fn next(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        let reading = self.socket.read_exact(&mut head);
        patiently(reading).await.expect("it ends").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.socket.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes(head[5..].try_into().expect("four"));
        Some((head[3], head[4], stream, payload))
    }

    /// Reads until so many pings were answered.
    async fn pongs(&mut self, mut number: usize) {
        while number > 0 {
            let (kind, _, _, payload) = self.next().await.expect("the connection is open");
            assert_ne!(kind, GOAWAY, "{payload:?}");
            number -= usize::from(kind == PING);
        }
    }

    /// The error code with which the server closes the connection, if it does.
    async fn goodbye(&mut self) -> Option<u32> {
        let mut said = None;
        while let Some((kind, _, _, payload)) = self.next().await {
            if kind == GOAWAY {
                said = Some(u32::from_be_bytes(payload[4..8].try_into().expect("four")));
            }
        }
        said
    }
}

/// Checks that others are answered as before, and that nothing of the attack still runs.
async fn assert_unharmed(sandbox: &Sandbox, tasks: usize) {
    let answer = ask(sandbox, request("GET /health", &[], b"")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(Http2::plain(sandbox).await.get("/health").await.status, 200);
    let metrics = tokio::runtime::Handle::current().metrics();
    for _ in 0..2_000 {
        if metrics.num_alive_tasks() <= tasks {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} tasks are left of {tasks}", metrics.num_alive_tasks());
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test]
async fn both_versions_answer_the_same_at_one_port() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let post = |body: &'static str| {
        let request = http2.request("POST", BANK);
        let request = request.header("content-type", "application/json");
        http2.send(request.body(Full::from(body)).expect("a request"))
    };
    let body = r#"{"bank_account_number":"1234567890","bank_code":"BCA"}"#;
    let by_http2 = Read::of(post(body).await.expect("an answer")).await;
    let headers = ["content-type: application/json"];
    let by_http1 = ask(
        &sandbox,
        request(&format!("POST {BANK}"), &headers, body.as_bytes()),
    )
    .await;
    let by_http1 = by_http1.json();
    let mut by_http2_json = by_http2.json();
    assert_eq!(
        (
            by_http2.status,
            by_http2.headers["x-sandbox-outcome"].as_bytes()
        ),
        (200, &b"v1.1/bank_account_data_requests/COMPLETED_FOUND"[..])
    );
    assert_ne!(by_http1["id"], by_http2_json["id"]); // the second request of the world
    for own in ["id", "updated"] {
        by_http2_json[own] = by_http1[own].clone();
    }
    assert_eq!(by_http1, by_http2_json);
    // The journal shows the host, which HTTP/2 sends as `:authority`.
    let kept = &sandbox.requests()[0];
    assert_eq!(kept.header("host"), Some(sandbox.address().to_string()));
}

#[tokio::test]
async fn head_over_http2_is_get_without_the_body() {
    let client = Client::start().await;
    let http2 = Http2::plain(&client.sandbox).await;
    let planted = "/v0/identity/individual_cft_peps/cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d";
    for (path, status) in [
        (planted, 200),
        ("/health", 200),
        ("/nothing", 404),
        ("/openapi.json", 200),
        ("/__sandbox/livez", 200),
        ("/__sandbox/requests", 200),
        ("/__sandbox/export", 200),
        ("/__sandbox/nothing", 404),
        ("/__sandbox/", 200),
    ] {
        let got = http2.get(path).await;
        let request = http2.request("HEAD", path).body(Full::default());
        let head = http2.send(request.expect("a request")).await;
        let head = Read::of(head.expect("an answer")).await;
        assert_eq!((head.status, head.text().as_str()), (status, ""), "{path}");
        let type_of = |read: &Read| read.headers.get("content-type").cloned();
        assert_eq!(type_of(&head), type_of(&got), "{path}");
        let announced = head.headers.get("content-length");
        if let Some(length) = announced.filter(|_| status == 200 && path != "/__sandbox/requests") {
            assert_eq!(*length, got.body.len().to_string(), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_of_http2_is_kept_as_long_as_one_of_http1() {
    let client = Client::start().await;
    let http2 = Http2::plain(&client.sandbox).await;
    for _ in 0..3 {
        assert_eq!(http2.get("/health").await.status, 200);
        tokio::time::sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(http2.get("/health").await.status, 200);
    let started = Instant::now();
    patiently(http2.closed()).await.expect("it ends");
    let kept = started.elapsed().as_secs();
    assert!((129..=134).contains(&kept), "{kept} s");
}

#[tokio::test]
async fn a_hundred_requests_share_a_connection_and_each_has_its_own_answer() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let asked = (0..100).map(|number| {
        let http2 = http2.clone();
        tokio::spawn(async move {
            let body = format!(r#"{{"bank_account_number":"{number:010}","bank_code":"BCA"}}"#);
            let request = http2
                .request("POST", BANK)
                .header("content-type", "application/json");
            let request = request.body(Full::from(body)).expect("a request");
            let answer = Read::of(http2.send(request).await.expect("an answer")).await;
            assert_eq!(
                answer.json()["bank_account_number"],
                format!("{number:010}")
            );
        })
    });
    for one in asked.collect::<Vec<_>>() {
        one.await.expect("it is answered");
    }
    assert_eq!(sandbox.requests().len(), 100);
}

#[tokio::test]
async fn the_control_api_and_the_inspector_know_their_host_over_http2() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let setup = http2.get("/__sandbox/setup").await;
    assert_eq!(
        (setup.status, &setup.json()["url"]),
        (200, &json!(sandbox.url()))
    );
    let request = http2
        .request("POST", "/__sandbox/reset")
        .header("origin", "http://evil.example");
    let refused = http2
        .send(request.body(Full::default()).expect("a request"))
        .await;
    assert_eq!(refused.expect("an answer").status(), 403);
    let listed = http2.get("/__sandbox/catalog").await;
    assert!(
        listed.text().contains(&format!("{}{BANK}", sandbox.url())),
        "{}",
        listed.text()
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_ends_its_own_stream_and_no_other() {
    let client = Client::start().await;
    let http2 = Http2::plain(&client.sandbox).await;
    for (fault, expected) in [
        ("reset", h2::Reason::INTERNAL_ERROR),
        ("empty", h2::Reason::CANCEL),
        ("garbage", h2::Reason::PROTOCOL_ERROR),
        ("hang", h2::Reason::CANCEL),
    ] {
        let asked = format!("COMPLETED_FOUND; fault={fault}");
        let (broken, sound) = tokio::join!(
            http2.magic(BANK, &asked),
            http2.magic(BANK, "COMPLETED_FOUND; delay=1s"),
        );
        assert_eq!(reason(&broken.expect_err(fault)), expected, "{fault}");
        assert_eq!(sound.expect("an answer").status(), 200, "{fault}");
    }
}

#[tokio::test]
async fn a_truncated_body_comes_by_half_before_its_stream_is_reset() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let whole = Read::of(
        http2
            .magic(BANK, "COMPLETED_FOUND")
            .await
            .expect("an answer"),
    )
    .await;
    let response = http2.magic(BANK, "COMPLETED_FOUND; fault=truncate").await;
    let mut body = response.expect("a head").into_body();
    let mut came = 0;
    let end = loop {
        match body.frame().await {
            Some(Ok(frame)) => came += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(error)) => break reason(&error),
            None => panic!("it ended as if nothing were missing"),
        }
    };
    assert_eq!(
        (came, end),
        (whole.body.len() / 2, h2::Reason::INTERNAL_ERROR)
    );
    assert_eq!(http2.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_takes_its_time_and_comes_whole() {
    let client = Client::start().await;
    let http2 = Http2::plain(&client.sandbox).await;
    let magic = "COMPLETED_FOUND; fault=slow(100b/s)";
    let started = Instant::now();
    let slow = Read::of(http2.magic(BANK, magic).await.expect("an answer")).await;
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(slow.json()["status"], "COMPLETED");
}

/// A multipart form with the boundary `x`: an id card and its selfie.
fn card(selfie: &[u8]) -> Vec<u8> {
    let part = |disposition: &str, content: &[u8]| {
        let head = format!("--x\r\ncontent-disposition: form-data; {disposition}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    [
        part("name=\"name\"", b"penito kristian"),
        part("name=\"id_card_number\"", b"3275031210930027"),
        part("name=\"selfie\"; filename=\"me.png\"", selfie),
        b"--x--\r\n".to_vec(),
    ]
    .concat()
}

async fn post(http2: &Http2, path: &str, content_type: &str, body: Vec<u8>) -> Read {
    let request = http2
        .request("POST", path)
        .header("content-type", content_type);
    let request = request.body(Full::new(body.into())).expect("a request");
    Read::of(http2.send(request).await.expect("an answer")).await
}

#[tokio::test]
async fn uploads_over_http2_are_read_however_fast_they_come() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let form = "multipart/form-data; boundary=x";
    for bytes in [110_000, 300_000, 512_000] {
        for _ in 0..20 {
            let body = card(&png(600, 600, bytes));
            let answer = post(&http2, ID_CARDS, form, body).await;
            assert_eq!(answer.status, 200, "{bytes}: {}", answer.text());
        }
    }
    for _ in 0..5 {
        let body = card(&png(600, 600, 12 << 20));
        let answer = post(&http2, ID_CARDS, form, body).await;
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert_eq!(answer.json()["error_code"], "FILE_TOO_LARGE");
    }
}

#[tokio::test]
async fn large_json_over_http2_is_read_whole() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    for bytes in [100_000, 500_000, 1_000_000] {
        let name = "x".repeat(bytes);
        let body = json!({"bank_account_number": "1", "bank_code": "BCA", "other": name});
        let body = body.to_string().into_bytes();
        let answer = post(&http2, BANK, "application/json", body).await;
        assert_eq!(answer.status, 200, "{bytes}: {}", answer.text());
    }
}

#[tokio::test]
async fn callbacks_follow_an_answer_over_http2() {
    let stage = Stage::start().await;
    let http2 = Http2::plain(&stage.client.sandbox).await;
    let answer = http2.magic(BANK, "COMPLETED_FOUND").await;
    let answer = Read::of(answer.expect("an answer")).await;
    let ended = stage.ended().await;
    assert_eq!((ended.len(), &ended[0]["state"]), (1, &json!("delivered")));
    assert_eq!(ended[0]["record"], answer.json()["id"]);
}

#[tokio::test]
async fn stopping_waits_for_what_is_in_flight_and_ends_streams_of_events() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let request = http2
        .request("GET", "/__sandbox/events")
        .body(Full::default());
    let events = http2
        .send(request.expect("a request"))
        .await
        .expect("an answer");
    assert_eq!(events.status(), 200);
    let delayed = tokio::spawn({
        let http2 = http2.clone();
        async move { http2.magic(BANK, "SERVER_ERROR; delay=30s").await }
    });
    while sandbox.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause(); // time passes only while everybody waits
    let started = Instant::now();
    sandbox.stop().await;
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    let answer = delayed.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 500);
    events
        .into_body()
        .collect()
        .await
        .expect("it ends as it should");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http2_that_says_nothing_is_let_go() {
    let client = Client::start().await;
    let before = tasks();
    for said in [
        &PREFACE[..1],
        &PREFACE[..23],
        PREFACE,
        &[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat(),
        // A head that never ends, and a body that never does.
        &[
            PREFACE,
            &frame(SETTINGS, 0, 0, b""),
            &frame(HEADERS, 0, 1, &head("/health")),
        ]
        .concat(),
        &[
            PREFACE,
            &frame(SETTINGS, 0, 0, b""),
            &frame(HEADERS, END_HEADERS, 1, &head("/health")),
        ]
        .concat(),
    ] {
        let mut socket = TcpStream::connect(client.sandbox.address())
            .await
            .expect("a connection");
        socket.write_all(said).await.expect("it is taken");
        let mut came = Vec::new();
        let started = Instant::now();
        patiently(socket.read_to_end(&mut came))
            .await
            .expect("it ends")
            .ok();
        assert!(
            started.elapsed() <= Duration::from_secs(150),
            "{said:?}: {:?}",
            started.elapsed()
        );
    }
    assert_unharmed(&client.sandbox, before + 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_costs_its_stream_alone() {
    let client = Client::start().await;
    let mut frames = Frames::connect(&client.sandbox).await;
    assert!(
        frames
            .send(&frame(HEADERS, END_HEADERS, 1, &head("/health")))
            .await
    );
    let started = Instant::now();
    loop {
        match frames.next().await.expect("the connection stays") {
            (DATA, _, 1, body) => assert_eq!(
                String::from_utf8(body).expect("text"),
                r#"{"error_code":"NOT_FOUND","message":"There is no POST /health here. The nearest is GET /health."}"#
            ),
            (RST_STREAM, _, 1, code) => {
                assert_eq!(code, 0_u32.to_be_bytes()); // NO_ERROR: the rest of the body is not needed
                break;
            }
            (PING, 0, 0, opaque) => assert!(frames.send(&frame(PING, 1, 0, &opaque)).await),
            _ => {}
        }
    }
    let waited = started.elapsed().as_secs();
    assert!((60..=62).contains(&waited), "{waited} s");
    assert!(
        frames
            .send(&frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                3,
                &head("/health")
            ))
            .await
    );
    while !matches!(frames.next().await.expect("an answer"), (HEADERS, _, 3, _)) {}
}

#[tokio::test]
async fn rapid_resets_end_the_connection_and_harm_nobody() {
    let sandbox = start().await;
    let mut frames = Frames::connect(&sandbox).await;
    let before = tasks();
    let head = head("/health");
    for batch in 0..100 {
        let attack = (0..100).flat_map(|number| {
            let stream = (batch * 100 + number) * 2 + 1;
            let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
            [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        });
        if !frames.send(&attack.collect::<Vec<_>>()).await {
            break;
        }
    }
    assert!(matches!(
        frames.goodbye().await,
        Some(ENHANCE_YOUR_CALM) | None
    ));
    assert_unharmed(&sandbox, before + 2).await;
    assert!(sandbox.requests().len() < 10_000);
}

#[tokio::test]
async fn floods_of_frames_that_ask_for_nothing_harm_nobody() {
    let sandbox = start().await;
    let open = frame(HEADERS, END_HEADERS, 1, &head("/health"));
    let unended = frame(HEADERS, 0, 1, &head("/health"));
    for (name, first, repeated) in [
        (
            "SETTINGS",
            Vec::new(),
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
        ),
        ("PING", Vec::new(), frame(PING, 0, 0, b"12345678")),
        ("empty DATA", open, frame(DATA, 0, 1, b"")),
        (
            "empty CONTINUATION",
            unended.clone(),
            frame(CONTINUATION, 0, 1, b""),
        ),
        (
            "CONTINUATION",
            unended,
            frame(CONTINUATION, 0, 1, &[0x82; 1000]),
        ),
        ("an unknown kind", Vec::new(), frame(99, 0, 0, b"12345678")),
    ] {
        let before = tasks();
        let mut frames = Frames::connect(&sandbox).await;
        frames.send(&first).await;
        let many = repeated.repeat(1000);
        // Nothing is read, so the answers pile up until the server accepts no more.
        for _ in 0..200 {
            let sending = timeout(Duration::from_millis(500), frames.socket.write_all(&many));
            if !sending.await.is_ok_and(|sent| sent.is_ok()) {
                break;
            }
        }
        let answer = ask(&sandbox, request("GET /health", &[], b"")).await;
        assert_eq!(answer.status(), 200, "{name}");
        drop(frames);
        assert_unharmed(&sandbox, before + 2).await;
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_and_no_stream_beyond_the_limit_is_taken() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    let large = "x".repeat(70_000);
    let refused = http2.magic(BANK, &large).await;
    match refused {
        Ok(response) => assert_eq!(response.status(), 431),
        Err(error) => panic!("{error:?}"),
    }
    let mut frames = Frames::connect(&sandbox).await;
    let many =
        (0..200).flat_map(|number| frame(HEADERS, END_HEADERS, number * 2 + 1, &head("/health")));
    assert!(frames.send(&many.collect::<Vec<_>>()).await);
    loop {
        if let (RST_STREAM, _, stream, code) = frames.next().await.expect("it goes on") {
            assert_eq!((stream, code), (201, 7_u32.to_be_bytes().to_vec())); // REFUSED_STREAM
            break;
        }
    }
}

#[tokio::test]
async fn methods_that_are_strange_over_http2_are_answered_and_harm_nobody() {
    let sandbox = start().await;
    let http2 = Http2::plain(&sandbox).await;
    for (method, path, status) in [
        ("HEAD", "/health", 200),
        ("OPTIONS", "/health", 404),
        ("TRACE", "/health", 404),
        ("PRI", "/health", 404),
    ] {
        let request = http2.request(method, path).body(Full::default());
        let answer = http2.send(request.expect("a request")).await;
        assert_eq!(answer.expect(method).status(), status, "{method}");
    }
    let connect = hyper::Request::connect(sandbox.address().to_string());
    let connect = http2.send(connect.body(Full::default()).expect("a request"));
    assert!(
        !connect
            .await
            .is_ok_and(|answer| answer.status().is_success())
    );
    assert_eq!(http2.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_never_taken_does_not_hold_its_connection() {
    let client = Client::start().await;
    let before = tasks();
    let mut socket = TcpStream::connect(client.sandbox.address())
        .await
        .expect("a connection");
    // A window of zero: no bytes of a body may be sent.
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let ask = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head("/health"));
    let hello = [PREFACE, &no_window, &ask].concat();
    socket.write_all(&hello).await.expect("it is taken");
    let mut frames = Frames { socket };
    let started = Instant::now();
    // It answers pings, but reads nothing.
    while let Some((kind, flags, _, opaque)) = frames.next().await {
        if (kind, flags) == (PING, 0) {
            frames.send(&frame(PING, 1, 0, &opaque)).await;
        }
    }
    let waited = started.elapsed();
    assert!(waited <= Duration::from_secs(145), "{waited:?}");
    assert_unharmed(&client.sandbox, before + 4).await;
}

/// The frames that carry no request, each as short as it may be.
fn frames_without_requests() -> [Vec<u8>; 5] {
    [
        frame(SETTINGS, 0, 0, b""),
        frame(PING, 0, 0, b"8 octets"),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        frame(UNKNOWN, 0, 0, b""),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_without_requests_ends_its_connection_and_says_why() {
    let sandbox = start().await;
    let before = tasks();
    for flood in frames_without_requests() {
        let mut frames = Frames::connect(&sandbox).await;
        frames.send(&flood.repeat(5000)).await;
        assert_eq!(frames.goodbye().await, Some(ENHANCE_YOUR_CALM), "{flood:?}");
    }
    assert_unharmed(&sandbox, before).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_may_send_a_hundred_such_frames_a_second_without_any_request() {
    let sandbox = start().await;
    let mut frames = Frames::connect(&sandbox).await;
    for _ in 0..15 {
        advance(Duration::from_secs(1)).await;
        assert!(
            frames
                .send(&frame(PING, 0, 0, b"8 octets").repeat(100))
                .await
        );
        frames.pongs(100).await;
    }
}

#[tokio::test]
async fn a_client_may_send_such_frames_in_proportion_to_its_requests_and_to_the_data() {
    let sandbox = start().await;
    let mut frames = Frames::connect(&sandbox).await;
    let ping = frame(PING, 0, 0, b"8 octets");
    let update = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    // Some clients send so many with each request.
    for stream in (1..1000).step_by(2) {
        let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("/health"));
        let priority = frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 16]);
        let more = [priority.repeat(2), update.repeat(7), ping.clone()].concat();
        assert!(frames.send(&[request, more].concat()).await);
        frames.pongs(1).await;
    }
    // An upload with a ping for each 200 bytes.
    let stream = 1001;
    assert!(
        frames
            .send(&frame(HEADERS, END_HEADERS, stream, &head("/health")))
            .await
    );
    for _ in 0..50 {
        let data = frame(DATA, 0, stream, &[b'x'; 4 << 10]);
        assert!(frames.send(&[data, ping.repeat(20)].concat()).await);
        frames.pongs(20).await;
    }
    let end = frame(DATA, END_STREAM, stream, b"");
    assert!(frames.send(&[end, ping].concat()).await);
    frames.pongs(1).await;
}
