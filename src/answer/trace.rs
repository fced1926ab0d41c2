//! The trace that the callbacks of a request carry on.

use std::sync::Arc;

use super::engine::Engine;
use crate::http::{Call, TraceContext};
use crate::world::World;

/// None for a request that names no trace.
pub(super) fn trace_of(engine: &Engine, world: &World, call: &Call) -> Option<Arc<TraceContext>> {
    let mut trace = TraceContext::of(call.headers())?;
    if let Some(id) = &trace.request_id
        && !engine.redacts
    {
        trace.logged_request_id = Some(world.mask().with_personal(true).hidden(id).into());
    }
    Some(Arc::new(trace))
}
