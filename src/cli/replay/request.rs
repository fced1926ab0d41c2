//! Makes the requests of a recording again.

use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request};
use serde_json::Value;
use tokio::time::Instant;

use crate::base::ApiKey;
use crate::catalogue::{self, Catalogue, Route};
use crate::http::{self, Body, CONTROL_TOKEN_HEADER, Call, MediaType, WORLD_HEADER, basic};
use crate::server::RecordedRequest;
use crate::world::{KeptBody, head_text};

/// Why a request cannot be made again.
pub(super) enum Skip {
    /// Parts of it are not in the recording: they were long, masked, or no text.
    Lacks(String),
    /// It was refused because the sandbox had no room at that moment.
    NoRoom,
    Broken,
}

/// The request of a line, with the key of its stand-in.
pub(super) fn recorded_request(
    catalogue: &Catalogue,
    line: &Value,
    key: &ApiKey,
    received_at: Instant,
) -> Result<RecordedRequest, Skip> {
    if let Some(parts) = line["lacks"].as_array() {
        let parts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
        return Err(Skip::Lacks(parts.join(", ")));
    }
    if line["reply_headers"]["x-sandbox-error"].is_string() && line["status"] == 503 {
        return Err(Skip::NoRoom);
    }
    let target = line["target"].as_str().ok_or(Skip::Broken)?;
    let method: Method = (line["method"].as_str())
        .and_then(|method| method.parse().ok())
        .ok_or(Skip::Broken)?;
    let headers = headers(&line["headers"]).ok_or(Skip::Broken)?;
    let head = head_text(method.as_str(), target, &headers);
    let mut request = Request::builder().method(method).uri(target).body(());
    let request = request.as_mut().map_err(|_| Skip::Broken)?;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.remove(CONTROL_TOKEN_HEADER);
    headers.remove(WORLD_HEADER);
    headers.insert(AUTHORIZATION, basic(key));
    let (mut parts, ()) = std::mem::replace(request, Request::new(())).into_parts();
    let kept = kept_body(line);
    let body = body(catalogue, &mut parts, line, &kept);
    Ok(RecordedRequest {
        call: Call {
            received_at,
            at: SystemTime::now(),
            head: parts,
            body,
            files_are_hashes: true,
        },
        head,
        body: KeptBody::copied(&kept),
        failed_test: line["callback_test"]["error"].as_str().map(str::to_owned),
    })
}

/// The bytes of the body as the journal kept them.
pub(super) fn kept_body(line: &Value) -> Vec<u8> {
    match (&line["body_text"], &line["body"]) {
        (Value::String(text), _) => text.clone().into_bytes(),
        (_, Value::Null) if line["body_bytes"] == 0 => Vec::new(),
        (_, body) => body.to_string().into_bytes(),
    }
}

/// The body as it is to be answered. Of a file there are only its facts.
fn body(
    catalogue: &Catalogue,
    head: &mut hyper::http::request::Parts,
    line: &Value,
    kept: &[u8],
) -> Body {
    if kept.is_empty() {
        return Body::Empty;
    }
    let media_type = MediaType::of(&head.headers);
    if media_type == MediaType::Multipart {
        return Body::Parts(line["body"].clone());
    }
    let path = http::normal_path(head.uri.path());
    let has_files = matches!(
        catalogue.route(&head.method, &path),
        Some(Route::Ask(endpoint, _)) if endpoint.schema.uploads.is_some()
    );
    if has_files && line["body"].is_object() {
        let mut value = line["body"].clone();
        if !catalogue::stand_in_for_facts(&mut value).is_empty() {
            return match media_type {
                MediaType::Form => Body::Parts(value),
                MediaType::Json | MediaType::Multipart | MediaType::Other => {
                    Body::Bytes(value.to_string().into())
                }
            };
        }
    }
    Body::Bytes(Bytes::copy_from_slice(kept))
}

pub(super) fn headers(json: &Value) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in json.as_object()? {
        let name: HeaderName = name.parse().ok()?;
        let values = match value {
            Value::Array(values) => values.iter().map(Value::as_str).collect(),
            value => vec![value.as_str()],
        };
        for value in values {
            headers.append(
                name.clone(),
                HeaderValue::from_bytes(value?.as_bytes()).ok()?,
            );
        }
    }
    Some(headers)
}
