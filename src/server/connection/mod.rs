//! One connection: its protocol, its time limits, its end.

mod begun;
mod connection;
mod http2;
mod unreadable;

#[cfg(any(test, fuzzing))]
pub(crate) use self::connection::HEAD_BYTES_MAX;
pub(crate) use self::connection::serve;
