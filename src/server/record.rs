//! Makes a journal entry from a request and its reply.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::serving::Serving;
use crate::answer::{Answered, Engine, ReplyFaults};
use crate::catalogue::{Catalogue, Endpoint, Route, UploadFields};
use crate::http::{self, Body, Call, MediaType, Picture, TraceContext};
use crate::world::{Decision, Exchange, Happening, KeptBody, NO_WORLD, head_text};

/// Room that an exchange takes in a recording besides the body of its request.
const RECORDED_BYTES: usize = 16 << 10;

/// The endpoint that a request asks for an answer. None for a request that reads, and outside of the products.
pub(super) fn asked_endpoint<'c>(catalogue: &'c Catalogue, head: &Parts) -> Option<&'c Endpoint> {
    match catalogue.route(&head.method, &http::normal_path(head.uri.path())) {
        Some(Route::Ask(endpoint, _)) => Some(endpoint),
        Some(
            Route::Read(..)
            | Route::Health
            | Route::ApiKeys { .. }
            | Route::CallbackToken
            | Route::ListCallbackUrls
            | Route::SetCallbackUrl { .. },
        )
        | None => None,
    }
}

/// The fields of a request that may hold files. Nothing of these files may be kept.
pub(super) fn uploads(serving: &Serving, head: &Parts) -> Option<Arc<UploadFields>> {
    let catalogue = serving.control.engine.catalogue();
    asked_endpoint(&catalogue, head)?.schema.uploads.clone()
}

/// A request with its decided reply.
pub(super) struct Finished<'r> {
    pub call: &'r Call,
    pub answered: Answered,
    pub faults: Option<&'r ReplyFaults>,
    pub duration: Duration,
}

/// The head and the body of a request as the journal keeps them, and its pictures for open inspectors.
pub(super) struct RequestForJournal {
    pub head: Box<str>,
    pub body: KeptBody,
    pub pictures: Vec<Picture>,
    /// The whole body and its room, for a recording.
    pub whole: Option<(KeptBody, OwnedSemaphorePermit)>,
    /// For the log.
    pub trace: Option<TraceContext>,
}

/// Copies the part of a long body that is kept, in turns with other requests. None for a short body, and
/// where the body may hold files, which are not kept.
async fn keep_long_body(serving: &Serving, call: &Call) -> Option<KeptBody> {
    match &call.body {
        Body::Bytes(bytes) if KeptBody::keeps_a_part_of(bytes) => {
            if uploads(serving, &call.head).is_some() {
                return None;
            }
            Some(Box::pin(KeptBody::copied_in_turns(bytes)).await)
        }
        Body::Bytes(_) | Body::Empty | Body::Parts(_) | Body::Unreadable(_) => None,
    }
}

/// Waits until the recording has room for the request, if there is a recording.
async fn room_for_recording(serving: &Serving, call: &Call) -> Option<OwnedSemaphorePermit> {
    let recorder = serving.control.engine.worlds.recorder.as_ref()?;
    let bytes = match &call.body {
        Body::Bytes(bytes) => bytes.len(),
        Body::Empty | Body::Parts(_) | Body::Unreadable(_) => 0,
    };
    Box::pin(recorder.room(bytes + RECORDED_BYTES)).await
}

/// What takes time before a request can be kept.
pub(super) struct PreparedToKeep {
    /// The part of a long body that is kept.
    long_body: Option<KeptBody>,
    room: Option<OwnedSemaphorePermit>,
}

pub(super) async fn prepare_to_keep(serving: &Serving, call: &Call) -> PreparedToKeep {
    PreparedToKeep {
        long_body: keep_long_body(serving, call).await,
        room: room_for_recording(serving, call).await,
    }
}

