//! One condition of a query, and how a request differs from it.

use std::borrow::Cow;
use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderName};
use serde::Serialize;
use serde_json::Value;

use crate::base::{join_path, named_near, nearest, read_exact_json, same_json, split_path};
use crate::http::{self, TraceparentFilter};

#[derive(Clone, Debug)]
pub(super) struct QueryCondition {
    pub(super) field: RequestField,
    pub(super) expected: Expected,
}

/// The field of an exchange that a condition looks at, in the order of the cost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestField {
    Endpoint,
    Status,
    Outcome,
    Method,
    Path,
    Trace,
    /// A whole `traceparent`, or its trace id.
    Traceparent,
    /// `x-request-id`
    RequestId,
    Query(String),
    Header(String),
    Body(Vec<String>),
}

/// The expected value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// This value. `null` means that the field must be absent.
    Json(Value),
    /// Written in a URL without quotes: this text, or the JSON value that it spells.
    Written(String),
}

/// How one field of a request differs from what was expected.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Expectation, Query, verify};
///
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
/// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
/// // … the code under test asks, then:
/// let other = Query::any().body("bank_code", "BNI");
/// let error = verify(&world.requests(), &Expectation::at_least(1, other)).unwrap_err();
/// let difference = &error.near_misses[0].differences[0];
/// assert_eq!(difference.to_string(), r#"body.bank_code: expected "BNI", received "BCA""#);
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `endpoint`, `status`, `body.given_names` and the like.
    pub field: String,
    pub expected: Value,
    /// `null` when the request had nothing there.
    pub received: Value,
    /// Why the field cannot be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the values differ if they look alike: `` `é` U+00E9 against `e` U+0065 U+0301 at character 4 ``.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_alike: Option<String>,
}

impl RequestField {
    /// The field that a filter's name means, such as `status`, `body.given_names` or `header.x-test`.
    /// `beside` are words that mean something else where the filter is written.
    pub(crate) fn parse(name: &str, beside: &[&str]) -> Result<Self, String> {
        if let Some((kind, rest)) = name.split_once('.').filter(|(_, rest)| !rest.is_empty()) {
            match kind {
                "body" => return Ok(Self::Body(split_path(rest))),
                "query" => return Ok(Self::Query(rest.to_owned())),
                "header" => {
                    let header = HeaderName::try_from(rest)
                        .map_err(|_| format!("`{name}` names no header"))?;
                    if header == AUTHORIZATION {
                        return Err("the API key is not kept: `header.authorization` is the same in all requests of a world".to_owned());
                    }
                    return Ok(Self::Header(header.as_str().to_owned()));
                }
                _ => {}
            }
        }
        let plain = PLAIN.into_iter().find(|field| field.to_string() == name);
        plain.ok_or_else(|| {
            let known = PLAIN.map(|field| field.to_string());
            let words = known.iter().map(String::as_str);
            match nearest(name, words.chain(beside.iter().copied())) {
                Some(near) => format!(
                    "unknown filter `{name}`: did you mean {}?",
                    named_near(name, near)
                ),
                None => format!(
                    "unknown filter `{name}`: known are {}, body.…, header.… and query.…",
                    known.join(", ")
                ),
            }
        })
    }
}

impl QueryCondition {
    /// Refuses a value that no request can have. A misspelt one would match nothing, and a test that asks for "never"
    /// would pass.
    pub(super) fn check(&self) -> Result<(), String> {
        let text = self.expected.text();
        let checked = match self.field {
            _ if self.is_absence() => return Ok(()),
            RequestField::Traceparent => TraceparentFilter::parse(&text).map(drop),
            RequestField::RequestId => http::request_id(&text).map(drop),
            RequestField::Endpoint
            | RequestField::Status
            | RequestField::Outcome
            | RequestField::Method
            | RequestField::Path
            | RequestField::Trace
            | RequestField::Query(_)
            | RequestField::Header(_)
            | RequestField::Body(_) => return Ok(()),
        };
        checked.map_err(|sentence| format!("`{}`: {sentence}", self.field))
    }

