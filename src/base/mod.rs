//! Values with a text form: time, chance, keys, URLs, delays, faults. It does not know requests or the sandbox.

mod amount;
mod api_key;
mod behaviour;
mod clock;
mod commit;
mod control_groups;
mod delay;
mod dice;
mod fault;
mod field_path;
mod host;
mod http_url;
mod in_flight;
mod json_mistake;
mod json_number;
mod json_reading;
mod log_path;
mod log_text;
mod memory;
mod panics;
mod rate_limit;
mod receiver_url;
mod recycled_json;
mod share;
mod spellings;
mod sync;
mod text;
mod turns;

pub(crate) use self::amount::{size_in_words, time_in_words};
pub(crate) use self::api_key::PREFIXES;
#[cfg(test)]
pub(crate) use self::api_key::SECRET_CHARS;
pub use self::api_key::{ApiKey, PUBLIC_KEY};
pub(crate) use self::behaviour::{Behaviour, BehaviourKind, behaviours};
pub use self::clock::{Clock, Stamp};
pub(crate) use self::clock::{DURATION_MAX, Moment, microseconds, milliseconds, parse_duration};
pub(crate) use self::commit::Commit;
#[cfg(all(feature = "cli", target_os = "linux"))]
pub(crate) use self::control_groups::control_groups;
pub(crate) use self::delay::{Delay, duration_text};
pub(crate) use self::dice::{Dice, Mix};
pub(crate) use self::fault::{BROKEN_MAX, Fault, Probability, faults, no_json};
pub(crate) use self::field_path::{field_of, join_path, split_path};
pub(crate) use self::host::{Host, parse_authority};
pub(crate) use self::http_url::HttpUrl;
pub(crate) use self::in_flight::{Admission, InFlight, InFlightShare, NoRoom, held_with};
pub(crate) use self::json_mistake::{JsonMistake, looks_like_json, no_object_hint};
pub(crate) use self::json_number::{canonical_json, canonical_number, look_alike_json, same_json};
pub(crate) use self::json_reading::{UnreadableJson, read_exact_json, read_json};
pub(crate) use self::log_path::LogPath;
pub(crate) use self::log_text::{LogText, plain_line};
pub use self::memory::Memory;
#[cfg(feature = "cli")]
pub(crate) use self::memory::parse_size;
pub(crate) use self::panics::{
    Panicked, Panics, contained, contained_async, log_panic, pass_panic_on,
};
pub(crate) use self::rate_limit::{
    RateLimit, RateStanding, WINDOW_MAX, WINDOWS_MAX, Window, Windows,
};
pub(crate) use self::receiver_url::{Origin, ReceiverUrl};
pub(crate) use self::recycled_json::recycle_json;
pub(crate) use self::share::grow_share;
pub(crate) use self::spellings::{JsonPlace, Spellings, UNFIT_MAX};
pub(crate) use self::sync::{lock, read_lock, write_lock};
pub(crate) use self::text::{
    hex, is_invisible, listed, look_alike, named_near, nearest, nearest_clause, nearest_or_all,
    nearest_sentence, pointer_part, reason, short, shortened, snake_case, unknown_field, visible,
    visible_json, visible_lines,
};
pub(crate) use self::turns::{Turn, Turns};
