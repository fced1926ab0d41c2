//! One connection: its protocol, its time limits, its end.

mod begun;
mod connection;
mod http2;
mod unreadable;

pub(crate) use self::connection::serve;
