//! The options of a sandbox, and why a start can fail.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::answer::UnknownType;
use crate::base::{ApiKey, Clock, Memory, Panics};
use crate::callbacks::CallbackOptions;
use crate::catalogue::{self, Current};
use crate::http::ControlToken;
use crate::scenario::{DateForm, LoadErrors};
use crate::server::OpenError;

/// Lists commands, each with its purpose.
pub(crate) type Commands = fn() -> Vec<(String, String)>;

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
pub(crate) struct Options {
    pub seed: u64,
    /// None for the default, which depends on the process.
    pub memory: Option<Memory>,
    pub clock: Clock,
    pub scenarios: Vec<PathBuf>,
    pub api_keys: Vec<ApiKey>,
    pub dates: Option<DateForm>,
    pub strict_reload: bool,
    /// Only documented or observed behaviour is answered.
    pub strict: bool,
    /// Records are pending first.
    pub is_async: bool,
    /// Personal fields are not shown.
    pub redact: bool,
    pub callbacks: CallbackOptions,
    pub control_token: Option<ControlToken>,
    /// Panics that tests cause on purpose.
    pub test_panics: Panics,
    #[cfg(feature = "tls")]
    pub tls: crate::server::TlsOptions,
    /// Uploads are never drawn, even while an inspector is open.
    pub no_thumbnails: bool,
    /// The file that keeps the worlds.
    pub state: Option<PathBuf>,
    pub record: Option<PathBuf>,
    pub record_bytes_max: Option<u64>,
    /// The commands of the binary, each with its purpose.
    pub commands: Option<Commands>,
}

impl Options {
    /// Loads the shipped scenarios with the folders laid over them.
    pub(super) fn load(&self) -> Result<Current, LoadErrors> {
        Current::load(self.scenarios.clone(), self.dates, self.test_panics.clone())
    }
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
///     error.to_string().ends_with("of the type `NAME_VALIDATOR`: did you mean `NAME_VALIDATOR_REQUEST`?")
/// );
/// # });
/// ```
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A scenario file is broken.
    #[error(transparent)]
    Scenarios(#[from] LoadErrors),
    /// A URL was given for callbacks that no product sends.
    #[error("{}", unknown_type(.unknown, .known))]
    CallbackType { unknown: String, known: Vec<String> },
    /// A host for callbacks is written in a way that no URL has, or is never called.
    #[error("{0}")]
    CallbackHost(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {}", crate::base::reason(.error))]
    Bind {
        address: SocketAddr,
        error: io::Error,
    },
    /// The state file cannot be used: it is torn or of another sandbox, in use, or cannot be written.
    #[error("{0}")]
    State(String),
    /// The file of the recording cannot be used.
    #[error("{0}")]
    Recording(String),
    /// TLS cannot be set up: a certificate, a key or the folder of the authority is wrong.
    #[error("{0}")]
    Tls(String),
}

fn unknown_type(unknown: &str, known: &[String]) -> String {
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    catalogue::unknown_callback_type(unknown, &known)
}

impl From<UnknownType> for StartError {
    fn from(UnknownType { unknown, known }: UnknownType) -> Self {
        Self::CallbackType { unknown, known }
    }
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Bind { address, error } => Self::Bind { address, error },
            #[cfg(feature = "tls")]
            OpenError::Tls(message) => Self::Tls(message),
        }
    }
}
