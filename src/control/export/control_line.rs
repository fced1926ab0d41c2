//! A control call in an export.

use serde_json::{Map, Value, json};

use crate::control::exchange_json::{commit_fields, time};
use crate::world::CommittedCall;

/// With `redacts`, the call is there without its body: a test may have written personal values into it.
pub(crate) fn control_line(tag: &str, call: &CommittedCall, redacts: bool) -> Value {
    let CommittedCall { commit, at, call } = call;
    let body: Value = match &*call.body {
        "" => Value::Null,
        text if redacts => json!({"redacted": text.len()}),
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    let mut line = Map::from_iter([
        ("type".to_owned(), "control".into()),
        ("at".to_owned(), time(*at)),
        ("world".to_owned(), tag.into()),
        ("method".to_owned(), call.method.into()),
        (
            "path".to_owned(),
            format!("/__sandbox/{}", call.path).into(),
        ),
        ("body".to_owned(), body),
    ]);
    if call.lacks_body {
        line.insert("body_is_kept".to_owned(), false.into());
    }
    line.extend(commit_fields(commit));
    Value::Object(line)
}
