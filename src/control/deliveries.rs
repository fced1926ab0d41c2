//! `/__sandbox/deliveries` and `/__sandbox/idle`: what became of callbacks, and waiting for them.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{
    ControlAnswer, ControlRequest, LIMIT_DEFAULT, bad_request, parameter, wait, wait_for_count,
    whole_number,
};
use super::context::Context;
use super::delivery_filter::Filter;
use super::exchange_json::time;
use super::unsent;
use crate::answer::ExplainedAttempt;
use crate::base::{ReceiverUrl, Turn, milliseconds};
use crate::catalogue;
use crate::http::Refusal;
use crate::world::{
    self, Attempt, Callbacks, ControlCall, Delivery, DeliveryState, Waiting, World, delivery_id,
    event_seq_of, log_ordered, seq_of,
};

/// How many pending callbacks are shown when `idle` has waited in vain.
const PENDING_SHOWN_MAX: usize = 100;

/// Lists all that match, newest first. With `wait` it answers as soon as `count` of them match. Else it
/// answers 408, with what did happen and why nothing matched.
pub(super) async fn list(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let filter = Filter::of(query)?;
    if let Some(asked) = filter.callback_type {
        check_type(context, world, asked)
            .map_err(|unknown| bad_request(format!("`type`: {unknown}")))?;
    }
    let limit = parameter(query, "limit", whole_number)?.unwrap_or(LIMIT_DEFAULT);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let wait = wait_for_count(query)?;
    let (patience, wanted) = wait.unwrap_or_default();
    let until = Instant::now() + patience;
    let mut waiting = Waiting::in_world(until, &context.stop, world);
    let mut changes = world.changes();
    let mut is_over = false;
    loop {
        changes.mark_unchanged();
        let mut turn = context.turns.first().await;
        let (found, next_due) = {
            let state = world.state();
            let found = Found::of(&state.callbacks, &filter);
            (found, unsent::next_due(&state.callbacks, &filter))
        };
        if wait.is_none() || found.matching.len() as u64 >= wanted {
            // An inspector names the world by its tag, and looks at everything.
            if !query.contains_key("world") {
                world.note_awaited(|one| filter.matches(one));
            }
            let listed = found.json(context, limit, &mut turn).await;
            return Ok((StatusCode::OK, listed));
        }
        if is_over {
            return Ok((
                StatusCode::REQUEST_TIMEOUT,
                why_not(context, world, &filter, wanted),
            ));
        }
        let is_hopeless = unsent::nothing_can_come(context, &world.state().callbacks, &filter);
        drop((found, turn));
        is_over = is_hopeless || !waiting.change_or(&mut changes, next_due).await;
    }
}

/// Refuses a type that would match nothing: no endpoint has it, and no callback of the world. The scenario files may have
/// lost the type of an earlier callback.
fn check_type(context: &Context, world: &World, asked: &str) -> Result<(), String> {
    let catalogue = context.engine.catalogue();
    catalogue::check_callback_type(&catalogue, asked).or_else(|unknown| {
        let callbacks = &world.state().callbacks;
        let sent = callbacks.log.newest_first();
        let mut all = sent.chain(unsent::unsent(callbacks));
        let is_there = all.any(|one| &*one.callback_type == asked);
        is_there.then_some(()).ok_or(unknown)
    })
}

/// The deliveries that a list shows, newest first.
struct Found {
    matching: Vec<Arc<Delivery>>,
    last_seq: u64,
    dropped: u64,
}

impl Found {
    fn of(callbacks: &Callbacks, filter: &Filter<'_>) -> Self {
        if filter.state == Some(DeliveryState::NoUrl) {
            let due = unsent::due(callbacks).filter(|one| filter.matches(one));
            return Self {
                matching: due.cloned().map(Arc::new).collect(),
                last_seq: callbacks.unsent.last_seq(),
                dropped: callbacks.unsent.dropped,
            };
        }
        let log = &callbacks.log;
        let matching = log.shared().filter(|one| filter.matches(one));
        Self {
            matching: matching.cloned().collect(),
            last_seq: log.last_seq(),
            dropped: log.dropped,
        }
    }

    async fn json(&self, context: &Context, limit: usize, turn: &mut Turn<'_>) -> Value {
        let listed = &self.matching[..limit.min(self.matching.len())];
        json!({
            "deliveries": json_of(context, listed, turn).await,
            "matching": self.matching.len(),
            "last_seq": self.last_seq,
            "dropped": self.dropped,
        })
    }
}

async fn json_of(
    context: &Context,
    deliveries: &[Arc<Delivery>],
    turn: &mut Turn<'_>,
) -> Vec<Value> {
    let mut listed = Vec::new();
    for delivery in deliveries {
        turn.pause().await;
        listed.push(delivery_json(context, delivery));
    }
    listed
}

/// What did happen, and why the awaited deliveries did not.
fn why_not(context: &Context, world: &World, filter: &Filter<'_>, wanted: u64) -> Value {
    let state = world.state();
    let log = &state.callbacks.log;
    let matching = Found::of(&state.callbacks, filter).matching.len();
    let mut reasons = unsent::reasons(context, &state.callbacks, filter);
    let others: Vec<_> = log
        .newest_first()
        .filter(|one| one.seq > filter.after_seq)
        .take(20)
        .collect();
    for delivery in others.iter().filter(|one| !filter.matches(one)) {
        reasons.push(format!(
            "{} of type {} {}",
            delivery.id(),
            delivery.callback_type,
            delivery.standing()
        ));
    }
    if others.is_empty() && state.callbacks.unsent.is_empty() {
        reasons.push("no request of this world has caused a callback".to_owned());
    }
    json!({
        "error": "timeout",
        "message": format!("{matching} of {wanted} deliveries matched in time"),
        "why": reasons,
        "deliveries": others.into_iter().map(|one| delivery_json(context, one)).collect::<Vec<_>>(),
    })
}

