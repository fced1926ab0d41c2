//! The way of one request: read, answered, followed up, recorded, and its reply broken if a fault says so.

use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use tokio::time::Instant;

use super::body::{self, BodySource, ReadBody};
use super::follow_up::{self, Release};
use super::log::{RequestLine, Unanswered, log_own_reply};
use super::pace::Pace;
use super::record::{Finished, keep, prepare_to_keep, record, uploads};
use super::sabotage::{self, Written};
use super::serving::Serving;
use crate::answer::{self, Answered, FollowUp, Reply};
use crate::base::Commit;
use crate::base::{self, Admission, InFlight, InFlightShare, Panicked, contained, contained_async};
use crate::catalogue::UploadFields;
use crate::control;
use crate::http::{self, ApiError, BodyContent, Call, Picture, ReplyBody};
use crate::world::Decision;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const OUTCOME: HeaderName = HeaderName::from_static("x-sandbox-outcome");
const TRACE: HeaderName = HeaderName::from_static("x-sandbox-trace");

/// Room for the headers of a usual response.
const RESPONSE_HEADERS: usize = 6;

/// A map with room for more headers is not reused, because the connection holds it until it closes.
const REUSED_HEADERS_MAX: usize = 64;

/// A request whose head has been read, and whether it has room.
pub(super) struct Admitted {
    request: Request<Incoming>,
    admission: Admission,
}

impl Admitted {
    pub(super) fn request(serving: &Serving, request: Request<Incoming>) -> Self {
        let head_bytes = http::head_bytes(request.uri(), request.headers());
        Self {
            admission: serving.control.in_flight.admit_request(head_bytes),
            request,
        }
    }

    /// None where there is not even room for a refusal.
    pub(super) fn stream(serving: &Serving, request: Request<Incoming>) -> Option<Self> {
        let head_bytes = http::head_bytes(request.uri(), request.headers());
        Some(Self {
            admission: serving.control.in_flight.admit_stream(head_bytes)?,
            request,
        })
    }
}

/// Answers one request. None when the client is gone, or is to get no answer. A panic costs this request alone.
pub(crate) async fn respond(
    serving: &Arc<Serving>,
    admitted: Admitted,
    pace: &Arc<Pace>,
) -> Option<Response<Written>> {
    serving
        .control
        .engine
        .panics
        .arm(admitted.request.headers());
    let is_control = control::is_control_path(&http::normal_path(admitted.request.uri().path()));
    let mut unanswered = Unanswered::watch(&admitted.request, pace);
    let responded = {
        let responding = pin!(respond_or_panic(serving, admitted, pace, &mut unanswered));
        contained_async(responding).await
    };
    unanswered.done();
    responded.unwrap_or_else(|Panicked| {
        base::log_panic("answering a request");
        let response = if is_control {
            control::failed_reply()
        } else {
            failed(serving)
        };
        Some(response.map(|body| Written::new(body, pace)))
    })
}

/// The steps of a request. Futures that few requests need are boxed, because this future is moved for every
/// request.
async fn respond_or_panic(
    serving: &Arc<Serving>,
    admitted: Admitted,
    pace: &Arc<Pace>,
    unanswered: &mut Unanswered,
) -> Option<Response<Written>> {
    let Read {
        mut call,
        pictures,
        mut share,
    } = read(serving, admitted, pace).await?;
    pace.answering();
    let is_control = control::is_control_path(&call.path());
    if is_control && control::may_wait(&call) {
        let head_bytes = call.forget_unread_headers();
        unanswered.copied(&call.head.uri);
        if let Some(share) = &mut share {
            share.shrink(&serving.control.in_flight, head_bytes);
        }
    }
    if let Some(mut response) = answer_as_sandbox(serving, &call, is_control).await {
        if is_large(&response) {
            response = hold(serving, response, Some(pace)).await;
        }
        log_own_reply(&call, response.status());
        let written = response.map(|body| Written::new(body, pace));
        return Some(hold_stream(serving, written, share, pace));
    }
    // This comes before anything is done: if the client goes away meanwhile, its request has no effect.
    let prepared = prepare_to_keep(serving, &call).await;
    let (mut answered, panicked) = answer(serving, &call);
    let released = follow_up(serving, &mut answered).await;
    let mut kept = keep(serving, &call, &answered, prepared);
    kept.pictures.splice(0..0, pictures);
    let headers = emptied(std::mem::take(&mut call.head.headers));
    let mut response = begin_response(&answered.reply, released, headers);
    if is_large(&response) {
        response = Box::pin(hold(serving, response, None)).await;
    }
    let faults = answered.reply.faults.take();
    if let Some(faults) = &faults {
        response.headers_mut().extend(faults.headers());
    }
    let mut finished = Finished {
        duration: call.received_at.elapsed(),
        call: &call,
        answered,
        faults: faults.as_deref(),
    };
    let line = RequestLine::of(&mut finished, &kept);
    let trace = record(serving, finished, kept);
    let shown_trace = trace.to_str().expect("hex digits");
    if let Some(line) = line {
        line.write(serving, &call, faults.as_deref(), shown_trace);
        unanswered.trace = faults.is_some().then(|| shown_trace.to_owned());
    }
    if panicked {
        base::log_panic(format_args!("answering the request {shown_trace}"));
    }
    response.headers_mut().insert(TRACE, trace);
    let Some(faults) = faults else {
        let written = response.map(|body| Written::new(body, pace));
        return Some(hold_stream(serving, written, share, pace));
    };
    drop(call); // a reply that waits holds nothing of its request
    let share = share_of_stream(serving, share, pace);
    let mut written = Box::pin(sabotage::carry_out(response, *faults, pace)).await?;
    if let Some(share) = share {
        written.body_mut().hold(share);
    }
    Some(written)
}

