//! A callback in an export.

use serde_json::Value;

#[cfg(feature = "cli")]
use super::exchange_line::masked;
use super::exchange_line::typed;
use crate::control::context::Context;
use crate::control::exchange_json::{commit_fields, time};
use crate::control::{deliveries, unsent};
use crate::world::{Delivery, World};

/// The delivery as in the list of deliveries, and what a replay needs.
pub(crate) fn delivery_line(context: &Context, tag: &str, delivery: &Delivery) -> Value {
    let mut fields = deliveries::delivery_json(context, delivery);
    fields["at"] = time(delivery.at);
    fields["world"] = tag.into();
    fields["callback_type"] = fields["type"].take();
    let attempts = fields["attempts"].as_array_mut().into_iter().flatten();
    for (json, attempt) in attempts.zip(&delivery.attempts) {
        let json = json.as_object_mut().expect("an attempt is an object");
        json.extend(commit_fields(&attempt.commit));
    }
    typed("delivery", fields)
}

/// All callbacks of a world, oldest first, and its events without a URL.
#[cfg(feature = "cli")]
pub(crate) fn delivery_lines(context: &Context, world: &World) -> Vec<Value> {
    let state = world.state();
    let mut deliveries: Vec<_> = (state.callbacks.log.shared()).cloned().collect();
    deliveries.reverse();
    let unsent: Vec<_> = unsent::due(&state.callbacks).cloned().collect();
    drop(state);
    let deliveries = deliveries.iter().map(|one| &**one).chain(&unsent);
    let lines = deliveries.map(|one| delivery_line(context, &world.tag, one));
    lines.map(|line| masked(context, line)).collect()
}
