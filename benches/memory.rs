//! Measures that the sandbox stays below its `--memory` while clients try to make it hold more. Prints a markdown table,
//! and fails if a peak is above the setting.
//!
//! ```text
//! make attack
//! cargo bench --bench memory -- 64MiB
//! ```
//!
//! Each attempt has a fresh sandbox and lasts for 30 seconds. The peak is `VmHWM`, the most memory that was resident.

#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

mod common;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::client::Client;
use common::process::{Server, machine};
use common::{Explain, Outcome, key};
use h2::client::SendRequest;
use hyper::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

const LENGTH: Duration = Duration::from_secs(30);
const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const JSON: &str = "content-type: application/json\r\n";

/// An attempt: its name, and the future that makes it.
type Attempt = (
    &'static str,
    fn(SocketAddr) -> std::pin::Pin<Box<dyn Future<Output = ()>>>,
);

const ATTEMPTS: [Attempt; 5] = [
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
];

fn main() -> ExitCode {
    let setting = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    match measure_all(setting.as_deref().unwrap_or("512MiB")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("memory: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(setting: &str) -> Outcome<bool> {
    let memory: iluma_sandbox::Memory = setting.parse()?;
    println!("{}. `--memory {setting}`.\n", machine());
    println!("| attempt (30 s) | before | peak | other world, longest wait | its refusals |");
    println!("|---|--:|--:|--:|--:|");
    let mut holds = true;
    for (name, attempt) in ATTEMPTS {
        let arguments = ["--memory", setting, "--log-format", "off"].map(str::to_owned);
        let server = Server::sandbox(&arguments)?;
        let before = server.memory()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.explain("cannot start a runtime")?;
        let address = server.address;
        let attacker = std::thread::spawn(move || {
            runtime.block_on(async { timeout(LENGTH, attempt(address)).await.ok() });
        });
        let (longest, refused) = witness(address)?;
        attacker
            .join()
            .map_err(|_| "the attacker failed".to_owned())?;
        let peak = server.memory_peak()?;
        let (code, panics) = server.stop()?;
        holds &= code == Some(0) && panics.is_empty() && peak * 1024 <= memory.bytes() as u64;
        println!(
            "| {name} | {} MiB | {} MiB | {} ms | {refused} |",
            before / 1024,
            peak / 1024,
            longest.as_millis()
        );
    }
    Ok(holds)
}

/// A small request of another world, every 50 ms. Returns the longest wait for an answer, and how many were refused.
fn witness(address: SocketAddr) -> Outcome<(Duration, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.explain("cannot start a runtime")?;
    runtime.block_on(async {
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

async fn http2(address: SocketAddr) -> Option<SendRequest<Bytes>> {
    let socket = TcpStream::connect(address).await.ok()?;
    let (client, connection) = h2::client::handshake(socket).await.ok()?;
    tokio::spawn(connection);
    client.ready().await.ok()
}

async fn http2_bodies(address: SocketAddr) {
    let mut held = Vec::new();
    for _ in 0..180 {
        let Some(mut client) = http2(address).await else {
            continue;
        };
        for _ in 0..100 {
            let Ok(ready) = client.clone().ready().await else {
                break;
            };
            client = ready;
            let request = Request::post(format!("http://{address}{BANK}"))
                .header("authorization", common::basic(&key(10)))
                .header("content-type", "application/json")
                .body(());
            let Ok(request) = request else { continue };
            if let Ok((answer, mut body)) = client.send_request(request, false) {
                body.send_data(Bytes::from(vec![b' '; 64_000]), false).ok();
                held.push((answer, body));
            }
        }
    }
    forever().await;
    drop(held);
}

async fn waits(address: SocketAddr) {
    let mut held = Vec::new();
    let padding = "x".repeat(54_000);
    for _ in 0..168 {
        let Some(mut client) = http2(address).await else {
            continue;
        };
        for _ in 0..100 {
            let Ok(ready) = client.clone().ready().await else {
                break;
            };
            client = ready;
            let request = Request::get(format!(
                "http://{address}/__sandbox/requests?wait=60s&count=9"
            ))
            .header("authorization", common::basic(&key(10)))
            .header("x-padding", &padding)
            .body(());
            let Ok(request) = request else { continue };
            if let Ok((answer, _)) = client.send_request(request, true) {
                held.push(answer);
            }
        }
    }
    forever().await;
    drop(held);
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
