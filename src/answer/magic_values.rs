//! Chooses an outcome by magic values in the data of a request.

use std::sync::Arc;

use serde_json::Value;

use crate::catalogue::{Endpoint, Facts, MagicValue, MagicValues, Outcome, Subject};
use crate::http::ApiError;

/// The outcome that a request's data name. `at` is the number of the magic value, none where any file's name
/// may choose.
pub(crate) struct NamedOutcome<'e> {
    pub outcome: &'e Arc<Outcome>,
    pub at: Option<u32>,
}

/// Looks for an outcome in the values of a request.
pub(crate) fn choose_by_values<'e>(
    values: &MagicValues,
    endpoint: &'e Endpoint,
    facts: Facts<'_>,
    all_file_names: bool,
) -> Result<Option<NamedOutcome<'e>>, ApiError> {
    for (at, value) in (0..).zip(&values.0) {
        if let Some(outcome) = choose_by_value(value, endpoint, facts)? {
            return Ok(Some(NamedOutcome {
                outcome,
                at: Some(at),
            }));
        }
    }
    if !all_file_names {
        return Ok(None);
    }
    let names = facts.file_names.values().flat_map(names_of_field);
    let found = names
        .filter_map(Value::as_str)
        .find_map(|name| named_by_file(endpoint, name));
    Ok(found.map(|outcome| NamedOutcome { outcome, at: None }))
}

/// The name of a field's file, or the names of all its files.
fn names_of_field(names: &Value) -> &[Value] {
    match names {
        Value::Array(names) => names,
        one => std::slice::from_ref(one),
    }
}

/// The outcome that the value names. After a prefix, an unknown name is refused.
fn choose_by_value<'e>(
    magic: &MagicValue,
    endpoint: &'e Endpoint,
    facts: Facts<'_>,
) -> Result<Option<&'e Arc<Outcome>>, ApiError> {
    let value = magic.subject.of(facts);
    let Some(text) = value.as_deref().and_then(Value::as_str) else {
        return Ok(None);
    };
    let text = match &magic.prefix {
        None => text,
        Some(prefix) => match text.strip_prefix(prefix.as_str()) {
            None => return Ok(None),
            Some(name) => name,
        },
    };
    let found = match &magic.subject {
        Subject::FileName(_) => named_by_file(endpoint, text),
        Subject::Field(_) | Subject::Header(_) | Subject::Query(_) | Subject::Nth => {
            endpoint.outcome(&as_name(text))
        }
    };
    if found.is_none() && magic.prefix.is_some() {
        let message = endpoint.unknown_outcome(text, false);
        return Err(ApiError::unknown_magic(format!(
            "{}: {message}",
            magic.written
        )));
    }
    Ok(found)
}

/// `completed_not_found.jpg` and `ktp.completed_not_found.png` name `COMPLETED_NOT_FOUND`.
pub(crate) fn named_by_file<'e>(
    endpoint: &'e Endpoint,
    file_name: &str,
) -> Option<&'e Arc<Outcome>> {
    let stem = file_name
        .rsplit_once('.')
        .map_or(file_name, |(stem, _)| stem);
    let last = stem.rsplit_once('.').map_or(stem, |(_, last)| last);
    endpoint.outcome(&as_name(last))
}

/// No outcome has a longer name.
const NAME_CHARS_MAX: usize = 200;

/// Writes a text as outcomes are written: `completed not-found` becomes `COMPLETED_NOT_FOUND`.
pub(crate) fn as_name(text: &str) -> String {
    let upper = |c: char| match c {
        ' ' | '-' => '_',
        other => other.to_ascii_uppercase(),
    };
    text.trim()
        .chars()
        .take(NAME_CHARS_MAX)
        .map(upper)
        .collect()
}
