//! `GET /__sandbox/explain/{trace}`: why an exchange was answered as it was.

use std::collections::HashMap;

use hyper::StatusCode;

use super::ask::{Answer, only};
use super::context::Context;
use crate::answer::world;
use crate::http::{Call, Refusal};

/// A trace names its world. Where only some keys are let in, the world's own must be sent as well.
pub(super) fn answer(
    context: &Context,
    call: &Call,
    trace: &str,
    query: &HashMap<String, String>,
) -> Result<Answer, Refusal> {
    only(query, &[])?;
    let own = if context.engine.admits_all_keys() {
        None
    } else {
        Some(world(&context.engine, call, query)?)
    };
    let may_see = |world: &crate::world::World| own.as_ref().is_none_or(|own| own.tag == world.tag);
    match context.explain_trace(trace, may_see) {
        Ok(told) => Ok((StatusCode::OK, told)),
        Err((status, message)) => Err(Refusal(status, "unknown_trace", message)),
    }
}