    /// Whether it asks for requests without the field.
    pub(super) fn is_absence(&self) -> bool {
        self.expected.value().is_null()
    }
}

impl RequestField {
    /// Whether the field says where a request went, or which one it is.
    pub(super) fn is_place(&self) -> bool {
        match self {
            Self::Endpoint | Self::Path | Self::Trace => true,
            Self::Status
            | Self::Outcome
            | Self::Method
            | Self::Traceparent
            | Self::RequestId
            | Self::Body(_)
            | Self::Query(_)
            | Self::Header(_) => false,
        }
    }

    pub(super) fn is_of_body(&self) -> bool {
        matches!(self, Self::Body(_))
    }

    /// How much a difference in this field counts. A request to another place is far from what was meant.
    pub(super) fn weight(&self) -> f64 {
        match self {
            Self::Endpoint | Self::Path => 4.0,
            Self::Method => 2.0,
            Self::Status
            | Self::Outcome
            | Self::Trace
            | Self::Traceparent
            | Self::RequestId
            | Self::Body(_)
            | Self::Query(_)
            | Self::Header(_) => 1.0,
        }
    }
}

/// The fields without a name of their own.
const PLAIN: [RequestField; 8] = [
    RequestField::Endpoint,
    RequestField::Outcome,
    RequestField::Status,
    RequestField::Method,
    RequestField::Path,
    RequestField::Trace,
    RequestField::Traceparent,
    RequestField::RequestId,
];

impl fmt::Display for RequestField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(path) => write!(f, "body.{}", join_path(path)),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Query(name) => write!(f, "query.{name}"),
            Self::Endpoint => f.write_str("endpoint"),
            Self::Outcome => f.write_str("outcome"),
            Self::Status => f.write_str("status"),
            Self::Method => f.write_str("method"),
            Self::Path => f.write_str("path"),
            Self::Trace => f.write_str("trace"),
            Self::Traceparent => f.write_str("traceparent"),
            Self::RequestId => f.write_str("request_id"),
        }
    }
}

impl Expected {
    /// The value that a URL writes. `null` means that the field must be absent, and `"null"` is this text.
    pub(crate) fn written(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(value @ (Value::Null | Value::String(_))) if text.trim() == text => {
                Self::Json(value)
            }
            Ok(_) | Err(_) => Self::Written(text.to_owned()),
        }
    }

    pub(super) fn value(&self) -> Cow<'_, Value> {
        match self {
            Self::Json(value) => Cow::Borrowed(value),
            Self::Written(text) => {
                Cow::Owned(read_exact_json(text.as_bytes()).unwrap_or_else(|| text.as_str().into()))
            }
        }
    }

    /// The status number, if the value is one.
    pub(crate) fn status(&self) -> Option<u16> {
        let status = self.text().parse().ok();
        status.filter(|status| (100..1000).contains(status))
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Json(Value::String(text)) | Self::Written(text) => text.into(),
            Self::Json(value) => value.to_string().into(),
        }
    }

    /// Whether a value is the expected one. Fields of text compare a number by its spelling.
    pub(super) fn is(&self, received: Option<&Value>, is_text: bool) -> bool {
        if let (Self::Written(text), Some(Value::String(received))) = (self, received) {
            return text == received;
        }
        let expected = self.value();
        match received {
            None => expected.is_null(),
            Some(Value::String(received)) if is_text && !expected.is_null() => {
                *received == self.text()
            }
            Some(Value::Array(received)) if is_text => {
                let Value::Array(expected) = &*expected else {
                    return false;
                };
                let same = |(one, other): (&Value, &Value)| same_text(one, other);
                expected.len() == received.len() && expected.iter().zip(received).all(same)
            }
            Some(received) => same_json(&expected, received),
        }
    }
}

/// Compares an item of a list with a text. A number is compared by its spelling.
fn same_text(expected: &Value, received: &Value) -> bool {
    match (expected, received) {
        (Value::Number(_) | Value::Bool(_), Value::String(_)) => {
            same_json(&expected.to_string().into(), received)
        }
        _ => same_json(expected, received),
    }
}
