//! What was asked and answered: kept, searched, verified, hidden.

mod exchange;
mod journal;
mod mask;
mod progress;
mod query;
mod query_naming;
mod query_reading;
mod redaction;
mod verify;
mod wait;

pub(crate) use self::exchange::{Content, Why};
pub(crate) use self::journal::{ENTRIES_MAX, Journal, NO_WORLD, head_text, thumbnails_bytes};
pub use self::journal::{Exchange, KeptBody};
pub(crate) use self::mask::Mask;
pub use self::query::{Difference, Query};
pub(crate) use self::query::{Expected, Field, Judgement};
pub(crate) use self::redaction::{
    PERSONAL, redact_delivery, redact_exchange, redact_explanation, redact_not_verified,
    redact_path, redact_received,
};
pub use self::verify::{Expectation, NearMiss, NotVerified, Verified, verify};
pub(crate) use self::wait::{Excerpt, Kept, Wait};
