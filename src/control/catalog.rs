//! `GET /__sandbox/catalog`: every endpoint with its fields, outcomes, callbacks and sources.

use std::collections::HashMap;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{Answer, bad_request, only};
use super::context::Context;
use crate::http::{Call, Refusal};
use crate::reference::Listing;

pub(super) fn answer(
    context: &Context,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<Answer, Refusal> {
    only(query, &["endpoint", "format"])?;
    let catalogue = context.engine.catalogue();
    let curl = context.curl(&catalogue, call);
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
