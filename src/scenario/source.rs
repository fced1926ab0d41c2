//! Where a fact comes from: documented, observed, inferred or decided.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// How well a fact is known. Every endpoint and outcome carries one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, VariantArray,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// In the provider's own documentation.
    Documented,
    /// Seen in replies of the real API, or in what several public clients send and read.
    Observed,
    /// From the parent company's conventions, or one weak source.
    Inferred,
    /// Nothing is public; this is the sandbox's choice.
    #[default]
    Decided,
}

impl Source {
    /// Whether a test that rests on it proves anything of the real service.
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
