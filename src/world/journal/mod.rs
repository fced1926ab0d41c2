//! Requests and replies: kept, searched, verified, hidden.

mod callback_tokens;
mod condition;
mod decision;
mod exchange;
mod exchange_trace;
mod expectation;
mod journal;
mod kept_body;
mod mask;
mod progress;
mod query;
mod query_naming;
mod query_reading;
mod redaction;
mod verify;
mod wait;
mod waiters;

pub(crate) use self::callback_tokens::CallbackTokens;
pub use self::condition::Difference;
pub(crate) use self::condition::{Expected, RequestField};
pub(crate) use self::decision::{DecidedBy, Decision};
pub use self::exchange::Exchange;
pub(crate) use self::exchange::{Content, HEAD_KEPT_BYTES_MAX, NO_WORLD, head_text};
pub(crate) use self::expectation::Wait;
pub use self::expectation::{Expectation, NearMiss, NotVerified, Verified};
pub(crate) use self::journal::{JOURNAL_ENTRIES_MAX, Journal};
pub use self::kept_body::KeptBody;
pub(crate) use self::mask::Mask;
pub(crate) use self::query::Judgement;
pub use self::query::Query;
pub(crate) use self::redaction::{
    HiddenValues, redact_attempt, redact_delivery, redact_exchange, redact_not_verified,
    redact_path, redact_received, redacted_url,
};
pub use self::verify::verify;
pub(crate) use self::wait::JournalOf;
pub(crate) use self::waiters::Waiters;
