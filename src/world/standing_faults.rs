//! Standing faults of a world: `PUT /__sandbox/faults` sets them, with a time to live.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::{Delay, Fault, Moment, Probability, RateLimit, Window};
use crate::catalogue::Endpoint;

pub(crate) const FAULTS_MAX: usize = 100;
pub(crate) const TTL_MAX: Duration = Duration::from_hours(24);

/// Approximate memory of one fault, with its endpoint's id.
const FAULT_BYTES: usize = 300;

/// The standing faults of a world. They are set together, and heal together.
#[derive(Debug, Default)]
pub(crate) struct WorldFaults(Option<FaultSet>);

#[derive(Debug)]
struct FaultSet {
    faults: Vec<WorldFault>,
    since: Moment,
    ttl: Duration,
}

/// One standing fault.
#[derive(Debug)]
pub(crate) struct WorldFault {
    /// None means all product requests.
    pub endpoint: Option<Arc<str>>,
    pub delay: Option<Delay>,
    pub fault: Option<Fault>,
    /// The probability of the delay and the fault, which come together.
    pub probability: Probability,
    pub rate_limit: Option<RateLimit>,
    /// `seen` counts the requests that were not over a limit, `struck` those of them that it struck.
    pub seen: u64,
    pub struck: u64,
    pub open: Option<Window>,
}

impl WorldFault {
    pub(crate) fn new(
        endpoint: Option<Arc<str>>,
        delay: Option<Delay>,
        fault: Option<Fault>,
        probability: Probability,
        rate_limit: Option<RateLimit>,
    ) -> Self {
        Self {
            endpoint,
            delay,
            fault,
            probability,
            rate_limit,
            seen: 0,
            struck: 0,
            open: None,
        }
    }

    /// Whether it has changed nothing so far. A rate limit is in use as soon as it has counted a request.
    pub(crate) fn is_unused(&self) -> bool {
        if self.fault.is_none() && self.delay.is_none() {
            return self.open.is_none();
        }
        self.struck == 0
    }

    pub(super) fn concerns(&self, endpoint: &Endpoint) -> bool {
        self.endpoint.as_ref().is_none_or(|id| *id == endpoint.id)
    }
}

impl WorldFaults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |set| set.faults.len() * FAULT_BYTES)
    }

    /// The faults that stand, and for how much longer.
    pub(crate) fn standing(&self, now: Instant, advanced: Duration) -> (&[WorldFault], Duration) {
        let Some(set) = &self.0 else {
            return (&[], Duration::ZERO);
        };
        let passed = set.since.passed(now, advanced);
        match set.ttl.checked_sub(passed) {
            Some(left) if !left.is_zero() => (&set.faults, left),
            _ => (&[], Duration::ZERO),
        }
    }

    /// The faults that stand, with their time to live and the moment when it began.
    pub(crate) fn set_of(
        &self,
        now: Instant,
        advanced: Duration,
    ) -> Option<(&[WorldFault], Duration, Moment)> {
        let set = self.0.as_ref()?;
        let (faults, _) = self.standing(now, advanced);
        (!faults.is_empty()).then_some((faults, set.ttl, set.since))
    }

    /// Replaces the faults that stood before.
    pub(crate) fn set(&mut self, faults: Vec<WorldFault>, ttl: Duration, since: Moment) {
        let set = FaultSet { faults, since, ttl };
        self.0 = (!set.faults.is_empty()).then_some(set);
    }

    /// The faults that stand now.
    pub(super) fn alive(&mut self, now: Instant, advanced: Duration) -> &mut [WorldFault] {
        let is_over = self.standing(now, advanced).0.is_empty();
        match &mut self.0 {
            Some(set) if !is_over => &mut set.faults,
            Some(_) | None => &mut [],
        }
    }

    /// The faults that were set last and have changed nothing, also if their time is over.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &WorldFault> {
        let set = self.0.iter().flat_map(|set| &set.faults);
        set.filter(|fault| fault.is_unused())
    }
}

/// A delay and a fault, each none while nothing has decided it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DrawnFaults {
    pub delay: Option<Duration>,
    pub fault: Option<Fault>,
}

impl DrawnFaults {
    /// Fills what is not decided yet from the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            delay: self.delay.or(other.delay),
            fault: self.fault.or(other.fault),
        }
    }
}
