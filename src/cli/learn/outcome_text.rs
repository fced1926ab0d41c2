//! Writes an outcome as the table of a scenario file.

use std::fmt::Write;

use serde_json::{Map, Value};

/// An outcome that is to be written.
pub(super) struct NewOutcome {
    pub name: String,
    pub description: String,
    pub source: &'static str,
    pub status: Option<u16>,
    pub is_pending: bool,
    /// None where no callback can follow.
    pub has_callback: Option<bool>,
    pub answer: NewAnswer,
}

pub(super) enum NewAnswer {
    /// It has no null.
    Body(Value),
    Error {
        code: String,
        message: String,
    },
}

impl NewOutcome {
    pub(super) fn text(&self) -> String {
        let mut text = format!("\n[outcomes.{}]\n", self.name);
        line(&mut text, "description", &self.description.as_str().into());
        line(&mut text, "source", &self.source.into());
        text + &self.answer_text()
    }

    /// The lines that say how it answers.
    pub(super) fn answer_text(&self) -> String {
        let mut text = String::new();
        if let Some(status) = self.status {
            line(&mut text, "status", &status.into());
        }
        if self.is_pending {
            line(&mut text, "pending", &true.into());
        }
        if let Some(has_callback) = self.has_callback {
            line(&mut text, "callback", &has_callback.into());
        }
        match &self.answer {
            NewAnswer::Error { code, message } if *code == self.name => {
                line(&mut text, "error", &message.as_str().into());
            }
            NewAnswer::Error { code, message } => {
                let error = [("code", code), ("message", message)];
                let error = error.map(|(name, text)| (name.to_owned(), text.as_str().into()));
                line(&mut text, "error", &Value::Object(Map::from_iter(error)));
            }
            NewAnswer::Body(body) => lines_of(&mut text, "body", body),
        }
        text
    }
}

fn line(text: &mut String, key: &str, value: &Value) {
    writeln!(text, "{key} = {}", toml_value(value)).expect("a text takes everything");
}

/// Fields of objects have lines of their own, with dotted keys.
fn lines_of(text: &mut String, key: &str, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                lines_of(text, &format!("{key}.{}", toml_key(name)), value);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => line(text, key, value),
    }
}

fn toml_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(is_bare) {
        return name.to_owned();
    }
    toml_value(&name.into())
}

/// A value on one line.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|(name, value)| format!("{} = {}", toml_key(name), toml_value(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        Value::Null => "\"{{null}}\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
