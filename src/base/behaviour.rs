//! How a callback can misbehave on purpose.

use std::str::FromStr;
use std::time::Duration;

use super::clock::parse_duration;
use super::delay::duration_text;
use super::text::nearest_sentence;

/// How a callback is delivered. Every variant but `Normal` is a fault on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behaviour {
    #[default]
    Normal,
    /// The callback is lost.
    None,
    /// The same bytes are sent twice.
    Duplicate,
    Late(Duration),
    /// The reply waits until the receiver has answered, 5 s at most.
    Early,
    /// The callback is sent after the next one.
    Reorder,
    WrongToken,
    NoToken,
    /// An older state of the record is sent again, after the new one.
    Stale,
    Truncated,
    InvalidJson,
    UnknownFields,
}

pub(crate) const BEHAVIOURS: [&str; 11] = [
    "none",
    "duplicate",
    "late(10s)",
    "early",
    "reorder",
    "wrong-token",
    "no-token",
    "stale",
    "truncated",
    "invalid-json",
    "unknown-fields",
];

impl FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(delay) = text
            .strip_prefix("late(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            return parse_duration(delay).map(Self::Late);
        }
        Ok(match text {
            "none" => Self::None,
            "duplicate" => Self::Duplicate,
            "early" => Self::Early,
            "reorder" => Self::Reorder,
            "wrong-token" => Self::WrongToken,
            "no-token" => Self::NoToken,
            "stale" => Self::Stale,
            "truncated" => Self::Truncated,
            "invalid-json" => Self::InvalidJson,
            "unknown-fields" => Self::UnknownFields,
            _ => {
                let near = nearest_sentence(text, BEHAVIOURS);
                return Err(format!(
                    "`{text}` is no way for a callback to go.{near} Known are {}.",
                    BEHAVIOURS.join(", ")
                ));
            }
        })
    }
}

impl Behaviour {
    /// The behaviour as it is written, such as `late(10s)`. A callback without a fault is `normal`.
    pub(crate) fn words(self) -> String {
        self.on_purpose().unwrap_or_else(|| "normal".to_owned())
    }

    /// Its entry in [`BEHAVIOURS`], or `normal`. All late callbacks have the same entry.
    pub(crate) fn kind(self) -> &'static str {
        let words = self.words();
        let name = words.split('(').next().unwrap_or_default();
        let known = BEHAVIOURS
            .into_iter()
            .find(|known| known.split('(').next() == Some(name));
        known.unwrap_or("normal")
    }

    /// The fault as it is written, for the log. None for `Normal`.
    pub(crate) fn on_purpose(self) -> Option<String> {
        let words = match self {
            Self::Normal => return None,
            Self::None => "none",
            Self::Duplicate => "duplicate",
            Self::Late(delay) => return Some(format!("late({})", duration_text(delay))),
            Self::Early => "early",
            Self::Reorder => "reorder",
            Self::WrongToken => "wrong-token",
            Self::NoToken => "no-token",
            Self::Stale => "stale",
            Self::Truncated => "truncated",
            Self::InvalidJson => "invalid-json",
            Self::UnknownFields => "unknown-fields",
        };
        Some(words.to_owned())
    }
}
