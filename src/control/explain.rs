//! `GET /__sandbox/explain/{trace}`: why an exchange was answered as it was.

use hyper::StatusCode;
use serde_json::json;

use super::ask::{ControlAnswer, ControlRequest};
use crate::http::Refusal;
use crate::world::World;

/// A trace names its world. Where only some keys are let in, the world's own must be sent as well.
pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let context = request.context;
    let own = if context.engine.admits_all_keys() {
        None
    } else {
        Some(request.world()?)
    };
    let may_see = |world: &World| own.as_ref().is_none_or(|own| own.tag == world.tag);
    match context.explain_trace(request.path_parameter, may_see) {
        Ok(explanation) => Ok((StatusCode::OK, json!(explanation))),
        Err((status, message)) => Err(Refusal(status, "unknown_trace", message)),
    }
}
