//! An outcome of an endpoint: its answer, its callbacks, its later stages, its faults.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use indexmap::IndexMap;

use super::body::BodyPlan;
use crate::base::{Behaviour, Delay, Fault, Probability, RateLimit};
use crate::http::ErrorCode;
use crate::scenario::{Origin, Source};

/// The delay, the fault and the rate limit that an outcome of a scenario file sets.
#[derive(Debug)]
pub(crate) struct OutcomeFaults {
    /// The outcome's name.
    pub outcome: String,
    pub delay: Option<Delay>,
    pub fault: Option<(Fault, Probability)>,
    pub rate_limit: Option<RateLimit>,
}

impl OutcomeFaults {
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

/// The outcome of a listing or a part of a reply that is read. No client can ask for it.
pub(crate) const LISTED: &str = "LISTED";

pub(crate) type SharedErrors = IndexMap<String, Arc<Outcome>>;

/// Errors that a client cannot ask for: they are answers of the sandbox itself, not of the emulated API.
const NOT_REQUESTABLE: [ErrorCode; 3] = [
    ErrorCode::StrictMode,
    ErrorCode::RequestTimeout,
    ErrorCode::ForeignPage,
];

/// The shared errors that a client can ask for.
pub(crate) fn requestable_errors(
    shared: &SharedErrors,
) -> impl Iterator<Item = (&String, &Arc<Outcome>)> {
    shared
        .iter()
        .filter(|(name, _)| !NOT_REQUESTABLE.iter().any(|code| code.name() == **name))
}

/// One answer of an endpoint.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub name: String,
    /// The meaning of the outcome, for lists.
    pub description: Option<String>,
    pub source: Source,
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub answer: Answer,
    /// Not finished yet: `updated` equals `created`.
    pub pending: bool,
    /// How a callback follows. None if no callback follows.
    pub callback: Option<Behaviour>,
    pub callback_choice: CallbackChoice,
    /// The later changes of a record, in their order. Empty if the record does not change.
    pub then: Vec<Then>,
    /// How its replies are delayed, broken or limited.
    pub faults: Option<Arc<OutcomeFaults>>,
    /// True for an error of `errors.toml`, which every endpoint has.
    pub is_shared: bool,
    pub origin: Origin,
}

/// How long a record is pending first if no time is written.
pub(crate) const PENDING_DEFAULT: Duration = Duration::from_secs(1);

/// What decides whether a callback follows an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackChoice {
    /// The outcome has the key `callback`.
    Written,
    /// The outcome is a user's and has no such key. It inherits the `[callback]` of its endpoint.
    Inherited,
    /// Nothing: no callback follows.
    Unwritten,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Body {
        plan: BodyPlan,
        asks_lookup: bool,
    },
    Error {
        code: String,
        message: String,
    },
    /// These outcomes answer one after the other. Then the last one answers always, or with `cycle` they begin again.
    Sequence {
        names: Vec<String>,
        cycle: bool,
    },
    /// One of these outcomes, drawn by its weight.
    Weighted(Vec<(String, u32)>),
}

/// One change of a record.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    /// The time since the previous change.
    pub after: Duration,
    pub outcome: String,
    /// None if the outcome decides.
    pub callback: Option<CallsBack>,
}

/// How a change sends a callback. `CallsBack(None)` sends none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallsBack(pub Option<Behaviour>);

impl Outcome {
    /// The plan of its body, and whether the plan needs the endpoint's lookup. None if it has no body of its own.
    pub(crate) fn plan(&self) -> Option<(&BodyPlan, bool)> {
        match &self.answer {
            Answer::Body { plan, asks_lookup } => Some((plan, *asks_lookup)),
            Answer::Error { .. } | Answer::Sequence { .. } | Answer::Weighted(_) => None,
        }
    }

    /// Whether it writes a record that is not finished yet.
    pub(crate) fn writes_pending(&self) -> bool {
        self.pending && self.plan().is_some()
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self.answer, Answer::Error { .. })
    }
}
