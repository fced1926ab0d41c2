//! The order of a world: one answer or change at a time. Each has a number, and a recorder is told of it.

use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use tokio::time::Instant;

use super::history::{CommittedCall, ControlCall};
use super::recorder::{Happening, Recorded};
use super::state::State;
use super::world::World;
use crate::base::Commit;
use crate::base::lock;

/// As long as this lives, nothing else is answered or changed in the world. Take it before the lock of the state.
pub(crate) struct CommitGuard<'w> {
    _order: MutexGuard<'w, u64>,
    pub commit: Commit,
}

impl World {
    /// Begins the next answer or change. `now` is the moment by which it measures times.
    pub(crate) fn commit(&self, now: Instant) -> CommitGuard<'_> {
        let mut order = lock(&self.order);
        *order += 1;
        let commit = Commit {
            number: *order,
            elapsed: now.saturating_duration_since(self.started),
            advanced: self.state().callbacks.advanced,
        };
        CommitGuard {
            _order: order,
            commit,
        }
    }

    /// Notes a control call that has changed the world.
    pub(crate) fn note_call(&self, state: &mut State, commit: Commit, call: ControlCall) {
        let call = CommittedCall {
            commit,
            at: SystemTime::now(),
            call,
        };
        self.tell_recorder(|| Happening::Control(call.clone()));
        state.history.note(call);
    }

    /// Sends what happens to the recorder, if there is one.
    pub(crate) fn tell_recorder(&self, what: impl FnOnce() -> Happening) {
        if let Some(recorder) = &self.recorder {
            recorder.send(Recorded {
                world: self.tag.clone(),
                life: self.number,
                what: what(),
            });
        }
    }

    /// Sends that the world is there now.
    pub(super) fn record_begin(&self) {
        self.tell_recorder(|| Happening::Begun {
            digest: self.digest.to_string(),
            environment: self.key.environment(),
            was_filled: self.state().history.was_filled,
        });
    }

    /// Sends all deliveries that the world has now, and its events without a URL.
    pub(super) fn record_deliveries(&self, state: &State, commit: Commit) {
        self.tell_recorder(|| {
            let callbacks = &state.callbacks;
            let mut deliveries: Vec<Arc<_>> = callbacks.log.shared().cloned().collect();
            let (now, advanced) = (Instant::now(), callbacks.advanced);
            let events = callbacks.unsent.newest_first();
            let due = events.filter(|event| event.is_due(now, advanced));
            deliveries.extend(due.map(|event| Arc::new(event.delivery.clone())));
            deliveries.reverse();
            Happening::Deliveries(commit, deliveries)
        });
    }

    /// Sends what is left when the sandbox stops.
    pub(crate) fn record_end(&self) {
        let order = self.commit(Instant::now());
        self.record_deliveries(&self.state(), order.commit);
        self.tell_recorder(|| Happening::Ended(order.commit));
    }
}
