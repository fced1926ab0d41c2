//! `GET /__sandbox/catalog`: every endpoint with its fields, outcomes, callbacks and sources.

use std::collections::HashMap;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{Answer, bad_request, only};
use crate::answer::Shared;
use crate::http::{Call, Refusal};
use crate::reference::{Curl, Listing};

pub(super) fn answer(
    sandbox: &Shared,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<Answer, Refusal> {
    only(query, &["endpoint", "format"])?;
    let catalogue = sandbox.catalogue();
    let curl = Curl::of(sandbox, &catalogue, call);
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
