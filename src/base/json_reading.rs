//! Reads JSON together with the spellings of its numbers.

use serde_json::Value;

use super::recycled_json::read_recycled;
use super::spellings::{JsonPlace, Spellings};
use super::text::pointer_part;

/// Why a text cannot be read as JSON.
#[derive(Debug)]
pub(crate) enum UnreadableJson {
    Syntax(serde_json::Error),
    /// The number at this JSON Pointer is beyond the range of a double.
    Number(String),
}

/// Reads JSON, and the spellings of its numbers.
pub(crate) fn read_json(text: &[u8]) -> Result<(Value, Spellings), UnreadableJson> {
    match read_recycled(text) {
        Ok(value) if has_double(&value) => Ok((value, Scan::of(text).spellings)),
        Ok(value) => Ok((value, Spellings::default())),
        Err(error) if error.to_string().starts_with("number out of range") => {
            let infinite = Scan::of(text).infinite;
            Err(infinite.map_or(UnreadableJson::Syntax(error), UnreadableJson::Number))
        }
        Err(error) => Err(UnreadableJson::Syntax(error)),
    }
}

/// Reads JSON. None if it is not JSON, or if a number does not fit into 64 bits.
pub(crate) fn read_exact_json(text: &[u8]) -> Option<Value> {
    let (value, spellings) = read_json(text).ok()?;
    spellings.unfit(&value).is_empty().then_some(value)
}

/// Whether a number is kept as a double. Only such numbers can be written differently from how they were sent.
fn has_double(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_double),
        Value::Object(map) => map.values().any(has_double),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// `serde_json` refuses deeper documents.
const DEPTH_MAX: usize = 128;

/// Walks through a text that `serde_json` has read at least in part, and stops where it is no JSON.
struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    pointer: String,
    spellings: Spellings,
    /// The JSON Pointer of the first number that is beyond the range of a double.
    infinite: Option<String>,
}

impl<'t> Scan<'t> {
    fn of(text: &'t [u8]) -> Self {
        let mut scan = Self {
            text,
            at: 0,
            pointer: String::new(),
            spellings: Spellings::default(),
            infinite: None,
        };
        scan.value(JsonPlace::default(), 0);
        scan
    }

    fn value(&mut self, place: JsonPlace, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.next()? {
            b'{' => self.parts(b'}', place, depth),
            b'[' => self.parts(b']', place, depth),
            b'"' => self.string().map(|_| ()),
            _ => self.word(place),
        }
    }

    /// The members of an object or the items of an array, up to the closing bracket.
    fn parts(&mut self, end: u8, place: JsonPlace, depth: usize) -> Option<()> {
        self.at += 1;
        let before = self.pointer.len();
        for index in 0_usize.. {
            let mut byte = self.next()?;
            if byte == b',' {
                self.at += 1;
                byte = self.next()?;
            }
            if byte == end {
                break;
            }
            let name = if end == b'}' {
                self.name()?
            } else {
                index.to_string()
            };
            self.pointer.push_str(&pointer_part(&name));
            self.value(place.below(&name), depth + 1)?;
            self.pointer.truncate(before);
        }
        self.at += 1;
        Some(())
    }

    /// The name of a member, with its colon.
    fn name(&mut self) -> Option<String> {
        self.next().filter(|byte| *byte == b'"')?;
        let name = serde_json::from_slice(self.string()?).ok()?;
        self.next().filter(|byte| *byte == b':')?;
        self.at += 1;
        Some(name)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'t [u8]> {
        let from = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(&self.text[from..self.at])
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self, place: JsonPlace) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !is_part(byte));
        let word = std::str::from_utf8(&rest[..length.unwrap_or(rest.len())]).ok()?;
        self.at += word.len();
        let first = word.bytes().next()?;
        if first == b'-' || first.is_ascii_digit() {
            self.spellings.add(place, word);
            if self.infinite.is_none() && word.parse().is_ok_and(f64::is_infinite) {
                self.infinite = Some(self.pointer.clone());
            }
        }
        Some(())
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at)?, b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NUMBER: &str = r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?";

    fn quoted(text: &str) -> String {
        Value::from(text).to_string()
    }

    /// A JSON document without blanks, in which no key comes twice.
    fn document() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            5 => NUMBER,
            1 => any::<String>().prop_map(|text| quoted(&text)),
            1 => prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(str::to_owned),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let named = (any::<String>(), inner.clone());
            let object = |(at, (name, value)): (usize, (String, String))| {
                format!("{}:{value}", quoted(&format!("{name}{at}")))
            };
            prop_oneof![
                vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
                vec(named, 0..6).prop_map(move |entries| {
                    let entries: Vec<_> = entries.into_iter().enumerate().map(object).collect();
                    format!("{{{}}}", entries.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_is_written_as_it_was_read(text in document()) {
            let (value, spellings) = read_json(text.as_bytes()).expect("JSON");
            let mut written = Vec::new();
            spellings.write(&mut written, &value, &[]);
            prop_assert_eq!(String::from_utf8(written).expect("UTF-8"), text);
        }

        #[test]
        fn whatever_follows_a_number_out_of_range_that_number_is_named(rest in any::<Vec<u8>>()) {
            let text = [br#"{"a":[0,1e999,"#, rest.as_slice()].concat();
            let read = read_json(&text);
            prop_assert!(matches!(read, Err(UnreadableJson::Number(pointer)) if pointer == "/a/1"));
        }
    }
}
