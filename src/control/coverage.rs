//! `GET /__sandbox/coverage`: what this run has exercised, and a curl for what it has not.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest, bad_request};
use super::coverage_report::Measure;
use crate::answer::is_tag;
use crate::base::PUBLIC_KEY;
use crate::catalogue::{Catalogue, Endpoint};
use crate::http::{self, Call, Refusal};
use crate::reference::endpoint_named;
use crate::world::{Callbacks, Exercised};

/// Covers all worlds since the start. With `world=own` it covers the world of the key since its last reset.
pub(super) async fn answer(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let catalogue = context.engine.catalogue();
    let endpoints = endpoints(&catalogue, request.call)?;
    let mut curl = context.curl(&catalogue, request.call);
    let public = PUBLIC_KEY.parse().expect("the public key is well-formed");
    let (of, exercised, asked) = match query.get("world").map(String::as_str) {
        Some(own) if own == "own" || is_tag(own) => {
            let world = request.world()?;
            if world.key != public {
                curl = curl.with_own_key();
            }
            let mut exercised = Exercised::default();
            exercised.add(&world.state().exercised);
            (format!("world {}", world.tag), exercised, Some(world))
        }
        None | Some("all") if query.contains_key("key") => {
            return Err(bad_request("`key` names a world: say `world=own` as well"));
        }
        None | Some("all") => {
            let of = "all worlds".to_owned();
            (
                of,
                (context
                    .engine
                    .worlds
                    .totals(&mut context.turns.brief())
                    .await)
                    .exercised,
                context.engine.worlds.get(&public),
            )
        }
        Some(_) => return Err(bad_request("`world` is all, own or the tag of a world")),
    };
    let untouched = Callbacks::default();
    let has_url = |callback_type: &str| {
        let state = asked.as_ref().map(|world| world.state());
        let callbacks = state.as_ref().map_or(&untouched, |state| &state.callbacks);
        let url = context
            .engine
            .callback_url(&catalogue, callbacks, callback_type);
        url.is_some()
    };
    let measure = Measure {
        catalogue: &catalogue,
        endpoints,
        exercised,
        strict: context.engine.is_strict(&catalogue),
        curl,
        has_url: &has_url,
    };
    let coverage = measure.coverage(of);
    let body = match query.get("format").map(String::as_str) {
        None | Some("json") => json!(coverage),
        Some("text") => Value::String(coverage.text()),
        Some(_) => return Err(bad_request("`format` is json or text")),
    };
    Ok((StatusCode::OK, body))
}

/// The endpoints that `endpoint=` names, which may be repeated. Without it, all.
fn endpoints<'c>(catalogue: &'c Catalogue, call: &Call) -> Result<Vec<&'c Endpoint>, Refusal> {
    let asked = http::shown_pairs(call.raw_query().as_bytes());
    let mut chosen: Vec<&Endpoint> = Vec::new();
    for (_, id) in asked.filter(|(name, _)| name == "endpoint") {
        let endpoint = endpoint_named(catalogue, &id).map_err(bad_request)?;
        if !chosen.iter().any(|known| std::ptr::eq(*known, endpoint)) {
            chosen.push(endpoint);
        }
    }
    if chosen.is_empty() {
        chosen.extend(catalogue.endpoints());
    }
    Ok(chosen)
}
