//! A client with one connection: sends requests, reads the answers, measures the time between.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Explain, Outcome, basic};

const PATIENCE: Duration = Duration::from_mins(1);

pub struct Client {
    address: SocketAddr,
    authorization: String,
    socket: Option<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub took: Duration,
}

impl Answer {
    /// A text of the JSON object in the answer, by its name.
    pub fn text(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get(name)?.as_str()?.to_owned())
    }
}

impl Client {
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self {
            address,
            authorization: basic(key),
            socket: None,
        }
    }

    pub async fn get(&mut self, path: &str) -> Outcome<Answer> {
        self.ask("GET", path, "", b"").await
    }

    /// Sends a request; `headers` are whole lines.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Outcome<Answer> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n{headers}content-length: {}\r\n\r\n",
            self.authorization,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        let shown = format!("{method} {path}");
        let asked = timeout(PATIENCE, self.exchange(&request)).await;
        let answer = asked
            .explain(&shown)
            .and_then(|answer| answer.explain(&shown));
        if answer.is_err() {
            self.socket = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        let began = Instant::now();
        let mut socket = if let Some(socket) = self.socket.take() {
            socket
        } else {
            let socket = TcpStream::connect(self.address).await?;
            socket.set_nodelay(true)?;
            socket
        };
        socket.write_all(request).await?;
        let mut read = Vec::new();
        let head_end = loop {
            more(&mut socket, &mut read).await?;
            if let Some(end) = find(&read, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&read[..head_end]).to_ascii_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other("no status"))?;
        let length = head.lines().find_map(|line| {
            let length = line.strip_prefix("content-length:")?;
            length.trim().parse::<usize>().ok()
        });
        let end = match length {
            Some(length) => {
                while read.len() < head_end + length {
                    more(&mut socket, &mut read).await?;
                }
                head_end + length
            }
            None => loop {
                // Chunked: no answer in these benchmarks contains these bytes.
                if read.ends_with(b"\r\n0\r\n\r\n") {
                    break read.len();
                }
                more(&mut socket, &mut read).await?;
            },
        };
        let took = began.elapsed();
        if !head.contains("connection: close") {
            self.socket = Some(socket);
        }
        Ok(Answer {
            status,
            body: read[head_end..end].to_vec(),
            took,
        })
    }
}

async fn more(socket: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<()> {
    read.reserve(1 << 14);
    match socket.read_buf(read).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
