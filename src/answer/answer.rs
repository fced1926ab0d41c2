//! The answer to a request, decided step by step; the order of the steps is the specification.
//! Nothing here waits or does any input or output.

use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::caller::{named_world, no_foreign_page};
use super::choice::{Choice, choose, in_turn};
use super::engine::Shared;
use super::read::read;
use super::record::Making;
use super::reply::{Effect, Reply};
use super::seen::Seen;
use super::{account, breaking, callback_urls, hints, input, magic, strict};
use crate::catalogue::{
    Answer, Catalogue, Endpoint, Route, UploadFields, calls_back, error_outcome,
};
use crate::http::{self, ApiError, Call};
use crate::world::{self, By, Why, World};

/// A reply, and what the journal and the log want to know of its making.
pub(crate) struct Answered {
    pub reply: Reply,
    /// None where the request was refused before its key was known.
    pub world: Option<Arc<World>>,
    /// Where the request went, in words that are safe to log; none where there is no such route.
    pub route: Option<Arc<str>>,
    /// Where in the body files are that must not be kept.
    pub uploads: Option<Arc<UploadFields>>,
    pub why: Why,
}

pub(crate) fn answer(sandbox: &Shared, call: &Call) -> Answered {
    let catalogue = sandbox.catalogue();
    let mut seen = Seen::default();
    let decided = decide(sandbox, &catalogue, call, &mut seen);
    let mut reply = decided.unwrap_or_else(|error| {
        seen.failed(&catalogue, &error);
        error_reply(&catalogue, seen.endpoint, &error)
    });
    if let (Some(endpoint), Some(world), false) = (seen.endpoint, &seen.world, seen.is_whole) {
        let breakage = seen.breakage.as_deref();
        breaking::decide(
            &catalogue,
            world,
            endpoint,
            &seen.asked,
            breakage,
            call.came,
            &mut reply,
        );
    }
    if let Some(standing) = &seen.rate {
        reply.headers.extend(standing.headers());
    }
    if let Some(warning) = seen.warning() {
        let name = HeaderName::from_static("x-sandbox-warning");
        reply.headers.push((name, warning));
    }
    seen.why.endpoint = seen.endpoint.map(|endpoint| endpoint.id.clone());
    Answered {
        reply,
        world: seen.world,
        route: seen.route,
        uploads: seen
            .endpoint
            .and_then(|endpoint| endpoint.schema.uploads.clone()),
        why: seen.why,
    }
}

fn decide<'c>(
    sandbox: &Shared,
    catalogue: &'c Catalogue,
    call: &'c Call,
    seen: &mut Seen<'c>,
) -> Result<Reply, ApiError> {
    let route = catalogue
        .route(call.method(), call.path())
        .map_err(ApiError::no_route)?;
    seen.route = Some(route.shown());
    match route {
        Route::Health => return Ok(account::health()),
        Route::ApiKeys { business_id } => return account::api_keys(sandbox, call, business_id),
        Route::CallbackToken | Route::ListCallbackUrls | Route::SetCallbackUrl { .. } => {}
        Route::Ask(endpoint, _) | Route::Read(endpoint, _) => seen.endpoint = Some(endpoint),
    }
    let key = match named_world(sandbox, call) {
        None => http::authenticate(call.headers())?,
        Some(key) => key?,
    };
    seen.key_is_live = key.is_live();
    sandbox.admit(catalogue, &key)?;
    let world = sandbox.worlds.enter(&key, call.came)?;
    seen.world = Some(world.clone());
    seen.why.generation = catalogue.generation;
    if let Some(endpoint) = seen.endpoint
        && world.is_rigged()
        && let Some(standing) = world.judge_rate(endpoint, call.came)
    {
        seen.judged(standing)?;
    }
    let reads = matches!(route, Route::Read(..));
    let answer = match route {
        Route::Ask(endpoint, path) => ask(sandbox, catalogue, &world, endpoint, path, call, seen),
        Route::Read(endpoint, id) => read(sandbox, catalogue, &world, endpoint, id, call, seen),
        Route::ListCallbackUrls => Ok(callback_urls::list(sandbox, catalogue, &world)),
        Route::SetCallbackUrl { may_be_all } => no_foreign_page(sandbox, call)
            .and_then(|()| callback_urls::register(catalogue, &world, call, may_be_all)),
        _ => Ok(account::callback_token(&world)),
    };
    if matches!(&answer, Err(error) if !error.is_asked_for) {
        seen.refused(reads);
    }
    answer
}

