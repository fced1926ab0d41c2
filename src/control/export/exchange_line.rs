//! An exchange in an export.

use serde_json::{Map, Value, json};

use crate::control::context::Context;
use crate::control::exchange_json::{commit_fields, exact_texts, exchange_json};
use crate::world::{Exchange, Mask};

/// The exchange as in the list of requests, and what a replay needs.
pub(crate) fn exchange_line(context: &Context, exchange: &Exchange) -> Value {
    let mut line = typed("exchange", exchange_json(context, exchange));
    let fields = line.as_object_mut().expect("an exchange is an object");
    fields.extend(commit_fields(&exchange.commit));
    fields.insert("generation".to_owned(), exchange.decision.generation.into());
    if let Some(test) = &exchange.decision.failed_test {
        fields.insert("callback_test".to_owned(), json!({"error": test.error}));
    }
    if context.redacts {
        return line;
    }
    fields.insert("target".to_owned(), exchange.target().into());
    fields.extend(exact_texts(exchange));
    let lacks = lacks(&context.mask(), exchange, fields);
    if !lacks.is_empty() {
        fields.insert("lacks".to_owned(), lacks.into());
    }
    line
}

/// A line as an export has it: without secrets.
#[cfg(feature = "cli")]
pub(crate) fn masked(context: &Context, mut line: Value) -> Value {
    context.mask().hide(&mut line);
    line
}

/// A line begins with its type.
pub(super) fn typed(kind: &str, fields: Value) -> Value {
    let mut line = Map::from_iter([("type".to_owned(), Value::from(kind))]);
    if let Value::Object(fields) = fields {
        line.extend(fields.into_iter().filter(|(name, _)| name != "type"));
    }
    Value::Object(line)
}

/// The parts of the request that an export does not have as they were sent.
fn lacks(mask: &Mask, exchange: &Exchange, fields: &Map<String, Value>) -> Vec<&'static str> {
    let is_masked = |name: &str| fields.get(name).is_some_and(|value| mask.hides_in(value));
    let is_text = str::from_utf8(&exchange.request.bytes).is_ok();
    let lacks = [
        ("target", is_masked("target")),
        ("headers", exchange.lacks_headers() || is_masked("headers")),
        (
            "body",
            !exchange.request.is_whole() || !is_text || is_masked("body_text") || is_masked("body"),
        ),
    ];
    let lacks = lacks.into_iter().filter(|(_, is_lacking)| *is_lacking);
    lacks.map(|(name, _)| name).collect()
}
