//! A receiver of callbacks on loopback, with correct and faulty reactions, and a clock that
//! is paused until a test moves it.

use std::collections::VecDeque;
use std::fmt::Write;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iluma_sandbox::CallbackUrl;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::patience::patiently;

/// The reaction of a receiver to a callback that it has read.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Another reaction after a delay.
    After(Duration, Box<Reaction>),
    /// No answer; the connection stays open.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset.
    Reset,
    /// These bytes.
    Bytes(&'static [u8]),
}

impl Reaction {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(self, name: &'static str, text: impl Into<String>) -> Self {
        match self {
            Self::Answer {
                status,
                mut headers,
                body,
            } => {
                headers.push((name, text.into()));
                Self::Answer {
                    status,
                    headers,
                    body,
                }
            }
            other => other,
        }
    }

    /// This many letters follow the head.
    pub(crate) fn body_of(self, bytes: usize) -> Self {
        match self {
            Self::Answer {
                status, headers, ..
            } => Self::Answer {
                status,
                headers,
                body: vec![b'a'; bytes],
            },
            other => other,
        }
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }
}

/// One callback as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `POST /callbacks HTTP/1.1`
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The time when it had been read, by the clock of the test.
    pub(crate) at: Instant,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("bodies are text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}

/// Listens until it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

struct Shared {
    /// The reactions to the next callbacks, before the usual reaction.
    script: Mutex<VecDeque<Reaction>>,
    usual: Mutex<Reaction>,
    received: watch::Sender<Vec<Received>>,
    /// The number of open exchanges, and the maximum so far.
    open: watch::Sender<(usize, usize)>,
}

impl Receiver {
    /// Answers every callback with 200.
    pub(crate) async fn start() -> Self {
        Self::that(Reaction::status(200)).await
    }

    pub(crate) async fn that(usual: Reaction) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            usual: Mutex::new(usual),
            received: watch::Sender::default(),
            open: watch::Sender::default(),
        });
        let task = tokio::spawn(listen(listener, shared.clone()));
        Self {
            address,
            shared,
            listening: task.abort_handle(),
        }
    }

    /// Sets the reactions to the next callbacks. After them, the usual reaction applies.
    pub(crate) fn then(&self, reactions: impl IntoIterator<Item = Reaction>) {
        locked(&self.shared.script).extend(reactions);
    }

    pub(crate) fn usually(&self, reaction: Reaction) {
        *locked(&self.shared.usual) = reaction;
    }

    pub(crate) fn url_text(&self) -> String {
        format!("http://{}/callbacks", self.address)
    }

    pub(crate) fn url(&self) -> CallbackUrl {
        self.url_text().parse().expect("a URL")
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The callbacks so far, in the order of arrival.
    pub(crate) fn so_far(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Waits until this many callbacks have arrived in total, and returns them all.
    pub(crate) async fn received(&self, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let came = received.wait_for(|received| received.len() >= count);
        let came = patiently(came).await;
        came.unwrap_or_else(|| panic!("{} of {count} callbacks came", self.so_far().len()))
            .expect("it listens")
            .clone()
    }

    /// The only callback so far.
    pub(crate) async fn only(&self) -> Received {
        let mut received = self.received(1).await;
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Waits until this many exchanges are open at once.
    pub(crate) async fn open(&self, count: usize) {
        let mut open = self.shared.open.subscribe();
        let opened = open.wait_for(|(now, _)| *now == count);
        let opened = patiently(opened).await;
        opened
            .expect("exchanges are opened and closed")
            .expect("it listens");
    }

    /// The maximum number of exchanges that were open at once.
    pub(crate) fn most_open(&self) -> usize {
        self.shared.open.borrow().1
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A URL without a listener.
pub(crate) fn refusing_url() -> String {
    format!("http://{}/callbacks", refusing_address())
}

/// An address without a listener. Its port is reserved until the tests end, so that no other test gets it. A test that
/// asks for this port can listen there.
pub(crate) fn refusing_address() -> SocketAddr {
    let holder = TcpSocket::new_v4().expect("a socket");
    holder.set_reuseaddr(true).expect("it can be shared");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    holder.bind(any).expect("a port");
    let address = holder.local_addr().expect("an address");
    std::mem::forget(holder);
    address
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut exchanges = JoinSet::new(); // they end with the listener
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        exchanges.spawn(exchange(socket, shared.clone()));
        while exchanges.try_join_next().is_some() {}
    }
}

async fn exchange(mut socket: TcpStream, shared: Arc<Shared>) {
    let Some(received) = read(&mut socket).await else {
        return;
    };
    let next = locked(&shared.script).pop_front();
    let mut reaction = next.unwrap_or_else(|| locked(&shared.usual).clone());
    shared
        .open
        .send_modify(|(now, most)| (*now, *most) = (*now + 1, (*now + 1).max(*most)));
    let _open = Open(&shared);
    shared.received.send_modify(|all| all.push(received));
    while let Reaction::After(delay, then) = reaction {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = closed(&mut socket) => return,
        }
        reaction = *then;
    }
    match reaction {
        Reaction::Answer {
            status,
            headers,
            body,
        } => {
            let mut answer = format!(
                "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                write!(answer, "{name}: {value}\r\n").expect("texts grow");
            }
            answer.push_str("\r\n");
            let bytes = [answer.as_bytes(), &body].concat();
            socket.write_all(&bytes).await.ok(); // who asked may have read enough
        }
        Reaction::Bytes(bytes) => socket.write_all(bytes).await.expect("it is taken"),
        Reaction::Hang => closed(&mut socket).await,
        Reaction::Reset => socket.set_zero_linger().expect("a socket"),
        Reaction::Close => {}
        Reaction::After(..) => unreachable!("waited for above"),
    }
}

struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|(now, _)| *now -= 1);
    }
}

/// Returns when the other side has closed the connection.
async fn closed(socket: &mut TcpStream) {
    let mut rest = [0; 100];
    while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// None if the connection ends within the request.
async fn read(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        socket
            .read_buf(&mut bytes)
            .await
            .ok()
            .filter(|read| *read > 0)?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).expect("heads are text");
    let mut lines = head.lines();
    let line = lines.next().expect("a request line").to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, length)| length.parse().expect("a length"));
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        socket
            .read_buf(&mut body)
            .await
            .ok()
            .filter(|read| *read > 0)?;
    }
    Some(Received {
        line,
        headers,
        body,
        at: Instant::now(),
    })
}

/// While this value exists, the paused clock moves only when a test moves it, because tokio does not advance it while a
/// blocking task runs. It ends after ten minutes, so that a test that waits in vain fails.
pub(crate) struct StandingClock {
    _released_on_drop: std::sync::mpsc::Sender<()>,
}

impl StandingClock {
    pub(crate) fn hold() -> Self {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || receiver.recv_timeout(Duration::from_mins(10)).ok());
        Self {
            _released_on_drop: sender,
        }
    }
}

/// Lets time pass until a millisecond before the end, checks that nothing has come, then lets the rest pass.
pub(crate) async fn after_exactly<F: Future>(delay: Duration, nothing_yet: impl FnOnce() -> F) {
    let almost = delay.checked_sub(Duration::from_millis(1));
    tokio::time::advance(almost.expect("a millisecond at least")).await;
    nothing_yet().await;
    tokio::time::advance(Duration::from_millis(1)).await;
}
