//! The delivery log of a world: every callback, its plan and its attempts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::{Behaviour, ReceiverUrl, Stamp};
use crate::http::TraceContext;
use crate::world::attempt::Attempt;

pub(crate) const DELIVERIES_MAX: usize = 1000;
const DELIVERY_OVERHEAD_BYTES: usize = 400;

/// A callback that comes back into the sandbox can cause another. The chain is cut at this depth.
pub(crate) const DEPTH_MAX: u32 = 5;

/// One callback on its way to one URL.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Counts the world's deliveries from 1. Starts again after a reset.
    pub seq: u64,
    /// When it was added to the log, by the machine's time.
    pub at: SystemTime,
    pub callback_type: Arc<str>,
    /// The record's id; none for a body without a record.
    pub record: Option<Arc<str>>,
    /// `v1.1/bank_account_data_requests/COMPLETED_FOUND`
    pub outcome: Arc<str>,
    /// Where the last attempt went, or where it would have gone when it was planned. None for an event without a URL.
    pub url: Option<ReceiverUrl>,
    pub body: Bytes,
    pub state: DeliveryState,
    pub attempts: Vec<Attempt>,
    /// The faults that the scenario asked for, in its words, so that nobody hunts for their cause.
    pub on_purpose: Option<String>,
    pub token: TokenSent,
    /// The delivery whose bytes are sent again.
    pub redelivery_of: Option<u64>,
    /// How often callbacks had come back into the sandbox before this one was caused.
    pub depth: u32,
    /// The trace of the request that caused it. None for a request without one, and for a trigger.
    pub trace: Option<Arc<TraceContext>>,
    pub created: Stamp,
    /// The world's time of the next attempt, if there is one.
    pub next_try: Option<Stamp>,
    /// Why it was cancelled or dropped.
    pub reason: Option<String>,
    /// True when it waits until the next delivery has overtaken it: see `reorder`.
    pub held_for_next: bool,
    /// Whether a test has waited for it or looked at it.
    pub awaited: bool,
}

impl Delivery {
    pub(super) fn bytes(&self) -> usize {
        let attempts: usize = self.attempts.iter().map(Attempt::bytes).sum();
        let trace = self.trace.as_ref().map_or(0, |trace| trace.bytes());
        self.body.len() + attempts + trace + DELIVERY_OVERHEAD_BYTES
    }

    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.trace.as_ref()?.traceparent()
    }

    pub(crate) fn tracestate(&self) -> Option<&str> {
        self.trace.as_ref()?.tracestate.as_deref()
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.trace.as_ref()?.request_id.as_deref()
    }

    /// The inbox of the sandbox that it goes to. None for another receiver.
    pub(crate) fn inbox(&self) -> Option<&str> {
        let (_, path) = self.url.as_ref()?.as_str().split_once(INBOX_PATH)?;
        path.split(['?', '/']).next()
    }

    /// Whether nobody has made use of it. A receiver of the test's own makes use of what it accepts.
    pub(crate) fn is_unused(&self) -> bool {
        if self.awaited {
            return false;
        }
        match self.state {
            DeliveryState::Scheduled
            | DeliveryState::Sending
            | DeliveryState::Retrying
            | DeliveryState::Failed => true,
            DeliveryState::Delivered => self.inbox().is_some(),
            DeliveryState::Cancelled
            | DeliveryState::Suppressed
            | DeliveryState::Dropped
            | DeliveryState::NoUrl => false,
        }
    }

    /// Its id in the control API.
    pub(crate) fn id(&self) -> String {
        if self.state == DeliveryState::NoUrl {
            return format!("evt_{}", self.seq);
        }
        delivery_id(self.seq)
    }

    /// Its state in words: `was delivered`, `failed after: connection refused`.
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
            DeliveryState::NoUrl => format!("was not sent: {reason}"),
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

impl TokenSent {
    pub(crate) fn of(behaviour: Behaviour) -> Self {
        match behaviour {
            Behaviour::WrongToken => Self::Wrong,
            Behaviour::NoToken => Self::None,
            Behaviour::Normal
            | Behaviour::None
            | Behaviour::Duplicate
            | Behaviour::Late(_)
            | Behaviour::Early
            | Behaviour::Reorder
            | Behaviour::Stale
            | Behaviour::Truncated
            | Behaviour::InvalidJson
            | Behaviour::UnknownFields => Self::Right,
        }
    }
}

/// How far a callback has come.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{DeliveryState, Sandbox};
///
/// let sandbox = Sandbox::start().await.unwrap();
/// let (world, receiver) = (sandbox.world(), sandbox.receiver());
/// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
/// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
/// world.idle().await;
/// assert_eq!(world.deliveries()[0].state, DeliveryState::Delivered);
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not attempted yet.
    Scheduled,
    /// An attempt is under way.
    Sending,
    /// An attempt has failed, and another will follow.
    Retrying,
    /// The receiver has accepted it.
    Delivered,
    /// The last attempt has failed.
    Failed,
    /// A reset or a stop has cancelled it.
    Cancelled,
    /// Not sent, on purpose.
    Suppressed,
    /// Not sent, because of a limit.
    Dropped,
    /// Not sent, because its type had no URL when it was due. Only a list of this state shows it.
    NoUrl,
}

