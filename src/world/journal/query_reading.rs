//! Reads a field of an exchange and compares it with what is expected.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::Value;

use super::condition::{Difference, Expected, QueryCondition, RequestField};
use super::exchange::{Content, Exchange, HEAD_KEPT_BYTES_MAX};
use crate::base::{look_alike_json, size_in_words};
use crate::catalogue::{self, dig, text_or_list};
use crate::http::{self, Traceparent, TraceparentFilter};

/// How many characters of a text are compared for similarity.
const LIKENESS_CHARS: usize = 200;

/// An exchange whose body is read when a condition first needs it. All who judge the exchange share it, so its body is
/// read once.
pub(super) struct Reading<'e> {
    pub(super) exchange: &'e Exchange,
    content: OnceLock<Content>,
}

/// The value of a field in an exchange.
pub(super) enum ReceivedValue<'r> {
    Value(Option<Cow<'r, Value>>),
    /// From a form, a header or a query, where everything is text.
    Text(Option<Cow<'r, Value>>),
    NotKept(String),
}

impl ReceivedValue<'_> {
    /// Whether the exchange is known to have no such field.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Value(value) | Self::Text(value) => value.is_none(),
            Self::NotKept(_) => false,
        }
    }
}

impl<'e> Reading<'e> {
    pub(super) fn of(exchange: &'e Exchange) -> Self {
        Self {
            exchange,
            content: OnceLock::new(),
        }
    }

    fn body(&self, path: &[String]) -> ReceivedValue<'_> {
        match self.content.get_or_init(|| self.exchange.content()) {
            Content::Json(value) => ReceivedValue::Value(at(value, path)),
            Content::Fields(value) => ReceivedValue::Text(at(value, path)),
            Content::Empty | Content::Text(_) => ReceivedValue::Value(None),
            Content::Beginning(_) => ReceivedValue::NotKept(format!(
                "of the {} bytes of the body only the first {} are kept",
                self.exchange.request.whole_bytes,
                self.exchange.request.bytes.len()
            )),
        }
    }
}

/// The value at a path of a body.
fn at<'v>(body: &'v Value, path: &[String]) -> Option<Cow<'v, Value>> {
    dig(body.as_object()?, path).map(Cow::Borrowed)
}

/// The value of a header. If it came more than once, the list of its values.
fn header(exchange: &Exchange, name: &str) -> Option<Value> {
    let same = exchange.headers().filter(|(other, _)| *other == name);
    text_or_list(same.map(|(_, value)| value))
}

fn header_value(exchange: &Exchange, name: &str) -> ReceivedValue<'static> {
    match header(exchange, name) {
        None if exchange.lacks_headers() => ReceivedValue::NotKept(format!(
            "of the headers only the first {} are kept",
            size_in_words(HEAD_KEPT_BYTES_MAX)
        )),
        value => ReceivedValue::Text(value.map(Cow::Owned)),
    }
}

