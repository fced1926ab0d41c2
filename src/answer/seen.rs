//! What is known about a request while it is answered.

use std::sync::Arc;

use hyper::header::HeaderValue;

use super::magic::AskedFaults;
use crate::base::RateStanding;
use crate::catalogue::{Catalogue, Endpoint, OutcomeFaults, error_outcome};
use crate::http::ApiError;
use crate::world::{CallKind, DecidedBy, Decision, World};

/// Facts about a request, filled in on the way to its answer.
#[derive(Default)]
pub(super) struct Seen<'c> {
    pub(super) endpoint: Option<&'c Endpoint>,
    pub(super) key_is_live: bool,
    /// A hint at data of a real person.
    pub(super) hints: Option<String>,
    pub(super) world: Option<Arc<World>>,
    pub(super) route: Option<Arc<str>>,
    pub(super) decision: Decision,
    /// `asked` are the request's faults for its reply, `outcome_faults` are the outcome's.
    pub(super) asked: AskedFaults,
    pub(super) outcome_faults: Option<Arc<OutcomeFaults>>,
    /// How the request stands to its rate limits.
    pub(super) rate: Option<RateStanding>,
    /// True when the reply must not be broken. The sandbox's own messages must be readable, and a request over
    /// a limit is already refused.
    pub(super) is_whole: bool,
}

impl Seen<'_> {
    /// An error answers, so the faults of its own outcome count.
    pub(super) fn failed(&mut self, catalogue: &Catalogue, error: &ApiError) {
        self.outcome_faults = error_outcome(catalogue, self.endpoint, error)
            .faults
            .clone();
        self.is_whole = error.by_sandbox.is_some() || self.rate.is_some_and(|rate| rate.is_over);
    }

    /// The warnings for the client.
    pub(super) fn warning(&self) -> Option<HeaderValue> {
        const OF_KEY: &str = "a key of the live environment was sent to a sandbox";
        let warnings = match (self.key_is_live, &self.hints) {
            (false, None) => return None,
            (true, None) => return Some(HeaderValue::from_static(OF_KEY)),
            (false, Some(hints)) => hints.clone(),
            (true, Some(hints)) => format!("{OF_KEY}; {hints}"),
        };
        HeaderValue::try_from(warnings).ok()
    }

    /// The chosen outcome does not answer. If it was queued, it goes back to the queue.
    pub(super) fn refused(&mut self, reads: bool) {
        self.decision.is_refused = true;
        if let (DecidedBy::Next, Some(outcome)) = (self.decision.by, &self.decision.chosen)
            && let (Some(endpoint), Some(world)) = (self.endpoint, &self.world)
        {
            let calls = CallKind::new(endpoint, reads);
            world.put_back(calls, outcome.name.as_str().into());
        }
    }

    /// Refuses a request that is over a limit.
    pub(super) fn judged(&mut self, standing: RateStanding) -> Result<(), ApiError> {
        self.rate = Some(standing.tighter(self.rate));
        if standing.is_over {
            return Err(ApiError::rate_limit_exceeded());
        }
        Ok(())
    }
}
