//! The callbacks of an endpoint, to the URL that is registered for its type.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::yields::named;
use crate::catalogue::{Answer, Endpoint, Outcome, calls_back};
use crate::http::CALLBACK_TOKEN_HEADER;

/// Stands for the registered URL. No OpenAPI expression over the request leads to it.
const RECEIVER: &str = "https://receiver.example/callbacks";

/// The outcomes whose bodies callbacks may send, from those that may be asked for.
pub(super) fn sent<'e>(
    endpoint: &'e Endpoint,
    asked: impl Iterator<Item = &'e Outcome>,
) -> Vec<&'e Outcome> {
    let mut open: Vec<_> = asked
        .filter(|outcome| calls_back(endpoint, outcome))
        .collect();
    let (mut seen, mut sent) = (HashSet::new(), Vec::new());
    while let Some(outcome) = open.pop() {
        if !seen.insert(outcome.name.as_str()) {
            continue;
        }
        open.extend(named(endpoint, outcome));
        if matches!(outcome.answer, Answer::Body { .. }) && outcome.then.is_empty() {
            sent.push(outcome);
        }
    }
    sent.sort_by_key(|outcome| endpoint.outcomes.get_index_of(&outcome.name));
    sent
}

pub(super) fn written(
    callback_type: &str,
    schemas: &[Value],
    examples: &Map<String, Value>,
) -> Value {
    let schema = match schemas {
        [only] => only.clone(),
        schemas => json!({"anyOf": schemas}),
    };
    json!({callback_type: {RECEIVER: {"post": {
        "summary": format!("{callback_type} callback"),
        "description": format!(
            "Goes to the URL that is registered for `{callback_type}` with `POST /v1/callback/urls`. \
             The body is the record."
        ),
        "parameters": headers(),
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": schema, "examples": examples}},
        },
        "responses": {
            "2XX": {"description": "Taken."},
            "default": {"description": "Anything else, or nothing within 30 s: it is sent again."},
        },
    }}}})
}

/// The headers of every callback.
pub(super) fn headers() -> Value {
    json!([{
        "name": CALLBACK_TOKEN_HEADER.as_str(),
        "in": "header",
        "required": true,
        "description": "The token of `GET /v1/callback/authentication_tokens`: compare it.",
        "schema": {"type": "string"},
    }])
}
