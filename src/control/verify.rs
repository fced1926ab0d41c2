//! `POST /__sandbox/verify`: checks that requests came as often, or in the order, that was expected.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, WAIT_MAX, bad_request, json_body, too_long};
use super::context::Context;
use super::requests::{RequestsOf, query_of};
use crate::base::parse_duration;
use crate::http::Refusal;
use crate::world::{self, Expectation, Expected, Query, Wait};

const STEPS_MAX: usize = 100;

/// `{"request": {"endpoint": "v0/individual_cft_peps", "body.given_names": "Testy"}, "exactly": 2}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Filters by name; none means any request.
    request: Option<Map<String, Value>>,
    exactly: Option<u64>,
    at_least: Option<u64>,
    at_most: Option<u64>,
    /// No request until now, and none for this long from now on.
    never_within: Option<String>,
    in_order: Option<Vec<Map<String, Value>>>,
    /// How long to wait for the expectation to hold.
    wait: Option<String>,
    #[serde(default)]
    after_seq: u64,
}

pub(super) async fn answer(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { context, .. } = request;
    let question: Question = json_body(request.call)?;
    let (expectation, wait) = question.read(context)?;
    let whose = RequestsOf::of(request)?;
    let Some(kept) = whose.journal(context) else {
        return Err(bad_request("`world`: one world is verified at a time"));
    };
    let (status, mut body) = match kept
        .verify(&expectation, wait, &context.stop, &context.turns)
        .await
    {
        Ok(verified) => {
            let mut body = json!({"verified": true});
            add(&mut body, json!(verified));
            (StatusCode::OK, body)
        }
        Err(not_verified) => {
            let mut body = json!({"error": "not_verified"});
            add(&mut body, json!(not_verified));
            (StatusCode::EXPECTATION_FAILED, body)
        }
    };
    if context.redacts {
        world::redact_not_verified(&mut body, &context.engine.catalogue().personal);
    }
    Ok((status, body))
}

fn add(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

impl Question {
    fn read(self, context: &Context) -> Result<(Expectation, Wait), Refusal> {
        let now = Instant::now();
        let wait = self.wait.as_deref().map(|text| duration("wait", text));
        let wait = Wait::Until(now + wait.transpose()?.unwrap_or_default());
        let counts = self.exactly.is_some() || self.at_least.is_some() || self.at_most.is_some();
        let ways = [counts, self.never_within.is_some(), self.in_order.is_some()];
        if ways.iter().filter(|way| **way).count() > 1 {
            return Err(bad_request(
                "say how often (`exactly`, or `at_least` and `at_most`), or `never_within`, or `in_order`: \
                 one of the three",
            ));
        }
        if let Some(steps) = self.in_order {
            if self.request.is_some() {
                return Err(bad_request(
                    "`in_order` lists the requests: `request` has no place beside it",
                ));
            }
            if !(1..=STEPS_MAX).contains(&steps.len()) {
                return Err(bad_request(format!(
                    "`in_order`: 1 to {STEPS_MAX} requests"
                )));
            }
            let queries: Result<Vec<_>, _> =
                steps.into_iter().map(|step| asked(context, step)).collect();
            return Ok((Expectation::in_order(queries?).after(self.after_seq), wait));
        }
        let query = asked(context, self.request.unwrap_or_default())?;
        if let Some(within) = self.never_within {
            if self.wait.is_some() {
                return Err(bad_request(
                    "`never_within` says itself how long it looks: leave out `wait`",
                ));
            }
            let until = now + duration("never_within", &within)?;
            let expectation = Expectation::never(query).after(self.after_seq);
            return Ok((expectation, Wait::Throughout(until)));
        }
        let expectation = match (self.exactly, self.at_least, self.at_most) {
            (None, None, None) => Expectation::at_least(1, query),
            (Some(times), None, None) => Expectation::exactly(times, query),
            (Some(_), ..) => {
                return Err(bad_request(
                    "`exactly` leaves no room for `at_least` and `at_most`",
                ));
            }
            (None, Some(least), None) => Expectation::at_least(least, query),
            (None, None, Some(most)) => Expectation::at_most(most, query),
            (None, Some(least), Some(most)) if least > most => {
                return Err(bad_request("`at_least` is more than `at_most`"));
            }
            (None, Some(least), Some(most)) => Expectation::between(least, most, query),
        };
        Ok((expectation.after(self.after_seq), wait))
    }
}

fn asked(context: &Context, filters: Map<String, Value>) -> Result<Query, Refusal> {
    let filters: Vec<_> = filters.into_iter().collect();
    let filters = filters
        .iter()
        .map(|(name, value)| (name.as_str(), Expected::Json(value.clone())));
    query_of(context, filters, &[])
}

fn duration(name: &str, text: &str) -> Result<Duration, Refusal> {
    let duration =
        parse_duration(text).map_err(|message| bad_request(format!("`{name}`: {message}")))?;
    if duration > WAIT_MAX {
        return Err(too_long(name));
    }
    Ok(duration)
}
