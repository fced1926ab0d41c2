//! Sends the callbacks in the outboxes of worlds. Nothing else opens outgoing connections.

mod advance;
mod courier;
mod egress;
mod options;
mod reach;
mod run;
mod slots;
#[cfg(feature = "tls")]
mod trust;
mod written;

pub(crate) use self::advance::Advance;
pub(crate) use self::courier::{Courier, DefaultUrl, RECEIVER_TIME};
pub(crate) use self::egress::AttemptResult;
pub(crate) use self::options::CallbackOptions;
pub use self::options::{CallbackUrl, Retries};
#[cfg(feature = "tls")]
pub(crate) use self::trust::{Trust, connect_tls, provider};
