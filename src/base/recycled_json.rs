//! Reads JSON into the memory of a document that nobody needs any more. Requests of a test often have the same fields, so
//! nearly nothing is allocated for the next one.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Larger documents are not recycled, because each thread holds one.
const RECYCLED_BYTES_MAX: usize = 1 << 10;

thread_local! {
    static RECYCLED: Cell<Value> = const { Cell::new(Value::Null) };
}

/// Reads a JSON document, into the memory of the last one that was recycled.
pub(super) fn read_recycled(text: &[u8]) -> serde_json::Result<Value> {
    if text.len() > RECYCLED_BYTES_MAX {
        return serde_json::from_slice(text);
    }
    let mut value = RECYCLED.take();
    let mut reader = serde_json::Deserializer::from_slice(text);
    Into(&mut value).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Gives the memory of a document to the next that this thread reads. `bytes` is the length of its text.
pub(crate) fn recycle_json(fields: Map<String, Value>, bytes: usize) {
    if bytes <= RECYCLED_BYTES_MAX {
        RECYCLED.set(Value::Object(fields));
    }
}

/// Replaces a value by the one that is read.
struct Into<'v>(&'v mut Value);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 = Value::Null;
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.0 = Value::Bool(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        *self.0 = Value::Number(value.into());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self.0 = Value::Number(value.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        *self.0 = Value::Number(number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Value::String(old) = self.0 {
            old.clear();
            old.push_str(text);
        } else {
            *self.0 = Value::String(text.to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if !self.0.is_array() {
            *self.0 = Value::Array(Vec::new());
        }
        let Value::Array(values) = self.0 else {
            return Ok(());
        };
        let mut count = 0;
        for value in &mut *values {
            if items.next_element_seed(Into(value))?.is_none() {
                break;
            }
            count += 1;
        }
        if count < values.len() {
            values.truncate(count);
            return Ok(());
        }
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if !self.0.is_object() {
            *self.0 = Value::Object(Map::new());
        }
        let Value::Object(map) = self.0 else {
            return Ok(());
        };
        let mut same = 0;
        let mut other = None;
        for (name, value) in &mut *map {
            other = entries.next_key_seed(Unless(name))?;
            if !matches!(other, Some(None)) {
                break;
            }
            entries.next_value_seed(Into(value))?;
            same += 1;
        }
        if same < map.len() {
            let mut at = 0;
            map.retain(|_, _| {
                at += 1;
                at <= same
            });
            let Some(Some(name)) = other else {
                return Ok(());
            };
            map.insert(name, entries.next_value()?);
        }
        while let Some((name, value)) = entries.next_entry()? {
            map.insert(name, value);
        }
        Ok(())
    }
}

/// Reads a name. None if it is the given one.
struct Unless<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Unless<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Unless<'_> {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name != self.0).then(|| name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let entries = vec(("[a-c]{1,2}", inner.clone()), 0..4);
            prop_oneof![
                vec(inner, 0..4).prop_map(Value::from),
                entries.prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Map<String, Value>> {
        vec(("[a-d]", document()), 0..5).prop_map(|entries| entries.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_document_reads_the_same_whatever_was_recycled_before(
            before in object(),
            next in document(),
            cut in 0_usize..200,
        ) {
            recycle_json(before.clone(), 1);
            let text = next.to_string();
            let read = read_recycled(text.as_bytes()).expect("JSON");
            prop_assert_eq!(read.to_string(), text.clone(), "also the order of the keys");
            recycle_json(before, 1);
            let cut = &text.as_bytes()[..cut.min(text.len())];
            let (own, theirs) = (read_recycled(cut), serde_json::from_slice::<Value>(cut));
            prop_assert_eq!(own.map_err(|error| error.to_string()), theirs.map_err(|error| error.to_string()));
        }
    }

    #[test]
    fn the_last_of_two_equal_names_counts() {
        for before in [json!({}), json!({"a": 0}), json!({"a": 0, "b": 0})] {
            let Value::Object(before) = before else {
                unreachable!("an object");
            };
            recycle_json(before, 1);
            let text = br#"{"a":1,"a":[2],"b":3,"a":4}"#;
            let read = read_recycled(text).expect("JSON");
            assert_eq!(read.to_string(), r#"{"a":4,"b":3}"#);
        }
    }
}
