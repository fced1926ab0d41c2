//! What a run has counted since its start: in all its worlds, also in those that were emptied or are no more,
//! and in the requests that belong to none. None of it ever falls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::exercised::Exercised;
use super::outbox::Ended;
use super::state::State;

/// A world counts for itself, under the lock that it holds anyway. When it is emptied or ends, its counts come
/// here. Whoever does that takes the lock of these first, then that of the world: so does who sums up, and no
/// count is seen twice or not at all.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub exercised: Exercised,
    pub deliveries: Ended,
    pub dropped: Dropped,
}

/// What had to leave because of a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dropped {
    pub records: u64,
    pub journal: u64,
    pub counters: u64,
    pub deliveries: u64,
}

impl Totals {
    /// Adds what a world has counted so far.
    pub(crate) fn add(&mut self, state: &State) {
        self.exercised.add(&state.exercised);
        self.deliveries.add(&state.callbacks.log.ended);
        self.dropped.records += state.records.dropped;
        self.dropped.journal += state.journal.dropped;
        self.dropped.counters += state.counters.dropped;
        self.dropped.deliveries += state.callbacks.log.dropped;
    }

    /// The same, where the world goes on without these counts.
    pub(crate) fn take(&mut self, state: &mut State) {
        self.add(state);
        state.exercised = Exercised::default();
        state.callbacks.log.ended = Ended::default();
        state.records.dropped = 0;
        state.journal.dropped = 0;
        state.counters.dropped = 0;
        state.callbacks.log.dropped = 0;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.exercised.add(&other.exercised);
        self.deliveries.add(&other.deliveries);
        self.dropped.records += other.dropped.records;
        self.dropped.journal += other.dropped.journal;
        self.dropped.counters += other.dropped.counters;
        self.dropped.deliveries += other.dropped.deliveries;
    }
}

/// How much a world holds, and what it had to let go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub records: usize,
    pub records_dropped: u64,
    pub journal: usize,
    pub journal_dropped: u64,
    pub counters: usize,
    pub counters_dropped: u64,
    pub deliveries: usize,
    pub deliveries_dropped: u64,
    pub deliveries_pending: usize,
}

pub(super) fn locked(totals: &Mutex<Totals>) -> MutexGuard<'_, Totals> {
    totals.lock().unwrap_or_else(PoisonError::into_inner)
}
