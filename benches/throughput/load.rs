//! The load generator: one thread, one epoll. The request is written once, and only the status and
//! the length of answers are read. It must cost much less than the servers that it measures.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::{Explain, Outcome};

/// Each has one request in flight.
pub const CONNECTIONS: usize = 64;

/// The documentation's key.
const AUTHORIZATION: &str = "Basic aWx1bWFfZGV2ZWxvcG1lbnRfRlg0ZjBNNXN4RGdrNXFGeVpuazYwWmVuZ0FmQTlvMz\
    F4M2VjZDI5dmloamM0Vmh5SjhGY2xaaEhqanc6";

const PATIENCE: Duration = Duration::from_secs(5);

/// The results of one period of load.
pub struct Load {
    pub requests_per_second: f64,
    /// One for each answer, in ascending order.
    pub latencies: Vec<Duration>,
}

/// Sends `request` on all connections, again and again, until either limit is reached and every
/// request has its answer.
pub fn drive(
    port: u16,
    request: &mut Request,
    most_requests: u64,
    longest: Duration,
) -> Outcome<Load> {
    let epoll = epoll::create(CreateFlags::CLOEXEC).explain("cannot create an epoll")?;
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for index in 0..CONNECTIONS {
        let connection = Connection::open(port)?;
        let data = EventData::new_u64(index as u64);
        epoll::add(&epoll, &connection.stream, data, EventFlags::IN)
            .explain("cannot watch a connection")?;
        connections.push(connection);
    }

    let started = Instant::now();
    for connection in &mut connections {
        connection.send(request.next(), started)?;
    }
    let mut unsent = most_requests.saturating_sub(CONNECTIONS as u64);
    let mut in_flight = CONNECTIONS;
    let mut latencies = Vec::new();
    let mut events = Vec::with_capacity(CONNECTIONS);
    let patience = Timespec::try_from(PATIENCE).explain("cannot wait so long")?;
    while in_flight > 0 {
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&patience))
            .explain("cannot wait for answers")?;
        if events.is_empty() {
            return Err(format!("port {port} sent nothing for {PATIENCE:?}"));
        }
        for event in events.drain(..) {
            let connection = &mut connections[event.data.u64() as usize];
            if connection.read()?.is_none() {
                continue;
            }
            let now = Instant::now();
            latencies.push(now - connection.sent_at);
            if unsent > 0 && now - started < longest {
                connection.send(request.next(), now)?;
                unsent -= 1;
            } else {
                in_flight -= 1;
            }
        }
    }
    let requests_per_second = latencies.len() as f64 / started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Load {
        requests_per_second,
        latencies,
    })
}

/// The POST, as it goes over the wire.
pub struct Request {
    bytes: Vec<u8>,
    /// The digits of `bytes` that `next` counts with; none if all requests are equal.
    counter: Range<usize>,
}

impl Request {
    /// If the last digits of `user_id` are a counter, every request has another user but the same
    /// length. Then the memory shows the data that the server keeps for each user.
    pub fn new(user_id: &str, counter_digits: usize) -> Self {
        let before = r#"{"given_names":"Eko Hadi Salim","user_id":""#;
        let after = r#"","nationality":"ID","score_threshold":90,"scopes":["PEP"]}"#;
        let head = format!(
            "POST /v0/identity/individual_cft_peps HTTP/1.1\r\n\
             host: 127.0.0.1\r\n\
             authorization: {AUTHORIZATION}\r\n\
             content-type: application/json\r\n\
             x-magic-reply: COMPLETED_FOUND\r\n\
             content-length: {}\r\n\r\n",
            before.len() + user_id.len() + after.len()
        );
        let user_id_end = head.len() + before.len() + user_id.len();
        Self {
            bytes: [&head, before, user_id, after].concat().into_bytes(),
            counter: user_id_end - counter_digits..user_id_end,
        }
    }

    /// Always the same POST of some JSON.
    pub fn post(path: &str, body: &str) -> Self {
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {AUTHORIZATION}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            bytes: bytes.into_bytes(),
            counter: 0..0,
        }
    }

    /// Increments the counter and returns the bytes to send.
    pub fn next(&mut self) -> &[u8] {
        for digit in self.bytes[self.counter.clone()].iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
        &self.bytes
    }
}

/// An answer with status 200: the lengths of its two parts.
pub struct Answer {
    pub head_length: usize,
    pub body_length: usize,
}

impl Answer {
    /// The answer that `received` starts with, once its head is complete.
    fn parse(received: &[u8]) -> Outcome<Option<Self>> {
        const LENGTH: &[u8] = b"content-length:";
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = received[..end].split(|byte| *byte == b'\n');
        let status = lines.next().unwrap_or_default();
        if !status.starts_with(b"HTTP/1.1 200 ") {
            let status = String::from_utf8_lossy(status);
            return Err(format!("the answer was {} instead of 200", status.trim()));
        }
        let body_length = lines
            .filter_map(|line| line.split_at_checked(LENGTH.len()))
            .find(|(name, _)| name.eq_ignore_ascii_case(LENGTH))
            .and_then(|(_, value)| str::from_utf8(value).ok()?.trim().parse().ok())
            .ok_or("the answer has no content-length")?;
        Ok(Some(Self {
            head_length: end + 4,
            body_length,
        }))
    }
}

/// One request at a time, and its answer.
pub struct Connection {
    stream: TcpStream,
    sent_at: Instant,
    buffer: Box<[u8; 16 * 1024]>,
    filled: usize,
}

impl Connection {
    fn open(port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .explain(format_args!("cannot connect to port {port}"))?;
        // Sockets stay blocking, for `exchange`. epoll shows when a read will not wait.
        stream
            .set_read_timeout(Some(PATIENCE))
            .explain("cannot set a timeout")?;
        stream.set_nodelay(true).explain("cannot set TCP_NODELAY")?;
        let buffer = Box::new([0; _]);
        Ok(Self {
            stream,
            sent_at: Instant::now(),
            buffer,
            filled: 0,
        })
    }

    /// Sends one request on its own connection. Returns the head and the length of the body of the answer.
    pub fn exchange(port: u16, request: &[u8]) -> Outcome<(String, usize)> {
        let mut connection = Self::open(port)?;
        connection.send(request, Instant::now())?;
        loop {
            if let Some(answer) = connection.read()? {
                let head = String::from_utf8_lossy(&connection.buffer[..answer.head_length]);
                return Ok((head.into(), answer.body_length));
            }
        }
    }

    fn send(&mut self, request: &[u8], now: Instant) -> Outcome<()> {
        self.sent_at = now;
        self.stream
            .write_all(request)
            .explain("cannot send a request")
    }

    /// Reads once. Returns the answer if it is complete.
    fn read(&mut self) -> Outcome<Option<Answer>> {
        let free = &mut self.buffer[self.filled..];
        match self.stream.read(free).explain("cannot read an answer")? {
            0 if free.is_empty() => return Err("an answer is longer than 16 KiB".into()),
            0 => return Err("the connection was closed before the answer".into()),
            count => self.filled += count,
        }
        let answer = Answer::parse(&self.buffer[..self.filled])?
            .filter(|answer| answer.head_length + answer.body_length <= self.filled);
        if answer.is_some() {
            self.filled = 0;
        }
        Ok(answer)
    }
}
