//! How callbacks are sent, from flags and the builder.

use std::str::FromStr;
use std::time::Duration;

use super::egress::Egress;
use crate::base::{ReceiverUrl, nearest_clause, parse_duration};

/// How callbacks are sent.
#[derive(Clone, Debug)]
pub(crate) struct CallbackOptions {
    /// Default URLs by type.
    pub urls: Vec<(String, ReceiverUrl)>,
    pub egress: Egress,
    /// The first host that was given and could never have an effect, as a sentence. The start reports it.
    pub wrong_host: Option<String>,
    /// The delay of the next attempt after each failure.
    pub retries: Vec<Duration>,
    pub signing: bool,
    pub second_token_header: bool,
}

impl Default for CallbackOptions {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            egress: Egress::default(),
            wrong_host: None,
            retries: Retries::Fast.delays(),
            signing: false,
            second_token_header: false,
        }
    }
}

/// A URL that callbacks can be sent to: `"http://127.0.0.1:8080/callbacks".parse()`.
///
/// ```
/// use iluma_sandbox::CallbackUrl;
///
/// assert!("http://127.0.0.1:8080/callbacks".parse::<CallbackUrl>().is_ok());
/// assert_eq!(
///     "ftp://127.0.0.1/".parse::<CallbackUrl>().unwrap_err(),
///     "`ftp://127.0.0.1/` is not an http URL"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct CallbackUrl(pub(crate) ReceiverUrl);

impl FromStr for CallbackUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ReceiverUrl::parse(text).map(Self)
    }
}

impl FromStr for Retries {
    type Err = String;

    /// Parses `fast`, `realistic`, `none`, or durations with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fast" => Ok(Self::Fast),
            "realistic" => Ok(Self::Realistic),
            "none" => Ok(Self::After(Vec::new())),
            list => {
                let delays = list.split(',').map(|delay| parse_duration(delay.trim()));
                delays.collect::<Result<_, _>>().map(Self::After).map_err(|_| {
                    let near = nearest_clause(text, ["fast", "realistic", "none"]);
                    format!("`{text}` is none of `fast`, `realistic`, `none`, and no list such as `1s,10s,1m`{near}")
                })
            }
        }
    }
}

/// When a failed callback is tried again.
///
/// ```
/// use std::time::Duration;
/// use iluma_sandbox::Retries;
///
/// assert_eq!("fast".parse(), Ok(Retries::Fast));
/// assert_eq!("1s".parse(), Ok(Retries::After(vec![Duration::from_secs(1)])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retries {
    /// After 1, 2, 4, 8, 16 and 32 seconds.
    Fast,
    /// After 15 and 45 minutes, 2, 3, 6 and 12 hours, as the provider's parent company publishes.
    Realistic,
    /// After each of these delays. An empty list means no retries.
    After(Vec<Duration>),
}

impl Retries {
    pub(crate) fn delays(&self) -> Vec<Duration> {
        let seconds: &[u64] = match self {
            Self::Fast => &[1, 2, 4, 8, 16, 32],
            Self::Realistic => &[900, 2700, 7200, 10_800, 21_600, 43_200],
            Self::After(delays) => return delays.clone(),
        };
        seconds
            .iter()
            .map(|seconds| Duration::from_secs(*seconds))
            .collect()
    }
}
