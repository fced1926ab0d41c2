//! `GET /__sandbox/catalog`: every endpoint with its fields, outcomes, callbacks and sources.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest, bad_request};
use crate::http::Refusal;
use crate::reference::Listing;

pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let catalogue = context.engine.catalogue();
    let curl = context.curl(&catalogue, request.call);
    let listing = match query.get("endpoint") {
        None => Listing::of(&catalogue, &curl),
        Some(id) => Listing::of_one(&catalogue, id, &curl).map_err(bad_request)?,
    };
    let body = match query.get("format").map(String::as_str) {
        None | Some("json") => json!(listing),
        Some("text") => Value::String(listing.text()),
        Some("markdown") => Value::String(listing.markdown()),
        Some(_) => return Err(bad_request("`format` is json, text or markdown")),
    };
    Ok((StatusCode::OK, body))
}
