//! A receiver of callbacks for tests: it keeps every callback and answers as the test wants.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::patience::{PATIENCE, deadline};
use crate::base::lock;
use crate::http::BODY_BYTES_MAX;

/// How many callbacks a receiver keeps. More are refused with 507.
const RECEIVED_MAX: usize = 10_000;

/// A receiver of callbacks on a port of its own, for tests: see
/// [`Sandbox::receiver`](crate::Sandbox::receiver). It answers 200 unless the test sets another status. It
/// keeps the first 10,000 callbacks, and stops when it is dropped.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::Sandbox;
///
/// let sandbox = Sandbox::start().await.unwrap();
/// let (world, receiver) = (sandbox.world(), sandbox.receiver());
/// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
/// reqwest::Client::new()
///     .post(format!("{}/v1.1/identity/bank_account_data_requests", world.url()))
///     .basic_auth(world.api_key(), Some(""))
///     .header("x-magic-reply", "COMPLETED_FOUND")
///     .send()
///     .await
///     .unwrap();
/// let callback = receiver.next().await;
/// assert_eq!(callback.token(), Some(world.callback_token().as_str()));
/// assert_eq!(callback.json()["status"], "COMPLETED");
/// # });
/// ```
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// A callback that a receiver got.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let (world, receiver) = (sandbox.world(), sandbox.receiver());
/// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
/// let sent = world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
/// let callback = receiver.next().await;
/// assert_eq!(callback.path, "/callbacks");
/// assert_eq!(callback.answered, 200);
/// assert_eq!(callback.body, sent.body);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ReceivedCallback {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The status that the receiver answered.
    pub answered: StatusCode,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<ReceiverState>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct ReceiverState {
    received: Vec<ReceivedCallback>,
    /// How many callbacks `next` has returned.
    taken: usize,
    /// The statuses for the next callbacks, each with its number of times. After them the answer is 200.
    refusals: VecDeque<(StatusCode, usize)>,
}

impl ReceivedCallback {
    /// The token that the callback carried. A receiver compares it with the token of the world before
    /// anything else.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// let callback = receiver.next().await;
    /// assert_eq!(callback.token(), Some(world.callback_token().as_str()));
    /// # });
    /// ```
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.headers
            .get(crate::http::CALLBACK_TOKEN_HEADER)
            .and_then(|token| token.to_str().ok())
    }

    /// The body as JSON, or `null` if it is none.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(receiver.next().await.json()["status"], "COMPLETED");
    /// # });
    /// ```
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Receiver {
    #[track_caller]
    pub(super) fn start(runtime: &Handle) -> Self {
        let _of_listener = runtime.enter();
        let bound = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, TcpListener::from_std(listener)?))
        });
        let (address, listener) = match bound {
            Ok(bound) => bound,
            Err(error) => panic!("cannot listen on the loopback interface: {error}"),
        };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changes: watch::Sender::default(),
        });
        let server = runtime.spawn(serve(listener, shared.clone()));
        Self {
            address,
            shared,
            server,
        }
    }

    /// The URL of this receiver. It takes callbacks at any other path too.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.receiver().url().ends_with("/callbacks"));
    /// # });
    /// ```
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/callbacks", self.address)
    }

    /// Answers the next `times` callbacks with this status, and later ones with 200.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// receiver.refuse(503, 1);
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(receiver.next().await.answered, 503);
    /// world.advance(std::time::Duration::from_secs(1)).await; // to the next try
    /// assert_eq!(receiver.next().await.answered, 200);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the status cannot end a request: only 200 to 599 can.
    #[track_caller]
    pub fn refuse(&self, status: u16, times: usize) {
        let known = StatusCode::from_u16(status).ok();
        let Some(known) = known.filter(|_| (200..600).contains(&status)) else {
            panic!("{status} ends no request: a status from 200 to 599 does");
        };
        let mut state = self.shared.state();
        state.refusals.push_back((known, times));
    }

    /// All callbacks that came, oldest first.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.receiver().received().is_empty());
    /// # });
    /// ```
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedCallback> {
        self.shared.state().received.clone()
    }

    /// The next callback that this method has not returned yet. It waits at most 10 s.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(receiver.next().await.json()["status"], "COMPLETED");
    /// # });
    /// ```
    ///
    /// # Panics
    /// When none comes. The message says how many came before.
    pub async fn next(&self) -> ReceivedCallback {
        let Some(next) = self.next_within(PATIENCE).await else {
            let count = self.shared.state().received.len();
            panic!(
                "no callback came within {PATIENCE:?}; {count} had come before. `deliveries` of the world shows where the \
                 others went, and `callbacks_without_url` those that had no URL"
            );
        };
        next
    }

    /// The same with another time limit. It returns none if no callback comes.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let receiver = sandbox.receiver();
    /// let none = receiver.next_within(std::time::Duration::from_millis(1)).await;
    /// assert!(none.is_none());
    /// # });
    /// ```
    pub async fn next_within(&self, patience: Duration) -> Option<ReceivedCallback> {
        let until = deadline(patience);
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(next) = self.shared.state().take_next() {
                return Some(next);
            }
            timeout_at(until, changes.changed()).await.ok()?.ok()?;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, ReceiverState> {
        lock(&self.state)
    }

    /// Keeps a callback, and returns the status of its answer.
    fn take(&self, head: Parts, body: Bytes) -> StatusCode {
        let mut state = self.state();
        if state.received.len() >= RECEIVED_MAX {
            return StatusCode::INSUFFICIENT_STORAGE;
        }
        let answered = state.answer();
        state.received.push(ReceivedCallback {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body,
            answered,
        });
        drop(state);
        self.changes.send_replace(());
        answered
    }
}

impl ReceiverState {
    fn take_next(&mut self) -> Option<ReceivedCallback> {
        let next = self.received.get(self.taken).cloned()?;
        self.taken += 1;
        Some(next)
    }

    /// The status for the next callback.
    fn answer(&mut self) -> StatusCode {
        while let Some((status, times)) = self.refusals.front_mut() {
            if *times > 0 {
                *times -= 1;
                return *status;
            }
            self.refusals.pop_front();
        }
        StatusCode::OK
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new(); // they end with the receiver
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors, most likely
            continue;
        };
        let shared = shared.clone();
        let service = service_fn(move |request| receive(shared.clone(), request));
        connections.spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            connection.await.ok(); // a sender may go away
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn receive(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let mut response = Response::new(Full::default());
    *response.status_mut() = match body {
        Ok(body) => shared.take(head, body.to_bytes()),
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Ok(response)
}
