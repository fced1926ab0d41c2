//! The load generator: one thread, one epoll. The request is written once, and only the status and
//! the length of answers are read. It must cost much less than the servers that it measures.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::{Explain, Outcome, basic, key};

/// The usual number of connections. Each has one request in flight.
pub const CONNECTIONS: usize = 64;

/// The documentation's key.
pub const AUTHORIZATION: &str = "Basic aWx1bWFfZGV2ZWxvcG1lbnRfRlg0ZjBNNXN4RGdrNXFGeVpuazYwWmVuZ0FmQTlvMz\
    F4M2VjZDI5dmloamM0Vmh5SjhGY2xaaEhqanc6";

pub const SCREENING: &str = "/v0/identity/individual_cft_peps";

const PATIENCE: Duration = Duration::from_secs(5);

/// The results of one period of load.
pub struct Load {
    pub requests_per_second: f64,
    /// One for each answer, in ascending order.
    pub latencies: Vec<Duration>,
}

/// How much load.
#[derive(Clone, Copy)]
pub struct Amount {
    pub connections: usize,
    pub requests_max: u64,
    pub time_max: Duration,
}

impl Amount {
    /// As many requests as the server answers in this time.
    pub fn during(time: Duration) -> Self {
        Self {
            connections: CONNECTIONS,
            requests_max: u64::MAX,
            time_max: time,
        }
    }

    /// A number of requests, however long they take.
    pub fn requests(number: u64) -> Self {
        Self {
            connections: CONNECTIONS,
            requests_max: number,
            time_max: Duration::MAX,
        }
    }
}

/// Sends `request` on all connections, again and again, until either limit is reached and every
/// request has its answer.
pub fn drive(port: u16, request: &mut Request, amount: Amount) -> Outcome<Load> {
    let epoll = epoll::create(CreateFlags::CLOEXEC).explain("cannot create an epoll")?;
    let mut connections = Vec::with_capacity(amount.connections);
    for index in 0..amount.connections {
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
    let mut unsent = amount
        .requests_max
        .saturating_sub(amount.connections as u64);
    let mut in_flight = amount.connections;
    let mut latencies = Vec::new();
    let mut events = Vec::with_capacity(amount.connections);
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
            if unsent > 0 && now - started < amount.time_max {
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

/// What is sent, as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    /// They are sent in turns.
    variants: Vec<Vec<u8>>,
    next: usize,
    /// The digits of the first variant that `next` counts with; none if all requests are equal.
    counter: Range<usize>,
}

impl Request {
    /// The individual screening with a magic reply, always the same.
    pub fn screening() -> Self {
        Self::screening_of("foo123", AUTHORIZATION)
    }

    /// The same in the worlds of so many keys, in turns.
    pub fn screening_in_worlds(number: usize) -> Self {
        Self::in_turns((0..number).map(|world| Self::screening_of("foo123", &basic(&key(world)))))
    }

    /// Every request has another user but the same length. Then the memory shows the data that the server keeps for each
    /// user.
    pub fn screening_of_new_users() -> Self {
        const COUNTER_DIGITS: usize = 7;
        let mut request = Self::screening_of("foo0000000", AUTHORIZATION);
        let user = request.variants[0]
            .windows(10)
            .position(|bytes| bytes == b"foo0000000");
        let end = user.expect("it was written") + 10;
        request.counter = end - COUNTER_DIGITS..end;
        request
    }

    fn screening_of(user_id: &str, authorization: &str) -> Self {
        let body = format!(
            r#"{{"given_names":"Eko Hadi Salim","user_id":"{user_id}","nationality":"ID","score_threshold":90,"scopes":["PEP"]}}"#
        );
        let headers = "content-type: application/json\r\nx-magic-reply: COMPLETED_FOUND\r\n";
        Self::new(
            &format!("POST {SCREENING}"),
            authorization,
            headers,
            body.as_bytes(),
        )
    }

    /// Always the same POST of some JSON.
    pub fn post(path: &str, body: &str) -> Self {
        let headers = "content-type: application/json\r\n";
        Self::new(
            &format!("POST {path}"),
            AUTHORIZATION,
            headers,
            body.as_bytes(),
        )
    }

    pub fn get(path: &str) -> Self {
        Self::new(&format!("GET {path}"), AUTHORIZATION, "", b"")
    }

    /// Always the same. `headers` are whole lines.
    pub fn new(method_and_path: &str, authorization: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "{method_and_path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {authorization}\r\n\
             {headers}content-length: {}\r\n\r\n",
            body.len()
        );
        Self {
            variants: vec![[head.as_bytes(), body].concat()],
            next: 0,
            counter: 0..0,
        }
    }

    pub fn in_turns(requests: impl Iterator<Item = Self>) -> Self {
        Self {
            variants: requests.flat_map(|request| request.variants).collect(),
            next: 0,
            counter: 0..0,
        }
    }

    /// The bytes to send next.
    pub fn next(&mut self) -> &[u8] {
        for digit in self.variants[0][self.counter.clone()].iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
        let at = self.next;
        self.next = (at + 1) % self.variants.len();
        &self.variants[at]
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
        let length = lines
            .filter_map(|line| line.split_at_checked(LENGTH.len()))
            .find(|(name, _)| name.eq_ignore_ascii_case(LENGTH))
            .and_then(|(_, value)| str::from_utf8(value).ok()?.trim().parse().ok());
        let body_length = match length {
            Some(length) => length,
            None if received.ends_with(b"\r\n0\r\n\r\n") => received.len() - end - 4, // in chunks
            None => return Ok(None),
        };
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
    pub fn open(port: u16) -> Outcome<Self> {
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

    /// Sends one request on its own connection. Returns the head and the body of the answer.
    pub fn exchange(port: u16, request: &[u8]) -> Outcome<(String, Vec<u8>)> {
        Self::open(port)?.ask(request)
    }

    /// Sends one request. Returns the head and the body of the answer.
    pub fn ask(&mut self, request: &[u8]) -> Outcome<(String, Vec<u8>)> {
        self.send(request, Instant::now())?;
        loop {
            if let Some(answer) = self.read()? {
                let (head, body) = self.buffer.split_at(answer.head_length);
                let head = String::from_utf8_lossy(head).into();
                return Ok((head, body[..answer.body_length].to_vec()));
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
