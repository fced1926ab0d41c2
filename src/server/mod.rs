//! From a socket to a request and back: ports, TLS, HTTP/1.1 and 2, bodies, faults on the wire.

mod accept;
mod beginning;
mod body;
mod broken_body;
mod connection;
mod follow_up;
mod gone;
mod in_memory;
mod listeners;
mod log;
mod multipart;
mod new_file;
mod pace;
mod ports;
mod protocol;
mod record;
mod recording;
#[cfg(feature = "cli")]
mod replayed_request;
mod respond;
mod sabotage;
mod serving;
mod socket;
mod state;
mod stop_signal;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use self::accept::{STOP_TIME, serve};
#[cfg(any(test, fuzzing))]
pub(crate) use self::connection::HEAD_BYTES_MAX;
pub(crate) use self::in_memory::InMemory;
pub(crate) use self::listeners::{Place, listen};
#[cfg(feature = "tls")]
pub(crate) use self::new_file::{NewFile, Readers, create, overwrite};
pub(crate) use self::ports::{OpenError, Ports, Secured};
pub(crate) use self::recording::RecordingFile;
#[cfg(feature = "cli")]
pub(crate) use self::replayed_request::{RecordedRequest, answer_again};
pub(crate) use self::serving::Serving;
#[cfg(any(test, fuzzing))]
pub(crate) use self::state::load_lines;
pub(crate) use self::state::{StateFile, StateKeeper};
#[cfg(feature = "tls")]
pub(crate) use self::tls::{
    AUTHORITY_FILE, Authority, HostName, PLAIN_WORDS, TlsOptions, is_one_certificate,
    read_authorities,
};
