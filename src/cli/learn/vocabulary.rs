//! The values that may stand in a learned file as they were observed. Everything else may be about a person.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::base::snake_case;
use crate::catalogue::{Catalogue, Template};
use crate::scenario::is_bank_code;

/// Endings of names whose texts are words of the API.
const OF_CODES: [&str; 14] = [
    "category", "code", "currency", "decision", "error", "kind", "level", "outcome", "reason",
    "risk", "scope", "status", "type", "verdict",
];

/// Names whose numbers are statuses or codes.
const OF_NUMBERS: [&str; 5] = ["status", "status_code", "http_status", "code", "error_code"];

/// Flags that are texts.
const FLAGS: [&str; 8] = ["true", "false", "TRUE", "FALSE", "YES", "NO", "Y", "N"];

/// A word of an API: `TEMPORARY_NETWORK_ERROR`. A longer run of digits may be a number of a person.
static CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$").expect("the pattern is sound"));

/// The same in lower case. It counts only as a status.
static LOWER_CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[a-z]+(_[a-z]+)*$").expect("the pattern is sound"));

static DIGITS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9]{4}").expect("the pattern is sound"));

static FIELD_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[a-z_][A-Za-z0-9_-]*$").expect("the pattern is sound"));

const CODE_CHARS_MAX: usize = 64;

/// The words of the shipped scenario files.
pub(super) struct Vocabulary {
    words: HashSet<String>,
    fields: HashSet<String>,
}

impl Vocabulary {
    pub(super) fn of(shipped: &Catalogue) -> Self {
        let mut vocabulary = Self {
            words: HashSet::new(),
            fields: HashSet::new(),
        };
        for endpoint in shipped.endpoints() {
            vocabulary.take_schema(endpoint.schema.json());
            vocabulary.words.extend(endpoint.aliases.keys().cloned());
            for (name, outcome) in &endpoint.outcomes {
                vocabulary.words.insert(name.clone());
                if let Some((plan, _)) = outcome.plan() {
                    vocabulary.take_template(plan.template());
                }
            }
        }
        vocabulary
    }

    /// Whether a text may stay under this name.
    pub(super) fn keeps_text(&self, catalogue: &Catalogue, name: &str, text: &str) -> bool {
        !text.contains("{{")
            && (self.words.contains(text)
                || (FLAGS.contains(&text) && !catalogue.personal.has(name))
                || catalogue.settings.is_dummy(text)
                || is_code(catalogue, name, text))
    }

    /// Whether the name of a field may stay. A map may have names of people in place of names of fields: `texts` has the
    /// words of the texts around it.
    pub(super) fn keeps_name(&self, name: &str, texts: &HashSet<String>) -> bool {
        let is_plain = name.len() <= CODE_CHARS_MAX && FIELD_NAME.is_match(name);
        self.fields.contains(name)
            || (is_plain && !DIGITS.is_match(name) && !texts.contains(&name.to_lowercase()))
    }

    /// The words of all texts that are no words of the API, in lower case.
    pub(super) fn words_in(&self, value: &Value, words: &mut HashSet<String>) {
        match value {
            Value::String(text) if self.words.contains(text) => {}
            Value::String(text) => {
                let parts = text.split(|c: char| !c.is_alphanumeric());
                words.extend(parts.filter(|part| !part.is_empty()).map(str::to_lowercase));
            }
            Value::Array(items) => items.iter().for_each(|item| self.words_in(item, words)),
            Value::Object(fields) => fields
                .values()
                .for_each(|value| self.words_in(value, words)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn take_template(&mut self, template: &Template) {
        match template {
            Template::Scalar(Value::String(text)) => drop(self.words.insert(text.clone())),
            Template::Scalar(_) | Template::Hole(_) | Template::Text(_) => {}
            Template::List(items) => items.iter().for_each(|item| self.take_template(item)),
            Template::Object(entries) => {
                for (name, value) in entries {
                    self.fields.insert(name.clone());
                    self.take_template(value);
                }
            }
        }
    }

    /// Takes the values of `enum` and `const`, and the names of fields.
    fn take_schema(&mut self, schema: &Value) {
        match schema {
            Value::Object(keywords) => {
                for (keyword, value) in keywords {
                    match (&**keyword, value) {
                        ("enum", Value::Array(values)) => {
                            let texts = values.iter().filter_map(Value::as_str);
                            self.words.extend(texts.map(str::to_owned));
                        }
                        ("const", Value::String(text)) => drop(self.words.insert(text.clone())),
                        ("examples" | "default", _) => {}
                        ("properties", Value::Object(fields)) => {
                            self.fields.extend(fields.keys().cloned());
                            fields.values().for_each(|value| self.take_schema(value));
                        }
                        (_, value) => self.take_schema(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.take_schema(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Whether a number under this name is a status or a code.
pub(super) fn keeps_number(name: &str, number: &serde_json::Number) -> bool {
    let is_small = number.as_u64().is_some_and(|number| number < 1000);
    is_small && OF_NUMBERS.contains(&&*snake_case(name))
}

/// Whether a text has the form of an API's word and stands where such words stand.
fn is_code(catalogue: &Catalogue, name: &str, text: &str) -> bool {
    let name = snake_case(name);
    if catalogue.personal.has(&name) || text.len() > CODE_CHARS_MAX || DIGITS.is_match(text) {
        return false;
    }
    let last = name.rsplit('_').next().unwrap_or_default();
    if !OF_CODES.contains(&last) {
        return false;
    }
    // A code may be one of a person, such as a tax code or a referral code.
    match (last, &*name) {
        ("code", "code" | "error_code" | "failure_code" | "reason_code" | "status_code") => {
            is_code_word(text)
        }
        ("code", "bank_code") => is_bank_code(text),
        ("code", _) => false,
        ("status", _) => is_code_word(text) || LOWER_CODE.is_match(text),
        _ => is_code_word(text),
    }
}

/// Whether a text can be an error code.
pub(super) fn is_code_word(text: &str) -> bool {
    text.len() <= CODE_CHARS_MAX && CODE.is_match(text) && !DIGITS.is_match(text)
}
