//! What can be compared of a reply of another server: ids and times are compared by their kinds alone.

use serde_json::{Value, json};

use super::reply_ids::id_kind;
use crate::base::Stamp;

/// Both lines with what can be compared.
pub(in crate::cli::replay) fn comparable(recorded: &Value, again: &Value) -> (Value, Value) {
    let knows_outcome = recorded["outcome"].is_string();
    let of = |line: &Value| {
        json!({
            "trace": line["trace"],
            "endpoint": recorded["endpoint"],
            "status": line["status"],
            "outcome": if knows_outcome { line["outcome"].clone() } else { Value::Null },
            "reply_headers": {"content-type": essence(&line["reply_headers"]["content-type"])},
            "reply": masked(&line["reply"]),
        })
    };
    (of(recorded), of(again))
}

/// The media type without its parameters.
fn essence(content_type: &Value) -> Value {
    let text = content_type.as_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.to_ascii_lowercase().into()
}

fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if text.parse::<Stamp>().is_ok() => "(a time)".into(),
        Value::String(text) => match id_kind(text) {
            Some(kind) => format!("(an id {kind}…)").into(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(masked).collect(),
        // The order of fields says nothing.
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), masked(value)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
