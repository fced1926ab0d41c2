//! Answers a client that speaks plain HTTP to a TLS port, in the version of HTTP that it speaks.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const PLAIN_WORDS: &str =
    "this port speaks HTTPS: write https:// where the URL says so\n";

/// This many bytes tell HTTP/2 from HTTP/1.1.
pub(super) const FIRST_BYTES: usize = 4;

/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many frames may come before the first request.
const FRAMES_MAX: usize = 16;

/// The frame size that every client keeps to until it is given another limit.
const FRAME_BYTES_MAX: usize = 16 << 10;

/// How many more reads take a client's bytes away after the answer.
const READS_MAX: usize = 16;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 400` and `content-type: text/plain`, by their numbers in the static table of HPACK.
const HEAD: &[u8] = b"\x8c\x0f\x10\x0atext/plain";

/// `first` is the start of what the client has sent so far.
pub(super) async fn answer(socket: &mut TcpStream, first: &[u8]) {
    tracing::warn!("a client sent plain HTTP to an HTTPS port: write https:// in its URL");
    let answer = if first == &PREFACE[..FIRST_BYTES] {
        let Some(stream) = first_stream(socket).await else {
            return;
        };
        http2(stream)
    } else {
        http1()
    };
    socket.write_all(&answer).await.ok();
    socket.shutdown().await.ok();
    // Dropping a socket with unread bytes sends a RST, which may overtake the answer.
    let mut unread = [0; 4096];
    for _ in 0..READS_MAX {
        if !socket.read(&mut unread).await.is_ok_and(|read| read > 0) {
            return;
        }
    }
}

fn http1() -> Vec<u8> {
    let length = PLAIN_WORDS.len();
    format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{PLAIN_WORDS}"
    )
    .into_bytes()
}

/// Reads up to the first request and returns its stream. No stream can be answered before.
async fn first_stream(socket: &mut TcpStream) -> Option<[u8; 4]> {
    let mut preface = [0; PREFACE.len()];
    socket.read_exact(&mut preface).await.ok()?;
    for _ in 0..FRAMES_MAX {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, _flags, stream @ ..] = head;
        if kind == HEADERS {
            return Some(stream);
        }
        let length = u32::from_be_bytes([0, a, b, c]);
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= FRAME_BYTES_MAX)?;
        socket.read_exact(&mut vec![0; length]).await.ok()?;
    }
    None
}

fn http2(stream: [u8; 4]) -> Vec<u8> {
    let no_error = [0; 4];
    [
        frame(SETTINGS, 0, [0; 4], b""),
        frame(HEADERS, END_HEADERS, stream, HEAD),
        frame(DATA, END_STREAM, stream, PLAIN_WORDS.as_bytes()),
        frame(GOAWAY, 0, [0; 4], &[stream, no_error].concat()),
    ]
    .concat()
}

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("all of them are short");
    let head = [0, 0, length, kind, flags];
    [&head, &stream[..], payload].concat()
}
