//! What the handlers of the control API share: requests, answers, parameters, bodies, waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use crate::answer::{is_tag, world};
use crate::base::{
    JsonMistake, UnreadableJson, named_near, nearest, nearest_clause, no_object_hint,
    parse_duration, read_json, time_in_words, unknown_field,
};
use crate::catalogue::{Catalogue, Endpoint};
use crate::http::{ApiError, Body, Call, Code, ErrorCode, Refusal, ReplyBody};
use crate::world::World;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(super) const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How many entries a list has unless `limit` says otherwise.
pub(super) const LIMIT_DEFAULT: u64 = 100;

/// The longest that a request may wait for something to happen.
pub(super) const WAIT_MAX: Duration = Duration::from_mins(1);

/// Status and JSON body; a bare string is sent as plain text.
pub(super) type ControlAnswer = (StatusCode, Value);

/// A request to the control API, as every handler gets it.
#[derive(Clone, Copy)]
pub(super) struct ControlRequest<'a> {
    pub context: &'a Arc<Context>,
    pub call: &'a Call,
    pub query: &'a HashMap<String, String>,
    /// The part of the path in the place of the pattern's `{…}`; empty where the pattern has none.
    pub path_parameter: &'a str,
}

impl ControlRequest<'_> {
    /// The caller's own world, or the one that `?world=` names by its tag.
    pub(super) fn world(self) -> Result<Arc<World>, Refusal> {
        world(&self.context.engine, self.call, self.query)
    }
}

/// The answer of a handler.
pub(super) enum ControlReply {
    Whole(ControlAnswer),
    /// A finished body with its content type.
    Document(HeaderValue, Bytes),
    /// The same, already masked with `Context::mask`, because it is too long to be masked as a whole.
    Masked(HeaderValue, Bytes),
    /// Lines that are written while they are sent.
    Lines(Box<dyn Iterator<Item = Value> + Send>),
    /// A response with headers of its own, which holds nothing that a client wrote in a text: a file, a picture, or the
    /// stream of events, which masks each event.
    Response(Response<ReplyBody>),
}

pub(super) fn written(
    status: StatusCode,
    kind: HeaderValue,
    body: ReplyBody,
) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Finds an endpoint by its id, or by a path as a client asks for it.
pub(super) fn endpoint_named<'c>(
    catalogue: &'c Catalogue,
    name: &str,
) -> Result<&'c Endpoint, Refusal> {
    let refused = |sentence| bad_request(format!("`endpoint`: {sentence}"));
    catalogue.known_endpoint(name).map_err(refused)
}

/// The secrets that a receiver of this world's callbacks needs.
pub(super) fn secrets(context: &Context, world: &World) -> ControlAnswer {
    let signed = context.courier.signing;
    let secret = signed.then(|| world.signing_secret_text());
    let body = json!({
        "world": world.tag,
        "callback_token": world.callback_token(),
        "callback_signing_secret": secret,
    });
    (StatusCode::OK, body)
}

pub(super) fn json_body<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    let body: &[u8] = match &call.body {
        Body::Bytes(body) => body,
        Body::Empty => b"{}",
        Body::Parts(_) => {
            return Err(bad_request(
                "the body must be JSON, not multipart/form-data",
            ));
        }
        Body::Unreadable(error) => return Err(unreadable(error)),
    };
    check_json(body)
        .and_then(|()| serde_json::from_slice(body).map_err(|error| json_sentence(&error)))
        .map_err(|reason| bad_request(format!("the body cannot be taken: {reason}")))
}

/// Why JSON does not fit. An unknown field is named with the nearest known one.
pub(super) fn json_sentence(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match unknown_field(&message) {
        Some(unknown) => format!("unknown field {unknown}"),
        None => message,
    }
}

/// Refuses a body that is no JSON object, and numbers that cannot be read exactly.
fn check_json(body: &[u8]) -> Result<(), String> {
    let unfit = match read_json(body) {
        Ok((value @ Value::Object(_), spellings)) => spellings.unfit(&value).into_iter().next(),
        Ok((value, _)) => {
            let hint = no_object_hint(&value).map_or(String::new(), |hint| format!(". {hint}"));
            return Err(format!("it must be a JSON object{hint}"));
        }
        Err(UnreadableJson::Number(pointer)) => Some(pointer),
        Err(UnreadableJson::Syntax(error)) => {
            return Err(JsonMistake::of(body, &error).to_string());
        }
    };
    unfit.map_or(Ok(()), |pointer| {
        let place = pointer.trim_start_matches('/').replace('/', ".");
        Err(format!("`{place}` must be a number that fits into 64 bits"))
    })
}

