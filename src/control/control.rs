//! The control API under `/__sandbox/`: what the sandbox says of itself, and what tests tell it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::ask::{Answer, JSON, LINES, Said, TEXT, json_body, only, secrets, written};
use super::context::Context;
use super::export::{self};
use super::routes::{self, OPENAPI};
use super::{
    callback_urls, catalog, clock, coverage, deliveries, events, explain, faults, fidelity, inbox,
    metrics, next, readyz, requests, schema, setup, snapshot, trigger, verify, worlds,
};
use crate::answer::world;
use crate::http::{CONTROL_PREFIX, Call, Refusal, ReplyBody};
use crate::world::World;

/// Whether a path is the sandbox's own.
pub(crate) fn is_control_path(path: &str) -> bool {
    path.starts_with(CONTROL_PREFIX) || path == CONTROL_PREFIX.trim_end_matches('/')
}

pub(crate) async fn respond(context: &Arc<Context>, call: &Call) -> Response<ReplyBody> {
    let refused = |Refusal(status, error, message)| {
        Said::Whole((status, json!({"error": error, "message": message})))
    };
    context.engine.panics.reached("control");
    let said = decide(context, call).await.unwrap_or_else(refused);
    let (status, kind, body) = match said {
        Said::Response(response) => return response,
        Said::Document(kind, document) => (StatusCode::OK, kind, ReplyBody::new(document)),
        Said::Lines(lines) => (StatusCode::OK, LINES, ReplyBody::pieces(lines)),
        Said::Whole((status, Value::String(text))) => (status, TEXT, ReplyBody::new(text)),
        Said::Whole((status, body)) => (status, JSON, ReplyBody::new(body.to_string())),
    };
    written(status, kind, body)
}

/// A panic has left no answer.
pub(crate) fn failed_reply() -> Response<ReplyBody> {
    let message = "the sandbox failed while it answered this request; its log says where";
    let body = json!({"error": "server_error", "message": message}).to_string();
    written(
        StatusCode::INTERNAL_SERVER_ERROR,
        JSON,
        ReplyBody::new(body),
    )
}

/// To where the page finds its files.
fn moved() -> Response<ReplyBody> {
    let body = ReplyBody::new(CONTROL_PREFIX);
    let mut response = written(StatusCode::PERMANENT_REDIRECT, TEXT, body);
    let location = HeaderValue::from_static(CONTROL_PREFIX);
    response.headers_mut().insert(LOCATION, location);
    response
}

async fn decide(context: &Arc<Context>, call: &Call) -> Result<Said, Refusal> {
    let path = call.path().strip_prefix(CONTROL_PREFIX).unwrap_or_default();
    let parts: Vec<_> = path.split('/').collect();
    let method = if *call.method() == Method::HEAD {
        "GET"
    } else {
        call.method().as_str()
    };
    context.engine.guard.admit(call, method, &parts)?;
    // No part of the API, but a page that uses it.
    match parts.as_slice() {
        [""] if method == "GET" && call.path() != CONTROL_PREFIX => {
            return Ok(Said::Response(moved()));
        }
        [""] if method == "GET" => return setup::file("").map(Said::Response),
        ["inspector", name] if method == "GET" => return setup::file(name).map(Said::Response),
        _ => {}
    }
    let query = call.query();
    match (method, parts.as_slice()) {
        ("GET", ["events"]) => {
            return events::open(context, call, &query).map(Said::Response);
        }
        ("GET", ["export"]) => {
            return export::answer(context, call, &query).map(|lines| Said::Lines(Box::new(lines)));
        }
        ("GET", ["snapshot"]) => {
            only(&query, &[])?;
            if context.redacts {
                return Err(Refusal(
                    StatusCode::FORBIDDEN,
                    "redacted",
                    "a snapshot holds all that a world knows, and this sandbox shows no personal fields (--redact)".to_owned(),
                ));
            }
            let taken = snapshot::take(&*world(&context.engine, call, &query)?)?;
            return Ok(Said::Document(JSON, taken));
        }
        ("GET", ["openapi.json"]) => {
            return Ok(Said::Document(JSON, Bytes::from_static(OPENAPI)));
        }
        ("GET", ["metrics"]) => {
            let text = metrics::page(context, &query)?;
            return Ok(Said::Document(metrics::CONTENT_TYPE, text.into()));
        }
        _ => {}
    }
    match route(context, call, method, &parts, query).await? {
        Some(answer) => Ok(Said::Whole(answer)),
        None => routes::none(call.method().as_str(), &parts).map(Said::Response),
    }
}

