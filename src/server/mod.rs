//! From a socket to a request and back: ports, TLS, HTTP/1.1 and 2, bodies, faults on the wire.

mod body;
mod connection;
mod effect;
mod pace;
mod ports;
mod respond;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub(crate) use self::body::SHARES_MAX;
pub(crate) use self::connection::PacedIo;
pub(crate) use self::effect::ReplyBody;
pub(crate) use self::pace::Pace;
pub(crate) use self::ports::{Ports, Secured};
pub(crate) use self::respond::{Gone, listen, respond, serve};
#[cfg(feature = "tls")]
pub(crate) use self::tls::{
    AUTHORITY_FILE, Authority, HostName, PLAIN_WORDS, TlsOptions, is_one_certificate, provider,
    read_authorities,
};
