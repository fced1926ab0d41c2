//! The events without a URL in a snapshot.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::checks::{each, stamp};
use super::values::{Ago, Text};
use crate::base::{Behaviour, milliseconds};
use crate::catalogue::{Catalogue, check_callback_type};
use crate::http::{self, TraceContext, Traceparent};
use crate::world::outbox::{Delivery, DeliveryState, TokenSent, UnsentEvent, no_url};
use crate::world::state::State;

/// A behaviour that no request asks for.
const NORMAL: &str = "normal";

/// An event without a URL.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedEvent {
    seq: u64,
    #[serde(rename = "type")]
    callback_type: String,
    record: Option<String>,
    outcome: String,
    behaviour: String,
    depth: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    created: String,
    since: Ago,
    after_ms: u64,
    body: Text,
    older: Text,
    /// The body with the faults of the behaviour.
    sent: Text,
}

/// An event that has passed all checks.
#[derive(Debug)]
pub(super) struct RestoredEvent {
    delivery: Delivery,
    behaviour: Behaviour,
    body: Bytes,
    older: Bytes,
    since: Ago,
    after: Duration,
}

/// Takes the events of a world, oldest first.
pub(super) fn saved(state: &State, now: Instant) -> Vec<SavedEvent> {
    let events = state.callbacks.unsent.newest_first().rev();
    let saved = events.map(|event| SavedEvent {
        seq: event.delivery.seq,
        callback_type: event.delivery.callback_type.as_ref().to_owned(),
        record: event.delivery.record.as_deref().map(str::to_owned),
        outcome: event.delivery.outcome.as_ref().to_owned(),
        behaviour: event.behaviour.words(),
        depth: event.delivery.depth,
        traceparent: event.delivery.traceparent().map(str::to_owned),
        tracestate: event.delivery.tracestate().map(str::to_owned),
        request_id: event.delivery.request_id().map(str::to_owned),
        created: event.delivery.created.to_string(),
        since: Ago::of(event.since, now),
        after_ms: milliseconds(event.after),
        body: Text(event.body.clone()),
        older: Text(event.older.clone()),
        sent: Text(event.delivery.body.clone()),
    });
    saved.collect()
}

/// The events in the order of their numbers.
pub(super) fn checked(
    saved: Vec<SavedEvent>,
    catalogue: &Catalogue,
) -> Result<Vec<RestoredEvent>, String> {
    let events = each(saved, "unsent", |event| event.check(catalogue))?;
    if events.is_sorted_by(|one, next| one.delivery.seq < next.delivery.seq) {
        return Ok(events);
    }
    Err("`unsent`: each `seq` must be higher than the one before".to_owned())
}

impl SavedEvent {
    fn check(self, catalogue: &Catalogue) -> Result<RestoredEvent, String> {
        check_callback_type(catalogue, &self.callback_type)?;
        let behaviour = match self.behaviour.as_str() {
            NORMAL => Behaviour::Normal,
            other => other.parse()?,
        };
        let trace = self.trace()?;
        let delivery = Delivery {
            seq: self.seq,
            at: SystemTime::now(),
            reason: Some(no_url(&self.callback_type)),
            callback_type: self.callback_type.into(),
            record: self.record.map(Into::into),
            outcome: self.outcome.into(),
            url: None,
            body: self.sent.0,
            state: DeliveryState::NoUrl,
            attempts: Vec::new(),
            on_purpose: behaviour.on_purpose(),
            token: TokenSent::of(behaviour),
            redelivery_of: None,
            depth: self.depth,
            trace,
            created: stamp("created", &self.created)?,
            next_try: None,
            held_for_next: false,
            awaited: false,
        };
        Ok(RestoredEvent {
            delivery,
            behaviour,
            body: self.body.0,
            older: self.older.0,
            since: self.since,
            after: Duration::from_millis(self.after_ms),
        })
    }
}

impl SavedEvent {
    /// The trace that the callback carries on.
    fn trace(&self) -> Result<Option<Arc<TraceContext>>, String> {
        let traceparent = self.traceparent.as_deref().map(|text| {
            let read = Traceparent::parse(text);
            read.ok_or("`traceparent` is not well-formed")
        });
        let request_id = self.request_id.as_deref().map(|text| {
            http::request_id(text).map_err(|sentence| format!("`request_id`: {sentence}"))
        });
        let tracestate = self.tracestate.as_deref();
        if !tracestate.is_none_or(http::is_tracestate) {
            return Err("`tracestate` is not well-formed".to_owned());
        }
        let trace = TraceContext::from_parts(
            traceparent.transpose()?,
            tracestate.map(Into::into),
            request_id.transpose()?.map(Into::into),
        );
        Ok(trace.map(Arc::new))
    }
}

impl RestoredEvent {
    pub(super) fn at(self, now: Instant) -> UnsentEvent {
        UnsentEvent {
            delivery: self.delivery,
            behaviour: self.behaviour,
            body: self.body,
            older: self.older,
            since: self.since.at(now),
            after: self.after,
        }
    }
}
