//! How a callback can misbehave on purpose.

use std::str::FromStr;
use std::time::Duration;

use strum::{EnumDiscriminants, VariantArray};

use super::clock::parse_duration;
use super::delay::duration_text;
use super::fault::{with_value, word_and_value};
use super::text::nearest_sentence;

/// How a callback is delivered. Every variant but `Normal` is a fault on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(BehaviourKind), derive(Hash, VariantArray))]
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

impl BehaviourKind {
    fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::None => "none",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Early => "early",
            Self::Reorder => "reorder",
            Self::WrongToken => "wrong-token",
            Self::NoToken => "no-token",
            Self::Stale => "stale",
            Self::Truncated => "truncated",
            Self::InvalidJson => "invalid-json",
            Self::UnknownFields => "unknown-fields",
        }
    }

    /// The word with an example of its value, if it takes one.
    pub(crate) fn written(self) -> &'static str {
        match self {
            Self::Late => "late(10s)",
            Self::Normal
            | Self::None
            | Self::Duplicate
            | Self::Early
            | Self::Reorder
            | Self::WrongToken
            | Self::NoToken
            | Self::Stale
            | Self::Truncated
            | Self::InvalidJson
            | Self::UnknownFields => self.word(),
        }
    }

    /// Every kind but `Normal`, which nobody has to ask for.
    pub(crate) fn on_purpose() -> impl Iterator<Item = Self> + Clone {
        let all = Self::VARIANTS.iter().copied();
        all.filter(|kind| *kind != Self::Normal)
    }

    /// The behaviour of this kind. `value` stands in brackets after the word. None if it is missing or too much.
    fn behaviour(self, value: Option<&str>) -> Option<Result<Behaviour, String>> {
        let plain = match self {
            Self::Late => return Some(parse_duration(value?).map(Behaviour::Late)),
            Self::Normal => return None,
            Self::None => Behaviour::None,
            Self::Duplicate => Behaviour::Duplicate,
            Self::Early => Behaviour::Early,
            Self::Reorder => Behaviour::Reorder,
            Self::WrongToken => Behaviour::WrongToken,
            Self::NoToken => Behaviour::NoToken,
            Self::Stale => Behaviour::Stale,
            Self::Truncated => Behaviour::Truncated,
            Self::InvalidJson => Behaviour::InvalidJson,
            Self::UnknownFields => Behaviour::UnknownFields,
        };
        value.is_none().then_some(Ok(plain))
    }
}

/// Every behaviour that can be asked for, as it is written.
pub(crate) fn behaviours() -> Vec<&'static str> {
    BehaviourKind::on_purpose()
        .map(BehaviourKind::written)
        .collect()
}

impl FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, value) = word_and_value(text);
        let kind = BehaviourKind::VARIANTS
            .iter()
            .find(|kind| kind.word() == word);
        kind.and_then(|kind| kind.behaviour(value))
            .unwrap_or_else(|| {
                let known = behaviours();
                let near = nearest_sentence(text, known.iter().copied());
                Err(format!(
                    "`{text}` is no way for a callback to go.{near} Known are {}.",
                    known.join(", ")
                ))
            })
    }
}

impl Behaviour {
    pub(crate) fn kind(self) -> BehaviourKind {
        self.into()
    }

    /// The behaviour as it is written, such as `late(10s)`. A callback without a fault is `normal`.
    pub(crate) fn words(self) -> String {
        let word = self.kind().word();
        match self {
            Self::Late(delay) => with_value(word, Some(&duration_text(delay))),
            Self::Normal
            | Self::None
            | Self::Duplicate
            | Self::Early
            | Self::Reorder
            | Self::WrongToken
            | Self::NoToken
            | Self::Stale
            | Self::Truncated
            | Self::InvalidJson
            | Self::UnknownFields => word.to_owned(),
        }
    }

    /// The fault as it is written, for the log. None for `Normal`.
    pub(crate) fn on_purpose(self) -> Option<String> {
        (self != Self::Normal).then(|| self.words())
    }
}
