//! Plans the callbacks of a request, and how they misbehave when that is asked for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::reply::Scheduled;
use crate::base::{Behaviour, Moment, ReceiverUrl, Stamp, no_json};
use crate::http::TraceContext;
use crate::world::{
    Callbacks, DEPTH_MAX, Delivery, DeliveryState, REPLY_TIME, TokenSent, UnsentEvent, WAIT, no_url,
};

/// An event that sends a callback.
pub(crate) struct Event<'a> {
    pub callback_type: &'a str,
    /// None if its type has no URL.
    pub url: Option<&'a ReceiverUrl>,
    pub record: Option<Arc<str>>,
    pub outcome: &'a str,
    pub body: Bytes,
    /// The earlier body of the record, for `stale`. Empty for other behaviours.
    pub older: Bytes,
    pub after: Duration,
    pub behaviour: Behaviour,
    pub depth: u32,
    pub trace: Option<Arc<TraceContext>>,
    /// The world's time.
    pub now: Stamp,
    /// When the request came.
    pub since: Moment,
}

/// Puts the deliveries of one event into the world's queue.
struct DeliveryPlanner<'a> {
    callbacks: &'a mut Callbacks,
    event: &'a Event<'a>,
    planned: &'a mut Scheduled,
}

/// Puts the deliveries of an event into the world's queue.
pub(crate) fn schedule_event(
    callbacks: &mut Callbacks,
    event: &Event<'_>,
    planned: &mut Scheduled,
) {
    let first = delivery(event);
    if event.depth >= DEPTH_MAX {
        return cut_loop(callbacks, first);
    }
    let mut line = DeliveryPlanner {
        callbacks,
        event,
        planned,
    };
    match event.behaviour {
        Behaviour::None => line.suppress(first),
        Behaviour::Duplicate => line.send_twice(first),
        Behaviour::Late(delay) => line.send_after(first, event.after + delay),
        Behaviour::Reorder => line.send_behind_next(first),
        Behaviour::Stale => line.send_before_stale(first),
        Behaviour::Early if event.after.is_zero() => line.send_before_reply(first),
        Behaviour::Normal
        | Behaviour::Early
        | Behaviour::WrongToken
        | Behaviour::NoToken
        | Behaviour::Truncated
        | Behaviour::InvalidJson
        | Behaviour::UnknownFields => line.send_after(first, event.after),
    }
}

/// Keeps an event whose type has no URL. A callback that is lost on purpose needs none.
pub(crate) fn keep_unsent(callbacks: &mut Callbacks, event: &Event<'_>) {
    if event.behaviour == Behaviour::None {
        return;
    }
    callbacks.unsent.add(UnsentEvent {
        delivery: Delivery {
            state: DeliveryState::NoUrl,
            reason: Some(no_url(event.callback_type)),
            ..delivery(event)
        },
        behaviour: event.behaviour,
        body: event.body.clone(),
        older: event.older.clone(),
        since: event.since,
        after: event.after,
    });
}

/// Puts an event into the queue whose type has a URL now.
pub(crate) fn schedule_unsent(callbacks: &mut Callbacks, unsent: UnsentEvent, url: &ReceiverUrl) {
    let Delivery {
        callback_type,
        record,
        outcome,
        depth,
        trace,
        created,
        ..
    } = unsent.delivery;
    let event = Event {
        callback_type: &callback_type,
        url: Some(url),
        record,
        outcome: &outcome,
        body: unsent.body,
        older: unsent.older,
        after: unsent.after,
        behaviour: unsent.behaviour,
        depth,
        trace,
        now: created,
        since: unsent.since,
    };
    schedule_event(callbacks, &event, &mut Scheduled::default());
}

/// Logs a delivery that is not sent, because callbacks would cause each other without end.
fn cut_loop(callbacks: &mut Callbacks, first: Delivery) {
    let reason =
        format!("a callback has come back into the sandbox {DEPTH_MAX} times: the loop ends here");
    let dropped = Delivery {
        state: DeliveryState::Dropped,
        reason: Some(reason),
        ..first
    };
    callbacks.add_ended(dropped);
}

