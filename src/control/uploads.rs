//! `GET /__sandbox/requests/{trace}/uploads`: the bytes of an uploaded picture, so that an open inspector can draw it.
//! A stranger made the file, so it is handed out as a picture and as nothing else.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

use super::ask::{ControlReply, ControlRequest, bad_request, written};
use super::context::Context;
use crate::answer::find_exchange;
use crate::base::listed;
use crate::http::{Refusal, ReplyBody};
use crate::world::World;

/// The upload at `at`, in a request of the caller's own world.
pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let world = request.world()?;
    refuse_if_off(context)?;
    let at = query.get("at").ok_or_else(|| {
        bad_request(
            "the parameter `at` is missing: the JSON Pointer of the upload, such as `at=/selfie`",
        )
    })?;
    let seq = seq_of(context, &world, request.path_parameter)?;
    let state = world.state();
    let kept = state.uploads.of(seq);
    if kept.is_empty() {
        return Err(not_kept(
            "no upload of this request is kept: PNG and JPEG files of accepted requests are kept for a minute, if an \
             inspector or another reader of `events` was open on this world when they came, and there was room",
        ));
    }
    let Some(picture) = kept.iter().find(|one| one.at == *at) else {
        let places = listed(kept.iter().map(|one| one.at.as_str()));
        return Err(not_kept(format!(
            "this request has no upload there: `at` may be {places}"
        )));
    };
    Ok(ControlReply::Response(file(
        picture.media_type,
        picture.bytes.clone(),
    )))
}

fn refuse_if_off(context: &Context) -> Result<(), Refusal> {
    if context.redacts {
        return Err(not_kept(
            "no upload is kept: this sandbox shows no personal fields (--redact)",
        ));
    }
    if !context.uploads.is_on() {
        return Err(not_kept(
            "no upload is kept: this sandbox draws no thumbnails (--no-thumbnails)",
        ));
    }
    Ok(())
}

fn not_kept(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "no_upload", message.into())
}

/// The number of the request that a trace names, if it is one of this world.
fn seq_of(context: &Context, world: &World, trace: &str) -> Result<u64, Refusal> {
    let unknown = |message| Refusal(StatusCode::NOT_FOUND, "unknown_trace", message);
    if let Some((tag, _)) = trace.rsplit_once('-')
        && tag != world.tag
    {
        let tag = &world.tag;
        return Err(unknown(format!(
            "this is no trace of your world: those begin with {tag}-. \
             Ask with the key of the request, or with ?world= and the trace's first eight digits"
        )));
    }
    let found = find_exchange(&context.engine, trace, |_| true);
    found.map_or_else(
        |(_, message)| Err(unknown(message)),
        |found| Ok(found.exchange.seq),
    )
}

/// Nothing in the file may run, even if it is opened in a tab of its own.
fn file(media_type: &'static str, bytes: Bytes) -> Response<ReplyBody> {
    let mut response = written(
        StatusCode::OK,
        HeaderValue::from_static(media_type),
        ReplyBody::new(bytes),
    );
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        (response.headers_mut()).insert(name, HeaderValue::from_static(value));
    }
    response
}