/// Copies what the journal keeps of a request.
pub(super) fn keep(
    serving: &Serving,
    call: &Call,
    answered: &Answered,
    PreparedToKeep { long_body, room }: PreparedToKeep,
) -> RequestForJournal {
    let target = call.head.uri.path_and_query();
    let target = target.map_or("", |target| target.as_str());
    let head = head_text(call.head.method.as_str(), target, &call.head.headers);
    let trace = TraceContext::of(&call.head.headers);
    let uploads = answered.uploads.as_deref();
    let (bytes, pictures) = match (&call.body, uploads) {
        (Body::Bytes(bytes), Some(uploads)) => {
            let is_form = call.media_type() == MediaType::Form;
            let room = || serving.control.uploads.room();
            let (bytes, pictures) = uploads.keep(bytes, is_form, &room);
            (Bytes::from(bytes), pictures)
        }
        (Body::Bytes(bytes), None) => (bytes.clone(), Vec::new()),
        (Body::Parts(parts), _) => (Bytes::from(parts.to_string()), Vec::new()),
        (Body::Empty | Body::Unreadable(_), _) => (Bytes::new(), Vec::new()),
    };
    let long_body = long_body.filter(|_| uploads.is_none());
    RequestForJournal {
        head,
        body: long_body.unwrap_or_else(|| KeptBody::copied(&bytes)),
        pictures,
        trace,
        whole: room.map(|room| (KeptBody::whole(bytes), room)),
    }
}

/// Keeps the exchange in its world's journal, and its uploads for open inspectors. Returns the value of
/// `x-sandbox-trace`.
pub(super) fn record(
    serving: &Serving,
    finished: Finished<'_>,
    kept: RequestForJournal,
) -> HeaderValue {
    let engine = &serving.control.engine;
    let RequestForJournal {
        head,
        body,
        pictures,
        trace: _,
        whole,
    } = kept;
    let Some(world) = finished.answered.world.clone() else {
        return record_stranger(engine, exchange(finished, head, body));
    };
    let is_accepted = finished.answered.decision.is_accepted();
    let uploads = is_accepted.then(|| serving.control.uploads.to_keep(&world, pictures));
    engine.panics.reached("record");
    let reply = whole
        .is_some()
        .then(|| finished.answered.reply.body.clone());
    let exchange = exchange(finished, head, body);
    let recorded = whole.map(|whole| (exchange.clone(), whole));
    let seq = world.record(exchange, uploads.flatten());
    if let (Some((exchange, (request, room))), Some(reply)) = (recorded, reply) {
        let exchange = Exchange {
            seq,
            request,
            reply: KeptBody::whole(reply),
            ..exchange
        };
        world.tell_recorder(|| Happening::Exchange(Box::new(exchange), room));
    }
    trace(&world.tag, seq)
}

/// The same for a request that belongs to no world. It is kept only if it was refused.
fn record_stranger(engine: &Engine, exchange: Exchange) -> HeaderValue {
    let (reply, status) = (&exchange.decision.reply, exchange.status);
    (engine.worlds).count_stranger(reply, status, exchange.duration);
    let seq = if status.is_client_error() || status.is_server_error() {
        engine.strangers.record(exchange)
    } else {
        engine.strangers.journal().pass()
    };
    trace(str::from_utf8(&NO_WORLD).expect("zeros"), seq)
}

fn exchange(finished: Finished<'_>, head: Box<str>, request: KeptBody) -> Exchange {
    let Finished {
        call,
        answered,
        faults,
        duration,
    } = finished;
    Exchange {
        seq: 0, // the journal sets it
        tag: answered.world.as_ref().map_or(NO_WORLD, |world| {
            world.tag.as_bytes().try_into().expect("eight hex digits")
        }),
        at: call.at,
        head,
        request,
        status: answered.reply.status,
        reply: KeptBody::shared(&answered.reply.body),
        reply_headers: answered.reply.headers,
        duration,
        decision: Decision {
            reply: answered.reply.id,
            fault: faults.and_then(|faults| faults.fault),
            ..answered.decision
        },
        delay: faults.map_or(Duration::ZERO, |faults| faults.delay),
        fault: faults.and_then(ReplyFaults::shown_fault),
        commit: answered.commit,
    }
}

/// `x-sandbox-trace`: the world's tag and the number of the exchange.
fn trace(tag: &str, seq: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let trace = [tag, "-", digits.format(seq)].concat();
    HeaderValue::from_maybe_shared(Bytes::from(trace)).expect("hex digits")
}
