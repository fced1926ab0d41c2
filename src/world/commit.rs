//! The order of a world: one answer or change at a time. Each has a number, so that a replay can repeat the order.

use std::sync::MutexGuard;
use std::time::Duration;

use tokio::time::Instant;

use super::world::World;
use crate::base::lock;

/// The place of an answer or a change in the order of its world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Counts from 1, with gaps. 0 for a request that belongs to no world.
    pub number: u64,
    /// The time from the start of the sandbox. Of a request, to the moment when its head had been read.
    pub elapsed: Duration,
    /// How far the world's clock was advanced.
    pub advanced: Duration,
}

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
}
