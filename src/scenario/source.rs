//! Where a fact comes from: documented, observed, inferred or decided.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// Where the knowledge of a fact comes from. Every endpoint and outcome has one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, VariantArray,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The provider's own documentation says so.
    Documented,
    /// Seen in responses of the real API, or in the code of several public clients.
    Observed,
    /// Concluded from the conventions of the parent company, or from one weak source.
    Inferred,
    /// Nothing is public. The sandbox chose this.
    #[default]
    Decided,
}

impl Source {
    /// Whether a test that depends on the fact says something about the real service.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::Documented | Self::Observed)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::Decided => "decided",
        }
    }
}
