//! `/__sandbox/clock`: what a world's clock shows, and moving it on.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::ask::{ControlAnswer, ControlRequest, bad_request, json_body};
use super::context::Context;
use super::deliveries;
use crate::base::{self, Clock, Stamp, milliseconds, parse_duration};
use crate::callbacks::Advance;
use crate::http::Refusal;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Now {
    now: String,
}

pub(super) fn show(world: &World) -> ControlAnswer {
    let state = world.state();
    let body = json!({
        "now": world.now(&state).to_string(),
        "advanced_ms": milliseconds(state.callbacks.advanced),
        "frozen": matches!(world.clock, Clock::Frozen(_)),
    });
    (StatusCode::OK, body)
}

/// Moves the clock on, through everything that falls due on the way.
pub(super) async fn advance(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let By { by } = json_body(call)?;
    let wrong = |message| bad_request(format!("`by`: {message}"));
    let by = parse_duration(&by).map_err(wrong)?;
    world.check_advance(by).map_err(wrong)?;
    Ok(moved(context, world, Advance::By(by)).await)
}

/// Moves the clock on to an instant, never back.
pub(super) async fn set(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let Now { now: to } = json_body(call)?;
    let to: Stamp = to.parse().map_err(|_| {
        bad_request(format!(
            "`now`: `{to}` is no instant such as `2026-01-02T00:00:00Z`"
        ))
    })?;
    let now = world.now(&world.state());
    if to < now {
        return Err(bad_request(format!(
            "`now`: a clock is never put back, and this one shows {now}"
        )));
    }
    Ok(moved(context, world, Advance::To(to)).await)
}

async fn moved(context: &Arc<Context>, world: &Arc<World>, to: Advance) -> ControlAnswer {
    // Spawned: a client that goes away must not leave it half done.
    let advance = (context.courier.clone()).advance(world.clone(), to, context.stop.clone());
    let tried = base::pass_panic_on(tokio::spawn(advance).await).unwrap_or_default();
    let (_, mut body) = show(world);
    let mut state = world.state();
    state
        .callbacks
        .log
        .note_awaited(|one| tried.contains(&one.seq));
    let tried = tried
        .into_iter()
        .filter_map(|seq| state.callbacks.log.get(seq));
    body["deliveries"] = tried
        .map(|one| deliveries::delivery_json(context, one))
        .collect();
    (StatusCode::OK, body)
}
