//! `GET /__sandbox/export`: all that happened in a world, one JSON object a line. `replay` reads it.

mod control_line;
mod delivery_line;
mod exchange_line;
mod export;
mod head;

#[cfg(feature = "cli")]
pub(crate) use self::delivery_line::delivery_lines;
#[cfg(feature = "cli")]
pub(crate) use self::exchange_line::exchange_line;
pub(super) use self::export::answer;
