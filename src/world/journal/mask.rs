//! Hides keys and tokens in everything that is shown: requests, replies and callbacks.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::base::PREFIXES;

/// The beginning of every API key in base64, as in an `authorization` header.
const IN_BASE64: &str = "aWx1bWFf";

/// Stands for a hidden text.
const HIDDEN: &str = "…";

/// The secrets that must not be shown.
#[derive(Debug)]
pub(crate) struct Mask {
    /// The secrets of a world, and the control token.
    secrets: Vec<String>,
}

impl Mask {
    /// Hides all API keys, whoever they belong to.
    pub(crate) fn of_keys() -> Self {
        Self {
            secrets: Vec::new(),
        }
    }

    /// Also hides this secret: a world's own, or the control token, which a client may have sent to the wrong
    /// place.
    pub(crate) fn and(mut self, secret: Option<&str>) -> Self {
        self.secrets.extend(secret.map(str::to_owned));
        self
    }

    /// Hides secrets in all texts of a value, and in the names of its fields.
    pub(crate) fn hide(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.hidden(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.hide(value));
                let has_secret = |name: &String| matches!(self.hidden(name), Cow::Owned(_));
                if map.keys().any(has_secret) {
                    let entries = std::mem::take(map).into_iter();
                    *map = entries
                        .map(|(name, value)| (self.hidden(&name).into_owned(), value))
                        .collect::<Map<_, _>>();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The text with its secrets hidden.
    pub(crate) fn hidden<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut hidden = Cow::Borrowed(text);
        let mut from = 0;
        while let Some(secret) = self.first_secret(&hidden, from) {
            from = secret.start + HIDDEN.len();
            hidden.to_mut().replace_range(secret, HIDDEN);
        }
        hidden
    }

    fn first_secret(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let rest = text.get(from..)?;
        // The beginning of a key is shown everywhere, because it names the environment.
        let of_keys = PREFIXES.iter().chain([&IN_BASE64]).filter_map(|prefix| {
            let at = rest.find(prefix)? + prefix.len();
            let is_of_key = |c: char| c.is_ascii_alphanumeric() || "/=+%\\".contains(c);
            let secret = &rest[at..];
            let length = secret.len() - secret.trim_start_matches(is_of_key).len();
            (length > 0).then_some(at..at + length)
        });
        let of_world = self.secrets.iter().filter_map(|secret| {
            let at = rest.find(secret)?;
            Some(at..at + secret.len())
        });
        let first = of_keys.chain(of_world).min_by_key(|range| range.start)?;
        Some(from + first.start..from + first.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PUBLIC_KEY;

    #[test]
    fn keys_are_hidden_wherever_they_stand() {
        let mask = Mask {
            secrets: vec!["s3cret".to_owned()],
        };
        for (text, hidden) in [
            (PUBLIC_KEY.to_owned(), "iluma_development_…"),
            (
                format!("a={PUBLIC_KEY}&b={PUBLIC_KEY}&c=1"),
                "a=iluma_development_…&b=iluma_development_…&c=1",
            ),
            (
                "Basic aWx1bWFfZGV2ZWxvcG1lbnRfRlg0Og==".to_owned(),
                "Basic aWx1bWFf…",
            ),
            ("token s3cret, s3cret".to_owned(), "token …, …"),
            (
                "iluma_live_ and no more".to_owned(),
                "iluma_live_ and no more",
            ),
        ] {
            assert_eq!(mask.hidden(&text), hidden);
        }
        let mut value = serde_json::json!({"s3cret": ["x", {"k": "s3crets"}]});
        mask.hide(&mut value);
        assert_eq!(value, serde_json::json!({"…": ["x", {"k": "…s"}]}));
    }
}
