//! The state that the one lock of a world guards.

use tokio::time::Instant;

use super::exercised::Exercised;
use super::history::History;
use super::journal::Journal;
use super::outbox::{Callbacks, PendingCounts};
use super::queued::QueuedOutcomes;
use super::recent_uploads::RecentUploads;
use super::records::{Counters, Records};
use super::standing_faults::WorldFaults;
use crate::base::{WINDOW_MAX, Windows};

/// The journal, the delivery log and the events without a URL may each use one part in this many of a full world's
/// limit. Pending deliveries may use more.
const LOG_PART: usize = 4;

/// Which state this is, and how often it was changed. A state that is equal in both is unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revision {
    /// Counts the states in the order in which they were made: a world that begins anew has another one.
    pub(super) state: u64,
    pub(super) changes: u64,
}

/// The changeable part of a world. One request at a time holds it, never across an await.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub callbacks: Callbacks,
    pub records: Records,
    pub counters: Counters,
    pub journal: Journal,
    pub history: History,
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
    pub(super) revision: Revision,
}

impl State {
    /// The state of a new world. `tag` names it in the log, and `number` is that of no other state.
    pub(super) fn new(pending: PendingCounts, tag: &str, number: u64) -> Self {
        Self {
            callbacks: Callbacks::counted_in(pending, tag.into()),
            revision: Revision {
                state: number,
                changes: 0,
            },
            ..Self::default()
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let counters = self.counters.len() * 32;
        let callbacks = self.callbacks.log.bytes + self.callbacks.unsent.bytes;
        let kept = self.records.bytes + self.journal.bytes + self.history.bytes + callbacks;
        let ready = self.next.bytes() + self.faults.bytes() + self.windows.bytes();
        kept + counters + ready + self.exercised.bytes()
    }

    /// Whether a snapshot of it says the same later, as long as nothing changes it: no time is running in it.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let advanced = self.callbacks.advanced;
        let unsent = &self.callbacks.unsent;
        let has_open_window = || {
            let mut windows = self.windows.0.values().flatten();
            windows.any(|window| window.since.passed(now, advanced) < WINDOW_MAX)
        };
        self.faults.standing(now, advanced).0.is_empty()
            && unsent.next_due(now, advanced, |_| true).is_none()
            && !has_open_window()
            && (self.records.oldest_first()).all(|(_, record)| record.is_final(now, advanced))
    }

    /// Drops the oldest of what it holds until it has no more bytes than that.
    pub(super) fn shrink(&mut self, bytes_max: usize) {
        while self.bytes() > bytes_max {
            let dropped = if self.journal.bytes > bytes_max / LOG_PART {
                self.journal.drop_oldest()
            } else if self.history.bytes > bytes_max / LOG_PART {
                self.history.drop_oldest()
            } else if self.callbacks.log.bytes > bytes_max / LOG_PART {
                self.callbacks.log.drop_oldest_ended() || self.records.drop_oldest()
            } else if self.callbacks.unsent.bytes > bytes_max / LOG_PART {
                self.callbacks.unsent.drop_oldest()
            } else {
                self.records.drop_oldest()
            };
            if !dropped {
                break; // what is left is pending, and will end
            }
        }
        (self.uploads).free_through(self.journal.dropped_until());
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
            revision: self.revision,
            ..Self::default()
        };
        std::mem::replace(self, emptied)
    }
}
