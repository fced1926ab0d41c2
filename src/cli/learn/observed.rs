//! A reply of an endpoint that was observed, with the request that led to it.

use std::sync::Arc;

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Endpoint, Route, Verb};
use crate::http;

/// A reply and its request.
pub(super) struct Observed {
    /// Its place for people, such as `log.entries[3]`.
    pub place: String,
    pub endpoint: Arc<str>,
    /// The fields of the request. None if a record was read, because it was made by another request.
    pub input: Option<Map<String, Value>>,
    /// The outcome that the request asked for.
    pub magic: Option<String>,
    pub status: u16,
    pub reply: Value,
    /// The day, such as `2026-11-29`.
    pub date: String,
    /// Whether a sandbox gave the reply. It says nothing of the real API.
    pub is_of_sandbox: bool,
}

impl Observed {
    /// Reads the line of an exchange, as an export has it. The error is the reason why nothing is learned from it.
    pub(super) fn of_line(
        catalogue: &Catalogue,
        line: &Value,
        today: &str,
    ) -> Result<Self, String> {
        let method: Option<Method> = line["method"].as_str().and_then(|name| name.parse().ok());
        let path = http::normal_path(line["path"].as_str().unwrap_or_default());
        let route = method.and_then(|method| catalogue.route(&method, &path));
        let (endpoint, input) = match route {
            Some(Route::Ask(endpoint, segments)) => {
                let input = input(endpoint, line, segments);
                (endpoint, Some(input))
            }
            Some(Route::Read(endpoint, _)) => (endpoint, None),
            Some(
                Route::Health
                | Route::ApiKeys { .. }
                | Route::CallbackToken
                | Route::ListCallbackUrls
                | Route::SetCallbackUrl { .. },
            )
            | None => return Err("they concern no product".to_owned()),
        };
        if endpoint.creation.is_none() {
            return Err("their endpoint only reads, so it has no outcomes".to_owned());
        }
        let status = line["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| !matches!(status, 204 | 205 | 304));
        let reply = &line["reply"];
        if !reply.is_object() && !reply.is_array() {
            return Err("their replies are neither a JSON object nor a list".to_owned());
        }
        Ok(Self {
            place: line["trace"].as_str().unwrap_or_default().to_owned(),
            endpoint: endpoint.id.clone(),
            input,
            magic: magic(&line["headers"]),
            status: status.ok_or("their status cannot be that of an outcome")?,
            reply: reply.clone(),
            date: day(line).unwrap_or_else(|| today.to_owned()),
            is_of_sandbox: line["reply_headers"]["x-sandbox-trace"].is_string(),
        })
    }
}

/// The day of now.
pub(super) fn today() -> String {
    day_of(Timestamp::now())
}

fn day(line: &Value) -> Option<String> {
    let at = line["at"].as_str()?.parse().ok()?;
    Some(day_of(at))
}

fn day_of(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The fields as the endpoint reads them.
fn input(endpoint: &Endpoint, line: &Value, segments: Map<String, Value>) -> Map<String, Value> {
    let mut fields = match endpoint.verb {
        Verb::Get => Value::Object(segments),
        Verb::Post if line["body"].is_object() => line["body"].clone(),
        Verb::Post => Value::Object(Map::new()),
    };
    endpoint.schema.shape.coerce(&mut fields);
    endpoint.schema.shape.normalise(&mut fields);
    match fields {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// The name in `x-magic-reply`.
fn magic(headers: &Value) -> Option<String> {
    let headers = headers.as_object()?;
    let mut headers = headers.iter();
    let header = headers.find(|(name, _)| name.eq_ignore_ascii_case(http::MAGIC_HEADER.as_str()));
    let name = header?.1.as_str()?.split([';', ',']).next()?.trim();
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then(|| name.to_owned())
}
