//! The callbacks of a world: planned, due, and the result of each attempt.

mod delivery;
mod line;
mod log;
mod outbox;
mod turns;
mod unsent;

pub use self::delivery::DeliveryState;
pub(crate) use self::delivery::{
    DEPTH_MAX, Delivery, Ended, TokenSent, delivery_id, event_seq_of, no_url, seq_of,
};
pub(crate) use self::log::{
    LogUrl, log_attempt, log_cancelled, log_ended, log_ordered, log_url_test,
};
pub(in crate::world) use self::outbox::PendingCounts;
pub(crate) use self::outbox::{Callbacks, PENDING_MAX, REPLY_TIME, RegisteredUrl, WAIT};
pub(crate) use self::turns::Turn;
pub(crate) use self::unsent::{UNSENT_MAX, UnsentEvent};
