//! What the inspector needs beside the control API: its files, and what it has to know at the start.

use hyper::header::{HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::ask::{ControlAnswer, ControlReply, ControlRequest, TEXT, written};
use crate::base::PUBLIC_KEY;
use crate::http::{CONTROL_PREFIX, Refusal, ReplyBody};

/// The page, below whose address its files are.
pub(super) fn page(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    if *request.call.path() == *CONTROL_PREFIX {
        file("").map(ControlReply::Response)
    } else {
        Ok(ControlReply::Response(moved()))
    }
}

pub(super) fn page_file(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    file(request.path_parameter).map(ControlReply::Response)
}

/// To where the page finds its files.
fn moved() -> Response<ReplyBody> {
    let body = ReplyBody::new(CONTROL_PREFIX);
    let mut response = written(StatusCode::PERMANENT_REDIRECT, TEXT, body);
    let location = HeaderValue::from_static(CONTROL_PREFIX);
    response.headers_mut().insert(LOCATION, location);
    response
}

/// The page and its files.
#[cfg(feature = "inspector")]
fn file(name: &str) -> Result<Response<ReplyBody>, Refusal> {
    super::pages::file(name).ok_or_else(|| {
        let message = "there is no such file; the page is at /__sandbox/".to_owned();
        Refusal(StatusCode::NOT_FOUND, "unknown_control_route", message)
    })
}

#[cfg(not(feature = "inspector"))]
fn file(_: &str) -> Result<Response<ReplyBody>, Refusal> {
    Err(Refusal(
        StatusCode::NOT_FOUND,
        "no_inspector",
        "the inspector is not in this build: it comes with the feature `inspector`, which is on unless \
         default features are turned off; the control API is here all the same"
            .to_owned(),
    ))
}

/// `GET /__sandbox/setup`: where the sandbox is, how it was started, and whose world to show first. The key is
/// told only where it is the documentation's, which is no secret.
pub(super) fn setup(request: ControlRequest<'_>) -> ControlAnswer {
    let ControlRequest { context, call, .. } = request;
    let catalogue = context.engine.catalogue();
    let key = context.engine.default_key();
    let is_public = key.reveal() == PUBLIC_KEY;
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "url": call.base_url(),
        "curl": context.curl_start(call),
        "api_key": is_public.then_some(PUBLIC_KEY),
        "world": context.engine.worlds.tag_of(&key),
        "seed": context.engine.seed,
        "strict": context.engine.is_strict(&catalogue),
        "scenario_folders": context.engine.scenarios.folders,
        "redacts": context.redacts,
        "personal_fields": catalogue.personal.pattern(),
        "has_control_token": context.engine.guard.token().is_some(),
    });
    (StatusCode::OK, body)
}
