//! How an answer was decided: kept with its exchange, for the one who asks later.

use std::sync::Arc;

use crate::catalogue::Outcome;

/// What cannot be worked out again from the request alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Why {
    /// The endpoint that was asked, also where the request was refused.
    pub endpoint: Option<Arc<str>>,
    /// The catalogue that answered.
    pub generation: u64,
    pub by: By,
    /// The outcome that was chosen; another may have answered where it is a sequence.
    pub chosen: Option<Arc<Outcome>>,
    /// The how-many-th turn of a sequence, the how-many-th draw of a weighted one; 0 for others.
    pub turn: u32,
    /// The how-many-th call of its endpoint this was, where a rule counts them.
    pub nth: u64,
    /// What was chosen did not answer: the request was refused for a reason of its own.
    pub is_refused: bool,
    /// The record that was made or read.
    pub record: Option<Arc<str>>,
}

/// What chose an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum By {
    /// Nothing did: the request was refused before, or asks for no product.
    #[default]
    Nothing,
    Magic,
    /// The world's queue.
    Next,
    /// A magic value in the data, by its number among the endpoint's; none for a file's name.
    Data(Option<u32>),
    /// A `when`, by its number in the order of trying.
    Rule(u32),
    DummyData,
    Default,
    /// The record that was read.
    Record,
}
