//! The answer to a request, decided step by step; the order of the steps is the specification.
//! Nothing here waits or does any input or output.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use crate::account;
use crate::auth;
use crate::call::{Call, Reply};
use crate::catalogue::{Catalogue, Route};
use crate::choice::{Choice, choose, choose_by_dummy_data};
use crate::dice::Dice;
use crate::endpoint::{Answer, Creation, Endpoint, Outcome, PlantedRecord};
use crate::error::{self, ApiError, Code};
use crate::input;
use crate::magic;
use crate::plan::{Fill, Rendered};
use crate::sandbox::Shared;
use crate::store::{Later, Record};
use crate::world::{State, World};

/// A reply, and what the journal and the log want to know of its making.
pub(crate) struct Answered {
    pub reply: Reply,
    /// None where the request was refused before its key was known.
    pub world: Option<Arc<World>>,
    /// Where the request went, in words that are safe to log; none where there is no such route.
    pub route: Option<Arc<str>>,
}

pub(crate) fn answer(sandbox: &Shared, call: &Call) -> Answered {
    let catalogue = sandbox.catalogue();
    let mut seen = Seen::default();
    let decided = decide(sandbox, &catalogue, call, &mut seen);
    let mut reply = decided.unwrap_or_else(|error| error_reply(&catalogue, seen.endpoint, &error));
    if seen.world.as_ref().is_some_and(|world| world.key.is_live()) {
        reply.headers.push((
            HeaderName::from_static("x-sandbox-warning"),
            HeaderValue::from_static("a key of the live environment was sent to a sandbox"),
        ));
    }
    Answered {
        reply,
        world: seen.world,
        route: seen.route,
    }
}

/// What has become known of a request on the way to its answer.
#[derive(Default)]
struct Seen<'c> {
    endpoint: Option<&'c Endpoint>,
    world: Option<Arc<World>>,
    route: Option<Arc<str>>,
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
        Route::CallbackToken => {}
        Route::Create(endpoint) | Route::Read(endpoint, _) => seen.endpoint = Some(endpoint),
    }
    let key = auth::authenticate(call.headers())?;
    sandbox.admit(catalogue, &key)?;
    let world = sandbox.worlds.enter(&key)?;
    seen.world = Some(world.clone());
    match route {
        Route::Create(endpoint) => create(sandbox, catalogue, &world, endpoint, call),
        Route::Read(endpoint, id) => read(sandbox, catalogue, &world, endpoint, id, call),
        _ => Ok(account::callback_token(&world)),
    }
}

fn read(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    id: &str,
    call: &Call,
) -> Result<Reply, ApiError> {
    if let Some(outcome) = magic::outcome(call.headers(), endpoint, true)? {
        return Err(ApiError::asked_for(&outcome.name));
    }
    let body =
        find(sandbox, catalogue, world, endpoint, id).ok_or_else(|| ApiError::no_record(id))?;
    Ok(Reply {
        status: StatusCode::OK,
        headers: Vec::new(),
        body,
        outcome: HeaderValue::try_from(format!("{}/READ", endpoint.id)).ok(),
    })
}

/// A record of this world, one that is planted in every world, or a listing of the watchlist.
fn find(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    id: &str,
) -> Option<Bytes> {
    let also = endpoint
        .reads
        .iter()
        .filter_map(|id| catalogue.endpoint(id));
    let places: Vec<_> = std::iter::once(endpoint).chain(also).collect();
    {
        let state = world.state();
        if let Some(record) = state.records.get(id)
            && places.iter().any(|place| place.id == record.endpoint)
        {
            return Some(record.body_at(Instant::now()).clone());
        }
    }
    places.iter().find_map(|place| {
        if let (Some(record), Some(creation)) = (place.records.get(id), &place.creation) {
            return Some(planted(sandbox, catalogue, creation, id, record));
        }
        let listing = place
            .reads_listings
            .then(|| catalogue.dummy.listing(id))
            .flatten()?;
        let mut body = Vec::new();
        listing.write(&mut body, 100);
        Some(Bytes::from(body))
    })
}

fn planted(
    sandbox: &Shared,
    catalogue: &Catalogue,
    creation: &Creation,
    id: &str,
    record: &PlantedRecord,
) -> Bytes {
    let choice = match &record.outcome {
        Some(outcome) => Choice::of(outcome),
        None => choose_by_dummy_data(sandbox.seed, catalogue, creation, &record.input),
    };
    let mut mix = crate::dice::Mix::new(sandbox.seed, "planted record");
    mix.text(id);
    let mut dice = mix.dice();
    let outcome = choice.outcome;
    let finding = choice.finding(sandbox.seed, catalogue, creation, &record.input, &mut dice);
    let mut fill = Fill {
        input: &record.input,
        id,
        created: record.created,
        updated: record.updated,
        finding: finding.as_ref(),
        dice: &mut dice,
    };
    write(outcome, &mut fill, &mut Vec::new()).body
}

