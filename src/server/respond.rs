//! The server: takes connections, reads requests, writes answers, stops gracefully.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::effect::{self, ReplyBody};
use super::pace::{Ending, Pace};
use super::ports::Ports;
use super::{body, connection, wire};
use crate::answer::{self, Answered, Breaking, Effect, Shared};
use crate::base::{self, Panicked, contained, contained_async};
use crate::catalogue::{Route, UploadFields};
use crate::control;
use crate::http::{ApiError, Body, Call, MediaType, Picture};
use crate::world::{Exchange, KeptBody, NO_WORLD, Why, head_text};

const CONNECTIONS_MAX: usize = 10_000;

/// How many may wait to be let in.
const BACKLOG: u32 = 4096;

/// How long requests in flight may take to finish when the sandbox stops.
const STOP_TIME: Duration = Duration::from_secs(5);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const OUTCOME: HeaderName = HeaderName::from_static("x-sandbox-outcome");
const TRACE: HeaderName = HeaderName::from_static("x-sandbox-trace");

/// Listens, with room for a crowd that comes at once: whom the system's own 128 have no place for tries again after a second.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)] // elsewhere it would let two listen at once
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` is true or its sender is gone.
pub(crate) async fn serve(ports: Ports, sandbox: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let stop_connections = stop.clone();
    let accepting = async {
        loop {
            // At the limit the next connection waits in the system's queue.
            let place = places.clone().acquire_owned().await.expect("never closed");
            // What has ended is let go at once: its room is that of the connection, and nobody else may come for long.
            let accepted = loop {
                tokio::select! {
                    accepted = ports.accept() => break accepted,
                    Some(_) = connections.join_next() => {}
                }
            };
            let (socket, port) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors, most likely
                    continue;
                }
            };
            let (sandbox, stop) = (sandbox.clone(), stop_connections.clone());
            connections.spawn(async move {
                connection::serve(socket, port, sandbox.clone(), stop).await;
                sandbox.connection_ended.notify_one();
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    drop(ports);
    let finished = tokio::time::timeout(STOP_TIME, async {
        while connections.join_next().await.is_some() {}
    });
    if finished.await.is_err() {
        tracing::warn!("{} connections were cut after 5 s", connections.len());
    }
}

/// Answers one request. None when the client is gone, or is to get no answer. A panic costs this request alone.
pub(crate) async fn respond(
    sandbox: &Arc<Shared>,
    request: Request<Incoming>,
    pace: &Arc<Pace>,
) -> Option<Response<ReplyBody>> {
    if let Some(panics) = &sandbox.options.test_panics {
        panics.arm(request.headers());
    }
    let is_control = control::is_control_path(request.uri().path());
    let responded = contained_async(pin!(respond_or_panic(sandbox, request, pace))).await;
    responded.unwrap_or_else(|Panicked| {
        base::log_panic("answering a request");
        Some(if is_control {
            control::failed_reply()
        } else {
            failed(sandbox)
        })
    })
}

/// What few requests need is boxed: the future is moved for every one of them.
async fn respond_or_panic(
    sandbox: &Arc<Shared>,
    request: Request<Incoming>,
    pace: &Arc<Pace>,
) -> Option<Response<ReplyBody>> {
    let came = Instant::now();
    let (head, incoming) = request.into_parts();
    let bytes_max = control::body_bytes_max(&head);
    let received = body::read(
        &head.headers,
        incoming,
        bytes_max,
        &sandbox.bodies,
        &sandbox.thumbnails,
    )
    .await?;
    pace.answering();
    let call = Call {
        came,
        head,
        body: received.body,
    };
    let (until_answered, mut pictures) = (received.share, received.pictures);
    if let Some(response) = control::answer_document(sandbox, &call) {
        return Some(response);
    }
    if control::is_control_path(call.path()) {
        return Some(Box::pin(control::respond(sandbox, &call, pace)).await);
    }
    // Before anything is done: who goes away meanwhile has asked for nothing.
    let long = match &call.body {
        Body::Bytes(bytes) if KeptBody::keeps_a_part_of(bytes) => {
            Box::pin(kept_in_turns(sandbox, &call, bytes)).await
        }
        _ => None,
    };
    let (mut answered, panicked) = match contained(|| answer::answer(sandbox, &call)) {
        Ok(answered) => (answered, false),
        Err(Panicked) => (panicked(sandbox, uploads(sandbox, &call)), true),
    };
    let mut release = None;
    if let Some(world) = &answered.world {
        let effect = std::mem::take(&mut answered.reply.effect);
        if !matches!(effect, Effect::None) {
            match Box::pin(effect::before_reply(sandbox, world, effect)).await {
                Ok(to_release) => release = to_release,
                Err(error) => {
                    answered.reply = answer::error_reply(&sandbox.catalogue(), None, &error);
                }
            }
        }
    }
    let mut response = Response::new(ReplyBody::new(answered.reply.body.clone(), release));
    *response.status_mut() = answered.reply.status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, JSON);
    for (name, value) in &answered.reply.headers {
        headers.insert(name, value.clone());
    }
    if let Some(outcome) = &answered.reply.outcome {
        headers.insert(OUTCOME, outcome.clone());
    }
    let breaking = answered.reply.breaking.take();
    if let Some(breaking) = &breaking {
        headers.extend(breaking.headers());
    }
    let duration = came.elapsed();
    tracing::info!(
        method = shown_method(&call),
        route = answered.route.as_deref().unwrap_or("no such route"),
        status = answered.reply.status.as_u16(),
        outcome = answered
            .reply
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.to_str().ok()),
        delay_ms = breaking.as_ref().and_then(|breaking| breaking.delay_ms()),
        fault = breaking
            .as_ref()
            .and_then(|breaking| breaking.shown_fault())
            .as_deref(),
        micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let (request, more) = kept(sandbox, &call, long, answered.uploads.as_deref());
    pictures.extend(more);
    let broken = breaking.as_deref();
    let request = (request, pictures);
    let trace = record(sandbox, &call, request, answered, broken, duration);
    if panicked {
        let trace = trace.to_str().expect("hex digits");
        base::log_panic(format_args!("answering the request {trace}"));
    }
    headers.insert(TRACE, trace);
    let Some(breaking) = breaking else {
        return Some(response);
    };
    drop((call, until_answered)); // a reply that waits holds nothing of its request
    Box::pin(wire::carry_out(response, *breaking, pace)).await
}

/// Where a panic has left no answer.
fn panicked(sandbox: &Shared, uploads: Option<Arc<UploadFields>>) -> Answered {
    Answered {
        reply: answer::error_reply(&sandbox.catalogue(), None, &ApiError::server_error()),
        world: None,
        route: None,
        uploads,
        why: Why::default(),
    }
}

/// What is left to say where a panic came between the answer and its writing.
fn failed(sandbox: &Shared) -> Response<ReplyBody> {
    let reply = panicked(sandbox, None).reply;
    let mut response = Response::new(ReplyBody::new(reply.body, None));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some(outcome) = reply.outcome {
        response.headers_mut().insert(OUTCOME, outcome);
    }
    response
}

/// Where a request may hold files, of which nothing must be left behind.
fn uploads(sandbox: &Shared, call: &Call) -> Option<Arc<UploadFields>> {
    match sandbox.catalogue().route(call.method(), call.path()) {
        Ok(Route::Ask(endpoint, _)) => endpoint.schema.uploads.clone(),
        _ => None,
    }
}

/// Keeps the exchange in its world's journal, and has what was uploaded drawn for those who look on; returns what `x-sandbox-trace` shows.
fn record(
    sandbox: &Shared,
    call: &Call,
    (request, pictures): (KeptBody, Vec<Picture>),
    answered: Answered,
    breaking: Option<&Breaking>,
    duration: Duration,
) -> HeaderValue {
    let Some(world) = &answered.world else {
        sandbox.worlds.count_stranger(&answered.reply, duration);
        let refused =
            answered.reply.status.is_client_error() || answered.reply.status.is_server_error();
        let seq = if refused {
            sandbox.record_stranger(exchange(call, request, answered, breaking, duration))
        } else {
            sandbox.strangers().pass()
        };
        return trace(str::from_utf8(&NO_WORLD).expect("zeros"), seq);
    };
    let world = world.clone();
    let era = if pictures.is_empty() { 0 } else { world.era() };
    sandbox.panic_if_told("record");
    let seq = world.record(exchange(call, request, answered, breaking, duration));
    if !pictures.is_empty() {
        sandbox.thumbnails.draw(&world, era, seq, pictures);
    }
    trace(&world.tag, seq)
}

/// What is kept of a long body. None where files may lie in it, which are not.
async fn kept_in_turns(sandbox: &Shared, call: &Call, body: &[u8]) -> Option<KeptBody> {
    match uploads(sandbox, call) {
        None => Some(KeptBody::copied_in_turns(body).await),
        Some(_) => None,
    }
}

/// What is kept of a request's body, where it is not known yet, and of its files those that are to be drawn.
fn kept(
    sandbox: &Shared,
    call: &Call,
    long: Option<KeptBody>,
    uploads: Option<&UploadFields>,
) -> (KeptBody, Vec<Picture>) {
    if let (Some(kept), None) = (long, uploads) {
        return (kept, Vec::new());
    }
    let kept = match (&call.body, uploads) {
        (Body::Bytes(bytes), Some(uploads)) => {
            let is_form = call.media_type() == MediaType::Form;
            let (bytes, pictures) = uploads.keep(bytes, is_form, &|| sandbox.thumbnails.room());
            return (KeptBody::copied(&bytes), pictures);
        }
        (Body::Bytes(bytes), None) => KeptBody::copied(bytes),
        (Body::Parts(parts), _) => KeptBody::copied(parts.to_string().as_bytes()),
        (Body::Empty | Body::Unreadable(_), _) => KeptBody::copied(b""),
    };
    (kept, Vec::new())
}

fn exchange(
    call: &Call,
    request: KeptBody,
    answered: Answered,
    breaking: Option<&Breaking>,
    duration: Duration,
) -> Exchange {
    let target = call
        .head
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    Exchange {
        seq: 0, // the journal knows
        tag: answered.world.as_ref().map_or(NO_WORLD, |world| {
            world.tag.as_bytes().try_into().expect("eight hex digits")
        }),
        at: SystemTime::now() - duration,
        head: head_text(call.head.method.as_str(), target, &call.head.headers),
        request,
        status: answered.reply.status,
        outcome: answered.reply.outcome,
        reply: KeptBody::shared(&answered.reply.body),
        reply_headers: answered.reply.headers,
        duration,
        why: answered.why,
        thumbnails: None,
        delay: breaking.map_or(Duration::ZERO, |breaking| breaking.delay),
        fault: breaking.and_then(Breaking::shown_fault),
    }
}

/// `x-sandbox-trace`: the world's tag and the number of the exchange.
fn trace(tag: &str, seq: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let trace = [tag, "-", digits.format(seq)].concat();
    HeaderValue::from_maybe_shared(Bytes::from(trace)).expect("hex digits")
}

/// A method of the client's own making could hold anything.
fn shown_method(call: &Call) -> &'static str {
    match call.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Nothing is answered: the client went away before its request was whole, or it is to be broken. Over HTTP/1.1 the
/// connection ends, over HTTP/2 the stream is reset.
#[derive(Debug, thiserror::Error)]
#[error("there is nobody to answer")]
pub(crate) struct Gone(#[source] h2::Error);

impl Gone {
    /// The client is, or takes too long.
    pub(crate) fn client() -> Self {
        Self(h2::Reason::CANCEL.into())
    }

    /// How a stream ends that is broken on purpose. It is never `REFUSED_STREAM`, which says that nothing
    /// was done: clients ask again by themselves then.
    pub(crate) fn by(ending: Ending) -> Self {
        let reason = match ending {
            Ending::Reset => h2::Reason::INTERNAL_ERROR,
            Ending::Close => h2::Reason::CANCEL,
            Ending::Garbage => h2::Reason::PROTOCOL_ERROR,
        };
        Self(reason.into())
    }
}
