//! Conversions that the parts of an explanation share.

use std::borrow::Cow;

use serde_json::Value;

use super::explanation::{FilePlace, TriedCondition};
use crate::catalogue::{Condition, Facts, Subject};
use crate::scenario::Origin;

pub(super) fn file_place(origin: &Origin) -> FilePlace {
    FilePlace {
        file: origin.file.name.clone(),
        line: origin.line(),
    }
}

pub(super) fn tried_condition(condition: &Condition, facts: Facts<'_>) -> TriedCondition {
    TriedCondition {
        condition: condition.written.to_string(),
        expected: condition.test.shown(),
        received: received(&condition.subject, facts),
        look_alike: condition.look_alike(facts),
    }
}

/// The value that the request has for a condition, or null.
pub(super) fn received(subject: &Subject, facts: Facts<'_>) -> Value {
    subject.of(facts).map_or(Value::Null, Cow::into_owned)
}
