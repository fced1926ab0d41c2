//! Sends the callbacks in the outboxes of worlds. Nothing else opens outgoing connections.

mod advance;
mod courier;
mod egress;
mod options;
mod reach;
mod run;
#[cfg(feature = "tls")]
mod trust;

pub(crate) use self::advance::Advance;
pub(crate) use self::courier::{Courier, RECEIVER_TIME};
pub(crate) use self::egress::AttemptResult;
pub(crate) use self::options::CallbackOptions;
pub use self::options::{CallbackUrl, Retries};
#[cfg(feature = "tls")]
pub(crate) use self::trust::{Trust, connect_tls, provider};