fn ask(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    path: Map<String, Value>,
    call: &Call,
    seen: &mut Seen<'_>,
) -> Result<Reply, ApiError> {
    let creation = endpoint
        .creation
        .as_ref()
        .expect("only products are routed here");
    strict::refuse_endpoint_if_strict(sandbox, catalogue, endpoint)?;
    if creation.rules.count_calls {
        seen.why.nth = world.count_call(&endpoint.id);
    }
    let magic = magic::read_magic(call.headers(), endpoint, false)?;
    seen.asked = magic.breaking;
    let told = match magic.outcome {
        Some(outcome) => Some((outcome, By::Magic)),
        None => world::queued_outcome(world, endpoint, false)?.map(|outcome| (outcome, By::Next)),
    };
    if let Some((outcome, by)) = told {
        seen.why.by = by;
        seen.why.chosen = Some(outcome.clone());
        if outcome.is_error() {
            strict::refuse_outcome_if_strict(sandbox, catalogue, endpoint, outcome)?;
            return Err(ApiError::asked_for(&outcome.name));
        }
    }
    let input = input::sound(endpoint, path, call, magic.outcome.is_some())?;
    seen.hints = hints::of(catalogue, &input.fields);
    let choice = if let Some((outcome, by)) = told {
        Choice::of(outcome, by)
    } else {
        let facts = input.facts(call, seen.why.nth);
        choose(sandbox.seed, catalogue, endpoint, creation, facts)?
    };
    seen.why.by = choice.by;

    sandbox.panic_if_told("answer");
    let mut state = world.state();
    sandbox.panic_if_told("lock");
    let (outcome, turn) = in_turn(world, &mut state, endpoint, choice.outcome);
    seen.why.chosen = Some(choice.outcome.clone());
    seen.why.turn = turn;
    strict::refuse_outcome_if_strict(sandbox, catalogue, endpoint, &outcome)?;
    if outcome.is_error() {
        return Err(ApiError::asked_for(&outcome.name));
    }
    if magic.callback.is_some() && !calls_back(endpoint, &outcome) {
        return Err(ApiError::no_callback(&outcome.name));
    }
    if let Some(breakage) = &outcome.breakage {
        seen.breakage = Some(breakage.clone());
        if let Some(limit) = &breakage.rate_limit {
            let (what, advanced) = (breakage.hash(world, endpoint), state.callbacks.advanced);
            let standing = state.windows.judge(what, limit, call.came, advanced);
            seen.judged(standing)?;
        }
    }
    let mut mix = world.mix(&endpoint.id);
    mix.object(&input.fields);
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let (epoch, times) = state.counters.count(mix.finish() as u64);
    mix.number(epoch);
    mix.number(times.into());
    let making = Making {
        sandbox,
        catalogue,
        world,
        endpoint,
        creation,
        call,
        fields: &input.fields,
        drawn: mix.finish(),
        callback: magic.callback,
    };
    let made = making.record(&mut state, &outcome, choice.finding);
    drop(state);
    seen.why.record = made.id;

    Ok(Reply {
        status: outcome.status,
        headers: outcome.headers.clone(),
        body: made.body,
        outcome: Some(outcome.tag.clone()),
        effect: Effect::of(made.planned),
        breaking: None,
    })
}

/// The one place where an error becomes a reply.
pub(crate) fn error_reply(
    catalogue: &Catalogue,
    endpoint: Option<&Endpoint>,
    error: &ApiError,
) -> Reply {
    let name = error.outcome_name();
    let outcome = error_outcome(catalogue, endpoint, error);
    let Answer::Error { code, message } = &outcome.answer else {
        unreachable!("an error's outcome is an error");
    };
    let message = error.message.as_deref().unwrap_or(message);
    let mut headers = outcome.headers.clone();
    if let Some(reason) = error.by_sandbox {
        headers.push((
            HeaderName::from_static("x-sandbox-error"),
            HeaderValue::from_static(reason),
        ));
    }
    Reply {
        status: outcome.status,
        headers,
        body: http::error_envelope(code, message, &error.complaints),
        outcome: endpoint
            .and_then(|endpoint| HeaderValue::try_from(format!("{}/{name}", endpoint.id)).ok()),
        effect: Effect::None,
        breaking: None,
    }
}
