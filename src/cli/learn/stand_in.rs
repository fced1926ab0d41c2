//! The dummy values that stand in learned files for texts and numbers that may be about a person.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use crate::base::snake_case;
use crate::catalogue::{Digits, digits_of};

/// Texts with more characters hold pictures or documents.
const TEXT_CHARS_MAX: usize = 200;

static ISO_DATE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[0-9]{4}-[0-9]{2}-[0-9]{2}$").expect("the pattern is sound"));

static OTHER_DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}").expect("the pattern is sound")
});

/// What stands for a text or a number under this name. None for other values.
pub(super) fn stand_in(name: &str, value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(stand_in_text(&snake_case(name), text).into()),
        Value::Number(number) => Some(stand_in_number(name, number)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number of the same kind, or the placeholder of one.
pub(super) fn stand_in_number(name: &str, number: &Number) -> Value {
    let name = snake_case(name);
    let is_percent = number.as_u64().is_some_and(|number| number <= 100);
    let is_score = ["score", "percent", "confidence", "similarity"];
    if is_percent && is_score.iter().any(|word| name.contains(word)) {
        "{{fake.percent}}".into()
    } else if number.is_f64() {
        0.5.into()
    } else {
        0.into()
    }
}

/// A text of the same kind.
pub(super) fn stand_in_text(name: &str, text: &str) -> String {
    let has = |word: &str| name.contains(word);
    let digits = text.trim_start_matches('+');
    let is_number = !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.'));
    let fixed = if text.is_empty() {
        ""
    } else if text.len() > TEXT_CHARS_MAX || text.starts_with("data:") {
        "dummy"
    } else if text.contains('@') {
        "someone@example.com"
    } else if text.starts_with("http://") || text.starts_with("https://") {
        "https://example.com/"
    } else if digits_of(name) == Some(Digits::Phone) || (is_number && text.starts_with('+')) {
        "+6281200000001"
    } else if ISO_DATE.is_match(text) {
        "{{fake.date}}"
    } else if OTHER_DATE.is_match(text) {
        "01-01-1990"
    } else if is_number {
        return digits
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
    } else if text.len() == 2 && (has("nation") || has("country") || has("domicile")) {
        "ID"
    } else if ["name", "names", "holder", "mother", "father", "person"]
        .iter()
        .any(|word| name.ends_with(word))
    {
        "{{fake.full_name}}"
    } else {
        "dummy"
    };
    fixed.to_owned()
}
