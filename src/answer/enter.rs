//! The first steps of an answer: route, API key, world. After them a request waits for its turn in the order of its world.

use std::sync::Arc;

use super::account;
use super::arrived::Arrived;
use super::caller::{named_world, no_foreign_page};
use super::no_route::no_route;
use super::reply::Reply;
use super::seen::Seen;
use crate::catalogue::Route;
use crate::http::{self, ApiError, Body, NO_MEMORY};
use crate::world::World;

/// How far a request has come when it needs the order of its world.
pub(super) enum Entered<'c> {
    /// It needs no world.
    Answered(Reply),
    World(Route<'c>, Arc<World>),
}

/// Checks route, API key and world.
pub(super) fn enter<'c>(
    arrived: &Arrived<'c>,
    seen: &mut Seen<'c>,
) -> Result<Entered<'c>, ApiError> {
    let Arrived {
        engine,
        catalogue,
        call,
    } = *arrived;
    if let Body::Unreadable(error) = &call.body
        && error.by_sandbox == Some(NO_MEMORY)
    {
        return Err(error.clone());
    }
    http::check_path(call.sent_path()).map_err(ApiError::broken_path)?;
    let route = (catalogue.route(call.method(), &call.path()))
        .ok_or_else(|| ApiError::no_route(no_route(engine, catalogue, call)))?;
    seen.route = Some(route.shown());
    no_foreign_page(engine, call, &route)?;
    match route {
        Route::Health => {
            call.check_query_and_headers()?;
            return Ok(Entered::Answered(account::health()));
        }
        Route::ApiKeys { ref business_id } => {
            call.check_query_and_headers()?;
            let issued = account::api_keys(engine.seed, &engine.keys.issued, call, business_id);
            return issued.map(Entered::Answered);
        }
        Route::CallbackToken | Route::ListCallbackUrls | Route::SetCallbackUrl { .. } => {}
        Route::Ask(endpoint, _) | Route::Read(endpoint, _) => seen.endpoint = Some(endpoint),
    }
    let world = enter_world(arrived, seen)?;
    Ok(Entered::World(route, world))
}

/// The world of the API key, or the one that a header names.
fn enter_world(arrived: &Arrived<'_>, seen: &mut Seen<'_>) -> Result<Arc<World>, ApiError> {
    let Arrived {
        engine,
        catalogue,
        call,
    } = *arrived;
    let key = match named_world(engine, call) {
        None => http::authenticate(call.headers())
            .inspect_err(|error| seen.key_mistake.clone_from(&error.message))?,
        Some(key) => key?,
    };
    seen.key_is_live = key.is_live();
    engine.admit(catalogue, &key)?;
    let world = engine.worlds.enter(&key, call.received_at)?;
    seen.was_dropped = world.take_drop_notice();
    seen.world = Some(world.clone());
    seen.decision.generation = catalogue.generation;
    Ok(world)
}
