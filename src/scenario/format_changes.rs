//! The parts of a scenario file that say how a record changes later, and which callbacks follow.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::tree::Spanned;

/// Whether a callback is sent, and how it misbehaves.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "must be true, false, or how the callback misbehaves"
)]
pub(crate) enum CallbackRule {
    Follows(bool),
    Behaves(String),
}

/// Whether a record is pending before it has its outcome: `true` for a second, `false`, or a time such as `"30s"`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "must be true, false, or a time such as \"30s\"")]
pub(crate) enum PendingRule {
    Is(bool),
    For(String),
}

/// `then = { after = "1s", outcome = "COMPLETED_FOUND" }`, or a list of such tables.
#[derive(Debug)]
pub(crate) struct ThenRule(pub Vec<ThenPart>);

/// A later change of a record.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ThenPart {
    /// The time since the response or the previous change: `250ms`, `10s`, `5m`, `2h` or `3d`.
    pub after: Spanned<String>,
    /// The outcome whose body the record has from then on.
    pub outcome: Spanned<String>,
    /// Whether this change sends a callback, and how it misbehaves. Overrides the `callback` of the outcome.
    pub callback: Option<Spanned<CallbackRule>>,
}

impl<'de> Deserialize<'de> for ThenRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ThenVisitor;

        impl<'de> Visitor<'de> for ThenVisitor {
            type Value = ThenRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of `after` and `outcome`, or a list of such tables")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ThenRule, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = items.next_element()? {
                    parts.push(part);
                }
                Ok(ThenRule(parts))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<ThenRule, A::Error> {
                let part = ThenPart::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(ThenRule(vec![part]))
            }
        }

        deserializer.deserialize_any(ThenVisitor)
    }
}
