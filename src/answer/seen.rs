//! What is known about a request while it is answered.

use std::sync::Arc;

use hyper::header::HeaderValue;

use super::magic::AskedFaults;
use super::real_data;
use crate::base::RateStanding;
use crate::catalogue::{Catalogue, Endpoint, OutcomeFaults, error_outcome};
use crate::http::{ApiError, PageRequest};
use crate::world::{
    CallKind, DecidedBy, Decision, WORLD_DROPPED, Warning, WarningKind, Warnings, World,
};

const LIVE_KEY: &str = "a key of the live environment was sent to a sandbox";

/// Facts about a request, filled in on the way to its answer.
#[derive(Default)]
pub(super) struct Seen<'c> {
    pub(super) endpoint: Option<&'c Endpoint>,
    pub(super) key_is_live: bool,
    /// True when an earlier world of the key was dropped, and the client is told now.
    pub(super) was_dropped: bool,
    /// Set if a browser sent the request for a page of another origin.
    pub(super) page: Option<PageRequest>,
    /// What is wrong with the API key, for the log.
    pub(super) key_mistake: Option<String>,
    /// The type of a callback that is not sent, because it has no URL.
    pub(super) lacks_url_of: Option<Arc<str>>,
    /// Hints at data of a real person.
    pub(super) hints: Vec<String>,
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
        let of_key = self.key_is_live.then_some(LIVE_KEY);
        let of_drop = self.was_dropped.then_some(WORLD_DROPPED);
        let of_page = self.page.map(PageRequest::advice);
        let hints = (!self.hints.is_empty())
            .then(|| format!("{}: {}", self.hints.join(", "), real_data::ADVICE));
        let warnings = of_page
            .into_iter()
            .chain(of_key)
            .chain(of_drop)
            .chain(hints.as_deref());
        let warnings: Vec<_> = warnings.collect();
        if warnings.is_empty() {
            return None;
        }
        HeaderValue::try_from(warnings.join("; ")).ok()
    }

    /// The warnings that a run can fail for.
    pub(super) fn note_warnings(&self, warnings: &Warnings) {
        let of_key = self.key_is_live.then_some((WarningKind::LiveKey, LIVE_KEY));
        let hints = self.hints.iter();
        let of_data = hints.map(|hint| (WarningKind::PersonalData, hint.as_str()));
        for (kind, message) in of_key.into_iter().chain(of_data) {
            warnings.note(Warning {
                kind,
                world: self.world.as_ref().map(|world| world.tag.clone()),
                endpoint: self.endpoint.map(|endpoint| endpoint.id.clone()),
                message: message.to_owned(),
            });
        }
    }

    /// Why the request did not go as expected, for the log. It holds nothing that the client sent.
    pub(super) fn log_hint(&mut self) -> Option<String> {
        let of_page = self.page.map(|page| page.advice().to_owned());
        let of_callback = self.lacks_url_of.take();
        let of_drop = self.was_dropped.then(|| WORLD_DROPPED.to_owned());
        let others = of_page.or_else(|| self.key_mistake.take()).or(of_drop);
        others.or_else(|| {
            of_callback.map(|one| format!("no callback: no URL is registered for {one}"))
        })
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
