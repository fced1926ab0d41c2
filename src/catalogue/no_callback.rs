//! Why no callback follows an outcome.

use super::endpoint::{Endpoint, calls_back};
use super::outcome::{Answer, CallbackChoice, Outcome};

/// The reason why no callback follows an outcome of this endpoint. None if one follows.
pub(crate) fn no_callback(endpoint: &Endpoint, outcome: &Outcome) -> Option<&'static str> {
    match outcome.answer {
        Answer::Error { .. } => return Some("an error makes no record"),
        Answer::Sequence { .. } | Answer::Weighted(_) => {
            return Some("each outcome that it names decides for itself");
        }
        Answer::Body { .. } => {}
    }
    if endpoint.callback_type.is_none() {
        return Some("the endpoint has no `[callback]`");
    }
    if calls_back(endpoint, outcome) {
        return None;
    }
    Some(match outcome.callback_choice {
        CallbackChoice::Written => "`callback = false` turns it off",
        CallbackChoice::Inherited | CallbackChoice::Unwritten if outcome.pending => {
            "the record stays pending"
        }
        CallbackChoice::Inherited | CallbackChoice::Unwritten => {
            "the shipped outcome has none, because the product answers at once"
        }
    })
}