/// Sends the bytes of a delivery once more, whatever its state.
pub(super) fn redeliver(
    request: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let (context, written_id) = (request.context, request.path_parameter);
    let order = world.commit(Instant::now());
    let mut state = world.state();
    let now = world.now(&state);
    let original = match event_seq_of(written_id) {
        Some(seq) => unsent::event(&state.callbacks, seq),
        None => seq_of(written_id).and_then(|seq| state.callbacks.log.get(seq)),
    };
    let Some(original) = original.cloned() else {
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            "unknown_delivery",
            format!(
                "this world has no delivery `{}`",
                written_id.chars().take(50).collect::<String>()
            ),
        ));
    };
    let kind = &original.callback_type;
    let url = context
        .engine
        .callback_url(&context.engine.catalogue(), &state.callbacks, kind)
        .ok_or_else(|| unsent::no_url_to_send_to(kind))?;
    let is_unsent = original.state == DeliveryState::NoUrl;
    let first = original.redelivery_of.unwrap_or(original.seq);
    if is_unsent {
        state.callbacks.unsent.take(original.seq); // it becomes a delivery
    }
    let again = Delivery {
        state: DeliveryState::Scheduled,
        attempts: Vec::new(),
        url: Some(url),
        redelivery_of: (!is_unsent).then_some(first),
        created: now,
        next_try: Some(now),
        reason: None,
        held_for_next: false,
        awaited: true,
        ..original
    };
    let callbacks = &mut state.callbacks;
    let seq = callbacks.schedule(again, std::time::Duration::ZERO, Instant::now());
    let path = format!("deliveries/{written_id}/redeliver");
    world.note_call(&mut state, order.commit, ControlCall::new("POST", path));
    context.courier.wake(world, &mut state);
    if let Some(ordered) = state.callbacks.log.get(seq) {
        log_ordered(&world.tag, ordered);
    }
    let json = state
        .callbacks
        .log
        .get(seq)
        .map_or(Value::Null, |one| delivery_json(context, one));
    Ok((StatusCode::ACCEPTED, json))
}

/// Answers when nothing of the world is pending, or 408 with what is still pending.
pub(super) async fn idle(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let until = Instant::now() + wait(query)?.unwrap_or_default();
    let mut waiting = Waiting::in_world(until, &context.stop, world);
    let mut changes = world.changes();
    let mut is_over = false;
    loop {
        changes.mark_unchanged();
        let (pending, dropped) = {
            let callbacks = &mut world.state().callbacks;
            let pending = callbacks.pending();
            if pending == 0 {
                callbacks.log.note_awaited(|_| true);
            }
            (pending, callbacks.dropped)
        };
        if pending == 0 {
            let idle = match dropped {
                0 => json!({"status": "idle"}),
                _ => json!({"status": "idle", "dropped_callbacks": dropped}),
            };
            return Ok((StatusCode::OK, idle));
        }
        if is_over {
            let (pending, shown) = pending_callbacks(world);
            let mut turn = context.turns.brief();
            return Ok((
                StatusCode::REQUEST_TIMEOUT,
                json!({
                    "error": "timeout",
                    "message": format!("{pending} callbacks are pending"),
                    "deliveries": json_of(context, &shown, &mut turn).await,
                }),
            ));
        }
        is_over = !waiting.change(&mut changes).await;
    }
}

/// How many callbacks are pending, and the newest of them.
fn pending_callbacks(world: &World) -> (usize, Vec<Arc<Delivery>>) {
    let callbacks = &world.state().callbacks;
    let newest_first = callbacks.log.shared();
    let pending = newest_first.filter(|one| one.state.is_pending());
    let shown = pending.take(PENDING_SHOWN_MAX).cloned().collect();
    (callbacks.pending(), shown)
}

pub(super) fn delivery_json(context: &Context, delivery: &Delivery) -> Value {
    let mut json = json!({
        "id": delivery.id(),
        "seq": delivery.seq,
        "type": &*delivery.callback_type,
        "state": delivery.state,
        "record": delivery.record.as_deref(),
        "outcome": &*delivery.outcome,
        "url": delivery.url.as_ref().map(ReceiverUrl::as_str),
        "created": delivery.created.to_string(),
        "next_try": delivery.next_try.map(|at| at.to_string()),
        "on_purpose": delivery.on_purpose,
        "reason": delivery.reason,
        "redelivery_of": delivery.redelivery_of.map(delivery_id),
        "depth": delivery.depth,
        "traceparent": delivery.traceparent(),
        "request_id": delivery.request_id(),
        "body": String::from_utf8_lossy(&delivery.body),
        "attempts": delivery.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    });
    if context.redacts {
        world::redact_delivery(&mut json, &context.engine.catalogue().personal);
    }
    json
}

fn attempt_json(attempt: &Attempt) -> Value {
    let gist = ExplainedAttempt::of(attempt);
    json!({
        "at": attempt.at.to_string(),
        "sent_at": time(attempt.sent_at),
        "request": &*attempt.request_head,
        "status": gist.status,
        "answer": &*attempt.answer,
        "error": gist.error,
        "duration_ms": milliseconds(attempt.took),
        "addresses": gist.addresses,
        "host_map": gist.host_map,
        "location": gist.location,
        "answer_line": gist.answer_line,
    })
}
