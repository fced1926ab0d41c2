//! The journal of a world: its latest thousand requests and replies.

use std::collections::VecDeque;

use super::exchange::{ENTRY_OVERHEAD_BYTES, Exchange, bytes};

pub(crate) const JOURNAL_ENTRIES_MAX: usize = 1000;
const _: () = assert!(size_of::<Exchange>() <= ENTRY_OVERHEAD_BYTES);

/// The latest exchanges. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Exchange>,
    seq: u64,
    pub bytes: usize,
    pub dropped: u64,
    dropped_until: u64,
    /// How often it was emptied.
    restarts: u64,
}

impl Journal {
    /// The empty journal that follows this one and continues the numbers after `seq`.
    pub(crate) fn restarted_after(&self, seq: u64) -> Self {
        Self {
            seq,
            restarts: self.restarts + 1,
            ..Self::default()
        }
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Exchange> {
        self.entries.iter()
    }

    /// The exchanges with larger numbers, oldest first.
    pub(crate) fn after(&self, seq: u64) -> impl Iterator<Item = &Exchange> {
        let at = self.entries.partition_point(|one| one.seq <= seq);
        self.entries.range(at..)
    }

    /// The number of the latest exchange that was dropped; 0 if none was.
    pub(crate) fn dropped_until(&self) -> u64 {
        self.dropped_until
    }

    /// The number of the latest exchange.
    pub(crate) fn last_seq(&self) -> u64 {
        self.seq
    }

    /// The exchange with this number, if it is still kept.
    pub(crate) fn get(&self, seq: u64) -> Option<&Exchange> {
        let at = self
            .entries
            .binary_search_by_key(&seq, |one| one.seq)
            .ok()?;
        self.entries.get(at)
    }

    /// Counts an exchange that is not kept.
    pub(crate) fn pass(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Gives the exchange its number and keeps it among the latest.
    pub(crate) fn record(&mut self, exchange: Exchange) -> u64 {
        self.keep(exchange, JOURNAL_ENTRIES_MAX)
    }

    /// The same with a limit of its own.
    pub(crate) fn keep(&mut self, mut exchange: Exchange, entries_max: usize) -> u64 {
        self.seq += 1;
        exchange.seq = self.seq;
        self.bytes += bytes(&exchange);
        self.entries.push_back(exchange);
        if self.entries.len() > entries_max {
            self.drop_oldest();
        }
        self.seq
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.entries.pop_front() else {
            return false;
        };
        self.bytes -= bytes(&oldest);
        self.dropped += 1;
        self.dropped_until = oldest.seq;
        true
    }
}
