//! Sends the callbacks in the outboxes of worlds. Nothing else opens connections; the commands connect through it.

mod advance;
#[cfg(feature = "cli")]
mod checked_host;
mod connect;
mod courier;
mod egress;
mod options;
mod reach;
mod resolver;
mod run;
mod slots;
#[cfg(feature = "tls")]
mod trust;
#[cfg(feature = "tls")]
mod verifier;
mod written;

pub(crate) use self::advance::Advance;
#[cfg(feature = "cli")]
pub(crate) use self::checked_host::CheckedHost;
#[cfg(feature = "cli")]
pub(crate) use self::connect::connect_to_host;
#[cfg(feature = "cli")]
pub(crate) use self::courier::{CallbackHead, RECEIVER_TIME, sign};
pub(crate) use self::courier::{Courier, DefaultUrl};
pub(crate) use self::egress::AttemptResult;
#[cfg(feature = "cli")]
pub(crate) use self::egress::callable_host;
pub(crate) use self::options::CallbackOptions;
pub use self::options::{CallbackUrl, Retries};
#[cfg(feature = "tls")]
pub(crate) use self::trust::{Trust, connect_tls, provider};