/// The header as far as it was asked for: the trace id, or all of it. One that is not well-formed counts as missing.
fn traceparent(received: ReceivedValue<'static>, asked: &str) -> ReceivedValue<'static> {
    let ReceivedValue::Text(Some(received)) = received else {
        return received;
    };
    let read = received.as_str().and_then(Traceparent::parse);
    let read = read.map(|read| match TraceparentFilter::parse(asked) {
        Ok(TraceparentFilter::TraceId(_)) => Value::from(read.trace_id()),
        Ok(TraceparentFilter::Whole(_)) | Err(_) => Value::from(read.as_str()),
    });
    ReceivedValue::Text(read.map(Cow::Owned))
}

impl QueryCondition {
    pub(super) fn received<'r>(&self, reading: &'r Reading<'_>) -> ReceivedValue<'r> {
        let exchange = reading.exchange;
        let owned = |value: Option<Value>| ReceivedValue::Text(value.map(Cow::Owned));
        let text = |text: Option<String>| owned(text.map(Value::String));
        match &self.field {
            RequestField::Endpoint => text(exchange.endpoint().map(str::to_owned)),
            RequestField::Status => {
                let status = exchange.status.as_u16().into();
                ReceivedValue::Value(Some(Cow::Owned(status)))
            }
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
            RequestField::Traceparent => {
                traceparent(header_value(exchange, "traceparent"), &self.expected.text())
            }
            RequestField::RequestId => header_value(exchange, "x-request-id"),
            RequestField::Query(name) => {
                let pairs = http::shown_pairs(exchange.query().as_bytes());
                let values = pairs.filter(|(other, _)| other == name);
                owned(text_or_list(values.map(|(_, value)| value)))
            }
            RequestField::Header(name) => header_value(exchange, name),
            RequestField::Body(path) => reading.body(path),
        }
    }

    pub(super) fn meets(&self, received: &ReceivedValue<'_>) -> bool {
        let (received, is_text) = match received {
            ReceivedValue::NotKept(_) => return false,
            ReceivedValue::Value(value) => (value.as_deref(), false),
            ReceivedValue::Text(value) => (value.as_deref(), true),
        };
        match received {
            Some(Value::String(received))
                if matches!(self.field, RequestField::Outcome | RequestField::Method) =>
            {
                self.expected.text().eq_ignore_ascii_case(received)
            }
            // Only the facts of a file are kept. A query can still ask for the file by its base64.
            Some(file @ Value::Object(_))
                if catalogue::facts_are_of(file, &self.expected.text()) =>
            {
                true
            }
            received => self.expected.is(received, is_text),
        }
    }

    /// How alike the expected and the received value are: from 0 to 1.
    pub(super) fn likeness(&self, received: &ReceivedValue<'_>) -> f64 {
        let (ReceivedValue::Value(Some(received)) | ReceivedValue::Text(Some(received))) = received
        else {
            return 0.0;
        };
        match (&*self.expected_beside(received), &**received) {
            (_, Value::Null) => 0.0,
            (Value::String(one), Value::String(other)) => {
                let start = |text: &str| text.chars().take(LIKENESS_CHARS).collect::<String>();
                strsim::jaro_winkler(&start(one), &start(other))
            }
            _ => 0.2, // there is another value
        }
    }

    /// The expected value. A number from a URL is text where texts are compared.
    fn expected_beside(&self, received: &Value) -> Cow<'_, Value> {
        match &self.expected {
            Expected::Written(text) if received.is_string() => Cow::Owned(text.as_str().into()),
            Expected::Written(_) | Expected::Json(_) => self.expected.value(),
        }
    }

    pub(super) fn difference(&self, received: ReceivedValue<'_>) -> Difference {
        let (received, note) = match received {
            ReceivedValue::Value(value) | ReceivedValue::Text(value) => {
                (value.map_or(Value::Null, Cow::into_owned), None)
            }
            ReceivedValue::NotKept(why) => (Value::Null, Some(why)),
        };
        let expected = self.expected_beside(&received).into_owned();
        Difference {
            field: self.field.to_string(),
            look_alike: look_alike_json(&expected, &received),
            expected,
            received,
            note,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use hyper::StatusCode;

    use super::*;
    use crate::base::Commit;
    use crate::world::journal::decision::Decision;
    use crate::world::journal::exchange::NO_WORLD;
    use crate::world::journal::kept_body::KeptBody;
    use crate::world::journal::query::{Judgement, Query};

    fn exchange(endpoint: &str) -> Exchange {
        Exchange {
            seq: 1,
            at: SystemTime::UNIX_EPOCH,
            head: "POST /a?page=2\nx-test: 1".into(),
            request: KeptBody::copied(br#"{"name": "Testy"}"#),
            status: StatusCode::OK,
            reply: KeptBody::copied(b"{}"),
            reply_headers: Vec::new(),
            duration: Duration::ZERO,
            delay: Duration::ZERO,
            fault: None,
            decision: Decision {
                endpoint: Some(endpoint.into()),
                ..Decision::default()
            },
            commit: Commit::default(),
            tag: NO_WORLD,
        }
    }

    #[test]
    fn a_body_is_read_only_if_everything_else_matches_however_the_filters_are_ordered() {
        let exchange = exchange("v0/other");
        let body = || Query::any().body("name", "Testy");
        for (query, judgement, reads) in [
            (body(), Judgement::Meant, true),
            (body().endpoint("v0/other"), Judgement::Meant, true),
            (body().endpoint("v0/asked"), Judgement::Other, false),
            (body().path("/b"), Judgement::Other, false),
            (body().method("GET"), Judgement::Other, false),
            (body().status(400), Judgement::Other, false),
            (body().trace("00000000-2"), Judgement::Other, false),
            (body().query("page", "1"), Judgement::Other, false),
            (body().header("x-test", "2"), Judgement::Other, false),
        ] {
            let reading = Reading::of(&exchange);
            assert_eq!(query.judge_reading(&reading), judgement, "{query}");
            assert_eq!(reading.content.get().is_some(), reads, "{query}");
        }
    }

    #[test]
    fn a_body_is_not_read_to_say_how_far_away_a_request_is_that_is_too_far_without_it() {
        let exchange = exchange("v0/other");
        let query = Query::any().body("name", "Budi").endpoint("v0/asked");
        let reading = Reading::of(&exchange);
        assert_eq!(query.distance(&reading, 1.0), None);
        assert!(reading.content.get().is_none());
        assert!(query.distance(&reading, f64::INFINITY) > Some(1.0));
        assert!(reading.content.get().is_some());
    }
}
