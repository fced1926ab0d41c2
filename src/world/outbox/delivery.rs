//! The delivery log of a world: every callback, what was to become of it, what did.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::base::{ReceiverUrl, Stamp};

pub(crate) const DELIVERIES_MAX: usize = 1000;
const DELIVERY_OVERHEAD_BYTES: usize = 400;

/// A callback that comes back into the sandbox and causes another is cut at this depth.
pub(crate) const DEPTH_MAX: u32 = 5;

/// One callback on its way to one URL.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Counts the world's deliveries from 1; never repeats.
    pub seq: u64,
    /// When it was put into the log, by the machine's time.
    pub at: SystemTime,
    pub callback_type: Arc<str>,
    /// The record's id; none for a body that stands for no record.
    pub record: Option<Arc<str>>,
    /// `v1.1/bank_account_data_requests/COMPLETED_FOUND`
    pub outcome: Arc<str>,
    pub url: ReceiverUrl,
    pub body: Bytes,
    pub state: DeliveryState,
    pub attempts: Vec<Attempt>,
    /// What was asked to go wrong, in the words of the scenario: nobody hunts a fault that was asked for.
    pub on_purpose: Option<String>,
    pub token: TokenSent,
    /// The delivery whose bytes are sent once more.
    pub redelivery_of: Option<u64>,
    /// How often a callback has come back into the sandbox before this one was caused.
    pub depth: u32,
    pub created: Stamp,
    /// The world's time of the next try, while there is one.
    pub next_try: Option<Stamp>,
    /// Why it was cancelled or dropped.
    pub reason: Option<String>,
    /// What it leaves room for others when it has gone: see `reorder`.
    pub held_for_next: bool,
}

impl Delivery {
    fn bytes(&self) -> usize {
        let attempts: usize = self.attempts.iter().map(Attempt::bytes).sum();
        self.body.len() + attempts + DELIVERY_OVERHEAD_BYTES
    }

    /// What the control API calls it.
    pub(crate) fn id(&self) -> String {
        delivery_id(self.seq)
    }

    /// Where it stands, in words: `was delivered`, `failed after: connection refused`.
    pub(crate) fn standing(&self) -> String {
        let last = self.attempts.last();
        let last = last.and_then(|attempt| attempt.error.as_deref());
        let last = last.map_or(String::new(), |error| format!(" after: {error}"));
        let reason = self.reason.as_deref().unwrap_or("on purpose");
        match self.state {
            DeliveryState::Scheduled => match self.next_try {
                Some(at) => format!("is still pending until {at}"),
                None => "is still pending".to_owned(),
            },
            DeliveryState::Sending => "is being sent".to_owned(),
            DeliveryState::Retrying => match self.next_try {
                Some(at) => format!("is tried again at {at}{last}"),
                None => format!("is tried again{last}"),
            },
            DeliveryState::Delivered => "was delivered".to_owned(),
            DeliveryState::Failed => format!("failed{last}"),
            DeliveryState::Cancelled => format!("was cancelled: {reason}"),
            DeliveryState::Suppressed => "was not sent, on purpose".to_owned(),
            DeliveryState::Dropped => format!("was dropped: {reason}"),
        }
    }
}

/// Which token a delivery carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenSent {
    Right,
    Wrong,
    None,
}

/// How far a callback has come.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{DeliveryState, Sandbox};
///
/// let sandbox = Sandbox::start().await.unwrap();
/// let (world, receiver) = (sandbox.world(), sandbox.receiver());
/// world.call_back("NAME_VALIDATOR_REQUEST", &receiver.url());
/// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
/// world.idle().await;
/// assert_eq!(world.deliveries()[0].state, DeliveryState::Delivered);
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not tried yet.
    Scheduled,
    /// Being tried.
    Sending,
    /// Tried in vain, and to be tried again.
    Retrying,
    /// Taken by its receiver.
    Delivered,
    /// Tried in vain for the last time.
    Failed,
    /// Called back by a reset or a stop.
    Cancelled,
    /// Not sent, on purpose.
    Suppressed,
    /// Not sent, because of a limit.
    Dropped,
}

