//! The control API for Rust tests, without a socket: the same orders, the same sentences.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::ask::json_sentence;
use super::context::Context;
use super::faults;
use crate::http::Refusal;
use crate::world::World;

/// As `PUT /__sandbox/faults`.
pub(crate) fn set_faults(context: &Context, world: &World, order: Value) -> Result<(), String> {
    let set = faults::set(
        &context.engine.catalogue(),
        world,
        read(order)?,
        Instant::now(),
    );
    set.map(|_| ()).map_err(sentence)
}

/// As `POST /__sandbox/trigger`; returns the delivery's number.
pub(crate) fn heal(world: &World) {
    faults::heal(world, Instant::now());
}

pub(crate) fn trigger_directly(
    context: &Arc<Context>,
    world: &Arc<World>,
    order: Value,
) -> Result<u64, String> {
    let (_, json) = super::trigger::fire(context, world, read(order)?).map_err(sentence)?;
    context.engine.worlds.drop_callbacks_beyond_limit();
    Ok(json["seq"].as_u64().expect("a delivery has a number"))
}

fn read<T: DeserializeOwned>(order: Value) -> Result<T, String> {
    serde_json::from_value(order)
        .map_err(|error| format!("this cannot be taken: {}", json_sentence(&error)))
}

fn sentence(Refusal(_, _, message): Refusal) -> String {
    message
}
