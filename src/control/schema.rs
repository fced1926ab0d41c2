//! `GET /__sandbox/schema?endpoint=`: the schema of a request, and a sample.

use hyper::StatusCode;
use serde_json::json;

use super::ask::{ControlAnswer, ControlRequest, bad_request, endpoint_named};
use crate::catalogue::{ContentType, Verb};
use crate::http::Refusal;

/// The schema is that of the scenario file. A file of a form is an object with the facts that can be known
/// about it.
pub(super) fn answer(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
) -> Result<ControlAnswer, Refusal> {
    let Some(name) = query.get("endpoint") else {
        return Err(bad_request("`endpoint` is missing: an id, or a path"));
    };
    let catalogue = context.engine.catalogue();
    let endpoint = endpoint_named(&catalogue, name)?;
    let is_asked = endpoint.creation.is_some();
    let content_type = match (endpoint.verb, endpoint.content_type) {
        (Verb::Post, ContentType::Json) => is_asked.then_some("application/json"),
        (Verb::Post, ContentType::Multipart) => is_asked.then_some("multipart/form-data"),
        (Verb::Get, ContentType::Json | ContentType::Multipart) => None,
    };
    // An endpoint that only reads has no request for a sample. Its sample is an id that can be read.
    let listing = catalogue.dummy.any_listing().filter(|_| !is_asked);
    let sample = match listing {
        Some(listing) => Some(json!({"id": &*listing.id})),
        None => endpoint.schema.sample().cloned(),
    };
    let body = json!({
        "endpoint": &*endpoint.id,
        "method": if is_asked { endpoint.verb.name() } else { "GET" },
        "path": if is_asked { endpoint.path.clone() } else { format!("{}/{{id}}", endpoint.path) },
        "content_type": content_type,
        "schema": endpoint.schema.json(),
        "sample": sample,
    });
    Ok((StatusCode::OK, body))
}
