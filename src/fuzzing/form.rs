//! Forms: a value that was read from a form stays the same when it is written as a form and read again.

use serde_json::Value;

use super::stage::shipped;
use crate::http;

/// # Panics
/// If the value is no object, or differs after it is written and read again.
pub fn form(data: &[u8]) {
    let Ok(read) = http::parse_form(data) else {
        return; // too many fields
    };
    let fields = read.as_object().expect("a form is an object");
    let mut pairs = Vec::new();
    for (name, value) in fields {
        spell(name, value, 1, &mut pairs);
    }
    // A name with brackets of its own means something else when it is written beside others.
    if pairs.iter().all(|(_, is_plain, _)| *is_plain) {
        let mut written = form_urlencoded::Serializer::new(String::new());
        for (name, _, text) in &pairs {
            written.append_pair(name, text);
        }
        let again = http::parse_form(written.finish().as_bytes()).ok();
        assert_eq!(again.as_ref(), Some(&read));
    }
    for endpoint in shipped().endpoints() {
        let shape = &endpoint.schema.shape;
        let mut input = read.clone();
        let spellings = shape.coerce(&mut input);
        let coerced = input.clone();
        shape.coerce(&mut input);
        assert_eq!(input, coerced, "what was converted stays as it is");
        shape.normalise(&mut input);
        let normal = input.clone();
        shape.normalise(&mut input);
        assert_eq!(input, normal, "the normal form is one");
        if let Err(refused) = endpoint.schema.check(&input, &spellings) {
            assert!(
                !refused.complaints.is_empty(),
                "what is refused is complained about"
            );
        }
    }
}

/// The pairs that make a value: name, whether the name is plain, text.
fn spell(name: &str, value: &Value, depth: usize, pairs: &mut Vec<(String, bool, String)>) {
    assert!(depth <= 9, "brackets go eight deep");
    let mut add = |name: &str, is_plain: bool, text: &str| {
        pairs.push((name.to_owned(), is_plain, text.to_owned()));
    };
    let is_plain = |name: &str| !name.contains(['[', ']']) && !name.is_empty();
    match value {
        Value::String(text) => add(name, depth > 1 || is_plain(name), text),
        Value::Array(items) if items.len() > 1 && items.iter().all(Value::is_string) => {
            for item in items {
                add(
                    name,
                    depth > 1 || is_plain(name),
                    item.as_str().unwrap_or_default(),
                );
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                spell(&format!("{name}[{at}]"), item, depth + 1, pairs);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                assert!(is_plain(key), "brackets in a name below the first");
                spell(&format!("{name}[{key}]"), value, depth + 1, pairs);
            }
        }
        other => panic!("a form holds texts, and not {other}"),
    }
}
