//! Queries of a journal: which requests match, and how the others differ.

use std::fmt;

use serde_json::Value;

use super::condition::{Difference, Expected, QueryCondition, RequestField};
use super::exchange::Exchange;
use super::query_reading::{Reading, ReceivedValue};
use crate::base::split_path;

/// A filter for requests: a request must fulfil every condition. [`Query::any`] matches all.
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
    /// In the order of checking: cheap ones first.
    pub(super) conditions: Vec<QueryCondition>,
}

/// Whether a request matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Meant,
    Other,
    /// The journal did not keep what it depends on.
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

    /// Requests to an endpoint, by its id or path.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().endpoint("v0/individual_cft_peps");
    /// assert_eq!(query.to_string(), r#"endpoint "v0/individual_cft_peps""#);
    /// ```
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.json(RequestField::Endpoint, endpoint.into())
    }

    /// Requests with an outcome, by its name or its whole tag, in upper or lower case. Where the endpoint is
    /// given too, another name of the outcome also works.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().outcome("COMPLETED_FOUND");
    /// assert_eq!(query.to_string(), r#"outcome "COMPLETED_FOUND""#);
    /// ```
    #[must_use]
    pub fn outcome(self, outcome: impl Into<String>) -> Self {
        self.json(RequestField::Outcome, outcome.into())
    }

    /// Requests that were answered with a status.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().status(404);
    /// assert_eq!(query.to_string(), r#"status 404"#);
    /// ```
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.json(RequestField::Status, status)
    }

    /// Requests with a method, in upper or lower case.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().method("POST");
    /// assert_eq!(query.to_string(), r#"method "POST""#);
    /// ```
    #[must_use]
    pub fn method(self, method: impl Into<String>) -> Self {
        self.json(RequestField::Method, method.into())
    }

    /// Requests to a path as it was sent, without the query.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().path("/v0/health");
    /// assert_eq!(query.to_string(), r#"path "/v0/health""#);
    /// ```
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.json(RequestField::Path, path.into())
    }

    /// The request that this `x-sandbox-trace` names.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().trace("1a2b3c4d-7");
    /// assert_eq!(query.to_string(), r#"trace "1a2b3c4d-7""#);
    /// ```
    #[must_use]
    pub fn trace(self, trace: impl Into<String>) -> Self {
        self.json(RequestField::Trace, trace.into())
    }

    /// Requests with a value at a dotted path of the body, such as `addresses.0.country`. A dot in a name is
    /// written `\\.`. `null` means no value. Fields of forms are compared as text.
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
        self.json(RequestField::Body(split_path(path)), value)
    }

    /// Requests with a header. `null` means without it. A header that came more than once is the list of its
    /// values. The API key is not kept, so `authorization` is always
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
        self.json(RequestField::Header(name.to_ascii_lowercase()), value)
    }

    /// Requests with a parameter in the query of their URL. `null` means without it. A parameter that came more
    /// than once is the list of its values.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().query("page", "2");
    /// assert_eq!(query.to_string(), r#"query.page "2""#);
    /// ```
    #[must_use]
    pub fn query(self, name: &str, value: impl Into<Value>) -> Self {
        self.json(RequestField::Query(name.to_owned()), value)
    }

    fn json(self, field: RequestField, value: impl Into<Value>) -> Self {
        self.with(field, Expected::Json(value.into()))
    }

    pub(crate) fn with(mut self, field: RequestField, expected: Expected) -> Self {
        let at = (self.conditions).partition_point(|condition| condition.field <= field);
        self.conditions
            .insert(at, QueryCondition { field, expected });
        self
    }

    pub(crate) fn judge(&self, exchange: &Exchange) -> Judgement {
        let reading = Reading::of(exchange);
        let mut judgement = Judgement::Meant;
        for condition in &self.conditions {
            match condition.received(&reading) {
                ReceivedValue::NotKept(_) => judgement = Judgement::Unknown,
                received if condition.meets(&received) => {}
                ReceivedValue::Value(_) | ReceivedValue::Text(_) => return Judgement::Other,
            }
        }
        judgement
    }

    /// How a request differs from the query, with what it had instead; and how far it is from matching. 0 means that
    /// it matches. Similar texts count less than different ones.
    pub(crate) fn differences(&self, exchange: &Exchange) -> (f64, Vec<Difference>) {
        let reading = Reading::of(exchange);
        let mut distance = 0.0;
        let mut differences = Vec::new();
        for condition in &self.conditions {
            let received = condition.received(&reading);
            if !condition.meets(&received) {
                let difference = condition.difference(received);
                distance += condition.field.weight() * (1.0 - likeness(&difference) / 2.0);
                differences.push(difference);
            }
        }
        (distance, differences)
    }
}

/// How alike the expected and the received value are: from 0 to 1.
fn likeness(difference: &Difference) -> f64 {
    match (&difference.expected, &difference.received) {
        (_, Value::Null) => 0.0,
        (Value::String(one), Value::String(other)) => {
            let start = |text: &str| text.chars().take(LIKENESS_CHARS).collect::<String>();
            strsim::jaro_winkler(&start(one), &start(other))
        }
        _ => 0.2, // there is another value
    }
}

/// How many characters of a text are compared for similarity.
const LIKENESS_CHARS: usize = 200;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conditions.is_empty() {
            return f.write_str("anything");
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let QueryCondition { field, expected } = condition;
            match expected.value() {
                Value::Null => write!(f, "{comma}no {field}")?,
                value => write!(f, "{comma}{field} {value}")?,
            }
        }
        Ok(())
    }
}
