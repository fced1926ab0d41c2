//! What callbacks a request causes, and how they are to misbehave when that is asked for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::reply::Planned;
use crate::base::{Behaviour, ReceiverUrl, Stamp, no_json};
use crate::world::{Callbacks, DEPTH_MAX, Delivery, DeliveryState, REPLY_TIME, TokenSent, WAIT};

/// One event that calls back.
pub(crate) struct Event<'a> {
    pub callback_type: &'a str,
    pub url: &'a ReceiverUrl,
    pub record: Option<Arc<str>>,
    pub outcome: &'a str,
    pub body: Bytes,
    /// What the record was before, for `stale`.
    pub older: Bytes,
    pub after: Duration,
    pub behaviour: Behaviour,
    pub depth: u32,
    /// The world's time.
    pub now: Stamp,
    pub came: Instant,
}

/// Puts what an event causes into the world's line.
pub(crate) fn plan(callbacks: &mut Callbacks, event: &Event<'_>, planned: &mut Planned) {
    let first = delivery(event);
    if event.depth >= DEPTH_MAX {
        let reason = format!(
            "a callback has come back into the sandbox {DEPTH_MAX} times: the loop ends here"
        );
        let dropped = Delivery {
            state: DeliveryState::Dropped,
            reason: Some(reason),
            ..first
        };
        let pending = callbacks.pending();
        callbacks.log.add(dropped, pending);
        return;
    }
    let mut send = |delivery: Delivery, after: Duration| {
        // What is due at once leaves when the reply is written, or a second later.
        let waits = after.is_zero() && !delivery.held_for_next;
        let due = if delivery.held_for_next {
            after + WAIT
        } else {
            after
        };
        let delivery = Delivery {
            next_try: (delivery.state == DeliveryState::Scheduled).then(|| event.now.after(due)),
            ..delivery
        };
        let seq =
            callbacks.schedule_for_reply(delivery, after, event.came, waits.then_some(REPLY_TIME));
        planned.any = true;
        if waits {
            planned.held.push(seq);
        }
        seq
    };
    match event.behaviour {
        Behaviour::None => {
            send(
                Delivery {
                    state: DeliveryState::Suppressed,
                    ..first
                },
                event.after,
            );
        }
        Behaviour::Duplicate => {
            let seq = send(first.clone(), event.after);
            let again = Delivery {
                redelivery_of: Some(seq), // the same message for who counts by `webhook-id`
                ..first
            };
            send(again, event.after);
        }
        Behaviour::Late(delay) => {
            send(first, event.after + delay);
        }
        Behaviour::Reorder => {
            let held = Delivery {
                held_for_next: true,
                ..first
            };
            send(held, event.after);
        }
        Behaviour::Stale => {
            // Held until the new one has gone, however long its reply or its receiver takes.
            let stale = Delivery {
                body: event.older.clone(),
                held_for_next: true,
                ..first.clone()
            };
            let fresh = Delivery {
                on_purpose: None,
                ..first
            };
            send(fresh, event.after);
            send(stale, event.after);
        }
        Behaviour::Early if event.after.is_zero() => {
            let seq = send(first, event.after);
            planned.early = Some(seq);
        }
        _ => {
            send(first, event.after);
        }
    }
}

/// The delivery of an event, before anything else goes wrong with it.
fn delivery(event: &Event<'_>) -> Delivery {
    Delivery {
        seq: 0,                     // the log knows
        at: SystemTime::UNIX_EPOCH, // and this too
        callback_type: event.callback_type.into(),
        record: event.record.clone(),
        outcome: event.outcome.into(),
        url: event.url.clone(),
        body: misshapen(event),
        state: DeliveryState::Scheduled,
        attempts: Vec::new(),
        on_purpose: event.behaviour.on_purpose(),
        token: match event.behaviour {
            Behaviour::WrongToken => TokenSent::Wrong,
            Behaviour::NoToken => TokenSent::None,
            _ => TokenSent::Right,
        },
        redelivery_of: None,
        depth: event.depth,
        created: event.now,
        next_try: None,
        reason: None,
        held_for_next: false,
    }
}

/// What an event sends, first to last, for one who sends it past the line.
pub(crate) fn deliveries_of_event(event: &Event<'_>) -> Vec<Delivery> {
    let mut callbacks = Callbacks::default();
    plan(&mut callbacks, event, &mut Planned::default());
    let mut planned: Vec<_> = callbacks.log.newest_first().cloned().collect();
    planned.reverse();
    callbacks.cancel("sent past the line"); // nothing counts as pending
    planned
}

/// The body, with the fault in it that was asked for.
fn misshapen(event: &Event<'_>) -> Bytes {
    let body = &event.body;
    match event.behaviour {
        Behaviour::Truncated => body.slice(..body.len() / 2),
        Behaviour::InvalidJson => no_json(body),
        Behaviour::UnknownFields => {
            let mut more: Value = serde_json::from_slice(body).unwrap_or_default();
            if let Value::Object(map) = &mut more {
                map.insert(
                    "x_unknown_field".to_owned(),
                    "your code should not mind".into(),
                );
                map.insert(
                    "x_unknown_object".to_owned(),
                    serde_json::json!({"nested": [1, null]}),
                );
            }
            more.to_string().into()
        }
        _ => body.clone(),
    }
}

/// What a record that never pended would have been while it did: no results, times equal.
pub(crate) fn pending_form(body: &Bytes) -> Bytes {
    const RESULTS: [&str; 9] = [
        "result",
        "results",
        "is_found",
        "failure_reason",
        "bank_account_holder_name",
        "is_normal_account",
        "name_matching_result",
        "account_name",
        "match_percentage",
    ];
    let Ok(Value::Object(mut map)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    for name in RESULTS {
        map.shift_remove(name);
    }
    if map.contains_key("status") {
        map.insert("status".to_owned(), "PENDING".into());
    }
    if let (Some(created), true) = (map.get("created").cloned(), map.contains_key("updated")) {
        map.insert("updated".to_owned(), created);
    }
    Value::Object(map).to_string().into()
}
