//! The callbacks of a world: planned, due, and the result of each attempt.

mod delivery;
mod line;
mod outbox;

pub use self::delivery::DeliveryState;
pub(crate) use self::delivery::{
    Attempt, DEPTH_MAX, Delivery, Ended, TokenSent, delivery_id, seq_of,
};
pub(crate) use self::outbox::{Callbacks, REPLY_TIME, RegisteredUrl, WAIT};
