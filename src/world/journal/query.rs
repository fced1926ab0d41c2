//! Which requests of a journal are meant, and what of a request differs from that.

use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderName};
use serde::Serialize;
use serde_json::Value;

use super::journal::Exchange;
use super::query_reading::{Reading, Received};

/// Which requests are meant: those of which everything holds that is said here. [`Query::any`] means all.
///
/// ```
/// use iluma_sandbox::Query;
///
/// let query = Query::any()
///     .endpoint("v0/individual_cft_peps")
///     .outcome("COMPLETED_FOUND")
///     .body("given_names", "Testy");
/// assert_eq!(
///     query.to_string(),
///     r#"endpoint "v0/individual_cft_peps", outcome "COMPLETED_FOUND", body.given_names "Testy""#
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// In the order in which they are looked at: what is cheap first.
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) field: Field,
    pub(super) expected: Expected,
}

/// What of an exchange is looked at, in the order of what that costs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Endpoint,
    Status,
    Outcome,
    Method,
    Path,
    Trace,
    Query(String),
    Header(String),
    Body(Vec<String>),
}

/// What is to be there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// This value; `null` where there is to be none.
    Json(Value),
    /// Written in a URL: this text, or the JSON that it is.
    Written(String),
}

/// What of one request is otherwise than was expected.
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
    /// `null` where the request had nothing there.
    pub received: Value,
    /// Why nothing can be said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether a request is among those that are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Meant,
    Other,
    /// What it depends on was not kept.
    Unknown,
}

impl Query {
    /// All requests.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any();
    /// assert_eq!(query.to_string(), r#"anything"#);
    /// ```
    pub fn any() -> Self {
        Self::default()
    }

    /// Those to an endpoint, by its id or path.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().endpoint("v0/individual_cft_peps");
    /// assert_eq!(query.to_string(), r#"endpoint "v0/individual_cft_peps""#);
    /// ```
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.json(Field::Endpoint, endpoint.into())
    }

    /// Those with an outcome, by its name or its whole tag, in upper or lower case; where the endpoint is named
    /// too, by another name of it as well.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().outcome("COMPLETED_FOUND");
    /// assert_eq!(query.to_string(), r#"outcome "COMPLETED_FOUND""#);
    /// ```
    #[must_use]
    pub fn outcome(self, outcome: impl Into<String>) -> Self {
        self.json(Field::Outcome, outcome.into())
    }

    /// Those that were answered with a status.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().status(404);
    /// assert_eq!(query.to_string(), r#"status 404"#);
    /// ```
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.json(Field::Status, status)
    }

    /// Those with a method, in upper or lower case.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().method("POST");
    /// assert_eq!(query.to_string(), r#"method "POST""#);
    /// ```
    #[must_use]
    pub fn method(self, method: impl Into<String>) -> Self {
        self.json(Field::Method, method.into())
    }

    /// Those to a path as it was sent, without the query.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().path("/v0/health");
    /// assert_eq!(query.to_string(), r#"path "/v0/health""#);
    /// ```
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.json(Field::Path, path.into())
    }

    /// The one that `x-sandbox-trace` names.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().trace("1a2b3c4d-7");
    /// assert_eq!(query.to_string(), r#"trace "1a2b3c4d-7""#);
    /// ```
    #[must_use]
    pub fn trace(self, trace: impl Into<String>) -> Self {
        self.json(Field::Trace, trace.into())
    }

    /// Those whose body has a value at a dotted path such as `addresses.0.country`; `null` means none.
    /// Fields of forms are compared as text.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    /// use serde_json::Value;
    ///
    /// let query = Query::any().body("scopes.0", "PEP").body("surname", Value::Null);
    /// assert_eq!(query.to_string(), r#"body.scopes.0 "PEP", no body.surname"#);
    /// ```
    #[must_use]
    pub fn body(self, path: &str, value: impl Into<Value>) -> Self {
        let path = path.split('.').map(str::to_owned).collect();
        self.json(Field::Body(path), value)
    }

    /// Those with a header; `null` means without it. The API key is not kept, so `authorization` is always
    /// the same.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().header("x-test-case", "7");
    /// assert_eq!(query.to_string(), r#"header.x-test-case "7""#);
    /// ```
    #[must_use]
    pub fn header(self, name: &str, value: impl Into<Value>) -> Self {
        self.json(Field::Header(name.to_ascii_lowercase()), value)
    }

    /// Those with a parameter in the query of their URL; `null` means without it.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().query("page", "2");
    /// assert_eq!(query.to_string(), r#"query.page "2""#);
    /// ```
    #[must_use]
    pub fn query(self, name: &str, value: impl Into<Value>) -> Self {
        self.json(Field::Query(name.to_owned()), value)
    }

    fn json(self, field: Field, value: impl Into<Value>) -> Self {
        self.with(field, Expected::Json(value.into()))
    }

    pub(crate) fn with(mut self, field: Field, expected: Expected) -> Self {
        let at = (self.conditions).partition_point(|condition| condition.field <= field);
        self.conditions.insert(at, Condition { field, expected });
        self
    }

    pub(crate) fn judge(&self, exchange: &Exchange) -> Judgement {
        let reading = Reading::of(exchange);
        let mut judgement = Judgement::Meant;
        for condition in &self.conditions {
            match condition.received(&reading) {
                Received::NotKept(_) => judgement = Judgement::Unknown,
                received if condition.meets(&received) => {}
                _ => return Judgement::Other,
            }
        }
        judgement
    }

    /// What of a request is otherwise, with what was there.
    pub(crate) fn differences(&self, exchange: &Exchange) -> Vec<Difference> {
        let reading = Reading::of(exchange);
        let differing = self.conditions.iter().filter_map(|condition| {
            let received = condition.received(&reading);
            (!condition.meets(&received)).then(|| condition.difference(received))
        });
        differing.collect()
    }

    /// How far a request is from what is meant, given what differs: 0 is what is meant. Where a request
    /// went counts more than what it held, and texts that are alike count less than others.
    pub(crate) fn distance(differences: &[Difference]) -> f64 {
        let weigh = |difference: &Difference| {
            let weight = match difference.field.as_str() {
                "endpoint" | "path" => 4.0,
                "method" => 2.0,
                _ => 1.0,
            };
            let likeness = match (&difference.expected, &difference.received) {
                (_, Value::Null) => 0.0,
                (Value::String(one), Value::String(other)) => {
                    let start = |text: &str| text.chars().take(LIKENESS_CHARS).collect::<String>();
                    strsim::jaro_winkler(&start(one), &start(other))
                }
                _ => 0.2, // there is something, if not this
            };
            weight * (1.0 - likeness / 2.0)
        };
        differences.iter().map(weigh).sum()
    }
}

