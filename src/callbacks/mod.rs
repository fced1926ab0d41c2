//! Sends what worlds have in their outboxes; the only way out.

mod courier;
mod egress;
mod options;
#[cfg(feature = "tls")]
mod trust;

pub(crate) use self::courier::{Advance, Courier, RECEIVER_TIME, advance, wake, written_secret};
pub(crate) use self::egress::Sent;
pub(crate) use self::options::CallbackOptions;
pub use self::options::{CallbackUrl, Retries};
#[cfg(feature = "tls")]
pub(crate) use self::trust::{Trust, connect_tls};
