//! Values with a text form: time, chance, keys, URLs, delays, faults. It does not know requests or the sandbox.

mod api_key;
mod behaviour;
mod clock;
mod delay;
mod dice;
mod fault;
mod panics;
mod rate_limit;
mod receiver_url;
mod share;
mod sync;
mod text;

pub(crate) use self::api_key::PREFIXES;
pub use self::api_key::{ApiKey, PUBLIC_KEY};
pub(crate) use self::behaviour::{BEHAVIOURS, Behaviour};
pub use self::clock::{Clock, Stamp};
pub(crate) use self::clock::{Moment, microseconds, milliseconds, parse_duration};
pub(crate) use self::delay::{Delay, duration_text};
pub(crate) use self::dice::{Dice, Mix};
pub(crate) use self::fault::{BROKEN_MAX, FAULTS, Fault, Probability, no_json};
pub(crate) use self::panics::{
    Panicked, Panics, contained, contained_async, log_panic, pass_panic_on,
};
pub(crate) use self::rate_limit::{RateLimit, RateStanding, WINDOWS_MAX, Window, Windows};
pub(crate) use self::receiver_url::ReceiverUrl;
pub(crate) use self::share::grow_share;
pub(crate) use self::sync::{lock, read_lock, write_lock};
pub(crate) use self::text::{
    hex, listed, nearest, nearest_clause, nearest_or_all, nearest_sentence, reason, short,
    shortened,
};
