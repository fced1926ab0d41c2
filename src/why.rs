//! Why a request was answered as it was: kept with its exchange, for the one who asks later.

use std::sync::Arc;

use crate::choice::By;
use crate::endpoint::Outcome;

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
