//! What was asked and answered: kept, searched, verified, hidden.

mod condition;
mod exchange;
mod expectation;
mod journal;
mod mask;
mod progress;
mod query;
mod query_naming;
mod query_reading;
mod redaction;
mod thumbnail;
mod verify;
mod wait;

pub use self::condition::Difference;
pub(crate) use self::condition::{Expected, Field};
pub(crate) use self::exchange::{By, Content, NO_WORLD, Why, head_text};
pub use self::exchange::{Exchange, KeptBody};
pub(crate) use self::expectation::{Excerpt, Wait};
pub use self::expectation::{Expectation, NearMiss, NotVerified, Verified};
pub(crate) use self::journal::{ENTRIES_MAX, Journal, thumbnails_bytes};
pub(crate) use self::mask::Mask;
pub(crate) use self::query::Judgement;
pub use self::query::Query;
pub(crate) use self::redaction::{
    PERSONAL, redact_delivery, redact_exchange, redact_explanation, redact_not_verified,
    redact_path, redact_received,
};
pub(crate) use self::thumbnail::Thumbnail;
pub use self::verify::verify;
pub(crate) use self::wait::Kept;
