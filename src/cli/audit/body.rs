//! The bodies of an audit that are not the ones of the record.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::base::read_exact_json;

/// The size of a large callback. The limit of many frameworks is 100 KB.
const LARGE_BYTES: usize = 512 << 10;

/// Which body is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AuditBody {
    OfRecord,
    /// The same values in other bytes than any serialiser writes.
    Respelled,
    /// The same with a long text in a field that is not documented. Its JSON is the same when it is written again.
    Large,
    /// A record of a product that does not exist.
    UnknownProduct,
}

impl AuditBody {
    pub(super) fn of(self, record: &Bytes) -> Bytes {
        match self {
            Self::OfRecord => record.clone(),
            Self::Respelled => match read_exact_json(record) {
                Some(json) => respelled(&json).into(),
                None => record.clone(),
            },
            Self::Large => large(record),
            Self::UnknownProduct => unknown(record).to_string().into(),
        }
    }
}

/// The JSON with its keys in reverse order, with tabs and blanks, with escapes that are not needed, and with a zero
/// behind each fraction. Every parser reads the same values.
fn respelled(json: &Value) -> String {
    match json {
        Value::Null | Value::Bool(_) => json.to_string(),
        Value::Number(number) => {
            let number = number.to_string();
            let is_fraction = number.contains('.') && !number.contains(['e', 'E']);
            if is_fraction { number + "0" } else { number }
        }
        Value::String(text) => respelled_text(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(respelled).collect();
            format!("[ {} ]", items.join(" ,\n\t"))
        }
        Value::Object(map) => {
            let members = map.iter().rev();
            let members = members
                .map(|(name, value)| format!("{} :\t{}", Value::from(&**name), respelled(value)));
            let members: Vec<_> = members.collect();
            format!("{{\n\t{}\n }}", members.join(" ,\n\t"))
        }
    }
}

/// The text with its first character and every slash escaped.
fn respelled_text(text: &str) -> String {
    let mut characters = text.chars();
    let mut units = [0; 2];
    let units = (characters.next()).map_or(&[][..], |first| first.encode_utf16(&mut units));
    let first: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let first = first.concat();
    let rest = Value::from(characters.as_str()).to_string();
    let rest = rest.replace('/', "\\/");
    format!("\"{first}{}", &rest[1..])
}

fn large(record: &Bytes) -> Bytes {
    let (name, end) = (br#","x_unknown_text":""#, br#""}"#);
    let Some(fields) = record.strip_suffix(b"}").filter(|fields| fields.len() > 1) else {
        return record.clone(); // no record has such a body
    };
    let length = fields.len() + name.len() + end.len();
    let text = vec![b'x'; LARGE_BYTES.saturating_sub(length)];
    [fields, name, &text, end].concat().into()
}

/// A record whose id has a prefix that no product has.
fn unknown(record: &Bytes) -> Value {
    let record: Map<String, Value> = serde_json::from_slice(record).unwrap_or_default();
    let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
    let digits = id.rsplit_once('_').map_or(id, |(_, digits)| digits);
    json!({
        "id": format!("xnew_{digits}"),
        "status": "COMPLETED",
        "created": record.get("created"),
        "updated": record.get("updated"),
        "reference_id": "foo123",
        "result": {"is_new": true},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_respelled_body_has_the_same_values_in_other_bytes() {
        let text = "{\"id\": \"a/b\", \"name\": \"é\\\"\u{1f600}\", \"n\": [1, 0.5, 1e30, -2.25], \"o\": {}, \"e\": \"\", \"t\": [true, null]}";
        let json = read_exact_json(text.as_bytes()).expect("JSON");
        let other = respelled(&json);
        assert_eq!(read_exact_json(other.as_bytes()), Some(json));
        assert_eq!(
            other,
            "{\n\t\"t\" :\t[ true ,\n\tnull ] ,\n\t\"e\" :\t\"\" ,\n\t\"o\" :\t{\n\t\n } ,\n\t\
             \"n\" :\t[ 1 ,\n\t0.50 ,\n\t1e+30 ,\n\t-2.250 ] ,\n\t\
             \"name\" :\t\"\\u00e9\\\"\u{1f600}\" ,\n\t\"id\" :\t\"\\u0061\\/b\"\n }"
        );
    }
}
