//! Reads a field of an exchange and compares it with what is expected.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::condition::{Difference, Expected, QueryCondition, RequestField};
use super::exchange::{Content, Exchange, HEAD_KEPT_BYTES_MAX};
use crate::base::{look_alike_json, size_in_words};
use crate::catalogue::{self, dig, text_or_list};
use crate::http;

/// An exchange whose body is read when a condition first needs it.
pub(super) struct Reading<'e> {
    exchange: &'e Exchange,
    content: OnceCell<Content>,
}

/// The value of a field in an exchange.
pub(super) enum ReceivedValue {
    Value(Option<Value>),
    /// From a form, a header or a query, where everything is text.
    Text(Option<Value>),
    NotKept(String),
}

impl<'e> Reading<'e> {
    pub(super) fn of(exchange: &'e Exchange) -> Self {
        Self {
            exchange,
            content: OnceCell::new(),
        }
    }

    fn body(&self, path: &[String]) -> ReceivedValue {
        let at = |value: &Value| dig(value.as_object().unwrap_or(&Map::new()), path).cloned();
        match self.content.get_or_init(|| self.exchange.content()) {
            Content::Json(value) => ReceivedValue::Value(at(value)),
            Content::Fields(value) => ReceivedValue::Text(at(value)),
            Content::Empty | Content::Text(_) => ReceivedValue::Value(None),
            Content::Beginning(_) => ReceivedValue::NotKept(format!(
                "of the {} bytes of the body only the first {} are kept",
                self.exchange.request.whole_bytes,
                self.exchange.request.bytes.len()
            )),
        }
    }
}

/// The value of a header. If it came more than once, the list of its values.
fn header(exchange: &Exchange, name: &str) -> Option<Value> {
    let same = exchange.headers().filter(|(other, _)| *other == name);
    text_or_list(same.map(|(_, value)| value))
}

impl QueryCondition {
    pub(super) fn received(&self, reading: &Reading<'_>) -> ReceivedValue {
        let exchange = reading.exchange;
        let text = |text: Option<String>| ReceivedValue::Text(text.map(Value::String));
        match &self.field {
            RequestField::Endpoint => text(exchange.endpoint().map(str::to_owned)),
            RequestField::Status => ReceivedValue::Value(Some(exchange.status.as_u16().into())),
            RequestField::Outcome => {
                // With its endpoint or without, as it was asked for.
                let with_endpoint = self.expected.text().contains('/');
                text(exchange.decision.reply.outcome().map(|outcome| {
                    if with_endpoint {
                        outcome.to_string()
                    } else {
                        outcome.name().to_owned()
                    }
                }))
            }
            RequestField::Method => text(Some(exchange.method().to_owned())),
            RequestField::Path => text(Some(exchange.path().to_owned())),
            RequestField::Trace => text(Some(exchange.trace())),
            RequestField::Query(name) => {
                let pairs = http::shown_pairs(exchange.query().as_bytes());
                let values = pairs.filter(|(other, _)| other == name);
                ReceivedValue::Text(text_or_list(values.map(|(_, value)| value)))
            }
            RequestField::Header(name) => match header(exchange, name) {
                None if exchange.lacks_headers() => ReceivedValue::NotKept(format!(
                    "of the headers only the first {} are kept",
                    size_in_words(HEAD_KEPT_BYTES_MAX)
                )),
                value => ReceivedValue::Text(value),
            },
            RequestField::Body(path) => reading.body(path),
        }
    }

    pub(super) fn meets(&self, received: &ReceivedValue) -> bool {
        match received {
            ReceivedValue::NotKept(_) => false,
            ReceivedValue::Text(Some(Value::String(received)))
                if matches!(self.field, RequestField::Outcome | RequestField::Method) =>
            {
                self.expected.text().eq_ignore_ascii_case(received)
            }
            // Only the facts of a file are kept. A query can still ask for the file by its base64.
            ReceivedValue::Value(Some(file @ Value::Object(_)))
            | ReceivedValue::Text(Some(file @ Value::Object(_)))
                if catalogue::facts_are_of(file, &self.expected.text()) =>
            {
                true
            }
            ReceivedValue::Value(value) => self.expected.is(value.as_ref(), false),
            ReceivedValue::Text(value) => self.expected.is(value.as_ref(), true),
        }
    }

    pub(super) fn difference(&self, received: ReceivedValue) -> Difference {
        let (received, note) = match received {
            ReceivedValue::Value(value) | ReceivedValue::Text(value) => {
                (value.unwrap_or_default(), None)
            }
            ReceivedValue::NotKept(why) => (Value::Null, Some(why)),
        };
        let expected = match &self.expected {
            // A number from a URL is text where texts are compared.
            Expected::Written(text) if received.is_string() => text.as_str().into(),
            Expected::Written(_) | Expected::Json(_) => self.expected.value(),
        };
        Difference {
            field: self.field.to_string(),
            look_alike: look_alike_json(&expected, &received),
            expected,
            received,
            note,
        }
    }
}