/// The path of the receivers that are part of the sandbox. The name follows.
const INBOX_PATH: &str = "/__sandbox/inbox/";

/// The id of a delivery in the control API.
pub(crate) fn delivery_id(seq: u64) -> String {
    format!("dlv_{seq}")
}

/// Why an event without a URL is not sent.
pub(crate) fn no_url(callback_type: &str) -> String {
    format!("no URL is registered for {callback_type}")
}

/// The number of the delivery with this id.
pub(crate) fn seq_of(id: &str) -> Option<u64> {
    id.strip_prefix("dlv_")?.parse().ok()
}

/// The number of the event without a URL with this id.
pub(crate) fn event_seq_of(id: &str) -> Option<u64> {
    id.strip_prefix("evt_")?.parse().ok()
}

impl DeliveryState {
    pub(crate) fn is_pending(self) -> bool {
        match self {
            Self::Scheduled | Self::Sending | Self::Retrying => true,
            Self::Delivered
            | Self::Failed
            | Self::Cancelled
            | Self::Suppressed
            | Self::Dropped
            | Self::NoUrl => false,
        }
    }
}

/// The latest deliveries: all pending ones, and a thousand that have ended.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    kept: VecDeque<Arc<Delivery>>,
    seq: u64,
    pub bytes: usize,
    pub dropped: u64,
    pub ended: Ended,
}

/// How many deliveries have ended, by their final state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    delivered: u64,
    failed: u64,
    cancelled: u64,
    suppressed: u64,
    dropped: u64,
}

impl Ended {
    /// Pending deliveries do not count.
    pub(crate) fn count(&mut self, state: DeliveryState) {
        let count = match state {
            DeliveryState::Scheduled
            | DeliveryState::Sending
            | DeliveryState::Retrying
            | DeliveryState::NoUrl => return,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Cancelled => &mut self.cancelled,
            DeliveryState::Suppressed => &mut self.suppressed,
            DeliveryState::Dropped => &mut self.dropped,
        };
        *count += 1;
    }

    pub(crate) fn cancelled(&self) -> usize {
        usize::try_from(self.cancelled).expect("they were in line")
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.suppressed += other.suppressed;
        self.dropped += other.dropped;
    }

    pub(crate) fn by_state(&self) -> [(&'static str, u64); 5] {
        [
            ("delivered", self.delivered),
            ("failed", self.failed),
            ("cancelled", self.cancelled),
            ("suppressed", self.suppressed),
            ("dropped", self.dropped),
        ]
    }
}

impl Deliveries {
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Continues the numbers after this one.
    pub(crate) fn start_after(&mut self, seq: u64) {
        self.seq = seq;
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Delivery> {
        self.shared().map(|delivery| &**delivery)
    }

    /// The deliveries, newest first. Readers can keep them without the lock.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Arc<Delivery>> {
        self.kept.iter().rev()
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Delivery> {
        self.kept.get(self.place(seq)?).map(|one| &**one)
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Delivery> {
        let place = self.place(seq)?;
        self.kept.get_mut(place).map(Arc::make_mut)
    }

    /// Notes that a test has waited for these deliveries or looked at them.
    pub(crate) fn note_awaited(&mut self, which: impl Fn(&Delivery) -> bool) {
        let others = self.kept.iter_mut().filter(|one| !one.awaited);
        for delivery in others.filter(|one| which(one)) {
            Arc::make_mut(delivery).awaited = true;
        }
    }

    fn place(&self, seq: u64) -> Option<usize> {
        self.kept
            .binary_search_by_key(&seq, |delivery| delivery.seq)
            .ok()
    }

    /// Gives the delivery its number and keeps it. Pending deliveries never leave, however many there are, and
    /// do not use up the room of the others.
    pub(crate) fn add(&mut self, mut delivery: Delivery, pending: usize) -> u64 {
        self.seq += 1;
        delivery.seq = self.seq;
        delivery.at = SystemTime::now();
        self.ended.count(delivery.state);
        self.bytes += delivery.bytes();
        self.kept.push_back(Arc::new(delivery));
        self.make_room(pending);
        self.seq
    }

    /// Drops the oldest ended deliveries when there are too many.
    pub(crate) fn make_room(&mut self, pending: usize) {
        while self.kept.len() > pending + DELIVERIES_MAX && self.drop_oldest_ended() {}
    }

    /// False when all that are left are pending.
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

    /// Takes a delivery out, because it is none.
    pub(crate) fn take(&mut self, seq: u64) -> Option<Delivery> {
        let taken = self.kept.remove(self.place(seq)?)?;
        self.bytes -= taken.bytes();
        Some(Arc::unwrap_or_clone(taken))
    }

    /// Writes an attempt into the log.
    pub(crate) fn attempted(&mut self, seq: u64, attempt: Attempt) -> Option<&mut Delivery> {
        let place = self.place(seq)?;
        let delivery = Arc::make_mut(self.kept.get_mut(place)?);
        self.bytes += attempt.bytes();
        delivery.attempts.push(attempt);
        Some(delivery)
    }
}
