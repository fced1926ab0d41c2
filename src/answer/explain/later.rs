//! What became of an answer: its record, and the callbacks of that.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::words::milliseconds;
use crate::world::{Exchange, World};

/// The record that came of it, what it becomes, and its callbacks.
pub(super) fn add_life(told: &mut Value, world: &World, exchange: &Exchange) {
    let Some(id) = exchange.why.record.as_deref() else {
        return;
    };
    let state = world.state();
    let mut record = json!({"id": id});
    if let Some(kept) = state.records.get(id) {
        let now = Instant::now();
        let shown = kept.version_at(now, state.callbacks.advanced);
        record["shows"] = shown.outcome.to_str().unwrap_or_default().into();
        let changes = kept.changes().map(|(after, version)| {
            json!({
                "after": format!("{after:?}"),
                "after_ms": milliseconds(after),
                "outcome": version.outcome.to_str().unwrap_or_default(),
            })
        });
        record["changes"] = changes.collect();
    }
    told["record"] = record;
    let of_record = |id: &str| {
        let deliveries = state.callbacks.log.newest_first();
        deliveries
            .filter(|one| one.record.as_deref() == Some(id))
            .map(|one| {
                json!({
                    "id": one.id(),
                    "type": &*one.callback_type,
                    "outcome": &*one.outcome,
                    "url": one.url.as_str(),
                    "state": one.state,
                    "attempts": one.attempts.len(),
                    "next_try": one.next_try.map(|at| at.to_string()),
                    "on_purpose": one.on_purpose,
                    "reason": one.reason,
                })
            })
            .collect::<Vec<_>>()
    };
    let mut callbacks = of_record(id);
    callbacks.reverse();
    told["callbacks"] = callbacks.into();
}
