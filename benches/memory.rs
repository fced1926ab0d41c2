//! Measures that the sandbox stays below its `--memory` while clients try to make it hold more. Prints a markdown table,
//! and fails if a peak is above the setting.
//!
//! ```text
//! make attack
//! cargo bench --bench memory -- 64MiB
//! cargo bench --bench memory -- group
//! cargo bench --bench memory -- group flood
//! ```
//!
//! A second argument chooses the attempts with this word in their names.
//! Each attempt has a fresh sandbox and lasts for 30 seconds. The peak is `VmHWM`, the most memory that was resident. With
//! `group` the sandbox has no `--memory`, and runs in a control group of 64 MiB: there the peak is the one of the group.

#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

mod common;
#[path = "memory/group.rs"]
mod group;

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::client::Client;
use common::process::{Server, machine};
use common::{Explain, Outcome, key};
use group::Group;
use hyper::Request;
use hyper::http::request::Builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

const LENGTH: Duration = Duration::from_secs(30);
const GROUP_BYTES: u64 = 64 << 20;
const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const JSON: &str = "content-type: application/json\r\n";

type Attacker = Pin<Box<dyn Future<Output = ()>>>;

/// An attempt: its name, and the future that makes it.
type Attempt = (&'static str, fn(SocketAddr) -> Attacker);

const ATTEMPTS: [Attempt; 9] = [
    (
        "180 HTTP/2 connections with 100 unfinished bodies of 64 KB each",
        |address| Box::pin(http2_bodies(address)),
    ),
    (
        "16,800 requests that wait, with heads of 54 KB",
        |address| Box::pin(waits(address)),
    ),
    (
        "9,000 unfinished bodies of 64 KB over HTTP/1.1",
        |address| Box::pin(http1_bodies(address)),
    ),
    ("181 lists of 1,000 requests that nobody reads", |address| {
        Box::pin(unread_lists(address))
    }),
    ("58 snapshots that nobody reads", |address| {
        Box::pin(unread_snapshots(address))
    }),
    (
        "180 HTTP/2 connections with 100 replies each that nobody reads",
        |address| Box::pin(unread_replies(address)),
    ),
    (
        "9,000 connections that are idle after a request",
        |address| Box::pin(idle_connections(address)),
    ),
    (
        "bodies of 100 KB in 400 worlds, without a pause",
        |address| Box::pin(flood(address)),
    ),
    (
        "the flood, with unfinished bodies over HTTP/2 and HTTP/1.1",
        |address| Box::pin(everything(address)),
    ),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let setting = arguments.next();
    let word = arguments.next().unwrap_or_default();
    let chosen = ATTEMPTS.iter().filter(|(name, _)| name.contains(&word));
    let measured = match setting.as_deref() {
        Some("group") => measure_in_group(chosen),
        setting => measure_with(setting.unwrap_or("512MiB"), chosen),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("memory: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn measure_with<'a>(setting: &str, attempts: impl Iterator<Item = &'a Attempt>) -> Outcome<bool> {
    let memory: iluma_sandbox::Memory = setting.parse()?;
    print_head(&format!("`--memory {setting}`"));
    let arguments = ["--memory", setting, "--log-format", "off"].map(str::to_owned);
    let mut holds = true;
    for attempt in attempts {
        let server = Server::sandbox(&arguments)?;
        holds &= measure(attempt, server, |server| {
            Ok((server.memory_peak()? * 1024, memory.bytes() as u64))
        })?;
    }
    Ok(holds)
}

fn measure_in_group<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Outcome<bool> {
    if let Err(reason) = Group::of(GROUP_BYTES) {
        println!("SKIPPED: {reason}");
        return Ok(true);
    }
    let setting = format!(
        "a control group of {} MiB, no `--memory`",
        GROUP_BYTES >> 20
    );
    print_head(&setting);
    let arguments = ["--log-format", "off"].map(str::to_owned);
    let mut holds = true;
    for attempt in attempts {
        let group = Group::of(GROUP_BYTES)?;
        let server = Server::sandbox_in(&group.folder, &arguments)?;
        holds &= measure(attempt, server, |_| Ok((group.peak()?, GROUP_BYTES)))?;
    }
    Ok(holds)
}

fn print_head(setting: &str) {
    println!("{}. {setting}.\n", machine());
    println!("| attempt (30 s) | before | peak | other world, longest wait | its refusals |");
    println!("|---|--:|--:|--:|--:|");
}

/// Makes an attempt. `peak` returns the peak, and what it must not be above. Returns whether it was not, and the sandbox
/// was well to the end.
fn measure(
    &(name, attempt): &Attempt,
    server: Server,
    peak: impl FnOnce(&Server) -> Outcome<(u64, u64)>,
) -> Outcome<bool> {
    let before = server.memory()?;
    let address = server.address;
    let attacker = std::thread::spawn(move || {
        let runtime = runtime()?;
        runtime.block_on(async { timeout(LENGTH, attempt(address)).await.ok() });
        Outcome::Ok(())
    });
    let (longest, refused) = witness(address)?;
    attacker
        .join()
        .map_err(|_| "the attacker failed".to_owned())??;
    let peak = peak(&server);
    let (code, panics) = server.stop()?;
    let (peak, most) = peak?;
    println!(
        "| {name} | {} MiB | {} MiB | {} ms | {refused} |",
        before >> 10,
        peak >> 20,
        longest.as_millis()
    );
    if code != Some(0) {
        eprintln!("memory: the sandbox ended with {code:?}.");
    }
    Ok(code == Some(0) && panics.is_empty() && peak <= most)
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.explain("cannot start a runtime")
}

/// A small request of another world, every 50 ms. Returns the longest wait for an answer, and how many were refused.
fn witness(address: SocketAddr) -> Outcome<(Duration, usize)> {
    runtime()?.block_on(async {
        let until = Instant::now() + LENGTH;
        let (mut longest, mut refused) = (Duration::ZERO, 0);
        let mut client = Client::new(address, &key(1));
        while Instant::now() < until {
            let found = "x-magic-reply: COMPLETED_FOUND\r\n";
            let begun = Instant::now();
            let answer = client.ask("POST", BANK, found, b"").await;
            longest = longest.max(begun.elapsed());
            refused += usize::from(!answer.is_ok_and(|answer| answer.status == 200));
            sleep(Duration::from_millis(50)).await;
        }
        Ok((longest, refused))
    })
}

async fn forever() {
    std::future::pending::<()>().await;
}

/// Opens HTTP/2 connections, sends 100 requests over each, and holds all of them. A body does not end.
async fn streams(address: SocketAddr, count: usize, request: Builder, body: Option<Bytes>) {
    let mut held = Vec::new();
    let is_read = body.is_some();
    for _ in 0..count {
        let Ok(socket) = TcpStream::connect(address).await else {
            continue;
        };
        let mut client = h2::client::Builder::new();
        if !is_read {
            client.initial_window_size(0);
        }
        let Ok((mut client, connection)) = client.handshake::<_, Bytes>(socket).await else {
            continue;
        };
        tokio::spawn(connection);
        for _ in 0..100 {
            let Ok(ready) = client.ready().await else {
                break;
            };
            client = ready;
            let Some(request) = copy(&request) else {
                return;
            };
            let Ok((answer, mut sender)) = client.send_request(request, body.is_none()) else {
                break;
            };
            if let Some(body) = &body {
                sender.send_data(body.clone(), false).ok();
            }
            held.push((answer, sender));
        }
    }
    forever().await;
    drop(held);
}

fn copy(request: &Builder) -> Option<Request<()>> {
    let mut copy = Request::builder()
        .method(request.method_ref()?)
        .uri(request.uri_ref()?);
    *copy.headers_mut()? = request.headers_ref()?.clone();
    copy.body(()).ok()
}

fn request(method: &str, address: SocketAddr, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"))
        .header("authorization", common::basic(&key(10)))
}

async fn http2_bodies(address: SocketAddr) {
    let request = request("POST", address, BANK).header("content-type", "application/json");
    let body = Bytes::from(vec![b' '; 64_000]);
    streams(address, 180, request, Some(body)).await;
}

async fn waits(address: SocketAddr) {
    let request = request("GET", address, "/__sandbox/requests?wait=60s&count=9");
    let request = request.header("x-padding", "x".repeat(54_000));
    streams(address, 168, request, None).await;
}

async fn unread_replies(address: SocketAddr) {
    let request = request("GET", address, "/__sandbox/readyz");
    streams(address, 180, request, None).await;
}

async fn idle_connections(address: SocketAddr) {
    let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut sockets = Vec::new();
    for _ in 0..9000 {
        let connected = timeout(Duration::from_millis(100), TcpStream::connect(address)).await;
        let Ok(Ok(mut socket)) = connected else {
            continue;
        };
        socket.write_all(request).await.ok();
        let mut answer = [0; 1024];
        let read = timeout(Duration::from_millis(10), socket.read(&mut answer));
        read.await.ok();
        sockets.push(socket);
    }
    forever().await;
}

async fn flood(address: SocketAddr) {
    let padding = "9".repeat(100_000);
    let body = format!(r#"{{"bank_account_number":"{padding}","bank_code":"BCA"}}"#);
    let clients = (0..8).map(|client| {
        let body = body.clone();
        tokio::spawn(async move {
            for number in (client * 50..(client + 1) * 50).cycle() {
                let mut client = Client::new(address, &key(100 + number));
                for _ in 0..20 {
                    client.ask("POST", BANK, JSON, body.as_bytes()).await.ok();
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        client.await.ok();
    }
}

async fn everything(address: SocketAddr) {
    let flood = tokio::spawn(flood(address));
    sleep(LENGTH / 3).await;
    tokio::join!(http2_bodies(address), http1_bodies(address));
    flood.abort();
}

async fn http1_bodies(address: SocketAddr) {
    let head = format!(
        "POST {BANK} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n{JSON}content-length: 900000\r\n\r\n",
        common::basic(&key(10))
    );
    let bytes = [head.as_bytes(), &vec![b' '; 64_000]].concat();
    let mut sockets = Vec::new();
    for _ in 0..9000 {
        let Ok(mut socket) = TcpStream::connect(address).await else {
            continue;
        };
        timeout(Duration::from_millis(100), socket.write_all(&bytes))
            .await
            .ok();
        sockets.push(socket);
    }
    forever().await;
}

async fn unread_lists(address: SocketAddr) {
    fill(address, 1000, 8000).await;
    unread(address, 181, "/__sandbox/requests?limit=1000").await;
}

async fn unread_snapshots(address: SocketAddr) {
    fill(address, 450, 100_000).await;
    unread(address, 58, "/__sandbox/snapshot").await;
}

async fn fill(address: SocketAddr, count: usize, bytes: usize) {
    let mut client = Client::new(address, &key(10));
    let padding = "9".repeat(bytes);
    for number in 0..count {
        let body = format!(r#"{{"bank_account_number":"{padding}{number}","bank_code":"BCA"}}"#);
        client.ask("POST", BANK, JSON, body.as_bytes()).await.ok();
    }
}

async fn unread(address: SocketAddr, count: usize, path: &str) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
        common::basic(&key(10))
    );
    let mut held = Vec::new();
    for _ in 0..count {
        let Ok(socket) = TcpSocket::new_v4() else {
            continue;
        };
        socket.set_recv_buffer_size(4096).ok();
        let Ok(mut socket) = socket.connect(address).await else {
            continue;
        };
        socket.write_all(request.as_bytes()).await.ok();
        held.push(socket);
    }
    forever().await;
}
