//! How an answer was decided. It is kept with its exchange for later explanations.

use std::sync::Arc;

use crate::base::Fault;
use crate::catalogue::{Outcome, ReplyId};
use crate::world::attempt::Attempt;

/// The facts of a decision that cannot be derived again from the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    /// The endpoint of the request, even if the request was refused.
    pub endpoint: Option<Arc<str>>,
    /// The catalogue that answered.
    pub generation: u64,
    pub by: DecidedBy,
    /// The outcome that was chosen. If it is a sequence or a draw, another outcome answered.
    pub chosen: Option<Arc<Outcome>>,
    /// The turn of a sequence or the draw of a weighted outcome, counted from 1; 0 for other outcomes.
    pub turn: u32,
    /// True when `async` put a pending outcome before the chosen one.
    pub is_pending_first: bool,
    /// The call number of its endpoint, counted from 1, if a rule counts calls.
    pub nth: u64,
    /// True when the request was refused for another reason, so that the chosen outcome did not answer.
    pub is_refused: bool,
    /// The record that was made or read.
    pub record: Option<Arc<str>>,
    /// The answer that was given.
    pub reply: ReplyId,
    /// The test of a callback URL that was not registered because of it.
    pub failed_test: Option<Arc<Attempt>>,
    /// The fault that broke the reply on purpose.
    pub fault: Option<Fault>,
}

impl Decision {
    /// Whether an outcome answered. Otherwise the request was refused, for its input or for another reason.
    pub(crate) fn is_accepted(&self) -> bool {
        self.by != DecidedBy::Nothing && !self.is_refused
    }
}

/// What chose the outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DecidedBy {
    /// Nothing: the request was refused earlier, or is not for a product.
    #[default]
    Nothing,
    Magic,
    /// The world's queue.
    Next,
    /// A magic value in the data, by its number among the endpoint's magic values. None for a file's name.
    Data(Option<u32>),
    /// A `when` rule, by its number in the order in which they are tried.
    Rule(u32),
    DummyData,
    Default,
    /// The record that was read.
    Record,
}
