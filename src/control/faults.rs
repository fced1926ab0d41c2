//! `/__sandbox/faults`: what breaks the replies of a world, for a time.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, bad_request, json_body, json_sentence};
use crate::base::{Probability, duration_text, milliseconds, parse_duration, short, time_in_words};
use crate::catalogue::Catalogue;
use crate::http::Refusal;
use crate::scenario::{DelayPart, KindPart, RateLimitPart};
use crate::world::{ControlCall, FAULTS_MAX, TTL_MAX, World, WorldFault};

const TTL_DEFAULT: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    faults: Vec<Value>,
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultItem {
    endpoint: Option<String>,
    fault: Option<KindPart>,
    delay: Option<DelayPart>,
    probability: Option<f64>,
    rate_limit: Option<RateLimitPart>,
}

pub(super) fn show(world: &World, now: Instant) -> ControlAnswer {
    let state = world.state();
    let (faults, left) = state.faults.standing(now, state.callbacks.advanced);
    let faults: Vec<_> = faults.iter().map(fault_json).collect();
    let left_ms = milliseconds(left);
    (
        StatusCode::OK,
        json!({"faults": faults, "left_ms": left_ms}),
    )
}

fn fault_json(fault: &WorldFault) -> Value {
    let limit = fault
        .rate_limit
        .map(|limit| json!({"limit": limit.limit, "window": duration_text(limit.window)}));
    json!({
        "endpoint": fault.endpoint.as_deref(),
        "fault": fault.fault.map(|fault| fault.to_string()),
        "delay": fault.delay.map(|delay| delay.to_string()),
        "probability": fault.probability.get(),
        "rate_limit": limit,
        "seen": fault.seen,
        "struck": fault.struck,
    })
}

pub(super) fn put(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let catalogue = context.engine.catalogue();
    set(&catalogue, world, json_body(call)?, call.received_at)
}

/// Sets the faults of a world. They replace all that were set before.
pub(super) fn set(
    catalogue: &Catalogue,
    world: &World,
    set: Set,
    now: Instant,
) -> Result<ControlAnswer, Refusal> {
    if set.faults.len() > FAULTS_MAX {
        return Err(bad_request(format!(
            "`faults`: a world has {FAULTS_MAX} faults at most, and these are {}",
            set.faults.len()
        )));
    }
    let ttl = set.ttl.as_deref().map_or(Ok(TTL_DEFAULT), parse_ttl);
    let ttl = ttl.map_err(|message| bad_request(format!("`ttl`: {message}")))?;
    let call = ControlCall::new("PUT", "faults");
    let call = call.with_body(&json!({"faults": set.faults, "ttl": duration_text(ttl)}));
    let mut faults = Vec::with_capacity(set.faults.len());
    for (at, item) in set.faults.into_iter().enumerate() {
        let fault = parse(catalogue, item)
            .map_err(|message| bad_request(format!("`faults[{at}]`: {message}")))?;
        faults.push(fault);
    }
    world.set_faults(faults, ttl, now, call);
    Ok(show(world, now))
}

/// Ends all faults of the world at once.
pub(super) fn heal(world: &World, now: Instant) -> ControlAnswer {
    let call = ControlCall::new("DELETE", "faults");
    world.set_faults(Vec::new(), Duration::ZERO, now, call);
    show(world, now)
}

fn parse_ttl(text: &str) -> Result<Duration, String> {
    let ttl = parse_duration(text)?;
    if ttl.is_zero() || ttl > TTL_MAX {
        return Err(format!(
            "`{text}` does not lie between 1 ms and {}",
            time_in_words(TTL_MAX)
        ));
    }
    Ok(ttl)
}

fn parse(catalogue: &Catalogue, item: Value) -> Result<WorldFault, String> {
    let item: FaultItem = serde_json::from_value(item).map_err(|error| json_sentence(&error))?;
    let endpoint = match &item.endpoint {
        None => None,
        Some(id) => match catalogue.endpoint(id) {
            Some(endpoint) => Some(endpoint.id.clone()),
            None => return Err(unknown_endpoint(catalogue, id)),
        },
    };
    let fault = item.fault.as_ref().map(KindPart::fault).transpose()?;
    let delay = item.delay.as_ref().map(DelayPart::delay).transpose()?;
    let limit = item.rate_limit.as_ref().map(RateLimitPart::rate_limit);
    let limit = limit.transpose()?;
    if fault.is_none() && delay.is_none() {
        if limit.is_none() {
            return Err("says none of `fault`, `delay` and `rate_limit`".to_owned());
        }
        if item.probability.is_some() {
            return Err("`probability` is that of a `fault` or a `delay`".to_owned());
        }
    }
    let probability = item
        .probability
        .map_or(Ok(Probability::ALWAYS), Probability::new)?;
    Ok(WorldFault::new(endpoint, delay, fault, probability, limit))
}

fn unknown_endpoint(catalogue: &Catalogue, id: &str) -> String {
    catalogue.unknown_endpoint(&short(id), || {
        ": `iluma-sandbox list` shows them all".to_owned()
    })
}
