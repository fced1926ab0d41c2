//! The callbacks of a world: planned, due, and the result of each attempt.

mod delivery;
mod line;
mod outbox;
mod turns;
mod unsent;

pub use self::delivery::DeliveryState;
pub(crate) use self::delivery::{
    Attempt, DEPTH_MAX, Delivery, Ended, TokenSent, delivery_id, event_seq_of, no_url, seq_of,
};
pub(in crate::world) use self::outbox::PendingCounts;
pub(crate) use self::outbox::{Callbacks, PENDING_MAX, REPLY_TIME, RegisteredUrl, WAIT};
pub(crate) use self::turns::Turn;
pub(crate) use self::unsent::{UNSENT_MAX, UnsentEvent};
