//! Reads a field of an exchange and compares it with what is expected.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::condition::{Condition, Difference, Expected, Field};
use super::exchange::{Content, Exchange};
use crate::catalogue::{self, dig};

/// An exchange whose body is read when a condition first needs it.
pub(super) struct Reading<'e> {
    exchange: &'e Exchange,
    content: OnceCell<Content>,
}

/// The value of a field in an exchange.
pub(super) enum Received {
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

    fn body(&self, path: &[String]) -> Received {
        let at = |value: &Value| dig(value.as_object().unwrap_or(&Map::new()), path).cloned();
        match self.content.get_or_init(|| self.exchange.content()) {
            Content::Json(value) => Received::Value(at(value)),
            Content::Fields(value) => Received::Text(at(value)),
            Content::Empty | Content::Text(_) => Received::Value(None),
            Content::Beginning(_) => Received::NotKept(format!(
                "of the {} bytes of the body only the first {} are kept",
                self.exchange.request.whole_bytes,
                self.exchange.request.bytes.len()
            )),
        }
    }
}

impl Condition {
    pub(super) fn received(&self, reading: &Reading<'_>) -> Received {
        let exchange = reading.exchange;
        let text = |text: Option<String>| Received::Text(text.map(Value::String));
        match &self.field {
            Field::Endpoint => text(exchange.endpoint().map(str::to_owned)),
            Field::Status => Received::Value(Some(exchange.status.as_u16().into())),
            Field::Outcome => {
                let tag = exchange.outcome.as_ref().and_then(|tag| tag.to_str().ok());
                // The whole tag or the bare name, as it was asked for.
                let is_whole = self.expected.text().contains('/');
                let asked = if is_whole {
                    tag
                } else {
                    exchange.outcome_name()
                };
                text(asked.map(str::to_owned))
            }
            Field::Method => text(Some(exchange.method().to_owned())),
            Field::Path => text(Some(exchange.path().to_owned())),
            Field::Trace => text(Some(exchange.trace())),
            // The last parameter of a name counts.
            Field::Query(name) => {
                let pairs = form_urlencoded::parse(exchange.query().as_bytes());
                let last = pairs.filter(|(other, _)| other == name).last();
                text(last.map(|(_, value)| value.into_owned()))
            }
            Field::Header(name) => match exchange.header(name) {
                None if exchange.lacks_headers() => {
                    Received::NotKept("of the headers only the first 8 KiB are kept".to_owned())
                }
                value => text(value),
            },
            Field::Body(path) => reading.body(path),
        }
    }

    pub(super) fn meets(&self, received: &Received) -> bool {
        match received {
            Received::NotKept(_) => false,
            Received::Text(Some(Value::String(received)))
                if matches!(self.field, Field::Outcome | Field::Method) =>
            {
                self.expected.text().eq_ignore_ascii_case(received)
            }
            // Only the facts of a file are kept. A query can still ask for the file by its base64.
            Received::Value(Some(file @ Value::Object(_)))
            | Received::Text(Some(file @ Value::Object(_)))
                if catalogue::facts_are_of(file, &self.expected.text()) =>
            {
                true
            }
            Received::Value(value) => self.expected.is(value.as_ref(), false),
            Received::Text(value) => self.expected.is(value.as_ref(), true),
        }
    }

    pub(super) fn difference(&self, received: Received) -> Difference {
        let (received, note) = match received {
            Received::Value(value) | Received::Text(value) => (value.unwrap_or_default(), None),
            Received::NotKept(why) => (Value::Null, Some(why)),
        };
        let expected = match &self.expected {
            // A number from a URL is text where texts are compared.
            Expected::Written(text) if received.is_string() => text.as_str().into(),
            expected => expected.value(),
        };
        Difference {
            field: self.field.to_string(),
            expected,
            received,
            note,
        }
    }
}
