//! What a world remembers of its requests: records by id, and the number of times that each input came.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::HashMap;
use tokio::time::Instant;

use crate::base::{Mix, Moment};
use crate::catalogue::OutcomeId;

pub(crate) const RECORDS_MAX: usize = 10_000;
pub(crate) const COUNTERS_MAX: usize = 100_000;

/// Memory of a record besides its body: its id twice, its entries in the map and the queue.
const RECORD_OVERHEAD_BYTES: usize = 350;

/// One answer that can be read back.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The endpoint that reads it back, by id.
    pub endpoint: Arc<str>,
    pub version: Version,
    pub later: Option<Box<Later>>,
}

/// The state of a record for some time: the exact bytes that a client reads.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub body: Bytes,
    pub outcome: OutcomeId,
}

/// The later versions of a pending record. They are planned and written when the request is answered.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    pub since: Moment,
    /// Each version with its delay after the request, in the order of time.
    pub versions: Vec<(Duration, Version)>,
}

impl Later {
    /// None for a record that stays as it is.
    pub(crate) fn new(
        since: Instant,
        advanced: Duration,
        versions: Vec<(Duration, Version)>,
    ) -> Option<Box<Self>> {
        Self::since(Moment::new(since, advanced), versions)
    }

    /// The same for a moment that is known as `Since`.
    pub(crate) fn since(since: Moment, versions: Vec<(Duration, Version)>) -> Option<Box<Self>> {
        (!versions.is_empty()).then(|| Box::new(Self { since, versions }))
    }
}

impl Record {
    /// Returns the version that is valid now. A version becomes valid when its delay has passed in real time,
    /// or when the world's clock was advanced that far.
    pub(crate) fn version_at(&self, now: Instant, advanced: Duration) -> &Version {
        let Some(later) = &self.later else {
            return &self.version;
        };
        let passed = later.since.passed(now, advanced);
        later
            .versions
            .iter()
            .rev()
            .find(|(after, _)| *after <= passed)
            .map_or(&self.version, |(_, version)| version)
    }

    /// The versions that follow the first, with their delays after the request.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Duration, &Version)> {
        let later = self.later.iter().flat_map(|later| &later.versions);
        later.map(|(after, version)| (*after, version))
    }

    fn bytes(&self) -> usize {
        let later = self.later.iter().flat_map(|later| &later.versions);
        let later: usize = later.map(|(_, version)| version.body.len() + 100).sum();
        self.version.body.len() + later + RECORD_OVERHEAD_BYTES
    }
}

/// Records by id. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Records {
    by_id: HashMap<Arc<str>, (u64, Record)>,
    /// Insertion order: (id, insertion number). If an id was inserted twice, only its newest entry is valid.
    oldest_first: VecDeque<(Arc<str>, u64)>,
    puts: u64,
    pub bytes: usize,
    pub dropped: u64,
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|(_, record)| record)
    }

    /// All records, in the order in which they will be dropped.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = (&Arc<str>, &Record)> {
        self.oldest_first.iter().filter_map(|(id, put)| {
            let (last, record) = self.by_id.get(id)?;
            (last == put).then_some((id, record))
        })
    }

    /// Inserts a record as the newest. It replaces a record with the same id.
    pub(crate) fn put(&mut self, id: Arc<str>, record: Record) {
        self.puts += 1;
        self.bytes += record.bytes();
        self.oldest_first.push_back((id.clone(), self.puts));
        if let Some((_, replaced)) = self.by_id.insert(id, (self.puts, record)) {
            self.bytes -= replaced.bytes();
        }
        if self.by_id.len() > RECORDS_MAX {
            self.drop_oldest();
        }
        if self.oldest_first.len() > 2 * RECORDS_MAX {
            let by_id = &self.by_id;
            self.oldest_first
                .retain(|(id, put)| by_id.get(id).is_some_and(|(last, _)| last == put));
        }
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        while let Some((id, put)) = self.oldest_first.pop_front() {
            let Entry::Occupied(place) = self.by_id.entry(id) else {
                continue;
            };
            if place.get().0 == put {
                let (_, record) = place.remove();
                self.bytes -= record.bytes();
                self.dropped += 1;
                return true;
            }
        }
        false
    }
}

/// How often each thing happened, by the hash of the thing. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: HashMap<u64, Count>,
    oldest_first: VecDeque<u64>,
    pub dropped: u64,
}

#[derive(Debug)]
struct Count {
    times: u32,
    /// How many counters had been dropped when this one began. A counter that comes back has another epoch, so
    /// that its ids do not repeat.
    epoch: u64,
}

impl Counters {
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// All counters with count and epoch, in the order in which they will be dropped.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = (u64, u32, u64)> {
        self.oldest_first.iter().filter_map(|what| {
            let count = self.counts.get(what)?;
            Some((*what, count.times, count.epoch))
        })
    }

    /// Restores a counter. It must not exist yet.
    pub(crate) fn put(&mut self, what: u64, times: u32, epoch: u64) {
        self.counts.insert(what, Count { times, epoch });
        self.oldest_first.push_back(what);
    }

    /// Counts one more. Returns the epoch and the count before.
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

    /// Counts what was mixed so far, and mixes the count in: the same draw comes out differently each time. Returns how many
    /// came before.
    pub(crate) fn count_into(&mut self, mix: &mut Mix) -> u32 {
        let (epoch, times) = self.count(mix.half());
        mix.number(epoch);
        mix.number(times.into());
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_had_to_go_comes_back_in_another_epoch() {
        let mut counters = Counters::default();
        assert_eq!(counters.count(0), (0, 0));
        assert_eq!(counters.count(0), (0, 1));
        for other in 1..=COUNTERS_MAX as u64 {
            counters.count(other);
        }
        assert_eq!((counters.len(), counters.dropped), (COUNTERS_MAX, 1));
        assert_eq!(counters.count(0), (2, 0), "its ids do not repeat");
    }

    #[test]
    fn a_record_that_is_put_again_is_the_newest() {
        let record = || Record {
            endpoint: "v0/things".into(),
            version: Version {
                body: Bytes::from_static(b"{}"),
                outcome: OutcomeId::new(&"v0/things".into(), "DONE"),
            },
            later: None,
        };
        let mut records = Records::default();
        records.put("kept".into(), record());
        records.put("first".into(), record());
        for _ in 0..3 * RECORDS_MAX {
            records.put("kept".into(), record());
        }
        for at in 0..RECORDS_MAX - 1 {
            records.put(at.to_string().into(), record());
        }
        assert_eq!((records.len(), records.dropped), (RECORDS_MAX, 1));
        assert!(records.get("kept").is_some());
        assert!(records.get("first").is_none());
        assert!(records.oldest_first.len() <= 2 * RECORDS_MAX);
    }
}
