//! `POST /__sandbox/trigger`: a callback without a request before it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, bad_request, endpoint_named, json_body};
use super::context::Context;
use super::{deliveries, unsent};
use crate::answer;
use crate::base::{Behaviour, ReceiverUrl, Stamp, split_path};
use crate::catalogue::{self, Catalogue, Endpoint, Outcome};
use crate::http::{ApiError, Refusal};
use crate::world::{
    ControlCall, Delivery, DeliveryState, Record, TokenSent, Version, World, log_ordered,
};

/// `{"type": "NAME_VALIDATOR_REQUEST", "outcome": "COMPLETED_FOUND", "set": {"result.is_found": false}}`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trigger {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    callback_type: Option<String>,
    /// Which product, where a type has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// Values to write into the body, by dotted path.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    set: Map<String, Value>,
}

/// A record that no request made, and the callback that shows it.
struct TriggeredRecord<'a> {
    endpoint: &'a Endpoint,
    callback_type: &'a str,
    outcome: &'a Outcome,
    id: Arc<str>,
    body: Bytes,
    url: ReceiverUrl,
    /// The world's time.
    now: Stamp,
}

pub(super) fn answer(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    fire(context, world, json_body(call)?)
}

pub(super) fn fire(
    context: &Arc<Context>,
    world: &Arc<World>,
    trigger: Trigger,
) -> Result<ControlAnswer, Refusal> {
    let catalogue = context.engine.catalogue();
    let call = ControlCall::new("POST", "trigger").with_body(&json!(trigger));
    let endpoint = endpoint(&catalogue, &trigger)?;
    let Some(callback_type) = endpoint.callback_type.clone() else {
        return Err(bad_request(format!("`{}` sends no callbacks", endpoint.id)));
    };
    let outcome = outcome(endpoint, &trigger)?;
    let is_strict = context.engine.is_strict(&catalogue);
    answer::refuse_endpoint_if_strict(is_strict, endpoint)
        .and_then(|()| answer::refuse_outcome_if_strict(is_strict, endpoint, outcome))
        .map_err(|error| strict_mode(&error))?;
    let order = world.commit(Instant::now());
    let mut state = world.state();
    let Some(url) = context
        .engine
        .callback_url(&catalogue, &state.callbacks, &callback_type)
    else {
        return Err(unsent::no_url_to_send_to(&callback_type));
    };
    let written =
        answer::write_unrequested(&catalogue, world, &mut state, endpoint, outcome, "trigger");
    let written = written.map_err(|error| bad_request(error.message.unwrap_or_default()))?;
    let Some(written) = written else {
        return Err(bad_request(format!(
            "the outcome {} has no body",
            outcome.name
        )));
    };
    let fired = TriggeredRecord {
        endpoint,
        callback_type: &callback_type,
        outcome,
        id: written.id,
        body: with_overrides(&written.body, trigger.set)?,
        url,
        now: world.now(&state),
    };
    state.records.put(fired.id.clone(), fired.record());
    let delivery = fired.delivery();
    state.exercised.callback(&callback_type, Behaviour::Normal);
    let callbacks = &mut state.callbacks;
    let seq = callbacks.schedule(delivery, Duration::ZERO, Instant::now());
    world.note_call(&mut state, order.commit, call);
    context.courier.wake(world, &mut state);
    if let Some(ordered) = state.callbacks.log.get(seq) {
        log_ordered(&world.tag, ordered);
    }
    let json = state
        .callbacks
        .log
        .get(seq)
        .map_or(Value::Null, |one| deliveries::delivery_json(context, one));
    Ok((StatusCode::ACCEPTED, json))
}

impl TriggeredRecord<'_> {
    fn record(&self) -> Record {
        Record {
            endpoint: self.endpoint.id.clone(),
            version: Version {
                body: self.body.clone(),
                outcome: self.endpoint.outcome_id(&self.outcome.name),
            },
            later: None,
        }
    }

    /// The callback, due at once.
    fn delivery(self) -> Delivery {
        Delivery {
            seq: 0,                     // the log sets it
            at: SystemTime::UNIX_EPOCH, // and this too
            callback_type: self.callback_type.into(),
            record: Some(self.id),
            outcome: self.endpoint.outcome_id(&self.outcome.name).shown().into(),
            url: Some(self.url),
            body: self.body,
            state: DeliveryState::Scheduled,
            attempts: Vec::new(),
            on_purpose: None,
            token: TokenSent::Right,
            redelivery_of: None,
            depth: 0,
            trace: None,
            created: self.now,
            next_try: Some(self.now),
            reason: None,
            held_for_next: false,
            awaited: true,
        }
    }
}

fn strict_mode(error: &ApiError) -> Refusal {
    let message = error.message.clone().unwrap_or_default();
    Refusal(StatusCode::NOT_IMPLEMENTED, "strict_mode", message)
}

fn endpoint<'c>(catalogue: &'c Catalogue, trigger: &Trigger) -> Result<&'c Endpoint, Refusal> {
    if let Some(id) = &trigger.endpoint {
        return endpoint_named(catalogue, id);
    }
    let types = catalogue::callback_types(catalogue);
    let Some(callback_type) = &trigger.callback_type else {
        return Err(bad_request(format!(
            "`type` is missing: one of {}",
            types.join(", ")
        )));
    };
    catalogue::endpoint_of_type(catalogue, callback_type).ok_or_else(|| {
        let unknown = catalogue::unknown_callback_type(callback_type, &types);
        bad_request(format!("`type`: {unknown}"))
    })
}

/// The outcome that the trigger names, or the endpoint's final one. An error sends no callback.
fn outcome<'c>(endpoint: &'c Endpoint, trigger: &Trigger) -> Result<&'c Arc<Outcome>, Refusal> {
    let outcome = match &trigger.outcome {
        None => catalogue::final_outcome(endpoint),
        Some(name) => endpoint.outcome(name),
    };
    outcome
        .filter(|outcome| !outcome.is_error())
        .ok_or_else(|| {
            let asked = trigger.outcome.as_deref().unwrap_or_default();
            let unknown = endpoint.unknown_outcome(asked, false);
            bad_request(format!("`outcome`: {unknown}"))
        })
}

/// Writes values at dotted paths. Missing objects on the way are made.
fn with_overrides(body: &Bytes, set: Map<String, Value>) -> Result<Bytes, Refusal> {
    if set.is_empty() {
        return Ok(body.clone());
    }
    let mut json: Value = serde_json::from_slice(body).unwrap_or_default();
    for (path, value) in set {
        let mut place = &mut json;
        for name in split_path(&path) {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(map) => map.entry(name).or_insert(Value::Null),
                Value::Array(items) => {
                    let item = name.parse().ok().and_then(|at: usize| items.get_mut(at));
                    item.ok_or_else(|| bad_request(format!("`set`: `{path}` is not in the list")))?
                }
                _ => {
                    return Err(bad_request(format!(
                        "`set`: `{path}` reaches into a plain value"
                    )));
                }
            };
        }
        *place = value;
    }
    Ok(json.to_string().into())
}
