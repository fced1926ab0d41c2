//! The ids that are answered in place of the recorded ones, so that a record can be read again.

use std::collections::HashMap;

use serde_json::Value;

/// The answered ids by the recorded ones.
#[derive(Default)]
pub(in crate::cli::replay) struct ReplyIds(HashMap<String, String>);

impl ReplyIds {
    /// Notes the ids that stand at the same places of two replies.
    pub(in crate::cli::replay) fn note(&mut self, recorded: &Value, again: &Value) {
        match (recorded, again) {
            (Value::String(was), Value::String(is))
                if was != is && id_kind(was).is_some() && id_kind(was) == id_kind(is) =>
            {
                self.0.insert(was.clone(), is.clone());
            }
            (Value::Object(was), Value::Object(is)) => {
                for (name, was) in was {
                    self.note(was, is.get(name).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(was), Value::Array(is)) => {
                for (was, is) in was.iter().zip(is) {
                    self.note(was, is);
                }
            }
            _ => {}
        }
    }

    /// The line of a request with the ids that were answered again.
    pub(in crate::cli::replay) fn put_into(&self, line: &Value) -> Value {
        let mut line = line.clone();
        if self.0.is_empty() {
            return line;
        }
        for name in ["target", "path", "body_text", "body"] {
            if let Some(value) = line.get_mut(name) {
                self.replace_in(value);
            }
        }
        line
    }

    fn replace_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.replaced(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace_in(item)),
            Value::Object(fields) => {
                (fields.values_mut()).for_each(|value| self.replace_in(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn replaced(&self, text: &str) -> String {
        let is_of_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_of_id(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            replaced.push_str(self.0.get(word).map_or(word, String::as_str));
            let next = rest[end..].find(is_of_id).map_or(rest.len(), |at| end + at);
            replaced.push_str(&rest[end..next]);
            rest = &rest[next..];
        }
        replaced
    }
}

/// The part before the random part of an id: `cftpi_` of `cftpi_05e27fc2-…`. None for a text that is no id.
pub(super) fn id_kind(text: &str) -> Option<&str> {
    let random = text.rsplit('_').next().unwrap_or_default();
    let kind = &text[..text.len() - random.len()];
    let is_kind = kind
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = random.len() == 36 && uuid::Uuid::try_parse(random).is_ok();
    let is_random = is_uuid || (random.len() == 24 && is_hex(random));
    (is_kind && is_random).then_some(kind)
}
