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

    /// Requests of a W3C trace: with this `traceparent`, or with the trace id of these 32 hex digits.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().traceparent("4bf92f3577b34da6a3ce929d0e0e4736");
    /// assert_eq!(query.to_string(), r#"traceparent "4bf92f3577b34da6a3ce929d0e0e4736""#);
    /// ```
    #[must_use]
    pub fn traceparent(self, traceparent: impl Into<String>) -> Self {
        self.json(RequestField::Traceparent, traceparent.into())
    }

    /// Requests with this `x-request-id`.
    ///
    /// ```
    /// use iluma_sandbox::Query;
    ///
    /// let query = Query::any().request_id("checkout-7");
    /// assert_eq!(query.to_string(), r#"request_id "checkout-7""#);
    /// ```
    #[must_use]
    pub fn request_id(self, id: impl Into<String>) -> Self {
        self.json(RequestField::RequestId, id.into())
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
        self.judge_reading(&Reading::of(exchange))
    }

    /// The first condition that is not met decides, so the body is read only if everything else is met.
    pub(super) fn judge_reading(&self, reading: &Reading<'_>) -> Judgement {
        let mut judgement = Judgement::Meant;
        for condition in &self.conditions {
            match condition.received(reading) {
                ReceivedValue::NotKept(_) => judgement = Judgement::Unknown,
                received if condition.meets(&received) => {}
                ReceivedValue::Value(_) | ReceivedValue::Text(_) => return Judgement::Other,
            }
        }
        judgement
    }

    /// How far a request is from matching. 0 means that it matches. Similar texts count less than different ones. None if
    /// it is farther away than `limit`: the body is not read if the rest says so already.
    pub(super) fn distance(&self, reading: &Reading<'_>, limit: f64) -> Option<f64> {
        distance(&self.conditions, reading, limit)
    }

    /// The same without the conditions about the body.
    pub(super) fn distance_without_body(&self, exchange: &Exchange) -> f64 {
        let others = (self.conditions).partition_point(|one| !one.field.is_of_body());
        let reading = Reading::of(exchange);
        distance(&self.conditions[..others], &reading, f64::INFINITY).unwrap_or_default()
    }

    /// Whether a request can be the one that was meant. It went to the endpoint or path that is asked for, or the whole
    /// body that is asked for came elsewhere. If no place is asked for, it has at least half of the fields.
    pub(super) fn is_near(&self, reading: &Reading<'_>) -> bool {
        let all = || self.conditions.iter();
        let is_met = |one: &QueryCondition| one.meets(&one.received(reading));
        let mut places = all().filter(|one| one.field.is_place()).peekable();
        if places.peek().is_some() {
            let mut body = all().filter(|one| one.field.is_of_body()).peekable();
            return places.all(is_met) || body.peek().is_some() && body.all(is_met);
        }
        let is_there = |one: &&QueryCondition| is_met(one) || !one.received(reading).is_missing();
        all().filter(is_there).count() * 2 >= self.conditions.len()
    }

    /// How a request differs from the query, with what it had instead.
    pub(super) fn differences(&self, reading: &Reading<'_>) -> Vec<Difference> {
        let conditions = self.conditions.iter();
        let received = conditions.map(|condition| (condition, condition.received(reading)));
        let differing = received.filter(|(condition, received)| !condition.meets(received));
        differing
            .map(|(condition, received)| condition.difference(received))
            .collect()
    }
}

fn distance(conditions: &[QueryCondition], reading: &Reading<'_>, limit: f64) -> Option<f64> {
    let mut distance = 0.0;
    for condition in conditions {
        let received = condition.received(reading);
        if !condition.meets(&received) {
            let likeness = condition.likeness(&received);
            distance += condition.field.weight() * (1.0 - likeness / 2.0);
        }
        if distance > limit {
            return None;
        }
    }
    Some(distance)
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conditions.is_empty() {
            return f.write_str("anything");
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let QueryCondition { field, expected } = condition;
            match &*expected.value() {
                Value::Null => write!(f, "{comma}no {field}")?,
                value => write!(f, "{comma}{field} {value}")?,
            }
        }
        Ok(())
    }
}
