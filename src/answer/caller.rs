//! The caller of a request: its own world, or another one that it may see.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use tokio::time::Instant;

use super::engine::Engine;
use crate::base::ApiKey;
use crate::catalogue::Route;
use crate::http::{self, ApiError, Call, Refusal, WORLD_HEADER};
use crate::world::World;

/// The world of the request's API key, given by Basic auth or as `?key=`. Callers that may see all worlds can
/// name one by its tag with `?world=`.
pub(crate) fn world(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<Arc<World>, Refusal> {
    if let Some(tag) = query.get("world").filter(|tag| is_tag(tag)) {
        may_enter(engine, call, query, tag)?;
        return world_of_tag(engine, tag, call.received_at);
    }
    let key = own_key(engine, call, query)?;
    let refused = |error: ApiError| no_world(error.message.unwrap_or_default());
    engine.worlds.enter(&key, call.received_at).map_err(refused)
}

/// The same, if there is such a world already.
pub(crate) fn known_world(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Option<Arc<World>> {
    if let Some(tag) = query.get("world").filter(|tag| is_tag(tag)) {
        may_enter(engine, call, query, tag).ok()?;
        return engine.worlds.by_tag(tag);
    }
    let key = own_key(engine, call, query).ok()?;
    engine.worlds.wake(&key, None, call.received_at);
    engine.worlds.get(&key)
}

/// Whether the request may use all worlds. It may if it has shown the control token, if every key is let in, or if it
/// carries a key that was configured. A key that the sandbox has issued opens its own world alone.
pub(crate) fn may_see_all(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
) -> Result<(), Refusal> {
    if engine.guard.token().is_some() || engine.admits_all_keys() {
        return Ok(());
    }
    let key = own_key(engine, call, query)?;
    if engine.is_configured(&key) {
        return Ok(());
    }
    Err(Refusal(
        StatusCode::FORBIDDEN,
        "own_world_only",
        "this API key was issued by the sandbox and opens its own world alone: send a key of --api-key".to_owned(),
    ))
}

/// The same for one world: its own key opens it too.
fn may_enter(
    engine: &Engine,
    call: &Call,
    query: &HashMap<String, String>,
    tag: &str,
) -> Result<(), Refusal> {
    may_see_all(engine, call, query).or_else(|refusal| match own_key(engine, call, query) {
        Ok(key) if engine.worlds.tag_of(&key) == tag => Ok(()),
        Ok(_) | Err(_) => Err(refusal),
    })
}

/// The world with this tag. The world of the default key is made when it is first asked for.
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
    if engine.worlds.rests(tag) {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "world_rests",
            format!(
                "the world `{tag}` comes from the state file and waits for its key: send a request with its API key first, or \
                 remove it with DELETE worlds?world={tag}"
            ),
        ));
    }
    Err(Refusal(
        StatusCode::NOT_FOUND,
        "unknown_world",
        format!("there is no world `{tag}`, or it was ended: GET worlds lists all"),
    ))
}

/// Whether a text can be the tag of a world: eight hex digits.
pub(crate) fn is_tag(text: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 8 && text.bytes().all(is_hex)
}

/// The API key that the request carries, if it is let in.
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

/// Refuses a request that a browser sends for a page other than the sandbox's own, if it changes something or is given
/// keys. A form of such a page could carry the documentation's key in its address, and have callbacks sent to
/// anything that the sandbox can reach.
pub(super) fn no_foreign_page(
    engine: &Engine,
    call: &Call,
    route: &Route<'_>,
) -> Result<(), ApiError> {
    let only_reads = matches!(*call.method(), Method::GET | Method::HEAD);
    if only_reads && !matches!(route, Route::ApiKeys { .. }) {
        return Ok(());
    }
    let judged = http::refuse_foreign_page(&engine.guard, call);
    judged.map_err(|page| ApiError::foreign_page(&format!("{page} sent this request")))
}

/// The key of the world that a product request names in a header. Nearly all requests name none.
pub(crate) fn named_world(engine: &Engine, call: &Call) -> Option<Result<ApiKey, ApiError>> {
    let Ok(tag) = http::single_header(call.headers(), WORLD_HEADER) else {
        let message =
            format!("{WORLD_HEADER} came more than once, with different values: send it once.");
        return Some(Err(ApiError::invalid_key(message)));
    };
    let tag = tag?.to_str().unwrap_or_default();
    let refuse = |Refusal(_, _, message): Refusal| ApiError::invalid_key(message);
    let method = call.method().as_str();
    let found = engine
        .guard
        .admit(call, method, &[])
        .and_then(|()| may_enter(engine, call, &HashMap::new(), tag))
        .and_then(|()| world_of_tag(engine, tag, call.received_at));
    Some(found.map(|world| world.key.clone()).map_err(refuse))
}
