//! What a world remembers of its requests: records by id, and how often each input came.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::HashMap;
use tokio::time::Instant;

pub(crate) const RECORDS_MAX: usize = 10_000;
const COUNTERS_MAX: usize = 100_000;
/// What a record costs beside its body: its id twice, its places in map and queue.
const RECORD_OVERHEAD_BYTES: usize = 300;

/// One answer that can be read back: the very bytes that were sent.
#[derive(Debug)]
pub(crate) struct Record {
    /// The endpoint that reads it back, by id.
    pub endpoint: Arc<str>,
    pub body: Bytes,
    pub later: Option<Box<Later>>,
}

/// What a pending record becomes, planned and written when the request was answered.
#[derive(Debug)]
pub(crate) struct Later {
    pub since: Instant,
    /// How long after the request, and the body from then on; in the order of time.
    pub stages: Vec<(Duration, Bytes)>,
}

impl Record {
    pub(crate) fn body_at(&self, now: Instant) -> &Bytes {
        let Some(later) = &self.later else {
            return &self.body;
        };
        let passed = now.saturating_duration_since(later.since);
        later
            .stages
            .iter()
            .rev()
            .find(|(after, _)| *after <= passed)
            .map_or(&self.body, |(_, body)| body)
    }

    fn bytes(&self) -> usize {
        let later = self.later.as_ref().map_or(0, |later| {
            later.stages.iter().map(|(_, body)| body.len() + 64).sum()
        });
        self.body.len() + later + RECORD_OVERHEAD_BYTES
    }
}

/// Records by id. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Records {
    by_id: HashMap<Arc<str>, Record>,
    oldest_first: VecDeque<Arc<str>>,
    pub bytes: usize,
    pub dropped: u64,
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id)
    }

    pub(crate) fn put(&mut self, id: Arc<str>, record: Record) {
        self.bytes += record.bytes();
        match self.by_id.entry(id) {
            Entry::Occupied(mut place) => {
                self.bytes -= place.get().bytes();
                place.insert(record);
                return;
            }
            Entry::Vacant(place) => {
                self.oldest_first.push_back(place.key().clone());
                place.insert(record);
            }
        }
        if self.by_id.len() > RECORDS_MAX {
            self.drop_oldest();
        }
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.oldest_first.pop_front() else {
            return false;
        };
        if let Some(record) = self.by_id.remove(&oldest) {
            self.bytes -= record.bytes();
            self.dropped += 1;
        }
        true
    }
}

/// How often each thing happened, by its hash. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: HashMap<u64, Count>,
    oldest_first: VecDeque<u64>,
    pub dropped: u64,
}

#[derive(Debug)]
struct Count {
    times: u32,
    /// How many counters had been dropped when this one began: one that comes back starts in
    /// another epoch, so that its ids do not repeat.
    epoch: u64,
}

impl Counters {
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Counts one more, and says how many came before: within which epoch, how often.
    pub(crate) fn count(&mut self, what: u64) -> (u64, u32) {
        if let Some(count) = self.counts.get_mut(&what) {
            count.times += 1;
            return (count.epoch, count.times - 1);
        }
        if self.counts.len() >= COUNTERS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.counts.remove(&oldest);
            self.dropped += 1;
        }
        let epoch = self.dropped;
        self.counts.insert(what, Count { times: 1, epoch });
        self.oldest_first.push_back(what);
        (epoch, 0)
    }
}
