//! What a world remembers of its requests: records by id, and the number of times that each input came.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::HashMap;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use tokio::time::Instant;

use crate::base::{Mix, Moment};
use crate::catalogue::OutcomeId;

pub(crate) const RECORDS_MAX: usize = 10_000;
pub(crate) const COUNTERS_MAX: usize = 100_000;

/// Memory of a record besides its body: its id, its place, and its entry in the table.
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

    /// Whether it stays as it is.
    pub(super) fn is_final(&self, now: Instant, advanced: Duration) -> bool {
        self.later.as_ref().is_none_or(|later| {
            let passed = later.since.passed(now, advanced);
            later.versions.iter().all(|(after, _)| *after <= passed)
        })
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
    /// The oldest first. The places lie one behind the other, so that the oldest is found without a search.
    places: VecDeque<Place>,
    /// How many places have gone from the front.
    gone: u64,
    /// The number of each record's place, counted from the first that there was.
    by_id: HashTable<u64>,
    hasher: RandomState,
    pub bytes: usize,
    pub dropped: u64,
}

#[derive(Debug)]
struct Place {
    id: Arc<str>,
    hash: u64,
    /// None if a newer record has the same id.
    record: Option<Record>,
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        let hash = self.hasher.hash_one(id);
        let at = self
            .by_id
            .find(hash, |number| *self.places[self.at(*number)].id == *id)?;
        self.places[self.at(*at)].record.as_ref()
    }

    fn at(&self, number: u64) -> usize {
        index(number - self.gone)
    }

    /// All records, in the order in which they will be dropped.
    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, &Record)> {
        let places = self.places.iter();
        places.filter_map(|place| Some((&place.id, place.record.as_ref()?)))
    }

    /// Inserts a record as the newest. It replaces a record with the same id.
    pub(crate) fn put(&mut self, id: Arc<str>, record: Record) {
        self.bytes += record.bytes();
        let hash = self.hasher.hash_one(&*id);
        let (places, gone) = (&mut self.places, self.gone);
        let number = gone + places.len() as u64;
        let entry = self.by_id.entry(
            hash,
            |number| places[index(*number - gone)].id == id,
            |number| places[index(*number - gone)].hash,
        );
        match entry {
            Entry::Vacant(vacant) => {
                vacant.insert(number);
            }
            Entry::Occupied(mut occupied) => {
                let before = std::mem::replace(occupied.get_mut(), number);
                let replaced = places[index(before - gone)].record.take();
                self.bytes -= replaced.map_or(0, |replaced| replaced.bytes());
            }
        }
        places.push_back(Place {
            id,
            hash,
            record: Some(record),
        });
        if self.len() > RECORDS_MAX {
            self.drop_oldest();
        }
        if self.places.len() > 2 * RECORDS_MAX {
            self.close_gaps();
        }
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        while let Some(place) = self.places.pop_front() {
            let number = self.gone;
            self.gone += 1;
            let Some(record) = place.record else {
                continue;
            };
            if let Ok(entry) = self.by_id.find_entry(place.hash, |one| *one == number) {
                entry.remove();
            }
            self.bytes -= record.bytes();
            self.dropped += 1;
            return true;
        }
        false
    }

    /// Removes the places whose records were replaced.
    fn close_gaps(&mut self) {
        self.places.retain(|place| place.record.is_some());
        self.by_id.clear();
        for (at, place) in self.places.iter().enumerate() {
            let hash = |number: &u64| self.places[index(*number - self.gone)].hash;
            (self.by_id).insert_unique(place.hash, self.gone + at as u64, hash);
        }
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("no more places than fit into memory")
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
        assert!(records.places.len() <= 2 * RECORDS_MAX);
        let ids: Vec<_> = records
            .oldest_first()
            .map(|(id, _)| id.to_string())
            .collect();
        assert_eq!((ids.len(), &*ids[0], &*ids[1]), (RECORDS_MAX, "kept", "0"));
        assert!(ids.iter().all(|id| records.get(id).is_some()));
    }
}
