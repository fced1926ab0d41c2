//! One connection: its protocol, its time limits, its end.

mod begun;
mod calm;
mod connection;
mod head;
mod http2;
mod unreadable;

pub(crate) use self::connection::serve;
#[cfg(any(test, fuzzing))]
pub(crate) use self::head::HEAD_BYTES_MAX;
