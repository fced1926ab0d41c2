//! One connection: its protocol, its limits of time, its end.

mod begun;
mod connection;
mod http2;

pub(crate) use self::connection::serve;
