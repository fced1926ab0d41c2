//! Who asks: the world of the caller, or another one that the caller may see.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::ORIGIN;
use tokio::time::Instant;

use super::engine::Engine;
use crate::base::ApiKey;
use crate::http::{self, ApiError, Call, Refusal, WORLD_HEADER};
use crate::world::World;

/// The world of the API key that the request carries, by Basic auth or as `?key=`; or the one that `?world=` names
/// by its tag, for those who may see all.
pub(crate) fn world(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<Arc<World>, Refusal> {
    if let Some(tag) = query.get("world").filter(|tag| is_tag(tag)) {
        may_see_all(engine, call, query)?;
        return world_of_tag(engine, tag, call.came);
    }
    let key = own_key(engine, call, query)?;
    let refused = |error: ApiError| no_world(error.message.unwrap_or_default());
    engine.worlds.enter(&key, call.came).map_err(refused)
}

/// Whether the request may name any world: it has shown the control token, or every key is let in anyway, or it
/// carries one that is.
pub(crate) fn may_see_all(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<(), Refusal> {
    if engine.guard.token().is_some() || engine.admits_all_keys() {
        return Ok(());
    }
    own_key(engine, call, query).map(|_| ())
}

/// The world of the key that the sandbox names first is there whenever it is asked for.
pub(super) fn world_of_tag(
    engine: &Engine,
    tag: &str,
    now: Instant,
) -> Result<Arc<World>, Refusal> {
    if let Some(world) = engine.worlds.by_tag(tag) {
        return Ok(world);
    }
    let key = engine.default_key();
    if engine.worlds.tag_of(&key) == tag {
        let refused = |error: ApiError| no_world(error.message.unwrap_or_default());
        return engine.worlds.enter(&key, now).map_err(refused);
    }
    Err(Refusal(
        StatusCode::NOT_FOUND,
        "unknown_world",
        format!("there is no world `{tag}`, or it was ended: GET worlds lists all"),
    ))
}

/// Whether this is the tag of a world: eight hex digits.
pub(crate) fn is_tag(text: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 8 && text.bytes().all(is_hex)
}

/// The API key that the request carries, where it is let in.
pub(crate) fn own_key(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<ApiKey, Refusal> {
    let key = match query.get("key") {
        Some(key) => key.parse().map_err(no_world)?,
        None => http::authenticate(call.headers()).map_err(|error| {
            no_world(error.message.unwrap_or_default() + " Or name the key as ?key=….")
        })?,
    };
    let refused = |error: ApiError| no_world(error.message.unwrap_or_default());
    engine.admit(&engine.catalogue(), &key).map_err(refused)?;
    Ok(key)
}

fn no_world(message: String) -> Refusal {
    Refusal(StatusCode::UNAUTHORIZED, "no_world", message)
}

/// Refuses what a browser sends for a page that is not the sandbox's own: a form can carry the documentation's key in its
/// address, and would have callbacks sent to wherever the sandbox reaches. Programs send no `Origin`.
pub(crate) fn no_foreign_page(engine: &Engine, call: &Call) -> Result<(), ApiError> {
    let by_browser =
        call.headers().contains_key(ORIGIN) || call.headers().contains_key("sec-fetch-site");
    if !by_browser {
        return Ok(());
    }
    let judged = engine.guard.judge_page(call);
    judged.map_err(|Refusal(_, _, message)| ApiError::callback_of_a_page(&message))
}

/// The key of the world that a product request names. None where it names none, which is nearly always.
pub(crate) fn named_world(engine: &Engine, call: &Call) -> Option<Result<ApiKey, ApiError>> {
    let tag = call.headers().get(WORLD_HEADER)?;
    let tag = tag.to_str().unwrap_or_default();
    let refuse = |Refusal(_, _, message): Refusal| ApiError::invalid_key(message);
    let method = call.method().as_str();
    let found = engine
        .guard
        .admit(call, method, &[])
        .and_then(|()| may_see_all(engine, call, &HashMap::new()))
        .and_then(|()| world_of_tag(engine, tag, call.came));
    Some(found.map(|world| world.key.clone()).map_err(refuse))
}