/// What the control API calls the delivery of a number.
pub(crate) fn delivery_id(seq: u64) -> String {
    format!("dlv_{seq}")
}

/// The number of a delivery that is called so.
pub(crate) fn seq_of(id: &str) -> Option<u64> {
    id.strip_prefix("dlv_")?.parse().ok()
}

impl DeliveryState {
    pub(crate) fn is_pending(self) -> bool {
        matches!(self, Self::Scheduled | Self::Sending | Self::Retrying)
    }
}

/// One try.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub at: Stamp,
    /// The headers that were sent, as text.
    pub request_head: Arc<str>,
    pub status: Option<StatusCode>,
    pub answer: Arc<str>,
    pub error: Option<String>,
    pub took: Duration,
}

impl Attempt {
    fn bytes(&self) -> usize {
        self.request_head.len() + self.answer.len() + 100
    }
}

/// The latest deliveries: all that are pending, and a thousand that have ended.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    kept: VecDeque<Delivery>,
    seq: u64,
    pub bytes: usize,
    pub dropped: u64,
    pub ended: Ended,
}

/// How many have ended, by the state in which they did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended([u64; ENDS.len()]);

const ENDS: [(DeliveryState, &str); 5] = [
    (DeliveryState::Delivered, "delivered"),
    (DeliveryState::Failed, "failed"),
    (DeliveryState::Cancelled, "cancelled"),
    (DeliveryState::Suppressed, "suppressed"),
    (DeliveryState::Dropped, "dropped"),
];

impl Ended {
    /// What is still pending does not count.
    pub(crate) fn count(&mut self, state: DeliveryState) {
        if let Some(place) = ENDS.iter().position(|(end, _)| *end == state) {
            self.0[place] += 1;
        }
    }

    pub(crate) fn cancelled(&self) -> usize {
        let place = ENDS
            .iter()
            .position(|(end, _)| *end == DeliveryState::Cancelled);
        let count = self.0[place.expect("it is an end")];
        usize::try_from(count).expect("they were in line")
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    pub(crate) fn by_state(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ENDS.iter().map(|(_, name)| *name).zip(self.0)
    }
}

impl Deliveries {
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Goes on counting after this number.
    pub(crate) fn start_after(&mut self, seq: u64) {
        self.seq = seq;
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Delivery> {
        self.kept.iter().rev()
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Delivery> {
        self.kept.get(self.place(seq)?)
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Delivery> {
        let place = self.place(seq)?;
        self.kept.get_mut(place)
    }

    fn place(&self, seq: u64) -> Option<usize> {
        self.kept
            .binary_search_by_key(&seq, |delivery| delivery.seq)
            .ok()
    }

    /// Gives the delivery its number and keeps it. Those that are pending never leave, however many
    /// they are, and leave the others their room.
    pub(crate) fn add(&mut self, mut delivery: Delivery, pending: usize) -> u64 {
        self.seq += 1;
        delivery.seq = self.seq;
        delivery.at = SystemTime::now();
        self.ended.count(delivery.state);
        self.bytes += delivery.bytes();
        self.kept.push_back(delivery);
        self.make_room(pending);
        self.seq
    }

    /// Lets go of the oldest that have ended, where they are too many.
    pub(crate) fn make_room(&mut self, pending: usize) {
        while self.kept.len() > pending + DELIVERIES_MAX && self.drop_oldest_ended() {}
    }

    /// False when everything that is left is pending.
    pub(crate) fn drop_oldest_ended(&mut self) -> bool {
        let mut kept = self.kept.iter();
        let ended = kept.position(|delivery| !delivery.state.is_pending());
        let Some(gone) = ended.and_then(|at| self.kept.remove(at)) else {
            return false;
        };
        self.bytes -= gone.bytes();
        self.dropped += 1;
        true
    }

    /// Writes an attempt into the log.
    pub(crate) fn attempted(&mut self, seq: u64, attempt: Attempt) -> Option<&mut Delivery> {
        let place = self.place(seq)?;
        let delivery = self.kept.get_mut(place)?;
        self.bytes += attempt.bytes();
        delivery.attempts.push(attempt);
        Some(delivery)
    }
}
