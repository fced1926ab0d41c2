//! `GET /__sandbox/unused`: fails if a test has prepared or caused something that it made no use of.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::ControlAnswer;
use crate::world::World;

/// 200 if everything was used, else 417 with a sentence about each thing.
pub(super) fn answer(world: &Arc<World>) -> ControlAnswer {
    let unused = world.unused();
    let mut body = json!({
        "queued": unused.queued,
        "faults": unused.faults,
        "callbacks": unused.callbacks,
        "why": unused.sentences,
    });
    if unused.is_empty() {
        return (StatusCode::OK, body);
    }
    body["error"] = "unused".into();
    body["message"] = Value::String(unused.message());
    (StatusCode::EXPECTATION_FAILED, body)
}
