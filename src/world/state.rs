//! The state that the one lock of a world guards.

use super::exercised::Exercised;
use super::journal::Journal;
use super::outbox::{Callbacks, PendingCounts};
use super::queued::QueuedOutcomes;
use super::recent_uploads::RecentUploads;
use super::records::{Counters, Records};
use super::standing_faults::WorldFaults;
use crate::base::Windows;

/// The changeable part of a world. One request at a time holds it, never across an await.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub callbacks: Callbacks,
    pub records: Records,
    pub counters: Counters,
    pub journal: Journal,
    pub uploads: RecentUploads,
    /// Outcomes that are queued for the next calls.
    pub next: QueuedOutcomes,
    pub exercised: Exercised,
    pub faults: WorldFaults,
    /// The windows of outcomes with a rate limit.
    pub windows: Windows,
    /// Replies are written here first, and then copied out in the right size.
    pub scratch: Vec<u8>,
    /// The number of the latest sum that has its counts.
    pub(super) summed: u64,
}

impl State {
    /// The state of a new world. `tag` names it in the log.
    pub(super) fn new(pending: PendingCounts, tag: &str) -> Self {
        Self {
            callbacks: Callbacks::counted_in(pending, tag.into()),
            ..Self::default()
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let counters = self.counters.len() * 32;
        let callbacks = self.callbacks.log.bytes + self.callbacks.unsent.bytes;
        let kept = self.records.bytes + self.journal.bytes + callbacks;
        let ready = self.next.bytes() + self.faults.bytes() + self.windows.bytes();
        kept + counters + ready + self.exercised.bytes()
    }

    pub(super) fn has_setup(&self) -> bool {
        !self.faults.is_empty() || !self.next.is_empty()
    }

    /// Resets everything except the request numbers. They go on: a trace names one request only, and a client
    /// that asks for requests after a number misses none.
    /// Returns what it was, because to drop that takes a while.
    pub(super) fn clear(&mut self) -> Self {
        let emptied = Self {
            callbacks: self.callbacks.emptied(),
            journal: self.journal.restarted_after(self.journal.last_seq()),
            ..Self::default()
        };
        std::mem::replace(self, emptied)
    }
}
