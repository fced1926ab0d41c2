//! A connection that speaks HTTP/2. It carries many requests at once, each with its own time limits and its
//! own faults. All its tasks end with it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::JoinSet;

use super::begun::Begun;
use super::calm::Calm;
use super::connection::Watched;
use super::head::HEAD_BYTES_MAX;
use super::unreadable;
use crate::base::lock;
use crate::http::ReplyBody;
use crate::server::gone::Gone;
use crate::server::pace::{Pace, PaceVerdict, Phase};
use crate::server::respond::{Admitted, respond};
use crate::server::sabotage::Written;
use crate::server::serving::Serving;
use crate::server::socket::Socket;

const STREAMS_MAX: u32 = 100;
const FRAME_BYTES_MAX: u32 = 16 << 10;

/// How many bytes a client may send before they are read.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;

const CONNECTION_WINDOW_BYTES: u32 = 64 << 10;

/// How much of an answer is held when its client does not read it.
const SEND_BYTES_MAX: usize = 256 << 10;

/// How many streams a client may open and reset before they are looked at. More end the connection.
const UNSEEN_RESETS_MAX: usize = 20;

/// How many streams may be reset because of what the client did on them. More end the connection.
const FAULTY_STREAMS_MAX: usize = 100;

/// After this silence a client is asked whether it is there. It has `PONG_TIME` to answer.
const PING_AFTER: Duration = Duration::from_secs(30);

const PONG_TIME: Duration = Duration::from_secs(20);

/// How many ticks a client may take to go when the sandbox stops and nothing is in flight.
const QUIET_TICKS_MAX: u32 = 1;

type Responded = Result<Response<Written>, Gone>;

impl Watched {
    pub(super) async fn http2<S: Socket>(self, io: Begun<S>) {
        let Self {
            port,
            serving,
            pace,
            mut ticks,
        } = self;
        pace.enter(Phase::Idle); // a client may connect before it has a request
        let tasks = Tasks::default();
        let service = service_fn(|mut request: Request<Incoming>| {
            let pace = Arc::new(Pace::of_stream(&pace));
            let serving = serving.clone();
            name_host(&mut request);
            let refusal = port.take(&mut request);
            let is_head = request.method() == Method::HEAD;
            let responding = responding(serving, request, refusal, pace);
            async move {
                let response = responding.ok_or_else(Gone::client)?.await?;
                Ok::<_, Gone>(if is_head {
                    without_content(response)
                } else {
                    response
                })
            }
        });
        let connection = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).expect("it is far below 4 GiB"))
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BYTES_MAX)
            .max_pending_accept_reset_streams(UNSEEN_RESETS_MAX)
            .max_local_error_reset_streams(FAULTY_STREAMS_MAX)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PONG_TIME)
            .serve_connection(TokioIo::new(Calm::new(io)), service);
        tokio::pin!(connection);
        let mut stopped = pin!(pace.stopped());
        let (mut stopping, mut leaving, mut quiet_ticks) = (false, false, 0);
        loop {
            tokio::select! {
                biased;
                ended = poll_fn(|context| {
                    tasks.join_ended();
                    connection.as_mut().poll(context)
                }) => {
                    if let Err(error) = ended {
                        unreadable::log_http2(&error);
                    }
                    break;
                }
                () = &mut stopped, if !stopping => stopping = true,
                _ = ticks.tick() => {
                    quiet_ticks = if stopping && pace.is_quiet() { quiet_ticks + 1 } else { 0 };
                    match pace.tick() {
                        // Nothing is in flight, and the client does not acknowledge the shutdown.
                        _ if quiet_ticks > QUIET_TICKS_MAX => break,
                        PaceVerdict::Fine => continue,
                        PaceVerdict::Idle => {}
                        PaceVerdict::TooSlow => break,
                    }
                }
            }
            if !std::mem::replace(&mut leaving, true) {
                connection.as_mut().graceful_shutdown();
            }
        }
        tasks.end();
    }
}

/// Answers a stream. The future is boxed, so that a stream without room needs hardly any memory. None where there is no room.
fn responding(
    serving: Arc<Serving>,
    request: Request<Incoming>,
    refusal: Option<Response<ReplyBody>>,
    pace: Arc<Pace>,
) -> Option<Pin<Box<impl Future<Output = Responded>>>> {
    let admitted = Admitted::stream(&serving, request)?;
    Some(Box::pin(async move {
        match refusal {
            None => answer(&serving, admitted, &pace).await,
            Some(refusal) => Ok(refusal.map(|body| Written::new(body, &pace))),
        }
    }))
}

async fn answer(serving: &Arc<Serving>, admitted: Admitted, pace: &Arc<Pace>) -> Responded {
    let response = respond(serving, admitted, pace).await;
    pace.answered();
    response.ok_or_else(|| pace.ending().map_or_else(Gone::client, Gone::by))
}

/// The reply to a HEAD request: the head of the reply to GET. Over HTTP/1.1 hyper leaves out the content itself.
fn without_content(mut response: Response<Written>) -> Response<Written> {
    if let Some(length) = response.body().size_hint().exact() {
        let length = HeaderValue::from(length);
        response
            .headers_mut()
            .entry(CONTENT_LENGTH)
            .or_insert(length);
    }
    response.body_mut().drop_content();
    response
}

/// HTTP/2 has `:authority` instead of `host`. It is copied into `host`, which the rest of the code reads.
fn name_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority();
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().entry(HOST).or_insert(host);
    }
}

/// The tasks that a connection runs beside itself. None of them outlives the connection.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// An ended task keeps its memory until it is joined.
    fn join_ended(&self) {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
    }

    fn end(&self) {
        let mut tasks = lock(&self.0);
        tasks.abort_all();
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        lock(&self.0).spawn(task);
    }
}
