//! Pairs of a query or of headers as a JSON object.

use serde_json::{Map, Value};

/// Pairs as an object. A name that comes more than once has a list of its values.
pub(super) fn gathered<N: AsRef<str>, V: AsRef<str>>(pairs: impl Iterator<Item = (N, V)>) -> Value {
    let mut gathered = Map::new();
    for (name, value) in pairs {
        let value = Value::from(value.as_ref());
        match gathered.get_mut(name.as_ref()) {
            None => {
                gathered.insert(name.as_ref().to_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(gathered)
}
