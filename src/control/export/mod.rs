//! `GET /__sandbox/export`: all that happened in a world, one JSON object a line. `replay` reads it.

mod control_line;
mod export;
mod head;

pub(super) use self::export::answer;