/// A request that was read, its pictures, and its share of the memory. None where there was no room for it.
struct Read {
    call: Call,
    pictures: Vec<Picture>,
    share: Option<InFlightShare>,
}

/// None when the client is gone. A body that takes too long is unreadable, as any body that cannot be read: it is
/// answered and recorded.
async fn read(serving: &Serving, admitted: Admitted, pace: &Pace) -> Option<Read> {
    let (received_at, at) = (Instant::now(), SystemTime::now());
    let (head, incoming) = admitted.request.into_parts();
    let source = BodySource {
        serving,
        head: &head,
    };
    let mut room = match admitted.admission {
        Admission::Room(share) => Ok(share),
        Admission::Wait(refusal) => {
            let in_flight = &serving.control.in_flight;
            let head_bytes = http::head_bytes(&head.uri, &head.headers);
            let waited = Box::pin(in_flight.wait_for_room(head_bytes, refusal.as_ref())).await;
            waited.map_err(|reason| (reason, refusal))
        }
    };
    let reading = async {
        match &mut room {
            Ok(share) => body::read(source, incoming, share).await,
            Err((reason, _)) => Box::pin(body::refuse(source, incoming, *reason)).await,
        }
    };
    let received = tokio::select! {
        biased;
        received = reading => received?,
        () = pace.body_is_late() => {
            pace.close_after_reply();
            ReadBody::late()
        }
    };
    Some(Read {
        call: Call {
            received_at,
            at,
            head,
            body: received.body,
            files_are_hashes: false,
        },
        pictures: received.pictures,
        share: room.map_or_else(|(_, refusal)| refusal, Some),
    })
}

/// What is left of the share of a stream while its reply waits or is written: a stream needs memory until its end. A
/// request over HTTP/1.1 has a task that its connection has anyway.
fn share_of_stream(
    serving: &Serving,
    share: Option<InFlightShare>,
    pace: &Pace,
) -> Option<InFlightShare> {
    let mut share = share.filter(|_| pace.is_of_stream())?;
    share.shrink(&serving.control.in_flight, 0);
    Some(share)
}

/// Holds the share of a stream until its reply is written.
fn hold_stream(
    serving: &Serving,
    mut response: Response<Written>,
    share: Option<InFlightShare>,
    pace: &Arc<Pace>,
) -> Response<Written> {
    if let Some(share) = share_of_stream(serving, share, pace) {
        let written = response.body_mut();
        let unread = written.is_whole().then(|| pace.unread_reply());
        written.hold((share, unread));
    }
    response
}

/// What the sandbox answers as itself: its documents, and everything below `/__sandbox/`.
async fn answer_as_sandbox(
    serving: &Serving,
    call: &Call,
    is_control: bool,
) -> Option<Response<ReplyBody>> {
    if let Some(response) = control::answer_document(&serving.control, call) {
        return Some(response);
    }
    if is_control {
        let response = Box::pin(control::respond(&serving.control, call)).await;
        serving.control.engine.worlds.drop_callbacks_beyond_limit();
        return Some(response);
    }
    None
}

