//! A bare socket: sends exactly these bytes and reads everything that comes back.

use std::fmt::Write;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::patience::patiently;

pub(crate) struct Raw {
    socket: TcpStream,
    /// Bytes that were read but not yet returned.
    buffer: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(sandbox: &Sandbox) -> Self {
        let mut address = sandbox.address();
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Self::to(address).await
    }

    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.expect("a connection"))
    }

    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("a socket");
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.try_send(bytes).await;
        assert!(sent, "the server does not take what is sent");
    }

    /// Returns false if the server does not accept it.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sending = patiently(self.socket.write_all(bytes.as_ref()));
        sending
            .await
            .expect("the server takes no more bytes")
            .is_ok()
    }

    /// Closes the sending half. Answers can still be read.
    pub(crate) async fn shut(&mut self) {
        self.socket.shutdown().await.expect("it can be shut");
    }

    /// The next answer with the body that its content-length announces.
    pub(crate) async fn answer(&mut self) -> RawAnswer {
        let head = self.head().await;
        let mut answer = RawAnswer {
            head,
            body: Vec::new(),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a number"));
        while self.buffer.len() < length {
            assert!(self.read().await, "closed within a body: {}", answer.head);
        }
        answer.body = self.buffer.drain(..length).collect();
        answer
    }

    /// The next answer, unchanged. Nothing if the connection ends before it.
    pub(crate) async fn answer_or_nothing(&mut self) -> Vec<u8> {
        if self.buffer.is_empty() && !self.read().await {
            return Vec::new();
        }
        let answer = self.answer().await;
        [answer.head.as_bytes(), &answer.body].concat()
    }

    /// Reads exactly this many bytes.
    pub(crate) async fn exactly(&mut self, bytes: u64) -> Vec<u8> {
        let bytes = usize::try_from(bytes).expect("they fit");
        while self.buffer.len() < bytes {
            assert!(self.read().await, "closed after {}", self.buffer.len());
        }
        self.buffer.drain(..bytes).collect()
    }

    /// The next head without a body: of an answer to HEAD, or an interim answer.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.drain(..end + 4).collect();
                return String::from_utf8(head).expect("heads are text");
            }
            assert!(
                self.read().await,
                "closed before a head: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    /// Reads until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.read().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads until the connection ends. Returns how it ended: by a FIN or a reset.
    pub(crate) async fn ending(&mut self) -> (Vec<u8>, Result<(), ErrorKind>) {
        let mut end = Ok(1);
        while end.as_ref().is_ok_and(|bytes| *bytes > 0) {
            let reading = patiently(self.socket.read_buf(&mut self.buffer));
            end = reading.await.expect("the server does not close");
        }
        let bytes = std::mem::take(&mut self.buffer);
        (bytes, end.map(|_| ()).map_err(|error| error.kind()))
    }

    /// Returns false at the end of the connection, by FIN or reset.
    async fn read(&mut self) -> bool {
        self.buffer.reserve(1 << 16);
        let reading = patiently(self.socket.read_buf(&mut self.buffer));
        let read = reading
            .await
            .expect("the server neither answers nor closes");
        read.is_ok_and(|bytes| bytes > 0)
    }
}

impl RawAnswer {
    /// The only answer in these bytes; the body may end with the bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let end = find(bytes, b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        Self {
            head: String::from_utf8(bytes[..end + 4].to_vec()).expect("heads are text"),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).expect("a status line");
        status.parse().expect("a status")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("bodies are text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// Status, `error_code` and `message` of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{}",
            self.head
        );
        let json = self.json();
        let text = |key: &str| {
            json[key]
                .as_str()
                .unwrap_or_else(|| panic!("no {key} in {json}"))
                .to_owned()
        };
        (self.status(), text("error_code"), text("message"))
    }
}

/// The `authorization` header of a key.
pub(crate) fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}

/// A request with the documentation's key. It has a length if it has a body.
pub(crate) fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    request_as(PUBLIC_KEY, line, headers, body)
}

/// A request with another key.
pub(crate) fn request_as(key: &str, line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n",
        basic(key)
    );
    for header in headers {
        write!(head, "{header}\r\n").expect("texts grow");
    }
    if !body.is_empty() {
        write!(head, "content-length: {}\r\n", body.len()).expect("texts grow");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// The body in chunks of this size, as `transfer-encoding: chunked` frames it.
pub(crate) fn chunked(body: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let mut framed = Vec::with_capacity(body.len() * 2);
    for chunk in body.chunks(chunk_bytes) {
        framed.extend(format!("{:x}\r\n", chunk.len()).bytes());
        framed.extend(chunk);
        framed.extend(b"\r\n");
    }
    framed.extend(b"0\r\n\r\n");
    framed
}

/// Sends one request on a connection of its own and reads the answer.
pub(crate) async fn ask(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> RawAnswer {
    let mut raw = Raw::connect(sandbox).await;
    raw.send(request).await;
    raw.answer().await
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
