//! `GET /__sandbox/schema?endpoint=`: what a request has to look like, and one that does.

use hyper::StatusCode;
use serde_json::json;

use super::ask::{Answer, ControlRequest, bad_request, endpoint_named, only};
use crate::catalogue::{ContentType, Verb};
use crate::http::Refusal;

/// The schema is that of the scenario file: a file of a form is an object with what can be told of it.
pub(super) fn answer(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
) -> Result<Answer, Refusal> {
    only(query, &["endpoint"])?;
    let Some(name) = query.get("endpoint") else {
        return Err(bad_request("`endpoint` is missing: an id, or a path"));
    };
    let catalogue = context.engine.catalogue();
    let endpoint = endpoint_named(&catalogue, name)?;
    let is_asked = endpoint.creation.is_some();
    let content_type = match (endpoint.verb, endpoint.content_type) {
        (Verb::Post, ContentType::Json) if is_asked => Some("application/json"),
        (Verb::Post, ContentType::Multipart) if is_asked => Some("multipart/form-data"),
        _ => None,
    };
    // What is only read back has no request to be a sample of, but an id to begin with.
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
