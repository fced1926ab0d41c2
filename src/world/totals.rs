//! The counts of a run since its start. They include worlds that were emptied or have ended, and requests
//! without a world. They never fall.

use super::exercised::Exercised;
use super::outbox::Ended;
use super::state::State;

/// A world counts for itself, under the lock that it holds anyway. When it is emptied or ends, its counts are
/// added here. Lock order: totals first, then the world. Readers use the same order, so every count is seen
/// exactly once.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub exercised: Exercised,
    pub deliveries: Ended,
    pub dropped: Dropped,
}

/// How much was dropped because of a limit.
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

    /// Adds the counts of a world and sets them to zero in the world.
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

/// How much a world holds, and how much it has dropped.
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
