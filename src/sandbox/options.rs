//! The options of a sandbox, and why a start can fail.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::base::{ApiKey, Clock, Panics};
use crate::callbacks::CallbackOptions;
use crate::http::ControlToken;
use crate::scenario::{DateForm, LoadErrors};

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
pub(crate) struct Options {
    pub seed: u64,
    pub clock: Clock,
    pub scenarios: Vec<PathBuf>,
    pub api_keys: Vec<ApiKey>,
    pub dates: Option<DateForm>,
    pub strict_reload: bool,
    /// Answers only what is documented or observed.
    pub strict: bool,
    /// Personal fields are not shown.
    pub redact: bool,
    pub callbacks: CallbackOptions,
    pub control_token: Option<ControlToken>,
    /// Only where the tests bring panics about.
    pub test_panics: Option<Panics>,
    #[cfg(feature = "tls")]
    pub tls: crate::server::TlsOptions,
    /// Draws no uploads, whoever looks on.
    pub no_thumbnails: bool,
}

/// Why a sandbox did not start.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::Sandbox;
///
/// let url = "http://127.0.0.1:8080/".parse().unwrap();
/// let error = Sandbox::builder().callback("NAME_VALIDATOR", url).start().await.unwrap_err();
/// assert!(
///     error.to_string().starts_with("no product sends callbacks of the type `NAME_VALIDATOR`: there are ")
/// );
/// # });
/// ```
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A scenario file is broken.
    #[error(transparent)]
    Scenarios(#[from] LoadErrors),
    /// A URL was given for callbacks that no product sends.
    #[error("no product sends callbacks of the type `{unknown}`: there are {}", .known.join(", "))]
    CallbackType { unknown: String, known: Vec<String> },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {}", crate::base::reason(.error))]
    Bind {
        address: SocketAddr,
        error: io::Error,
    },
    /// TLS cannot be set up: a certificate, a key or the folder of the authority is not as it has to be.
    #[error("{0}")]
    Tls(String),
}
