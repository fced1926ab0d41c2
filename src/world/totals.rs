//! The counts of a run since its start. They include worlds that were emptied or have ended, and requests
//! without a world. They never fall.

use std::time::Duration;

use hyper::StatusCode;

use super::exercised::Exercised;
use super::outbox::Ended;
use super::state::State;
use crate::catalogue::ReplyId;

/// Counts of worlds, and of requests without a world.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub exercised: Exercised,
    pub deliveries: Ended,
    pub dropped: Dropped,
}

/// A world counts for itself, under the lock that it holds anyway. When it is emptied or ends, its counts are
/// added here. Lock order: this first, then the world.
///
/// A sum visits one world after the other and holds no lock between them. Counts that move here meanwhile are added to
/// the sum as well, unless it has them already. So it has every count exactly once.
#[derive(Debug, Default)]
pub(crate) struct RunTotals {
    ended: Totals,
    /// The sum that is being made.
    sum: Option<Totals>,
    /// Its number, from 1.
    sums: u64,
}

impl RunTotals {
    /// Counts a reply to a request without a world.
    pub(super) fn reply(&mut self, reply: &ReplyId, status: StatusCode, duration: Duration) {
        self.ended.exercised.reply(reply, status, duration);
    }

    /// Takes the counts of a world, which begin again at zero.
    pub(super) fn take(&mut self, state: &mut State) {
        self.add(state);
        state.exercised = Exercised::default();
        state.callbacks.log.ended = Ended::default();
        state.records.dropped = 0;
        state.journal.dropped = 0;
        state.counters.dropped = 0;
        state.callbacks.log.dropped = 0;
    }

    /// Adds the counts of a world that is no more.
    pub(super) fn add(&mut self, state: &State) {
        self.ended.add(state);
        if let Some(sum) = &mut self.sum
            && state.summed != self.sums
        {
            sum.add(state);
        }
    }

    /// Begins a sum. There is one at a time.
    pub(super) fn begin_sum(&mut self) {
        let mut sum = Totals::default();
        sum.merge(&self.ended);
        self.sum = Some(sum);
        self.sums += 1;
    }

    /// Adds what a world has counted so far to the sum.
    pub(super) fn visit(&mut self, state: &mut State) {
        if let Some(sum) = &mut self.sum {
            sum.add(state);
        }
        state.summed = self.sums;
    }

    pub(super) fn end_sum(&mut self) -> Totals {
        self.sum.take().unwrap_or_default()
    }
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
    fn add(&mut self, state: &State) {
        self.exercised.add(&state.exercised);
        self.deliveries.add(&state.callbacks.log.ended);
        self.dropped.records += state.records.dropped;
        self.dropped.journal += state.journal.dropped;
        self.dropped.counters += state.counters.dropped;
        self.dropped.deliveries += state.callbacks.log.dropped;
    }

    fn merge(&mut self, other: &Self) {
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

impl Tally {
    pub(super) fn of(state: &State) -> Self {
        Self {
            records: state.records.len(),
            records_dropped: state.records.dropped,
            journal: state.journal.len(),
            journal_dropped: state.journal.dropped,
            counters: state.counters.len(),
            counters_dropped: state.counters.dropped,
            deliveries: state.callbacks.log.len(),
            deliveries_dropped: state.callbacks.log.dropped,
            deliveries_pending: state.callbacks.pending(),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.records_dropped += other.records_dropped;
        self.journal += other.journal;
        self.journal_dropped += other.journal_dropped;
        self.counters += other.counters;
        self.counters_dropped += other.counters_dropped;
        self.deliveries += other.deliveries;
        self.deliveries_dropped += other.deliveries_dropped;
        self.deliveries_pending += other.deliveries_pending;
    }
}
