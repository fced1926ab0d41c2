//! `GET /__sandbox/coverage`: what this run has exercised, and a curl for what it has not.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::counted::CountedKinds;
use super::ignored::{IgnorePattern, ignore};
use super::measure::Measure;
use crate::answer::is_tag;
use crate::catalogue::{Catalogue, Endpoint};
use crate::control::ask::{ControlAnswer, ControlRequest, bad_request, parameter, unknown_value};
use crate::http::{self, Call, Refusal};
use crate::reference::{endpoint_named, public_key};
use crate::world::{Callbacks, Exercised, World};

const FORMATS: [&str; 3] = ["json", "text", "junit"];

/// Covers all worlds since the start. With `world=own` it covers the world of the key since its last reset. If the
/// coverage is less than `min`, the status is 417.
pub(in crate::control) async fn answer(
    request: ControlRequest<'_>,
) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let catalogue = context.engine.catalogue();
    let endpoints = endpoints(&catalogue, request.call)?;
    let kinds = kinds(query.get("only"))?;
    let patterns = patterns(request.call)?;
    let min = parameter(query, "min", percentage)?;
    let scope = scope(request).await?;
    let curl = context.curl(&catalogue, request.call);
    let untouched = Callbacks::default();
    let has_url = |callback_type: &str| {
        let state = scope.world.as_ref().map(|world| world.state());
        let callbacks = state.as_ref().map_or(&untouched, |state| &state.callbacks);
        let engine = &context.engine;
        engine
            .callback_url(&catalogue, callbacks, callback_type)
            .is_some()
    };
    let measure = Measure {
        catalogue: &catalogue,
        endpoints,
        names_endpoints: query.contains_key("endpoint"),
        kinds,
        exercised: scope.exercised,
        is_of_world: scope.is_of_world,
        strict: context.engine.is_strict(&catalogue),
        curl: match &scope.world {
            Some(world) if world.key != public_key() => curl.with_own_key(),
            Some(_) | None => curl,
        },
        has_url: &has_url,
    };
    let mut coverage = measure.coverage(scope.of);
    ignore(&mut coverage, &patterns).map_err(bad_request)?;
    coverage.sum_up();
    let body = match query.get("format").map(String::as_str) {
        None | Some("json") => json!(coverage),
        Some("text") => Value::String(coverage.text()),
        Some("junit") => {
            let check = min.map(|min| coverage.check_min(min, "min"));
            Value::String(coverage.junit(check.as_slice()))
        }
        Some(other) => return Err(unknown_value("format", other, &FORMATS, None)),
    };
    let status = match min {
        Some(min) if !coverage.reaches(min) => StatusCode::EXPECTATION_FAILED,
        Some(_) | None => StatusCode::OK,
    };
    Ok((status, body))
}

/// Whose requests are measured.
struct Scope {
    of: String,
    exercised: Exercised,
    /// The world that the curls ask.
    world: Option<Arc<World>>,
    is_of_world: bool,
}

async fn scope(request: ControlRequest<'_>) -> Result<Scope, Refusal> {
    let ControlRequest { context, query, .. } = request;
    match query.get("world").map(String::as_str) {
        Some(own) if own == "own" || is_tag(own) => {
            let world = request.world()?;
            let mut exercised = Exercised::default();
            exercised.add(&world.state().exercised);
            Ok(Scope {
                of: format!("world {}", world.tag),
                exercised,
                world: Some(world),
                is_of_world: true,
            })
        }
        None | Some("all") if query.contains_key("key") => {
            Err(bad_request("`key` names a world: say `world=own` as well"))
        }
        None | Some("all") => {
            let worlds = &context.engine.worlds;
            let totals = worlds.totals(&mut context.turns.brief()).await;
            Ok(Scope {
                of: "all worlds".to_owned(),
                exercised: totals.exercised,
                world: worlds.get(&public_key()),
                is_of_world: false,
            })
        }
        Some(other) => {
            let more = Some("the tag of a world");
            Err(unknown_value("world", other, &["all", "own"], more))
        }
    }
}

/// The kinds of items that `only=` names.
fn kinds(only: Option<&String>) -> Result<CountedKinds, Refusal> {
    let Some(only) = only else {
        return Ok(CountedKinds::Usual);
    };
    let kinds = CountedKinds::named(only);
    kinds.ok_or_else(|| unknown_value("only", only, &CountedKinds::NAMES, None))
}

fn percentage(text: &str) -> Result<u8, String> {
    let percentage = text.parse().ok().filter(|percentage| *percentage <= 100);
    percentage.ok_or_else(|| format!("`{text}` is no whole number from 0 to 100"))
}

/// The patterns of `ignore=`, which may be repeated.
fn patterns(call: &Call) -> Result<Vec<IgnorePattern>, Refusal> {
    let asked = http::shown_pairs(call.raw_query().as_bytes());
    let texts = asked.filter(|(name, _)| name == "ignore");
    texts
        .map(|(_, text)| IgnorePattern::parse(&text).map_err(bad_request))
        .collect()
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