impl DeliveryPlanner<'_> {
    fn suppress(&mut self, first: Delivery) {
        let suppressed = Delivery {
            state: DeliveryState::Suppressed,
            ..first
        };
        self.put(suppressed, self.event.after);
    }

    fn send_after(&mut self, first: Delivery, after: Duration) {
        self.put(first, after);
    }

    fn send_twice(&mut self, first: Delivery) {
        let seq = self.put(first.clone(), self.event.after);
        let again = Delivery {
            redelivery_of: Some(seq), // receivers that count by `webhook-id` see the same message
            ..first
        };
        self.put(again, self.event.after);
    }

    /// Lets the world's next delivery overtake this one.
    fn send_behind_next(&mut self, first: Delivery) {
        let held = Delivery {
            held_for_next: true,
            awaited: false,
            ..first
        };
        self.put(held, self.event.after);
    }

    /// Sends the record as it is, then its earlier form.
    fn send_before_stale(&mut self, first: Delivery) {
        // Held until the fresh one has gone, however long its reply or its receiver takes.
        let stale = Delivery {
            body: self.event.older.clone(),
            held_for_next: true,
            awaited: false,
            ..first.clone()
        };
        let fresh = Delivery {
            on_purpose: None,
            ..first
        };
        self.put(fresh, self.event.after);
        self.put(stale, self.event.after);
    }

    /// Makes the reply wait for the callback.
    fn send_before_reply(&mut self, first: Delivery) {
        let seq = self.put(first, self.event.after);
        self.planned.early = Some(seq);
    }

    /// Puts a delivery into the queue. Returns its number.
    fn put(&mut self, delivery: Delivery, after: Duration) -> u64 {
        // A callback that is due at once leaves when the reply is written, or after a second.
        let waits = after.is_zero() && !delivery.held_for_next;
        let due = if delivery.held_for_next {
            after + WAIT
        } else {
            after
        };
        let is_scheduled = delivery.state == DeliveryState::Scheduled;
        let delivery = Delivery {
            next_try: is_scheduled.then(|| self.event.now.after(due)),
            ..delivery
        };
        let seq = self.callbacks.schedule_for_reply(
            delivery,
            after,
            self.event.since,
            waits.then_some(REPLY_TIME),
        );
        self.planned.any = true;
        if waits {
            self.planned.held.push(seq);
        }
        seq
    }
}

/// The delivery of an event. Faults of its body and its token are already in it.
fn delivery(event: &Event<'_>) -> Delivery {
    Delivery {
        seq: 0,                     // set by the log
        at: SystemTime::UNIX_EPOCH, // this too
        callback_type: event.callback_type.into(),
        record: event.record.clone(),
        outcome: event.outcome.into(),
        url: event.url.cloned(),
        body: misshapen(event),
        state: DeliveryState::Scheduled,
        attempts: Vec::new(),
        on_purpose: event.behaviour.on_purpose(),
        token: TokenSent::of(event.behaviour),
        redelivery_of: None,
        depth: event.depth,
        trace: event.trace.clone(),
        created: event.now,
        next_try: None,
        reason: None,
        held_for_next: false,
        awaited: false,
    }
}

/// The deliveries of an event, first to last, for callers that send without the queue.
pub(crate) fn deliveries_of_event(event: &Event<'_>) -> Vec<Delivery> {
    let mut callbacks = Callbacks::default();
    schedule_event(&mut callbacks, event, &mut Scheduled::default());
    let mut planned: Vec<_> = callbacks.log.newest_first().cloned().collect();
    planned.reverse();
    callbacks.cancel("sent past the line"); // nothing counts as pending
    planned
}

/// The members that `unknown_fields` adds to an object.
const UNKNOWN_FIELDS: &[u8] =
    br#""x_unknown_field":"your code should not mind","x_unknown_object":{"nested":[1,null]}"#;

/// The body, with the fault that was asked for.
fn misshapen(event: &Event<'_>) -> Bytes {
    let body = &event.body;
    match event.behaviour {
        Behaviour::Truncated => body.slice(..body.len() / 2),
        Behaviour::InvalidJson => no_json(body),
        Behaviour::UnknownFields => {
            // As text, so that the body's numbers stay as they are written.
            let Some(open) = body.strip_suffix(b"}") else {
                return body.clone(); // an array
            };
            let comma: &[u8] = if open.ends_with(b"{") { b"" } else { b"," };
            [open, comma, UNKNOWN_FIELDS, b"}"].concat().into()
        }
        Behaviour::Normal
        | Behaviour::None
        | Behaviour::Duplicate
        | Behaviour::Late(_)
        | Behaviour::Early
        | Behaviour::Reorder
        | Behaviour::WrongToken
        | Behaviour::NoToken
        | Behaviour::Stale => body.clone(),
    }
}
