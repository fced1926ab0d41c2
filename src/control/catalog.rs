//! `GET /__sandbox/catalog`: every endpoint with its fields, outcomes, callbacks and sources.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest, bad_request, unknown_value};
use crate::http::Refusal;
use crate::reference::Listing;

const FORMATS: [&str; 3] = ["json", "text", "markdown"];

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
        Some(other) => return Err(unknown_value("format", other, &FORMATS, None)),
    };
    Ok((StatusCode::OK, body))
}
