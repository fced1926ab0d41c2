//! `GET /__sandbox/export`: all that happened in a world, one JSON object a line. `replay` reads it.

mod control_line;
mod delivery_line;
mod exchange_line;
mod export;
mod head;

pub(super) use self::control_line::control_line;
pub(super) use self::delivery_line::delivery_line;
#[cfg(feature = "cli")]
pub(crate) use self::delivery_line::delivery_lines;
pub(crate) use self::exchange_line::exchange_line;
#[cfg(feature = "cli")]
pub(crate) use self::exchange_line::masked;
pub(super) use self::export::answer;
pub(super) use self::head::{DroppedEntries, head, scenario_line};
