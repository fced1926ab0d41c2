//! JSON numbers compared by value: `10`, `10.0` and `1e1` are one number.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::text::look_alike;

/// Whether two values are equal. Numbers are equal however they are written.
pub(crate) fn same_json(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            canonical_number(one) == canonical_number(other)
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| same_json(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same_in =
                |(name, value)| other.get(name).is_some_and(|other| same_json(value, other));
            one.len() == other.len() && one.iter().all(same_in)
        }
        _ => one == other,
    }
}

/// How two values differ that look alike: the first of their texts that do.
pub(crate) fn look_alike_json(expected: &Value, received: &Value) -> Option<String> {
    match (expected, received) {
        (Value::String(expected), Value::String(received)) => look_alike(expected, received),
        (Value::Array(expected), Value::Array(received)) => {
            let mut pairs = expected.iter().zip(received);
            pairs.find_map(|(expected, received)| look_alike_json(expected, received))
        }
        (Value::Object(expected), Value::Object(received)) => {
            let mut expected = expected.iter();
            expected.find_map(|(name, expected)| look_alike_json(expected, received.get(name)?))
        }
        _ => None,
    }
}

/// The form that all equal values share, as a key for maps.
pub(crate) fn canonical_json(value: &Value) -> Cow<'_, Value> {
    if is_canonical(value) {
        return Cow::Borrowed(value);
    }
    let canonical = |value| canonical_json(value).into_owned();
    Cow::Owned(match value {
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(map) => {
            let entries = map.iter();
            entries
                .map(|(name, value)| (name.clone(), canonical(value)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    })
}

/// The form that all equal numbers share: an integer if the number is whole and fits into 64 bits, otherwise a double.
pub(crate) fn canonical_number(number: &Number) -> Number {
    let whole = number.as_f64().filter(|float| float.fract() == 0.0);
    match whole {
        Some(whole) if number.is_f64() => as_integer(whole).unwrap_or_else(|| number.clone()),
        _ => number.clone(),
    }
}

fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64() || canonical_number(number).is_f64(),
        Value::Array(items) => items.iter().all(is_canonical),
        Value::Object(map) => map.values().all(is_canonical),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and in range"
)]
fn as_integer(whole: f64) -> Option<Number> {
    const AFTER_I64: f64 = 9_223_372_036_854_775_808.0; // 2^63
    const AFTER_U64: f64 = 18_446_744_073_709_551_616.0; // 2^64
    if (-AFTER_I64..AFTER_I64).contains(&whole) {
        return Some((whole as i64).into());
    }
    (AFTER_I64..AFTER_U64)
        .contains(&whole)
        .then(|| (whole as u64).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn equal_numbers_are_equal_however_they_are_written_and_have_one_canonical_form() {
        let equal = [
            ("10", "1e1"),
            ("10", "10.00"),
            ("0", "-0.0"),
            ("0.5", "5e-1"),
            ("9007199254740992", "9007199254740992.0"),
            ("9223372036854775808", "9223372036854775808.0"),
            ("-9223372036854775808", "-9223372036854775808.0"),
            (r#"{"a":[1,{"b":2}]}"#, r#"{"a":[1.0,{"b":2e0}]}"#),
        ];
        for (one, other) in equal {
            let (one, other) = (json(one), json(other));
            assert!(same_json(&one, &other), "{one} and {other}");
            assert_eq!(canonical_json(&one), canonical_json(&other));
        }
        let different = [
            ("10", "10.5"),
            ("10", "\"10\""),
            ("9007199254740993", "9007199254740992.0"),
            ("18446744073709551615", "18446744073709551616.0"),
            ("9223372036854775807", "9223372036854775808.0"),
        ];
        for (one, other) in different {
            let (one, other) = (json(one), json(other));
            assert!(!same_json(&one, &other), "{one} and {other}");
            assert_ne!(canonical_json(&one), canonical_json(&other));
        }
    }
}
