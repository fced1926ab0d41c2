//! The differences between two values, in words.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::{Stamp, duration_text, shortened};

/// Longer texts are cut.
const SHOWN_CHARS_MAX: usize = 60;

/// A field that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldDifference {
    /// Its path with dots, such as `reply.result.status`.
    pub path: String,
    pub words: String,
}

impl FieldDifference {
    /// Whether both values are times.
    pub(super) fn is_of_times(&self) -> bool {
        self.words.ends_with(" later") || self.words.ends_with(" earlier")
    }
}

/// Whether a path with dots is at another one, or below it. `*` stands for any part of a path.
pub(super) fn is_at(path: &str, other: &[String]) -> bool {
    let parts: Vec<_> = path.split('.').collect();
    let mut pairs = other.iter().zip(&parts);
    parts.len() >= other.len() && pairs.all(|(name, part)| name == "*" || name == part)
}

/// All fields in which two values differ.
pub(super) fn differences(path: &str, was: &Value, is: &Value) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    compare(path, was, is, &mut found);
    found
}

fn compare(path: &str, was: &Value, is: &Value, found: &mut Vec<FieldDifference>) {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let names: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            for name in names {
                let path = format!("{path}.{name}");
                match (was.get(name), is.get(name)) {
                    (Some(was), Some(is)) => compare(&path, was, is, found),
                    (Some(was), None) => found.push(FieldDifference {
                        path,
                        words: format!("is missing, and was {}", shown(was)),
                    }),
                    (None, is) => found.push(FieldDifference {
                        path,
                        words: format!("is new: {}", shown(is.unwrap_or(&Value::Null))),
                    }),
                }
            }
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            for (at, (was, is)) in was.iter().zip(is).enumerate() {
                compare(&format!("{path}.{at}"), was, is, found);
            }
        }
        _ if was == is => {}
        _ => found.push(FieldDifference {
            path: path.to_owned(),
            words: change(was, is),
        }),
    }
}

/// How one value became another: `is 1 s later`, `"A" became "B"`.
fn change(was: &Value, is: &Value) -> String {
    let stamp = |value: &Value| value.as_str()?.parse::<Stamp>().ok();
    if let (Some(before), Some(after)) = (stamp(was), stamp(is)) {
        if let Some(by) = after.since(before) {
            return format!("is {} later", duration_text(by));
        }
        if let Some(by) = before.since(after) {
            return format!("is {} earlier", duration_text(by));
        }
    }
    match (was, is) {
        (Value::String(was), Value::String(is))
            if kind_of_id(was).is_some_and(|kind| kind_of_id(is) == Some(kind)) =>
        {
            "is another id".to_owned()
        }
        (Value::Array(was), Value::Array(is)) => {
            format!("has {} items, and had {}", is.len(), was.len())
        }
        _ => format!("{} became {}", shown(was), shown(is)),
    }
}

/// `cftpi` of `cftpi_2c463e37-…`. None if a text is no id.
fn kind_of_id(text: &str) -> Option<&str> {
    let (kind, rest) = text.split_once('_')?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_random = rest.len() >= 16
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (is_kind && is_random).then_some(kind)
}

fn shown(value: &Value) -> String {
    shortened(&value.to_string(), SHOWN_CHARS_MAX)
}
