//! The callbacks of a world: planned, due, and the result of each attempt.

mod delivery;
mod line;
mod log;
mod outbox;

pub use self::delivery::DeliveryState;
pub(crate) use self::delivery::{DEPTH_MAX, Delivery, Ended, TokenSent, delivery_id, seq_of};
pub(crate) use self::log::{
    LogUrl, log_attempt, log_cancelled, log_ended, log_ordered, log_url_test,
};
pub(crate) use self::outbox::{Callbacks, REPLY_TIME, RegisteredUrl, WAIT};
