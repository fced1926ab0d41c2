//! The record that a request made or read, and the callbacks of that record.

use tokio::time::Instant;

use super::attempt::ExplainedAttempt;
use super::explanation::{ExplainedCallback, ExplainedRecord, Explanation, RecordChange};
use crate::base::milliseconds;
use crate::world::{Delivery, Exchange, Record, World};

/// Adds the record of an exchange, its changes, and its callbacks.
pub(super) fn add_record(explanation: &mut Explanation, world: &World, exchange: &Exchange) {
    let Some(id) = exchange.decision.record.as_deref() else {
        return;
    };
    let state = world.state();
    let kept = state.records.get(id);
    let advanced = state.callbacks.advanced;
    explanation.record = Some(ExplainedRecord {
        id: id.to_owned(),
        shows: kept.map(|record| {
            let version = record.version_at(Instant::now(), advanced);
            version.outcome.shown().to_owned()
        }),
        changes: kept.map(changes),
    });
    let deliveries = state.callbacks.log.newest_first();
    let mut callbacks: Vec<_> = deliveries
        .filter(|delivery| delivery.record.as_deref() == Some(id))
        .map(explained_callback)
        .collect();
    let unsent = state.callbacks.unsent.newest_first();
    let unsent = unsent.filter(|event| event.delivery.record.as_deref() == Some(id));
    callbacks.extend(unsent.map(|event| explained_callback(&event.delivery)));
    callbacks.reverse();
    explanation.callbacks = Some(callbacks);
}

fn changes(record: &Record) -> Vec<RecordChange> {
    let changes = record.changes();
    changes
        .map(|(after, version)| RecordChange {
            after: format!("{after:?}"),
            after_ms: milliseconds(after),
            outcome: version.outcome.shown().to_owned(),
        })
        .collect()
}

fn explained_callback(delivery: &Delivery) -> ExplainedCallback {
    ExplainedCallback {
        id: delivery.id(),
        callback_type: delivery.callback_type.to_string(),
        outcome: delivery.outcome.to_string(),
        url: (delivery.url.as_ref()).map(|url| url.as_str().to_owned()),
        state: delivery.state,
        attempts: delivery.attempts.len(),
        next_try: delivery.next_try.map(|at| at.to_string()),
        on_purpose: delivery.on_purpose.clone(),
        reason: delivery.reason.clone(),
        last_attempt: delivery.attempts.last().map(ExplainedAttempt::of),
    }
}
