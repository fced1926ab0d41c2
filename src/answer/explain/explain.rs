//! Why an exchange was answered as it was, worked out from what the journal keeps of it.

use std::sync::Arc;

use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::because::Because;
use super::later::add_life;
use super::words::{milliseconds, place};
use crate::answer::answer::no_route;
use crate::answer::engine::Engine;
use crate::catalogue::{self, Endpoint, Route, Subject, UploadFields};
use crate::http::{Body, Call, MediaType};
use crate::world::{Content, Exchange, KeptBody, NO_WORLD, World};

/// What is known of an exchange and why it went so. `world` is none for one that belongs to no world.
pub(crate) fn explain(engine: &Engine, world: Option<&World>, exchange: &Exchange) -> Value {
    let catalogue = engine.catalogue();
    let why = &exchange.why;
    let mut notes = Vec::new();
    if why.generation != 0 && why.generation != catalogue.generation {
        notes.push(format!(
            "the scenarios were reloaded since: rules and dummy data are shown as they are now (generation {}, then {})",
            catalogue.generation, why.generation
        ));
    }
    let mut call = call(exchange);
    let (method, path) = (call.method().clone(), call.path().to_owned());
    let mut told = json!({
        "trace": exchange.trace(),
        "request": {"method": method.as_str(), "path": path},
        "status": exchange.status.as_u16(),
        "outcome": exchange.outcome.as_ref().and_then(|tag| tag.to_str().ok()),
    });
    if !exchange.delay.is_zero() {
        told["delay_ms"] = milliseconds(exchange.delay).into();
    }
    if let Some(fault) = &exchange.fault {
        told["fault"] = (&**fault).into();
    }
    let route = catalogue.route(&method, &path);
    let endpoint = match &route {
        Ok(Route::Ask(endpoint, _) | Route::Read(endpoint, _)) => Some(*endpoint),
        _ => None,
    };
    if let Some(endpoint) = endpoint
        && let Some(uploads) = &endpoint.schema.uploads
        && let Some(note) = stand_in(&mut call, exchange)
        && tests_a_file(endpoint, uploads)
    {
        notes.push(note);
    }
    if let Some(endpoint) = endpoint {
        told["endpoint"] = json!({
            "id": &*endpoint.id,
            "source": endpoint.source.name(),
            "place": place(&endpoint.origin),
        });
    }
    let mut because = Because {
        told: &mut told,
        notes,
    };
    match &route {
        Err(nearest) => because.say("no_route", no_route(engine, &call, nearest.as_deref())),
        Ok(_) if world.is_none() => because.refused(exchange),
        Ok(Route::Ask(endpoint, path)) => {
            because.of_ask(engine, &catalogue, endpoint, path.clone(), &call, exchange);
        }
        Ok(Route::Read(endpoint, _)) => because.of_read(endpoint, &call, exchange),
        Ok(_) => because.say(
            "account",
            "This path is no product: it is answered from what the world holds.".to_owned(),
        ),
    }
    let notes = because.notes;
    if let Some(world) = world {
        add_life(&mut told, world, exchange);
    }
    told["notes"] = notes.into();
    told
}

/// The request as it came, as far as it was kept.
fn call(exchange: &Exchange) -> Call {
    let mut request = Request::builder()
        .method(exchange.method())
        .uri(exchange.target());
    for (name, value) in exchange.headers() {
        request = request.header(name, value);
    }
    let (head, ()) = request
        .body(())
        .unwrap_or_else(|_| Request::new(()))
        .into_parts();
    let kept: &KeptBody = &exchange.request;
    let parts = || serde_json::from_slice(&kept.bytes).ok();
    let body = match MediaType::of(&head.headers) {
        _ if kept.whole_bytes == 0 => Body::Empty,
        MediaType::Multipart => parts().map_or(Body::Empty, Body::Parts),
        _ => Body::Bytes(kept.bytes.clone()),
    };
    Call {
        came: Instant::now(),
        at: exchange.at,
        head,
        body,
    }
}

/// The files in a body are not kept: puts something in their place, and says so.
fn stand_in(call: &mut Call, exchange: &Exchange) -> Option<String> {
    let (mut value, is_text) = match exchange.content() {
        Content::Json(value) => (value, false),
        Content::Fields(value) => (value, true),
        _ => return None,
    };
    let files = catalogue::stand_in_for_facts(&mut value);
    if files.is_empty() {
        return None;
    }
    call.body = if is_text {
        Body::Parts(value)
    } else {
        Body::Bytes(value.to_string().into())
    };
    Some(format!(
        "of {} no bytes are kept: what rules say of it is held against the SHA-256 of the file",
        files.join(", ")
    ))
}

/// Whether any rule looks at a file.
fn tests_a_file(endpoint: &Endpoint, uploads: &UploadFields) -> bool {
    let rules = endpoint
        .creation
        .iter()
        .flat_map(|creation| creation.rules.iter());
    let mut conditions = rules.flat_map(|rule| rule.when.0.iter().flatten());
    conditions.any(|one| matches!(&one.subject, Subject::Field(path) if uploads.touch(path)))
}

/// An exchange that a trace names, and its world if it has one.
pub(crate) struct Found {
    pub world: Option<Arc<World>>,
    pub exchange: Exchange,
}

/// The exchange of a trace, or the status and the sentence that say why there is none.
pub(crate) fn find_exchange(
    engine: &Engine,
    trace: &str,
    may_see: impl Fn(&World) -> bool,
) -> Result<Found, (StatusCode, String)> {
    let shown: String = trace.chars().filter(|c| !c.is_control()).take(50).collect();
    let unknown = |why: &str| Err((StatusCode::NOT_FOUND, format!("`{shown}`: {why}")));
    let Some((tag, seq)) = trace.rsplit_once('-') else {
        return unknown("a trace looks like 1a2b3c4d-7: it is in x-sandbox-trace of every reply");
    };
    let Ok(seq) = seq.parse::<u64>() else {
        return unknown("a trace ends in the number of its exchange");
    };
    if tag.as_bytes() == NO_WORLD {
        return match engine.strangers.journal().get(seq).cloned() {
            Some(exchange) => Ok(Found {
                world: None,
                exchange,
            }),
            None => unknown(
                "of the requests that belong to no world only the latest refused ones are kept",
            ),
        };
    }
    let world = engine.worlds.by_tag(tag).filter(|world| may_see(world));
    let Some(world) = world else {
        return unknown("there is no such world, or it was ended");
    };
    let (found, last) = {
        let state = world.state();
        (state.journal.get(seq).cloned(), state.journal.last_seq())
    };
    match found {
        Some(exchange) => Ok(Found {
            world: Some(world),
            exchange,
        }),
        None if seq > last => unknown("there has been no such exchange yet"),
        None => unknown("it is not kept: the journal keeps the latest 1000 since the last reset"),
    }
}
