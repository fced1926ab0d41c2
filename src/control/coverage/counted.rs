//! Which kinds of items a coverage counts.

/// The parameter `only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountedKinds {
    /// The endpoints' own outcomes, the errors that requests provoke without a magic reply, and a normal callback of each
    /// type.
    Usual,
    /// Every error that a magic reply can ask for, and nothing else.
    Errors,
    /// A normal callback of each type and every misbehaviour, and nothing else.
    Callbacks,
}

impl CountedKinds {
    pub(super) const NAMES: [&str; 2] = ["errors", "callbacks"];

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "errors" => Some(Self::Errors),
            "callbacks" => Some(Self::Callbacks),
            _ => None,
        }
    }
}