/// Whether the reply needs room of its own.
fn is_large(response: &Response<ReplyBody>) -> bool {
    match &response.body().content {
        BodyContent::Whole(bytes) => InFlight::counts(bytes),
        BodyContent::Pieces(_) | BodyContent::Stream(_) => false,
    }
}

/// Takes room for the reply until it has been written. Where there is none, another reply says so. A reply of the control
/// API has a pace, because its client has to read it in time.
async fn hold(
    serving: &Serving,
    mut response: Response<ReplyBody>,
    control_pace: Option<&Arc<Pace>>,
) -> Response<ReplyBody> {
    let BodyContent::Whole(bytes) = &mut response.body_mut().content else {
        return response; // its pieces are made while they are sent
    };
    let unread = || control_pace.map(Pace::unread_reply);
    match serving
        .control
        .in_flight
        .hold(std::mem::take(bytes), unread)
        .await
    {
        Ok(held) => *bytes = held,
        Err(reason) => {
            return no_memory_reply(
                serving,
                control_pace.is_some(),
                &ApiError::no_memory(reason),
            );
        }
    }
    response
}

/// The answer as the emulated API, and whether a panic has taken its place.
pub(super) fn answer(serving: &Serving, call: &Call) -> (Answered, bool) {
    match contained(|| answer::answer(&serving.control.engine, call)) {
        Ok(answered) => (answered, false),
        Err(Panicked) => (without_answer(serving, uploads(serving, &call.head)), true),
    }
}

/// Does what must happen before the reply is written. Returns the callbacks to release after it.
async fn follow_up(serving: &Serving, answered: &mut Answered) -> Option<Release> {
    let world = answered.world.as_ref()?;
    let effect = std::mem::take(&mut answered.reply.effect);
    if matches!(effect, FollowUp::None) {
        return None;
    }
    let control = &serving.control;
    control.engine.worlds.drop_callbacks_beyond_limit();
    match Box::pin(follow_up::carry_out_before_reply(control, world, effect)).await {
        Ok(carried_out) => {
            if let Some(commit) = carried_out.commit {
                answered.commit = commit;
            }
            carried_out.release
        }
        Err(failed) => {
            let catalogue = serving.control.engine.catalogue();
            answered.reply = answer::error_reply(&catalogue, None, &failed.error);
            answered.decision.failed_test = Some(failed.attempt);
            None
        }
    }
}

/// The headers of a request without its headers: the response is made in the same memory.
fn emptied(mut headers: HeaderMap) -> HeaderMap {
    if headers.capacity() > REUSED_HEADERS_MAX {
        return HeaderMap::with_capacity(RESPONSE_HEADERS);
    }
    headers.clear();
    headers
}

/// The response without its trace, its delay and its fault. `headers` is empty.
fn begin_response(
    reply: &Reply,
    released: Option<Release>,
    mut headers: HeaderMap,
) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody {
        content: BodyContent::Whole(reply.body.clone()),
        until_written: released.map(|released| Box::new(released) as Box<dyn Send>),
    });
    *response.status_mut() = reply.status;
    headers.insert(CONTENT_TYPE, JSON);
    for (name, value) in &reply.headers {
        headers.insert(name, value.clone());
    }
    if let Some(outcome) = reply.id.header() {
        headers.insert(OUTCOME, outcome.clone());
    }
    *response.headers_mut() = headers;
    response
}

/// The error that takes the place of an answer after a panic.
fn without_answer(serving: &Serving, uploads: Option<Arc<UploadFields>>) -> Answered {
    Answered {
        reply: answer::error_reply(
            &serving.control.engine.catalogue(),
            None,
            &ApiError::server_error(),
        ),
        world: None,
        route: None,
        uploads,
        decision: Decision::default(),
        commit: Commit::default(),
        log_hint: None,
    }
}

/// The response to a request whose reply has no room.
fn no_memory_reply(serving: &Serving, is_control: bool, error: &ApiError) -> Response<ReplyBody> {
    if is_control {
        return control::no_memory_reply(error);
    }
    let catalogue = serving.control.engine.catalogue();
    let reply = answer::error_reply(&catalogue, None, error);
    begin_response(&reply, None, HeaderMap::new())
}

/// The response after a panic outside of `answer`, which contains its own panics.
fn failed(serving: &Serving) -> Response<ReplyBody> {
    let reply = without_answer(serving, None).reply;
    let mut response = Response::new(ReplyBody::new(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some(outcome) = reply.id.header() {
        response.headers_mut().insert(OUTCOME, outcome.clone());
    }
    response
}
