//! `/__sandbox/worlds`: a world made for a test by its name, all there are, and the end of one. And `reset`.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, bad_request, json_body, secrets};
use super::deliveries;
use crate::answer::{may_see_all, own_key};
use crate::http::{ApiError, Refusal};
use crate::world::{Listed, World};

const NAME_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: Option<String>,
    /// If the name is in use, empty its world and use it.
    #[serde(default)]
    reset: bool,
    /// If the name is in use, use its world as it is.
    #[serde(default)]
    share: bool,
}

/// Makes a world. Its key is derived from seed and name: a test that passes its own id has the same ids
/// in every run.
pub(super) async fn mint(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
) -> Result<ControlAnswer, Refusal> {
    let wish: Wish = json_body(call)?;
    if wish.reset && wish.share {
        return Err(bad_request(
            "`reset` empties a world that is in use and `share` leaves it as it is: say one of them",
        ));
    }
    let full = |error: ApiError| {
        let message = error.message.unwrap_or_default();
        Refusal(StatusCode::SERVICE_UNAVAILABLE, "sandbox_full", message)
    };
    let worlds = &context.engine.worlds;
    let (world, is_new, name) = if let Some(name) = wish.name {
        check(&name).map_err(bad_request)?;
        let (world, is_new) = worlds.mint(&name, call.received_at).map_err(full)?;
        (world, is_new, name)
    } else {
        let (world, name) = worlds.mint_next(call.received_at).map_err(full)?;
        (world, true, name)
    };
    if !is_new && !wish.reset && !wish.share {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "world_in_use",
            format!(
                "there is a world `{name}` already: send `\"reset\": true` to empty it and go on with it, \
                 `\"share\": true` to go on with it as it is, or take another name"
            ),
        ));
    }
    if wish.reset && !is_new {
        world.reset().await;
    }
    context.engine.keys.issued.mint(&world.key);
    let mut body = json!({"name": name, "api_key": world.key.reveal()});
    if let (Value::Object(body), Value::Object(secrets)) = (&mut body, secrets(context, &world).1) {
        body.extend(secrets);
    }
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, body))
}

fn check(name: &str) -> Result<(), String> {
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(format!(
            "`name`: a world's name has 1 to {NAME_CHARS_MAX} characters, and no line breaks or other control characters"
        ));
    }
    Ok(())
}

/// Ends the caller's own world, whether there is one or not, or the one that `?world=` names. It says what was still to
/// come.
pub(super) async fn end(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { context, query, .. } = request;
    if let Some(tag) = query.get("world")
        && context.engine.worlds.rests(tag)
        && may_see_all(&context.engine, request.call, query).is_ok()
        && context.engine.worlds.end_resting(tag)
    {
        let none = json!({"callbacks": [], "more_callbacks": 0, "queued": 0, "faults": 0});
        return Ok(ended(tag, &none));
    }
    let key = match query.get("world") {
        None => own_key(&context.engine, request.call, query)?,
        Some(_) => request.world()?.key.clone(),
    };
    let worlds = &context.engine.worlds;
    let unfinished = worlds.end(&key, Instant::now()).await;
    let callbacks: Vec<_> = unfinished
        .callbacks
        .iter()
        .map(|one| deliveries::delivery_json(context, one))
        .collect();
    let pending = json!({
        "callbacks": callbacks,
        "more_callbacks": unfinished.more_callbacks,
        "queued": unfinished.queued,
        "faults": unfinished.faults,
    });
    Ok(ended(&worlds.tag_of(&key), &pending))
}

fn ended(tag: &str, pending: &Value) -> ControlAnswer {
    let body = json!({"status": "ended", "world": tag, "pending": pending});
    (StatusCode::OK, body)
}

/// Empties a world, and answers when nothing of it is left: also what was on its way is called back.
pub(super) async fn reset(world: &World) -> Result<ControlAnswer, Refusal> {
    let cancelled = world.reset().await;
    Ok((
        StatusCode::OK,
        json!({"status": "reset", "cancelled_callbacks": cancelled}),
    ))
}

/// The worlds that the caller may see, with what they hold. Never their keys.
pub(super) async fn list(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let ControlRequest {
        context,
        call,
        query,
        ..
    } = request;
    let own = match may_see_all(&context.engine, call, query) {
        Ok(()) => None,
        Err(_) => Some(request.world()?.tag.clone()),
    };
    let mut turn = context.turns.brief();
    let listed = context
        .engine
        .worlds
        .list(call.received_at, own.as_deref(), &mut turn);
    let mut worlds = Vec::new();
    for world in listed.await {
        turn.pause().await;
        worlds.push(world_json(&world, context.redacts));
    }
    Ok((StatusCode::OK, json!({"worlds": worlds})))
}

/// The name of a world is hidden with `--redact`, because a client chose it.
fn world_json(world: &Listed, redacts: bool) -> Value {
    let holds = &world.holds;
    let name = world.name.as_deref();
    json!({
        "world": world.tag,
        "name": name.map(|name| if redacts { "…" } else { name }),
        "records": holds.records,
        "requests": holds.journal,
        "deliveries": holds.deliveries,
        "pending_callbacks": holds.deliveries_pending,
        "idle_ms": world.idle_ms,
        "rests": world.rests,
    })
}
