//! From a request and its reply to the journal's entry.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::HeaderValue;

use super::serving::Serving;
use crate::answer::{Answered, Breaking};
use crate::catalogue::{Route, UploadFields};
use crate::http::{Body, Call, MediaType, Picture};
use crate::world::{Exchange, KeptBody, NO_WORLD, head_text};

/// Where a request may hold files, of which nothing must be left behind.
pub(super) fn uploads(serving: &Serving, call: &Call) -> Option<Arc<UploadFields>> {
    match serving
        .control
        .engine
        .catalogue()
        .route(call.method(), call.path())
    {
        Ok(Route::Ask(endpoint, _)) => endpoint.schema.uploads.clone(),
        _ => None,
    }
}

/// Keeps the exchange in its world's journal, and has what was uploaded drawn for those who look on; returns what `x-sandbox-trace` shows.
pub(super) fn record(
    serving: &Serving,
    call: &Call,
    (request, pictures): (KeptBody, Vec<Picture>),
    answered: Answered,
    breaking: Option<&Breaking>,
    duration: Duration,
) -> HeaderValue {
    let Some(world) = &answered.world else {
        serving.control.engine.worlds.count_stranger(
            answered.reply.outcome.as_ref(),
            answered.reply.status,
            &answered.reply.body,
            duration,
        );
        let refused =
            answered.reply.status.is_client_error() || answered.reply.status.is_server_error();
        let seq = if refused {
            serving
                .control
                .engine
                .strangers
                .record(exchange(call, request, answered, breaking, duration))
        } else {
            serving.control.engine.strangers.journal().pass()
        };
        return trace(str::from_utf8(&NO_WORLD).expect("zeros"), seq);
    };
    let world = world.clone();
    let era = if pictures.is_empty() { 0 } else { world.era() };
    serving.control.engine.panics.reached("record");
    let seq = world.record(exchange(call, request, answered, breaking, duration));
    if !pictures.is_empty() {
        serving.control.thumbnails.draw(&world, era, seq, pictures);
    }
    trace(&world.tag, seq)
}

/// What is kept of a long body. None where files may lie in it, which are not.
pub(super) async fn kept_in_turns(serving: &Serving, call: &Call, body: &[u8]) -> Option<KeptBody> {
    match uploads(serving, call) {
        None => Some(KeptBody::copied_in_turns(body).await),
        Some(_) => None,
    }
}

/// What is kept of a request's body, where it is not known yet, and of its files those that are to be drawn.
pub(super) fn kept(
    serving: &Serving,
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
            let (bytes, pictures) =
                uploads.keep(bytes, is_form, &|| serving.control.thumbnails.room());
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
pub(super) fn trace(tag: &str, seq: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let trace = [tag, "-", digits.format(seq)].concat();
    HeaderValue::from_maybe_shared(Bytes::from(trace)).expect("hex digits")
}

/// A method of the client's own making could hold anything.
pub(super) fn shown_method(call: &Call) -> &'static str {
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
