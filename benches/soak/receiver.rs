//! A receiver that fails at first: a new callback may get a 500, a reset, a late answer or none; a retry is accepted.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::common::{Explain, Outcome};

#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By the body, because a record can have more than one callback.
    came: Mutex<HashSet<String>>,
    taken_ids: Mutex<HashSet<String>>,
    attempts: AtomicU64,
    taken: AtomicU64,
    failed_on_purpose: AtomicU64,
}

impl Receiver {
    pub async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .explain("the receiver cannot listen")?;
        let receiver = Self {
            address: listener
                .local_addr()
                .explain("the receiver has no address")?,
            seen: Arc::default(),
        };
        let seen = receiver.seen.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let seen = seen.clone();
                tokio::spawn(async move {
                    timeout(Duration::from_mins(1), receive(socket, &seen))
                        .await
                        .ok();
                });
            }
        });
        Ok(receiver)
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn has_taken(&self, id: &str) -> bool {
        locked(&self.seen.taken_ids).contains(id)
    }

    /// The numbers of attempts that came, were accepted, and failed on purpose.
    pub fn counts(&self) -> [u64; 3] {
        let seen = &self.seen;
        [&seen.attempts, &seen.taken, &seen.failed_on_purpose]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

async fn receive(mut socket: TcpStream, seen: &Seen) -> Option<()> {
    let mut read = Vec::new();
    let body = loop {
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))?;
            if body.len() >= length.trim().parse().ok()? {
                break body.to_owned();
            }
        }
    };
    let attempt = seen.attempts.fetch_add(1, Ordering::Relaxed);
    let is_first = locked(&seen.came).insert(body.clone());
    if is_first && attempt.is_multiple_of(3) {
        seen.failed_on_purpose.fetch_add(1, Ordering::Relaxed);
        match attempt / 3 % 20 {
            0 => sleep(Duration::from_secs(40)).await, // longer than the sandbox waits
            1..10 => {
                let reply = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                socket.write_all(reply).await.ok()?;
            }
            10..17 => {
                rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).ok()?; // closing resets it
            }
            _ => {
                socket.write_all(b"HTTP/1.1 200").await.ok()?; // and no more
            }
        }
        return None;
    }
    if attempt % 10 == 1 {
        sleep(Duration::from_secs(1)).await;
    }
    let id = serde_json::from_str::<Value>(&body).ok()?;
    if let Some(id) = find_id(&id) {
        locked(&seen.taken_ids).insert(id.to_owned());
    }
    seen.taken.fetch_add(1, Ordering::Relaxed);
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    socket.write_all(reply).await.ok()
}

/// The record of a callback.
fn find_id(body: &Value) -> Option<&str> {
    body["id"].as_str().or_else(|| body["data"]["id"].as_str())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
