//! Which kinds of items a coverage counts.

use std::str::FromStr;

/// The parameter `only`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CountedKinds {
    /// The endpoints' own outcomes, the errors that requests provoke without a magic reply, and a normal callback of each
    /// type.
    #[default]
    Usual,
    /// Every error that a magic reply can ask for, and nothing else.
    Errors,
    /// A normal callback of each type and every misbehaviour, and nothing else.
    Callbacks,
}

impl FromStr for CountedKinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "errors" => Ok(Self::Errors),
            "callbacks" => Ok(Self::Callbacks),
            _ => Err("it is errors or callbacks".to_owned()),
        }
    }
}
