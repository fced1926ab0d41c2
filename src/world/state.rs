//! What the one lock of a world guards.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::exercised::Exercised;
use super::journal::Journal;
use super::outbox::Callbacks;
use super::queued::Next;
use super::records::{Counters, Records};
use super::standing_faults::WorldFaults;
use crate::base::Windows;

/// What changes. Held for one request at a time, never across an await.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub callbacks: Callbacks,
    pub records: Records,
    pub counters: Counters,
    pub journal: Journal,
    /// What is queued for the calls to come.
    pub next: Next,
    pub exercised: Exercised,
    pub faults: WorldFaults,
    /// Of outcomes with a rate limit.
    pub windows: Windows,
    /// Where replies are written before they are copied out in the right size.
    pub scratch: Vec<u8>,
}

impl State {
    /// The state of a new world.
    pub(super) fn new(pending_in_all: Arc<AtomicUsize>) -> Self {
        Self {
            callbacks: Callbacks::counted_in(pending_in_all),
            ..Self::default()
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let counters = self.counters.len() * 32;
        let kept = self.records.bytes + self.journal.bytes + self.callbacks.log.bytes;
        let ready = self.next.bytes() + self.faults.bytes() + self.windows.bytes();
        kept + counters + ready + self.exercised.bytes()
    }

    pub(super) fn is_rigged(&self) -> bool {
        !self.faults.is_empty() || !self.next.is_empty()
    }

    /// As it was at the start, but that requests are counted on: a trace means one of them, and who asks for those
    /// after a number misses none.
    pub(super) fn clear(&mut self) {
        *self = Self {
            callbacks: self.callbacks.emptied(),
            journal: Journal::starting_after(self.journal.last_seq()),
            ..Self::default()
        };
    }
}
