//! Words that the parts of an explanation share.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scenario::Origin;

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn place(origin: &Origin) -> Value {
    json!({"file": origin.file.name, "line": origin.line()})
}

/// `my.toml:4`
pub(super) fn shown_place(origin: &Origin) -> String {
    format!("{}:{}", origin.file.name, origin.line())
}
