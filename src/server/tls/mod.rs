//! TLS towards clients: certificates, the local authority, plain requests at a TLS port.

mod acceptor;
mod authority;
mod authority_folder;
mod certificate;
mod handshake;
mod identity;
mod plain;

pub(crate) use self::acceptor::{Acceptor, TlsOptions};
pub(crate) use self::authority::{Authority, HostName};
pub(crate) use self::authority_folder::AUTHORITY_FILE;
pub(crate) use self::identity::{is_one_certificate, read_authorities};
pub(crate) use self::plain::PLAIN_WORDS;
