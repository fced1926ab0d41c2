//! The server: takes connections, reads requests, writes answers, stops gracefully.

use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response};
use tokio::time::Instant;

use super::pace::Pace;
use super::record::{kept, kept_in_turns, record, shown_method, uploads};
use super::serving::Serving;
use super::wire::{self, Written};
use super::{body, effect};
use crate::answer::{self, Answered, Effect};
use crate::base::{self, Panicked, contained, contained_async};
use crate::catalogue::UploadFields;
use crate::control;
use crate::http::{ApiError, Body, Call, Content, ReplyBody};
use crate::world::{KeptBody, Why};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const OUTCOME: HeaderName = HeaderName::from_static("x-sandbox-outcome");
const TRACE: HeaderName = HeaderName::from_static("x-sandbox-trace");

/// Answers one request. None when the client is gone, or is to get no answer. A panic costs this request alone.
pub(crate) async fn respond(
    serving: &Arc<Serving>,
    request: Request<Incoming>,
    pace: &Arc<Pace>,
) -> Option<Response<Written>> {
    serving.control.engine.panics.arm(request.headers());
    let is_control = control::is_control_path(request.uri().path());
    let responded = contained_async(pin!(respond_or_panic(serving, request, pace))).await;
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

/// What few requests need is boxed: the future is moved for every one of them.
async fn respond_or_panic(
    serving: &Arc<Serving>,
    request: Request<Incoming>,
    pace: &Arc<Pace>,
) -> Option<Response<Written>> {
    let came = Instant::now();
    let (head, incoming) = request.into_parts();
    let bytes_max = control::body_bytes_max(&head);
    let received = body::read(
        &head.headers,
        incoming,
        bytes_max,
        &serving.bodies,
        &serving.control.thumbnails,
    )
    .await?;
    pace.answering();
    let call = Call {
        came,
        head,
        body: received.body,
    };
    let (until_answered, mut pictures) = (received.share, received.pictures);
    if let Some(response) = control::answer_document(&serving.control, &call) {
        return Some(response.map(|body| Written::new(body, pace)));
    }
    if control::is_control_path(call.path()) {
        let response = Box::pin(control::respond(&serving.control, &call)).await;
        return Some(response.map(|body| Written::new(body, pace)));
    }
    // Before anything is done: who goes away meanwhile has asked for nothing.
    let long = match &call.body {
        Body::Bytes(bytes) if KeptBody::keeps_a_part_of(bytes) => {
            Box::pin(kept_in_turns(serving, &call, bytes)).await
        }
        _ => None,
    };
    let (mut answered, panicked) =
        match contained(|| answer::answer(&serving.control.engine, &call)) {
            Ok(answered) => (answered, false),
            Err(Panicked) => (panicked(serving, uploads(serving, &call)), true),
        };
    let mut release = None;
    if let Some(world) = &answered.world {
        let effect = std::mem::take(&mut answered.reply.effect);
        if !matches!(effect, Effect::None) {
            match Box::pin(effect::before_reply(
                &serving.control.courier,
                world,
                effect,
            ))
            .await
            {
                Ok(to_release) => release = to_release,
                Err(error) => {
                    answered.reply =
                        answer::error_reply(&serving.control.engine.catalogue(), None, &error);
                }
            }
        }
    }
    let mut response = Response::new(ReplyBody {
        content: Content::Whole(answered.reply.body.clone()),
        until_written: release.map(|release| Box::new(release) as Box<dyn Send>),
    });
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
    let (request, more) = kept(serving, &call, long, answered.uploads.as_deref());
    pictures.extend(more);
    let broken = breaking.as_deref();
    let request = (request, pictures);
    let trace = record(serving, &call, request, answered, broken, duration);
    if panicked {
        let trace = trace.to_str().expect("hex digits");
        base::log_panic(format_args!("answering the request {trace}"));
    }
    headers.insert(TRACE, trace);
    let Some(breaking) = breaking else {
        return Some(response.map(|body| Written::new(body, pace)));
    };
    drop((call, until_answered)); // a reply that waits holds nothing of its request
    Box::pin(wire::carry_out(response, *breaking, pace)).await
}

/// Where a panic has left no answer.
fn panicked(serving: &Serving, uploads: Option<Arc<UploadFields>>) -> Answered {
    Answered {
        reply: answer::error_reply(
            &serving.control.engine.catalogue(),
            None,
            &ApiError::server_error(),
        ),
        world: None,
        route: None,
        uploads,
        why: Why::default(),
    }
}

/// What is left to say where a panic came between the answer and its writing.
fn failed(serving: &Serving) -> Response<ReplyBody> {
    let reply = panicked(serving, None).reply;
    let mut response = Response::new(ReplyBody::new(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some(outcome) = reply.outcome {
        response.headers_mut().insert(OUTCOME, outcome);
    }
    response
}
