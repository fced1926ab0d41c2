//! The queue of a world's deliveries. Each is due when its delay has passed in real time, or when the world's
//! clock has been advanced that far, whichever comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foldhash::HashMap;
use tokio::time::Instant;

/// Deliveries in the order in which they are due, by the world's clock and by the machine's.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub by_clock: BTreeMap<(Duration, u64), Due>,
    by_time: BTreeSet<(Instant, Duration, u64)>,
    places: HashMap<u64, (Duration, u64)>,
    order: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    at: Instant,
    delivery: u64,
}

impl Queue {
    pub(crate) fn add(&mut self, clock: Duration, at: Instant, delivery: u64) {
        self.order += 1;
        self.by_clock
            .insert((clock, self.order), Due { at, delivery });
        self.by_time.insert((at, clock, self.order));
        self.places.insert(delivery, (clock, self.order));
    }

    pub(crate) fn next_time(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, ..)| *at)
    }

    /// Takes the first delivery that is due by the machine's time.
    pub(crate) fn take_by_time(&mut self, now: Instant) -> Option<u64> {
        let (at, clock, order) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.take(clock, order)
    }

    /// Takes the first delivery that is due by the world's clock, with its time.
    pub(crate) fn take_by_clock(&mut self, until: Duration) -> Option<(Duration, u64)> {
        let (clock, order) = *self.by_clock.first_key_value()?.0;
        if clock > until {
            return None;
        }
        Some((clock, self.take(clock, order)?))
    }

    /// Takes the delivery with the highest number.
    pub(crate) fn take_newest(&mut self) -> Option<u64> {
        let newest = self.places.iter().max_by_key(|(delivery, _)| **delivery);
        let (clock, order) = *newest?.1;
        self.take(clock, order)
    }

    /// Takes this delivery. False if it is not there.
    pub(crate) fn take_delivery(&mut self, delivery: u64) -> bool {
        let place = self.places.get(&delivery).copied();
        place.is_some_and(|(clock, order)| self.take(clock, order).is_some())
    }

    fn take(&mut self, clock: Duration, order: u64) -> Option<u64> {
        let due = self.by_clock.remove(&(clock, order))?;
        self.by_time.remove(&(due.at, clock, order));
        self.places.remove(&due.delivery);
        Some(due.delivery)
    }

    /// Makes a delivery due sooner, by the world's clock and by the machine's time.
    pub(crate) fn hasten(&mut self, delivery: u64, clock: Duration, at: Instant) {
        if let Some((before, order)) = self.places.get(&delivery).copied()
            && self.take(before, order).is_some()
        {
            let clock = clock.min(before);
            self.by_clock.insert((clock, order), Due { at, delivery });
            self.by_time.insert((at, clock, order));
            self.places.insert(delivery, (clock, order));
        }
    }

    /// Makes a delivery due later by the machine's time. Its time by the world's clock stays.
    pub(crate) fn put_off(&mut self, delivery: u64, by: Duration) {
        if let Some((clock, order)) = self.places.get(&delivery).copied()
            && let Some(due) = self.by_clock.get_mut(&(clock, order))
        {
            self.by_time.remove(&(due.at, clock, order));
            due.at += by;
            self.by_time.insert((due.at, clock, order));
        }
    }
}
