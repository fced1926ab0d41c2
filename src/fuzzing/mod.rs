//! What a fuzz target does with its bytes, and threads against shared structures; only in tests and fuzzers.

mod basic_auth;
mod control;
mod form;
mod magic;
mod multipart;
mod request;
mod scenario;
#[cfg(any(test, fuzzing))]
mod seeds;
mod stage;
#[cfg(test)]
mod stress;
mod template;

pub use self::basic_auth::basic_auth;
pub use self::control::control;
pub use self::form::form;
pub use self::magic::magic;
pub use self::multipart::multipart;
pub use self::request::request;
pub use self::scenario::scenario;
pub use self::template::template;
