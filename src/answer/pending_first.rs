//! `async`: a record is pending first, then it has the outcome that the data chose.

use std::sync::Arc;

use super::product_request::ProductRequest;
use crate::base::Behaviour;
use crate::catalogue::{
    CallbackChoice, CallsBack, Endpoint, Outcome, PENDING_DEFAULT, PendingFirst, Then,
    weakest_stage,
};
use crate::world::DecidedBy;

/// The pending start of a record, and the change that ends it.
pub(super) struct PendingStart<'r> {
    pub pending: &'r Arc<Outcome>,
    pub then: Then,
}

impl<'r> PendingStart<'r> {
    /// None if the record has its outcome at once: the endpoint is not asynchronous, the request named the outcome, or
    /// the outcome is pending itself.
    pub(super) fn of(
        request: &ProductRequest<'r>,
        by: DecidedBy,
        outcome: &Outcome,
    ) -> Option<Self> {
        let endpoint = request.endpoint;
        let is_named = match by {
            DecidedBy::Rule(_) | DecidedBy::DummyData | DecidedBy::Default => false,
            DecidedBy::Nothing
            | DecidedBy::Magic
            | DecidedBy::Next
            | DecidedBy::Data(_)
            | DecidedBy::Record => true,
        };
        let keeps_records = endpoint
            .creation
            .as_ref()
            .is_some_and(|creation| creation.id_pattern.is_some());
        if is_named || !keeps_records || outcome.plan().is_none() || outcome.pending {
            return None;
        }
        let after = match endpoint.pending_first {
            PendingFirst::Never => return None,
            PendingFirst::For(time) => time,
            PendingFirst::Unwritten if !request.engine.is_async => return None,
            PendingFirst::Unwritten => PENDING_DEFAULT,
        };
        let pending = endpoint.pending_before(outcome)?;
        let is_by_flag = endpoint.pending_first == PendingFirst::Unwritten;
        if is_by_flag && request.is_strict && weakest_stage(endpoint, pending).is_some() {
            return None; // the flag is for endpoints that can pend; in strict mode, this one cannot
        }
        Some(Self {
            pending,
            then: Then {
                after,
                outcome: outcome.name.clone(),
                callback: Some(CallsBack(callback_after(outcome))),
            },
        })
    }

    /// Whether the change sends a callback.
    pub(super) fn sends_callback(&self, endpoint: &Endpoint) -> bool {
        let change = self.then.callback;
        endpoint.callback_type.is_some() && change.is_some_and(|change| change.0.is_some())
    }
}

/// The callback of an outcome that came later. A synchronous product sends none, but here its client waits for one.
fn callback_after(outcome: &Outcome) -> Option<Behaviour> {
    match outcome.callback_choice {
        CallbackChoice::Written | CallbackChoice::Inherited => outcome.callback,
        CallbackChoice::Unwritten => Some(Behaviour::Normal),
    }
}
