//! The callbacks of a world: registered URLs, held and due deliveries, the delivery log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::delivery::{Deliveries, Delivery, DeliveryState};
use super::line::Queue;
use super::log::log_ended;
use super::turns::Turns;
use super::unsent::UnsentEvents;
use crate::base::{Moment, ReceiverUrl, Stamp};

/// How long a reply waits for an early callback, and how long a callback waits for the one that overtakes it.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// Pending deliveries of all worlds together.
pub(crate) const PENDING_MAX: usize = 10_000;

/// How long a callback waits for its reply to be written.
pub(crate) const REPLY_TIME: Duration = Duration::from_secs(1);

/// A world's callbacks.
#[derive(Debug)]
pub(crate) struct Callbacks {
    /// The tag of their world, for the log. None for callbacks that are planned and not sent.
    world: Option<Arc<str>>,
    /// The URLs that clients registered, by callback type.
    pub urls: IndexMap<String, RegisteredUrl>,
    pub log: Deliveries,
    pub unsent: UnsentEvents,
    /// How far the world's clock has been advanced.
    pub advanced: Duration,
    pub(crate) queue: Queue,
    /// Deliveries that wait until the next one has overtaken them, with the time when they would be due without
    /// it.
    pub(crate) held: Vec<HeldDelivery>,
    pub(crate) in_flight: usize,
    pub(crate) advancing: bool,
    pub(crate) runs: bool,
    pub(crate) turns: Turns,
    counts: PendingCounts,
    /// Pending deliveries that were dropped because all worlds had too many.
    pub dropped: u64,
}

/// The numbers of pending deliveries, which can be read without the lock of a world.
#[derive(Clone, Debug, Default)]
pub(in crate::world) struct PendingCounts {
    pub of_world: Arc<AtomicUsize>,
    /// Of all worlds together, including this one.
    pub of_all: Arc<AtomicUsize>,
}

/// A URL that a client registered.
#[derive(Clone, Debug)]
pub(crate) struct RegisteredUrl {
    pub url: ReceiverUrl,
    pub created: Stamp,
    pub updated: Stamp,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldDelivery {
    pub(crate) delivery: u64,
    clock: Duration,
    at: Instant,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            world: None,
            urls: IndexMap::new(),
            log: Deliveries::default(),
            unsent: UnsentEvents::default(),
            advanced: Duration::ZERO,
            queue: Queue::default(),
            held: Vec::new(),
            in_flight: 0,
            advancing: false,
            runs: false,
            turns: Turns::default(),
            counts: PendingCounts::default(),
            dropped: 0,
        }
    }
}

impl Callbacks {
    /// The callbacks of a world, whose tag is `world` and whose pending deliveries are counted there.
    pub(in crate::world) fn counted_in(counts: PendingCounts, world: Arc<str>) -> Self {
        Self {
            world: Some(world),
            counts,
            ..Self::default()
        }
    }

    /// Empty callbacks for the same world. The task that sends them goes on.
    pub(in crate::world) fn emptied(&self) -> Self {
        Self {
            world: self.world.clone(),
            runs: self.runs,
            counts: self.counts.clone(),
            ..Self::default()
        }
    }

    /// Registers the URL of a type. One that takes the place of another keeps the time when that was created.
    pub(crate) fn register(&mut self, callback_type: String, url: ReceiverUrl, now: Stamp) {
        let known = self.urls.get(&callback_type);
        let created = known.map_or(now, |known| known.created);
        let registered = RegisteredUrl {
            url,
            created,
            updated: now,
        };
        self.urls.insert(callback_type, registered);
    }

    pub(crate) fn pending(&self) -> usize {
        self.queue.by_clock.len() + self.in_flight
    }

    /// Queues a delivery.
    pub(crate) fn schedule(&mut self, delivery: Delivery, after: Duration, now: Instant) -> u64 {
        let since = Moment::new(now, self.advanced);
        self.schedule_for_reply(delivery, after, since, None)
    }

