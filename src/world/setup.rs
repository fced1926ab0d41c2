//! What a test sets up in a world: queued outcomes and standing faults.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::history::ControlCall;
use super::queued::{CallKind, Queued};
use super::standing_faults::{DrawnFaults, WorldFault};
use super::state::State;
use super::unused::Unused;
use super::world::World;
use crate::base::{Moment, RateStanding};
use crate::catalogue::Endpoint;

impl World {
    /// Queues an outcome for the next calls. False when there is no room.
    pub(crate) fn queue(&self, calls: CallKind, queued: Queued) -> bool {
        let call = ControlCall::new("POST", "next").with_body(&json!({
            "endpoint": &*calls.endpoint,
            "outcome": &*queued.outcome,
            "times": queued.times,
            "reads": calls.reads,
        }));
        let order = self.commit(Instant::now());
        let mut state = self.state();
        let is_queued = state.next.push(calls, queued);
        if is_queued {
            self.note_call(&mut state, order.commit, call);
        }
        self.note_setup(&state);
        is_queued
    }

    /// Takes the outcome that is queued for a call.
    pub(crate) fn take_next(&self, calls: &CallKind) -> Option<Arc<str>> {
        let mut state = self.state();
        let taken = state.next.take(calls);
        self.note_setup(&state);
        taken
    }

    /// Puts back an outcome that a call took but did not answer with.
    pub(crate) fn put_back(&self, calls: CallKind, outcome: Arc<str>) {
        let mut state = self.state();
        state.next.put_back(calls, outcome);
        self.note_setup(&state);
    }

    /// Empties the queue of these calls, or all queues. Returns how many outcomes were queued.
    pub(crate) fn clear_next(&self, calls: &[CallKind], call: ControlCall) -> u64 {
        let order = self.commit(Instant::now());
        let mut state = self.state();
        let cleared = match calls {
            [] => state.next.clear(None),
            calls => calls
                .iter()
                .map(|calls| state.next.clear(Some(calls)))
                .sum(),
        };
        self.note_call(&mut state, order.commit, call);
        self.note_setup(&state);
        cleared
    }

    /// Replaces the standing faults. An empty list heals the world.
    pub(crate) fn set_faults(
        &self,
        faults: Vec<WorldFault>,
        ttl: Duration,
        now: Instant,
        call: ControlCall,
    ) {
        let order = self.commit(now);
        let mut state = self.state();
        self.note_call(&mut state, order.commit, call);
        let since = Moment::new(now, state.callbacks.advanced);
        state.faults.set(faults, ttl, since);
        self.note_setup(&state);
        self.enforce_limits(&mut state);
    }

    /// What nobody has made use of so far.
    pub(crate) fn unused(&self) -> Unused {
        Unused::of(&self.state())
    }

    /// Counts a request against the world's rate limits. None where no limit applies.
    pub(crate) fn judge_rate(&self, endpoint: &Endpoint, now: Instant) -> Option<RateStanding> {
        let mut state = self.state();
        let state = &mut *state;
        let advanced = state.callbacks.advanced;
        let mut standing = None;
        let faults = state.faults.alive(now, advanced).iter_mut();
        for fault in faults.filter(|fault| fault.concerns(endpoint)) {
            let Some(limit) = &fault.rate_limit else {
                continue;
            };
            let judged = limit.judge(&mut fault.open, now, advanced);
            standing = Some(judged.tighter(standing));
            if judged.is_over {
                break;
            }
        }
        self.note_setup(state);
        standing
    }

    /// What the world's faults do to a reply: the first delay and the first fault that strike.
    pub(crate) fn standing_faults(
        &self,
        state: &mut State,
        endpoint: &Endpoint,
        now: Instant,
    ) -> DrawnFaults {
        let mut struck = DrawnFaults::default();
        let advanced = state.callbacks.advanced;
        let faults = state.faults.alive(now, advanced).iter_mut().enumerate();
        for (at, fault) in faults.filter(|(_, fault)| fault.concerns(endpoint)) {
            let mut mix = self.mix("fault of a world");
            mix.number(at as u64);
            mix.number(fault.seen);
            fault.seen += 1;
            let mut dice = mix.dice();
            if (fault.fault.is_some() || fault.delay.is_some())
                && fault.probability.strikes(&mut dice)
            {
                fault.struck += 1;
                struck = struck.or(DrawnFaults {
                    delay: fault.delay.map(|delay| delay.draw(&mut dice)),
                    fault: fault.fault,
                });
            }
        }
        struck
    }
}
