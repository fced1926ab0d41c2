//! The form of delays, faults and rate limits in scenario files and in the control API.

use serde::Deserialize;

use crate::base::{Delay, Fault, Probability, RateLimit};

/// `delay = "3s"`, `"uniform(1s, 3s)"`, `{ uniform = ["1s", "3s"] }` or
/// `{ lognormal = { median = "300ms", sigma = 0.5 } }`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "must be a duration such as `\"3s\"`, or a table: `{ uniform = [\"1s\", \"3s\"] }` or \
                 `{ lognormal = { median = \"300ms\", sigma = 0.5 } }`"
)]
pub(crate) enum DelayPart {
    Text(String),
    Uniform { uniform: (String, String) },
    LogNormal { lognormal: LogNormalPart },
}

/// A log-normal distribution: half of the delays are shorter than the median.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LogNormalPart {
    /// The median: half of the delays are shorter.
    pub median: String,
    /// The spread (standard deviation of the logarithm): 0 is always the median, 1 is wide.
    pub sigma: f64,
}

/// `fault = "truncate"`, `503`, or `{ kind = "reset", probability = 0.3 }`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "must be a fault such as `\"truncate\"`, a status, or a table of `kind` and `probability`"
)]
pub(crate) enum FaultPart {
    Text(String),
    Status(u16),
    Full {
        kind: KindPart,
        #[serde(default = "always")]
        probability: f64,
    },
}

/// The name of a fault, or an HTTP status.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "must be a fault such as `\"truncate\"`, or a status"
)]
pub(crate) enum KindPart {
    Text(String),
    Status(u16),
}

/// `rate_limit = { limit = 5, window = "1s" }`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RateLimitPart {
    /// Number of requests per window.
    pub limit: u32,
    /// Length of the window. A window begins with its first request.
    pub window: String,
}

fn always() -> f64 {
    1.0
}

impl DelayPart {
    pub(crate) fn delay(&self) -> Result<Delay, String> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Uniform {
                uniform: (from, to),
            } => Delay::uniform(from, to),
            Self::LogNormal { lognormal } => Delay::log_normal(&lognormal.median, lognormal.sigma),
        }
    }
}

impl FaultPart {
    pub(crate) fn fault(&self) -> Result<(Fault, Probability), String> {
        let sure = |fault| (fault, Probability::ALWAYS);
        match self {
            Self::Text(text) => text.parse().map(sure),
            Self::Status(status) => status.to_string().parse().map(sure),
            Self::Full { kind, probability } => {
                Ok((kind.fault()?, Probability::new(*probability)?))
            }
        }
    }
}

impl KindPart {
    pub(crate) fn fault(&self) -> Result<Fault, String> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Status(status) => status.to_string().parse(),
        }
    }
}

impl RateLimitPart {
    pub(crate) fn rate_limit(&self) -> Result<RateLimit, String> {
        RateLimit::new(self.limit, &self.window)
    }
}
