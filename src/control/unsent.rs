//! The events whose type had no URL when they were due: what a list shows of them, and when waiting is in vain.

use std::sync::Arc;

use tokio::time::Instant;

use super::ask::bad_request;
use super::context::Context;
use super::delivery_filter::Filter;
use crate::catalogue;
use crate::http::Refusal;
use crate::world::{Callbacks, Delivery, DeliveryState, World, no_url};

/// The events that are due, newest first, in the form of deliveries.
pub(super) fn due(callbacks: &Callbacks) -> impl Iterator<Item = &Delivery> {
    let (now, advanced) = (Instant::now(), callbacks.advanced);
    let due = callbacks.unsent.newest_first();
    due.filter(move |event| event.is_due(now, advanced))
        .map(|event| &event.delivery)
}

/// The same with those that are not due yet.
pub(super) fn unsent(callbacks: &Callbacks) -> impl Iterator<Item = &Delivery> {
    let events = callbacks.unsent.newest_first();
    events.map(|event| &event.delivery)
}

/// The event with this number, if it is due.
pub(super) fn event(callbacks: &Callbacks, seq: u64) -> Option<&Delivery> {
    due(callbacks).find(|event| event.seq == seq)
}

/// When the next event that is asked for is due.
pub(super) fn next_due(callbacks: &Callbacks, filter: &Filter<'_>) -> Option<Instant> {
    let (now, advanced) = (Instant::now(), callbacks.advanced);
    (callbacks.unsent).next_due(now, advanced, |event| filter.names(event))
}

/// Whether waiting is in vain: an event that is asked for has no URL, and no delivery can come in its place. An event that
/// is not due yet counts too, because its time changes nothing.
pub(super) fn nothing_can_come(
    context: &Context,
    callbacks: &Callbacks,
    filter: &Filter<'_>,
) -> bool {
    let is_asked = |one: &&Delivery| filter.names(one);
    let mut pending = callbacks.log.newest_first().filter(is_asked);
    if filter.state == Some(DeliveryState::NoUrl)
        || !unsent(callbacks).any(|event| filter.names(event))
        || pending.any(|delivery| delivery.state.is_pending())
    {
        return false;
    }
    // A later request may cause another delivery, but not of this record, and not of a type without a URL.
    filter.record.is_some() || types_without_url(context, callbacks, filter).is_some()
}

/// Why waiting for any callback of a world is in vain; none if it is not.
pub(crate) fn in_vain(context: &Context, callbacks: &Callbacks) -> Option<Vec<String>> {
    let any = Filter::default();
    nothing_can_come(context, callbacks, &any).then(|| reasons(context, callbacks, &any))
}

/// When the next event without a URL is due.
pub(crate) fn next_unsent_due(callbacks: &Callbacks) -> Option<Instant> {
    next_due(callbacks, &Filter::default())
}

/// The events without a URL that are due, oldest first.
pub(crate) fn unsent_callbacks(callbacks: &Callbacks) -> Vec<Delivery> {
    let mut events: Vec<_> = due(callbacks).cloned().collect();
    events.reverse();
    events
}

/// The asked types, if none of them has a URL.
fn types_without_url(
    context: &Context,
    callbacks: &Callbacks,
    filter: &Filter<'_>,
) -> Option<Vec<String>> {
    let catalogue = context.engine.catalogue();
    let types = match filter.callback_type {
        Some(one) => vec![one.as_str()],
        None => catalogue::callback_types(&catalogue),
    };
    let has_url = |kind: &&str| {
        let url = context.engine.callback_url(&catalogue, callbacks, kind);
        url.is_some()
    };
    if types.iter().any(has_url) {
        return None;
    }
    Some(types.into_iter().map(str::to_owned).collect())
}

/// Why no delivery came that is asked for, as far as it is for want of a URL.
pub(super) fn reasons(
    context: &Context,
    callbacks: &Callbacks,
    filter: &Filter<'_>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let without = types_without_url(context, callbacks, filter);
    if filter.callback_type.is_some() {
        reasons.extend(without.iter().flatten().map(|kind| no_url(kind)));
    }
    for event in unsent(callbacks).filter(|event| filter.names(event)) {
        let reason = no_url(&event.callback_type);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() && without.is_some() {
        reasons.push(no_url("any callback type"));
    }
    reasons
}

/// Makes deliveries of the events that are not due yet and whose types have a URL now.
pub(super) fn schedule(context: &Context, world: &Arc<World>) {
    let mut state = world.state();
    if next_unsent_due(&state.callbacks).is_none() {
        return; // not even a look counts as a change of the world
    }
    context.engine.schedule_unsent(&mut state);
    context.courier.wake(world, &mut state);
}

/// Does this for all worlds whenever the scenario files were loaded again, because a folder can have default URLs, and
/// when a world has come back from a state file, because flags can have others since. It ends when the sandbox stops.
pub(crate) async fn schedule_after_reloads(context: Arc<Context>) {
    let mut reloads = context.engine.scenarios.reloads();
    let mut taken = context.engine.worlds.taken();
    taken.mark_changed(); // some may have come back before
    let mut stop = context.stop.clone();
    loop {
        tokio::select! {
            changed = reloads.changed() => if changed.is_err() { return },
            Ok(()) = taken.changed() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        for world in context.engine.worlds.all() {
            // It may have been dropped meanwhile.
            if let Some(world) = context.engine.worlds.get(&world.key) {
                schedule(&context, &world);
            }
        }
    }
}

/// Refuses to send a callback that has no URL.
pub(super) fn no_url_to_send_to(callback_type: &str) -> Refusal {
    bad_request(format!(
        "{}: POST one to /v1/callback/urls, or start with --callback",
        no_url(callback_type)
    ))
}