fn create(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    call: &Call,
) -> Result<Reply, ApiError> {
    let creation = endpoint
        .creation
        .as_ref()
        .expect("only endpoints that create are routed here");
    let magic = magic::outcome(call.headers(), endpoint, false)?;
    if let Some(outcome) = magic
        && outcome.is_error()
    {
        return Err(ApiError::asked_for(&outcome.name));
    }
    let input = input::read(endpoint, call, magic.is_some())?;
    endpoint.schema.check(&input).map_err(ApiError::refused)?;
    let Value::Object(fields) = &input else {
        return Err(ApiError::not_an_object());
    };
    let choice = match magic {
        Some(outcome) => Choice::of(outcome),
        None => choose(sandbox.seed, catalogue, creation, fields),
    };

    let mut state = world.state();
    let outcome = in_turn(world, &mut state, endpoint, choice.outcome);
    if outcome.is_error() {
        return Err(ApiError::asked_for(&outcome.name));
    }
    let mut mix = world.mix(&endpoint.id);
    mix.json(&input);
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let (epoch, times) = state.counters.count(mix.finish() as u64);
    mix.number(epoch);
    mix.number(times.into());
    let drawn = mix.finish();
    let id = creation.id_pattern.write(drawn);
    let mut dice = Dice::new(drawn);
    let created = world.clock.now();
    let stages = stages(endpoint, &outcome);
    let finding = stages
        .iter()
        .any(|(_, stage)| {
            matches!(
                stage.answer,
                Answer::Body {
                    asks_lookup: true,
                    ..
                }
            )
        })
        .then(|| choice.finding(sandbox.seed, catalogue, creation, fields, &mut dice))
        .flatten();
    let rendered: Vec<_> = stages
        .iter()
        .map(|(after, stage)| {
            let updated = match (after, stage.pending) {
                (None, true) => created,
                (None, false) => created.after(processing_time(&mut dice)),
                (Some(after), _) => created.after(*after),
            };
            let mut fill = Fill {
                input: fields,
                id: &id,
                created,
                updated,
                finding: finding.as_ref(),
                dice: &mut dice,
            };
            let rendered = write(stage, &mut fill, &mut state.scratch);
            (after.unwrap_or_default(), rendered)
        })
        .collect();
    let body = remember(&mut state, endpoint, creation, &id, rendered);
    drop(state);

    Ok(Reply {
        status: outcome.status,
        headers: outcome.headers.clone(),
        body,
        outcome: outcome.tag.clone(),
    })
}

/// The outcome itself, or the one whose turn it is where it is a sequence.
fn in_turn(
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
    outcome: &Arc<Outcome>,
) -> Arc<Outcome> {
    let Answer::Sequence(names) = &outcome.answer else {
        return outcome.clone();
    };
    let mut mix = world.mix("sequence");
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let (_, times) = state.counters.count(mix.finish() as u64);
    let at = (times as usize).min(names.len() - 1);
    endpoint.outcomes[&names[at]].clone()
}

/// The outcome and what it becomes later, each with its time after the request.
fn stages<'e>(
    endpoint: &'e Endpoint,
    outcome: &'e Arc<Outcome>,
) -> Vec<(Option<std::time::Duration>, &'e Arc<Outcome>)> {
    let mut stages = vec![(None, outcome)];
    let mut after = std::time::Duration::ZERO;
    let mut next = outcome.then.as_ref();
    while let Some(then) = next {
        after += then.after;
        let outcome = &endpoint.outcomes[&then.outcome];
        stages.push((Some(after), outcome));
        next = outcome.then.as_ref();
    }
    stages
}

/// The documentation's examples show about 0.8 s between `created` and `updated`.
fn processing_time(dice: &mut Dice) -> std::time::Duration {
    std::time::Duration::from_millis(dice.between(700..900).into())
}

fn write(outcome: &Outcome, fill: &mut Fill<'_>, scratch: &mut Vec<u8>) -> Rendered {
    let Answer::Body { plan, .. } = &outcome.answer else {
        unreachable!("errors and sequences are resolved before anything is written");
    };
    plan.render(fill, scratch)
}

/// Keeps the record and the parts of it that are read by ids of their own; returns the first body.
fn remember(
    state: &mut State,
    endpoint: &Endpoint,
    creation: &Creation,
    id: &str,
    rendered: Vec<(std::time::Duration, Rendered)>,
) -> Bytes {
    if let Some(keep_at) = &creation.keep_at {
        for (id, body) in rendered.iter().flat_map(|(_, rendered)| &rendered.kept) {
            let record = Record {
                endpoint: keep_at.clone(),
                body: body.clone(),
                later: None,
            };
            state.records.put(id.clone(), record);
        }
    }
    let mut bodies = rendered
        .into_iter()
        .map(|(after, rendered)| (after, rendered.body));
    let (_, body) = bodies.next().expect("an outcome has a first stage");
    let stages: Vec<_> = bodies.collect();
    let later = (!stages.is_empty()).then(|| {
        Box::new(Later {
            since: Instant::now(),
            stages,
        })
    });
    let record = Record {
        endpoint: endpoint.id.clone(),
        body: body.clone(),
        later,
    };
    state.records.put(id.into(), record);
    body
}

/// The one place where an error becomes a reply.
pub(crate) fn error_reply(
    catalogue: &Catalogue,
    endpoint: Option<&Endpoint>,
    error: &ApiError,
) -> Reply {
    let name = error.outcome_name();
    let outcome = match &error.code {
        Code::Known(code) => catalogue.error(*code),
        Code::Outcome(name) => endpoint
            .and_then(|endpoint| endpoint.outcomes.get(name))
            .or_else(|| catalogue.shared_errors.get(name))
            .expect("outcomes are named only where they exist"),
    };
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
        body: error::envelope(code, message, &error.complaints),
        outcome: endpoint
            .and_then(|endpoint| HeaderValue::try_from(format!("{}/{name}", endpoint.id)).ok()),
    }
}