/// Refuses a body that could not be read, such as one that is too large or comes too late.
pub(super) fn unreadable(error: &ApiError) -> Refusal {
    let message = error.message.clone().unwrap_or_default();
    match &error.code {
        Code::Known(ErrorCode::RequestTooLarge | ErrorCode::FileTooLarge) => {
            Refusal(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
        }
        Code::Known(ErrorCode::RequestTimeout) => {
            Refusal(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
        }
        Code::Known(ErrorCode::ServiceUnavailable) => {
            Refusal(StatusCode::SERVICE_UNAVAILABLE, "sandbox_full", message)
        }
        Code::Known(_) | Code::Outcome(_) => bad_request(message),
    }
}

pub(super) fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "bad_request", message.into())
}

/// A parsed parameter of the query. None where it is not given.
pub(super) fn parameter<T>(
    query: &HashMap<String, String>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Refusal> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let parsed = parse(text).map_err(|message| bad_request(format!("`{name}`: {message}")))?;
    Ok(Some(parsed))
}

/// Refuses a value of a parameter that has only the `known` ones. It names the nearest. `more` are values that have no
/// fixed name.
pub(super) fn unknown_value(
    name: &str,
    written: &str,
    known: &[&str],
    more: Option<&str>,
) -> Refusal {
    let mut all: Vec<_> = known.iter().copied().chain(more).collect();
    let last = all.pop().unwrap_or_default();
    let most = all.join(", ");
    let near = nearest_clause(written, known.iter().copied());
    bad_request(format!("`{name}` is {most} or {last}{near}"))
}

pub(super) fn whole_number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no whole number"))
}

/// `wait=5s`, up to `WAIT_MAX`.
pub(super) fn wait(query: &HashMap<String, String>) -> Result<Option<Duration>, Refusal> {
    let wait = parameter(query, "wait", parse_duration)?;
    if wait.is_some_and(|wait| wait > WAIT_MAX) {
        return Err(too_long("wait"));
    }
    Ok(wait)
}

/// `wait=5s&count=2`: how long to wait, and for how many. None without `wait`.
pub(super) fn wait_for_count(
    query: &HashMap<String, String>,
) -> Result<Option<(Duration, u64)>, Refusal> {
    let count = parameter(query, "count", whole_number)?;
    match wait(query)? {
        Some(wait) => Ok(Some((wait, count.unwrap_or(1)))),
        None if count.is_some() => Err(bad_request(
            "`count` says how many to wait for: it needs `wait`",
        )),
        None => Ok(None),
    }
}

/// A request would wait longer than `WAIT_MAX`.
pub(super) fn too_long(name: &str) -> Refusal {
    let most = time_in_words(WAIT_MAX);
    bad_request(format!("`{name}`: a request waits {most} at most"))
}

/// Refuses parameters that mean nothing here: a misspelt filter would match everything. `key` and the tag of a world
/// choose the world, everywhere.
pub(super) fn refuse_others(
    query: &HashMap<String, String>,
    known: &[&str],
) -> Result<(), Refusal> {
    let mut unknown: Vec<_> = query
        .iter()
        .filter(|(name, value)| *name != "key" && !(*name == "world" && is_tag(value)))
        .map(|(name, _)| name)
        .filter(|name| !known.contains(&name.as_str()))
        .collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) if *name == "world" => Err(bad_request(
            "`world` is the tag of a world: eight hex digits",
        )),
        Some(name) if known.is_empty() => Err(bad_request(format!(
            "unknown parameter `{name}`: there are none here"
        ))),
        Some(name) => {
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {}?", named_near(name, near)),
                None => format!("known are {}", known.join(", ")),
            };
            Err(bad_request(format!("unknown parameter `{name}`: {hint}")))
        }
    }
}
