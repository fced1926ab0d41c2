//! The events that had no URL when they were planned. They are no deliveries. They are kept, so that the log can say
//! why no callback came.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::delivery::{Delivery, DeliveryState, no_url};
use crate::base::{Behaviour, Moment};

/// Events without a URL that a world keeps.
pub(crate) const UNSENT_MAX: usize = 1000;

/// An event without a URL. If its type gets one before the event is due, it becomes a delivery.
#[derive(Clone, Debug)]
pub(crate) struct UnsentEvent {
    /// The callback as the log shows it. Its number counts these events only.
    pub delivery: Delivery,
    pub behaviour: Behaviour,
    /// The body of the record, without the faults of the behaviour.
    pub body: Bytes,
    /// The earlier body of the record, for `stale`.
    pub older: Bytes,
    pub since: Moment,
    /// How long after `since` the record changes.
    pub after: Duration,
}

/// The latest events without a URL, oldest first.
#[derive(Debug, Default)]
pub(crate) struct UnsentEvents {
    events: VecDeque<UnsentEvent>,
    last_seq: u64,
    pub bytes: usize,
    pub dropped: u64,
}

impl UnsentEvent {
    /// A delivery whose type has no URL any more. It is due.
    pub(crate) fn of(delivery: Delivery, since: Moment) -> Self {
        Self {
            behaviour: Behaviour::Normal, // the faults are in the body already
            body: delivery.body.clone(),
            older: Bytes::new(),
            since,
            after: Duration::ZERO,
            delivery: Delivery {
                state: DeliveryState::NoUrl,
                reason: Some(no_url(&delivery.callback_type)),
                url: None,
                next_try: None,
                ..delivery
            },
        }
    }

    /// When it is due by the world's clock, and by the machine's time.
    fn due(&self) -> (Duration, Instant) {
        let late = match self.behaviour {
            Behaviour::Late(delay) => delay,
            Behaviour::Normal
            | Behaviour::None
            | Behaviour::Duplicate
            | Behaviour::Early
            | Behaviour::Reorder
            | Behaviour::WrongToken
            | Behaviour::NoToken
            | Behaviour::Stale
            | Behaviour::Truncated
            | Behaviour::InvalidJson
            | Behaviour::UnknownFields => Duration::ZERO,
        };
        self.since.after(self.after + late)
    }

    pub(crate) fn is_due(&self, now: Instant, advanced: Duration) -> bool {
        let (clock, at) = self.due();
        at <= now || clock <= advanced
    }

    fn bytes(&self) -> usize {
        self.delivery.bytes() + self.older.len()
    }
}

impl UnsentEvents {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Goes on with numbers after this one.
    pub(crate) fn start_after(&mut self, last_seq: u64) {
        self.last_seq = last_seq;
    }

    /// Gives the event its number and keeps it.
    pub(crate) fn add(&mut self, mut event: UnsentEvent) {
        event.delivery.seq = self.last_seq + 1;
        event.delivery.at = SystemTime::now();
        self.restore(event);
    }

    /// Keeps an event that has its number already.
    pub(crate) fn restore(&mut self, event: UnsentEvent) {
        self.last_seq = self.last_seq.max(event.delivery.seq);
        self.bytes += event.bytes();
        self.events.push_back(event);
        if self.events.len() > UNSENT_MAX {
            self.drop_oldest();
        }
    }

    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(gone) = self.events.pop_front() else {
            return false;
        };
        self.bytes -= gone.bytes();
        self.dropped += 1;
        true
    }

    pub(crate) fn newest_first(&self) -> impl DoubleEndedIterator<Item = &UnsentEvent> {
        self.events.iter().rev()
    }

    /// Takes an event out, because it becomes a delivery.
    pub(crate) fn take(&mut self, seq: u64) -> Option<UnsentEvent> {
        let place = self
            .events
            .binary_search_by_key(&seq, |event| event.delivery.seq)
            .ok()?;
        let taken = self.events.remove(place)?;
        self.bytes -= taken.bytes();
        Some(taken)
    }

    /// When the next of these events is due, by the machine's time.
    pub(crate) fn next_due(
        &self,
        now: Instant,
        advanced: Duration,
        which: impl Fn(&Delivery) -> bool,
    ) -> Option<Instant> {
        let later = self.events.iter().filter(|one| !one.is_due(now, advanced));
        let later = later.filter(|one| which(&one.delivery));
        later.map(|event| event.due().1).min()
    }
}