    /// Queues a delivery that also waits, in real time, until its reply is written.
    pub(crate) fn schedule_for_reply(
        &mut self,
        delivery: Delivery,
        after: Duration,
        since: Moment,
        reply_time: Option<Duration>,
    ) -> u64 {
        if delivery.state != DeliveryState::Scheduled {
            return self.add_ended(delivery);
        }
        self.counts.of_world.fetch_add(1, Ordering::Relaxed);
        self.counts.of_all.fetch_add(1, Ordering::Relaxed);
        let is_held = delivery.held_for_next;
        let seq = self.log.add(delivery, self.pending());
        let (clock, at) = since.after(after);
        let at = at + reply_time.unwrap_or_default();
        if is_held {
            self.held.push(HeldDelivery {
                delivery: seq,
                clock,
                at,
            });
            self.queue.add(clock + WAIT, at + WAIT, seq);
        } else {
            self.queue.add(clock, at, seq);
        }
        seq
    }

    /// Adds a delivery to the log that is not sent.
    pub(crate) fn add_ended(&mut self, delivery: Delivery) -> u64 {
        let seq = self.log.add(delivery, self.pending());
        if let (Some(world), Some(delivery)) = (&self.world, self.log.get(seq)) {
            log_ended(world, delivery);
        }
        seq
    }

    /// Releases the held deliveries that are due. The others stay held, because their record has not changed
    /// yet.
    pub(crate) fn release_held(&mut self) {
        let (now, advanced) = (Instant::now(), self.advanced);
        let (due, later) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|held: &HeldDelivery| held.at <= now || held.clock <= advanced);
        self.held = later;
        for held in due {
            self.release(held.delivery);
        }
    }

    /// Releases all held deliveries by the world's clock: at once, or when their record changes.
    pub(crate) fn release_held_in_time(&mut self) {
        for held in std::mem::take(&mut self.held) {
            let clock = held.clock.max(self.advanced);
            self.queue.hasten(held.delivery, clock, held.at);
        }
    }

    /// Releases a callback, because its reply has been written.
    pub(crate) fn release(&mut self, seq: u64) {
        let advanced = self.advanced;
        self.queue.hasten(seq, advanced, Instant::now());
    }

    /// Lets a callback wait longer, because its reply will be written that much later.
    pub(crate) fn put_off(&mut self, seq: u64, by: Duration) {
        self.queue.put_off(seq, by);
    }

    /// Counts one pending delivery less.
    pub(crate) fn count_out(&self) {
        self.counts.of_world.fetch_sub(1, Ordering::Relaxed);
        self.counts.of_all.fetch_sub(1, Ordering::Relaxed);
    }

    /// Drops the newest queued delivery. False if none is queued.
    pub(in crate::world) fn drop_newest(&mut self) -> bool {
        let Some(seq) = self.queue.take_newest() else {
            return false;
        };
        self.count_out();
        self.held.retain(|held| held.delivery != seq);
        if let Some(delivery) = self.log.get_mut(seq) {
            delivery.state = DeliveryState::Dropped;
            delivery.reason = Some(format!("{PENDING_MAX} callbacks are pending already"));
            delivery.next_try = None;
        }
        self.log.ended.count(DeliveryState::Dropped);
        self.dropped += 1;
        self.log.make_room(self.pending());
        true
    }

    /// Cancels all queued deliveries. A delivery in flight is not touched here.
    pub(crate) fn cancel(&mut self, reason: &str) -> Vec<u64> {
        let mut cancelled = Vec::new();
        while let Some((_, seq)) = self.queue.take_by_clock(Duration::MAX) {
            self.count_out();
            if let Some(delivery) = self.log.get_mut(seq) {
                delivery.state = DeliveryState::Cancelled;
                delivery.reason = Some(reason.to_owned());
                delivery.next_try = None;
            }
            self.log.ended.count(DeliveryState::Cancelled);
            cancelled.push(seq);
        }
        cancelled
    }
}
