//! The spellings of numbers, because `serde_json` keeps of a number only an integer of 64 bits or a double.

use foldhash::HashMap;
use serde_json::{Number, Value};

use super::dice::Mix;
use super::text::pointer_part;

/// Numbers that `serde_json` would write differently, as they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spellings {
    by_place: HashMap<JsonPlace, Box<str>>,
    /// True if one of them does not fit into 64 bits. Then they have to be looked through.
    may_be_unfit: bool,
}

/// More numbers that do not fit are not looked for.
pub(crate) const UNFIT_MAX: usize = 100;

/// A place in a JSON document: the hash of the names that lead there. Paths can be long, and there can be many numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct JsonPlace(u128);

impl JsonPlace {
    /// The place of an item of the array at this place.
    pub(crate) fn item(self, index: usize) -> Self {
        self.below(itoa::Buffer::new().format(index))
    }

    /// The place of a member or an item below this one.
    pub(crate) fn below(self, name: &str) -> Self {
        let mut mix = Mix::new(0, "place in a document");
        mix.wide(self.0);
        mix.text(name);
        Self(mix.finish())
    }
}

impl Spellings {
    /// Notes the spelling of a number. The last one at a place counts, as in a JSON object.
    pub(crate) fn add(&mut self, place: JsonPlace, spelling: &str) {
        let written = spelling.parse::<Number>().map(|number| number.to_string());
        if written.is_ok_and(|written| written == spelling) {
            self.by_place.remove(&place);
        } else {
            self.may_be_unfit |= !fits(spelling);
            self.by_place.insert(place, spelling.into());
        }
    }

    /// The JSON Pointers of the numbers that do not fit into an integer of 64 bits or into a double.
    pub(crate) fn unfit(&self, value: &Value) -> Vec<String> {
        let mut unfit = Vec::new();
        if self.may_be_unfit {
            self.find_unfit(value, JsonPlace::default(), &mut String::new(), &mut unfit);
        }
        unfit
    }

    fn find_unfit(
        &self,
        value: &Value,
        place: JsonPlace,
        pointer: &mut String,
        unfit: &mut Vec<String>,
    ) {
        let before = pointer.len();
        let mut look_below = |name: &str, value| {
            pointer.push_str(&pointer_part(name));
            self.find_unfit(value, place.below(name), pointer, unfit);
            pointer.truncate(before);
        };
        match value {
            Value::Number(number) => {
                let spelling = self.spelling(place, number);
                if unfit.len() < UNFIT_MAX && spelling.is_some_and(|spelling| !fits(spelling)) {
                    unfit.push(pointer.clone());
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    look_below(&at.to_string(), item);
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    look_below(name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// Writes the value at a path of the document, with its numbers as they were sent.
    pub(crate) fn write(&self, out: &mut Vec<u8>, value: &Value, path: &[String]) {
        if self.by_place.is_empty() {
            return write_json(out, value);
        }
        let place = path
            .iter()
            .fold(JsonPlace::default(), |place, name| place.below(name));
        self.write_at(out, value, place);
    }

    fn write_at(&self, out: &mut Vec<u8>, value: &Value, place: JsonPlace) {
        match value {
            Value::Number(number) => match self.spelling(place, number) {
                Some(spelling) => out.extend_from_slice(spelling.as_bytes()),
                None => write_json(out, value),
            },
            Value::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.write_at(out, item, place.item(at));
                }
                out.push(b']');
            }
            Value::Object(map) => {
                out.push(b'{');
                for (at, (name, value)) in map.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_json(out, &Value::from(name.as_str()));
                    out.push(b':');
                    self.write_at(out, value, place.below(name));
                }
                out.push(b'}');
            }
            Value::Null | Value::Bool(_) | Value::String(_) => write_json(out, value),
        }
    }

    /// The spelling of the number at a place. A key that came twice may have left that of another value, and a number
    /// that the request rules made an integer is written as one.
    fn spelling(&self, place: JsonPlace, number: &Number) -> Option<&str> {
        let spelling = self.by_place.get(&place).filter(|_| number.is_f64())?;
        (spelling.parse().ok() == number.as_f64()).then_some(spelling)
    }
}

/// Whether the number that became a double can be one. An integer that became one has more than 64 bits, and a number
/// that is too small for a double became zero.
fn fits(spelling: &str) -> bool {
    let digits = spelling.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let is_integer = !spelling.contains(['.', 'e', 'E']);
    is_zero || !is_integer && spelling.parse() != Ok(0.0)
}

fn write_json(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("writing to memory cannot fail");
}
