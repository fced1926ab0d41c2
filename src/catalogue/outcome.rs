//! An outcome of an endpoint: its answer, its callbacks, its later stages, its faults.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use indexmap::IndexMap;

use super::body::Plan;
use crate::base::{Behaviour, Delay, Fault, Probability, RateLimit};
use crate::http::ErrorCode;
use crate::scenario::{Origin, Source};

/// What an outcome of a scenario file says.
#[derive(Debug)]
pub(crate) struct Breakage {
    /// The outcome's name.
    pub outcome: String,
    pub delay: Option<Delay>,
    pub fault: Option<(Fault, Probability)>,
    pub rate_limit: Option<RateLimit>,
}

impl Breakage {
    /// For lists: `delay 3s`, `fault truncate (30 %)`, `at most 5 in 1s`.
    pub(crate) fn words(&self) -> Vec<String> {
        let delay = self.delay.as_ref().map(|delay| format!("delay {delay}"));
        let fault = self
            .fault
            .as_ref()
            .map(|(fault, probability)| format!("fault {fault}{probability}"));
        let limit = self.rate_limit.as_ref();
        let limit = limit.map(|rate| format!("at most {} in {:?}", rate.limit, rate.window));
        [delay, fault, limit].into_iter().flatten().collect()
    }
}

pub(crate) type SharedErrors = IndexMap<String, Arc<Outcome>>;

/// The shared errors that can be asked for. What strict mode refuses with is the sandbox's own word, and
/// no answer of the service.
pub(crate) fn askable(shared: &SharedErrors) -> impl Iterator<Item = (&String, &Arc<Outcome>)> {
    shared
        .iter()
        .filter(|(name, _)| **name != ErrorCode::StrictMode.name())
}

/// `x-sandbox-outcome`. A folder may have any name; a header may not.
pub(crate) fn tag(endpoint: &str, outcome: &str) -> HeaderValue {
    let plain: String = format!("{endpoint}/{outcome}")
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect();
    HeaderValue::try_from(plain).expect("visible ASCII")
}

/// One answer of an endpoint.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub name: String,
    /// For lists: what it stands for.
    pub description: Option<String>,
    pub source: Source,
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub answer: Answer,
    /// Not finished yet: `updated` equals `created`.
    pub pending: bool,
    /// Whether a callback follows, and how.
    pub callback: Option<Behaviour>,
    /// The changes of a record, in their order; empty where it stays as it is.
    pub then: Vec<Then>,
    /// What breaks its replies.
    pub breakage: Option<Arc<Breakage>>,
    /// One of `errors.toml`, that every endpoint has.
    pub is_shared: bool,
    /// `x-sandbox-outcome`; an error's is written when it answers.
    pub tag: HeaderValue,
    pub origin: Origin,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Body {
        plan: Plan,
        asks_lookup: bool,
    },
    Error {
        code: String,
        message: String,
    },
    /// The outcomes of these names in turn, then the last one for ever, or the first again.
    Sequence {
        names: Vec<String>,
        cycle: bool,
    },
    /// One of these, drawn by its weight.
    Weighted(Vec<(String, u32)>),
}

/// One change of a record.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    /// How long after the change before.
    pub after: Duration,
    pub outcome: String,
    /// None where its outcome decides.
    pub callback: Option<CallsBack>,
}

/// Whether a change calls back, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallsBack(pub Option<Behaviour>);

impl Outcome {
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.answer, Answer::Error { .. })
    }
}
