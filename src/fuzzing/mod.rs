//! What the fuzz targets do with their bytes, and threads against shared structures; only in tests and fuzzers.
//!
//! A target is a function that panics where something is wrong. It looks not only for crashes: it also checks
//! the results, wherever a rule for them is known.

mod basic_auth;
mod control;
#[cfg(feature = "cli")]
mod foreign;
mod form;
#[cfg(feature = "cli")]
mod learn;
mod magic;
mod multipart;
#[cfg(feature = "cli")]
mod replay;
mod request;
mod scenario;
#[cfg(all(test, feature = "cli"))]
mod seeds;
mod stage;
mod state;
#[cfg(test)]
mod stress;
mod template;

pub use self::basic_auth::basic_auth;
pub use self::control::control;
#[cfg(feature = "cli")]
pub use self::foreign::foreign;
pub use self::form::form;
#[cfg(feature = "cli")]
pub use self::learn::learn;
pub use self::magic::magic;
pub use self::multipart::multipart;
#[cfg(feature = "cli")]
pub use self::replay::replay;
pub use self::request::request;
pub use self::scenario::scenario;
pub use self::state::state;
pub use self::template::template;