/// No more of a text is compared to tell how alike it is.
const LIKENESS_CHARS: usize = 200;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conditions.is_empty() {
            return f.write_str("anything");
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let Condition { field, expected } = condition;
            match expected.value() {
                Value::Null => write!(f, "{comma}no {field}")?,
                value => write!(f, "{comma}{field} {value}")?,
            }
        }
        Ok(())
    }
}

impl Field {
    /// What a filter's name stands for, such as `status`, `body.given_names` or `header.x-test`.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if let Some((kind, rest)) = name.split_once('.').filter(|(_, rest)| !rest.is_empty()) {
            match kind {
                "body" => return Ok(Self::Body(rest.split('.').map(str::to_owned).collect())),
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
        let plain = PLAIN.iter().find(|(word, _)| *word == name);
        plain.map(|(_, field)| field.clone()).ok_or_else(|| {
            let known = PLAIN.map(|(word, _)| word).join(", ");
            format!("unknown filter `{name}`: known are {known}, body.…, header.… and query.…")
        })
    }
}

const PLAIN: [(&str, Field); 6] = [
    ("endpoint", Field::Endpoint),
    ("outcome", Field::Outcome),
    ("status", Field::Status),
    ("method", Field::Method),
    ("path", Field::Path),
    ("trace", Field::Trace),
];

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(path) => write!(f, "body.{}", path.join(".")),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Query(name) => write!(f, "query.{name}"),
            plain => {
                let named = PLAIN.iter().find(|(_, field)| field == plain);
                f.write_str(named.expect("every other field is plain").0)
            }
        }
    }
}

impl Expected {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Json(value) => value.clone(),
            Self::Written(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
            }
        }
    }

    /// The number of a status, where it is one.
    pub(crate) fn status(&self) -> Option<u16> {
        let status = self.text().parse().ok();
        status.filter(|status| (100..1000).contains(status))
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Json(Value::String(text)) | Self::Written(text) => text.clone(),
            Self::Json(value) => value.to_string(),
        }
    }

    /// Whether a value is the expected. Where everything is text, numbers are what they are written like.
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
            Some(received) => same(&expected, received),
        }
    }
}

/// Numbers are the same however they are written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same_in = |(name, value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(same_in)
        }
        _ => one == other,
    }
}