async fn route(
    context: &Arc<Context>,
    call: &Call,
    method: &str,
    parts: &[&str],
    query: HashMap<String, String>,
) -> Result<Option<Answer>, Refusal> {
    let answer = match (method, parts) {
        ("GET", ["livez"]) => Ok((StatusCode::OK, json!({"status": "alive"}))),
        ("GET", ["readyz"]) => Ok(readyz::answer(context)),
        ("GET", ["catalog"]) => catalog::answer(context, call, &query),
        ("GET", ["coverage"]) => coverage::answer(context, call, &query),
        ("GET", ["fidelity"]) => fidelity::answer(context, call, &query),
        ("GET", ["explain", trace]) => explain::answer(context, call, trace, &query),
        ("GET", ["requests"]) => requests::list(context, call, &query).await,
        ("POST", ["verify"]) => verify::answer(context, call, &query).await,
        ("GET", ["worlds"]) => worlds::list(context, call, &query),
        ("POST", ["worlds"]) => worlds::mint(context, call).await,
        ("DELETE", ["worlds"]) => worlds::end(context, call, &query).await,
        ("GET", ["inbox"]) => inbox::names(context, &query),
        ("GET", ["schema"]) => schema::answer(context, &query),
        ("GET", ["setup"]) => setup::setup(context, call, &query),
        ("GET" | "POST" | "DELETE", ["inbox", name]) => {
            inbox::answer(context, call, method, name, &query).await
        }
        _ => return of_own_world(context, call, method, parts, &query).await,
    };
    answer.map(Some)
}

async fn of_own_world(
    context: &Arc<Context>,
    call: &Call,
    method: &str,
    parts: &[&str],
    query: &HashMap<String, String>,
) -> Result<Option<Answer>, Refusal> {
    let route = match (method, parts) {
        ("GET", ["world"]) => Route::World,
        ("GET", ["callback_urls"]) => Route::CallbackUrls,
        ("GET", ["next"]) => Route::Next,
        ("POST", ["next"]) => Route::Queue,
        ("DELETE", ["next"]) => Route::ClearNext,
        ("GET", ["deliveries"]) => Route::Deliveries,
        ("POST", ["deliveries", id, "redeliver"]) => Route::Redeliver(id),
        ("POST", ["trigger"]) => Route::Trigger,
        ("GET", ["idle"]) => Route::Idle,
        ("GET", ["clock"]) => Route::Clock,
        ("POST", ["clock"]) => Route::SetClock,
        ("POST", ["clock", "advance"]) => Route::Advance,
        ("POST", ["reset"]) => Route::Reset,
        ("GET", ["faults"]) => Route::Faults,
        ("PUT", ["faults"]) => Route::SetFaults,
        ("DELETE", ["faults"]) => Route::Heal,
        ("PUT", ["snapshot"]) => Route::Restore,
        _ => return Ok(None),
    };
    let world = world(&context.engine, call, query)?;
    let answer = of_world(context, call, query, &world, route).await;
    if method != "GET" {
        context.engine.worlds.live.settings(&world.tag);
    }
    answer.map(Some)
}

async fn of_world(
    context: &Arc<Context>,
    call: &Call,
    query: &HashMap<String, String>,
    world: &Arc<World>,
    route: Route<'_>,
) -> Result<Answer, Refusal> {
    match route {
        Route::CallbackUrls => callback_urls::list(context, world, query),
        Route::World => Ok(secrets(context, world)),
        Route::Next => Ok(next::show(world)),
        Route::Queue => next::queue(context, world, &json_body(call)?),
        Route::ClearNext => next::clear(context, world, query),
        Route::Deliveries => deliveries::list(context, world, query).await,
        Route::Redeliver(id) => deliveries::redeliver(context, world, id),
        Route::Trigger => trigger::answer(context, world, json_body(call)?),
        Route::Idle => deliveries::idle(context, world, query).await,
        Route::Clock => Ok(clock::show(world)),
        Route::SetClock => clock::set(context, world, json_body(call)?).await,
        Route::Advance => clock::advance(context, world, json_body(call)?).await,
        Route::Reset => Ok(reset(world).await),
        Route::Faults => Ok(faults::show(world, call.came)),
        Route::SetFaults => faults::set(
            &context.engine.catalogue(),
            world,
            json_body(call)?,
            call.came,
        ),
        Route::Heal => Ok(faults::heal(world, call.came)),
        Route::Restore => snapshot::restore(context, world, call).await,
    }
}

/// A route that belongs to one world.
enum Route<'a> {
    World,
    CallbackUrls,
    Next,
    Queue,
    ClearNext,
    Deliveries,
    Redeliver(&'a str),
    Trigger,
    Idle,
    Clock,
    SetClock,
    Advance,
    Reset,
    Faults,
    SetFaults,
    Heal,
    Restore,
}

/// Empties a world, and answers when nothing of it is left: also what was on its way is called back.
async fn reset(world: &World) -> Answer {
    let cancelled = world.reset().await;
    (
        StatusCode::OK,
        json!({"status": "reset", "cancelled_callbacks": cancelled}),
    )
}
