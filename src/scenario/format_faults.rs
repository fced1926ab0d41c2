//! How files, and the control API, write delays, faults and rate limits.

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

/// Half of the draws are shorter than the median; the logarithm is normal with the deviation sigma.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LogNormalPart {
    /// The delay than which half of the draws are shorter.
    pub median: String,
    /// How far they spread: 0 is always the median, 1 is wide.
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

/// A fault by its name, or a status.
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
    /// Requests a window.
    pub limit: u32,
    /// Begins with the first of them.
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
