//! Decides the answer to a request, step by step. The order of the steps is the specification. Nothing here
//! waits, and nothing does input or output.

use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::arrived::Arrived;
use super::choice::{Choice, choose, resolve_sequence};
use super::engine::Engine;
use super::enter::{Entered, enter};
use super::input::UnreadInput;
use super::pending_first::PendingStart;
use super::product_request::ProductRequest;
use super::read::read;
use super::record::NewRecord;
use super::reply::{FollowUp, Reply};
use super::seen::Seen;
use super::{account, callback_urls, faults, magic, real_data, strict};
use crate::base::Commit;
use crate::base::{Behaviour, Spellings};
use crate::catalogue::{
    Answer, Catalogue, Creation, Endpoint, Outcome, ReplyId, Route, UploadFields, calls_back,
    error_outcome,
};
use crate::http::{self, ApiError, Call, PageRequest, WARNING_HEADER};
use crate::world::{Decision, State, World};

/// A reply, and what the journal and the log record about it.
pub(crate) struct Answered {
    pub reply: Reply,
    /// None when the request was refused before its key was known.
    pub world: Option<Arc<World>>,
    /// The route in words that are safe to log. None when there is no such route.
    pub route: Option<Arc<str>>,
    /// Where the body has files that must not be kept.
    pub uploads: Option<Arc<UploadFields>>,
    pub decision: Decision,
    /// Its place in the order of its world.
    pub commit: Commit,
    /// What went wrong and what to do, for the log. It holds nothing that the client sent.
    pub log_hint: Option<String>,
}

pub(crate) fn answer(engine: &Engine, call: &Call) -> Answered {
    let catalogue = engine.catalogue();
    let arrived = Arrived {
        engine,
        catalogue: &catalogue,
        call,
    };
    let mut seen = Seen {
        page: PageRequest::of(call),
        ..Seen::default()
    };
    let entered = enter(&arrived, &mut seen);
    let world = seen.world.clone();
    let order = world.as_deref().map(|world| world.commit(call.received_at));
    let decided = entered.and_then(|entered| match entered {
        Entered::Answered(reply) => Ok(reply),
        Entered::World(route, world) => decide(&arrived, &mut seen, route, &world),
    });
    let mut reply = decided.unwrap_or_else(|error| {
        seen.failed(&catalogue, &error);
        error_reply(&catalogue, seen.endpoint, &error)
    });
    faults::decide(&arrived, &seen, &mut reply);
    if let Some(standing) = &seen.rate {
        reply.headers.extend(standing.headers());
    }
    seen.note_warnings(&engine.warnings);
    if let Some(warning) = seen.warning() {
        reply.headers.push((WARNING_HEADER, warning));
    }
    seen.decision.endpoint = seen.endpoint.map(|endpoint| endpoint.id.clone());
    Answered {
        reply,
        log_hint: seen.log_hint(),
        world: seen.world,
        route: seen.route,
        uploads: seen
            .endpoint
            .and_then(|endpoint| endpoint.schema.uploads.clone()),
        decision: seen.decision,
        commit: order.map(|order| order.commit).unwrap_or_default(),
    }
}

/// Checks the rate limit, then does what the route asks for.
fn decide<'c>(
    arrived: &Arrived<'c>,
    seen: &mut Seen<'c>,
    route: Route<'c>,
    world: &Arc<World>,
) -> Result<Reply, ApiError> {
    let Arrived {
        engine,
        catalogue,
        call,
    } = *arrived;
    call.check_query_and_headers()?;
    judge_rate(world, call, seen)?;
    let reads = matches!(route, Route::Read(..));
    let request = |endpoint| ProductRequest {
        engine,
        catalogue,
        world,
        endpoint,
        call,
        is_strict: engine.is_strict(catalogue),
    };
    let answer = match route {
        Route::Ask(endpoint, path) => ask(&request(endpoint), path, seen),
        Route::Read(endpoint, id) => read(&request(endpoint), &id, seen),
        Route::ListCallbackUrls => Ok(callback_urls::list(engine, catalogue, world)),
        Route::SetCallbackUrl { may_be_all } => {
            callback_urls::register(engine, catalogue, world, call, may_be_all)
        }
        Route::CallbackToken => Ok(account::callback_token(world)),
        Route::Health | Route::ApiKeys { .. } => unreachable!("they need no world"),
    };
    if matches!(&answer, Err(error) if !error.is_asked_for) {
        seen.refused(reads);
    }
    answer
}

/// Refuses a call that is over a rate limit which a test has set for the endpoint.
fn judge_rate(world: &World, call: &Call, seen: &mut Seen<'_>) -> Result<(), ApiError> {
    if let Some(endpoint) = seen.endpoint
        && world.has_setup()
        && let Some(standing) = world.judge_rate(endpoint, call.received_at)
    {
        return seen.judged(standing);
    }
    Ok(())
}

/// Asks a product: magic reply or queue, input, outcome. Then the record is made.
fn ask(
    request: &ProductRequest<'_>,
    path: Map<String, Value>,
    seen: &mut Seen<'_>,
) -> Result<Reply, ApiError> {
    let ProductRequest {
        catalogue,
        world,
        endpoint,
        call,
        is_strict,
        ..
    } = *request;
    let creation = endpoint
        .creation
        .as_ref()
        .expect("only products are routed here");
    strict::refuse_endpoint_if_strict(is_strict, endpoint)?;
    if creation.rules.count_calls {
        seen.decision.nth = world.count_call(&endpoint.id);
    }
    let magic = magic::read_magic(call.headers(), endpoint, false)?;
    seen.asked = magic.faults;
    let named = request.named_outcome(&magic, false)?;
    if let Some((outcome, by)) = named {
        seen.decision.by = by;
        seen.decision.chosen = Some(outcome.clone());
        if outcome.is_error() {
            strict::refuse_outcome_if_strict(is_strict, endpoint, outcome)?;
            return Err(ApiError::asked_for(&outcome.name));
        }
    }
    let unread = UnreadInput {
        endpoint,
        call,
        sample_stands_in: magic.outcome.is_some(),
    };
    let input = unread.validated(path)?;
    seen.hints = real_data::of(catalogue, &input.fields);
    let choice = if let Some((outcome, by)) = named {
        Choice::of(outcome, by)
    } else {
        let facts = input.facts(call, seen.decision.nth);
        choose(request, creation, facts)?
    };
    seen.decision.by = choice.by;
    let wish = RecordWish {
        creation,
        fields: &input.fields,
        spellings: &input.spellings,
        callback: magic.callback,
        choice,
    };
    commit(request, wish, seen)
}

/// The outcome that a request gets, and its input.
struct RecordWish<'i> {
    creation: &'i Creation,
    fields: &'i Map<String, Value>,
    spellings: &'i Spellings,
    /// The behaviour that the request wants for its callback.
    callback: Option<Behaviour>,
    choice: Choice<'i>,
}

/// Under the world's lock: resolves the outcome, counts, draws, keeps the record and plans its callbacks.
fn commit(
    request: &ProductRequest<'_>,
    wish: RecordWish<'_>,
    seen: &mut Seen<'_>,
) -> Result<Reply, ApiError> {
    let ProductRequest {
        engine,
        catalogue,
        world,
        endpoint,
        call,
        is_strict,
    } = *request;
    engine.panics.reached("answer");
    let mut state = world.state();
    engine.panics.reached("lock");
    let (outcome, turn) = resolve_sequence(request, &mut state, wish.choice.outcome);
    seen.decision.chosen = Some(wish.choice.outcome.clone());
    seen.decision.turn = turn;
    strict::refuse_outcome_if_strict(is_strict, endpoint, &outcome)?;
    if outcome.is_error() {
        return Err(ApiError::asked_for(&outcome.name));
    }
    let start = PendingStart::of(request, wish.choice.by, &outcome);
    if let Some(behaviour) = wish.callback {
        refuse_useless_callback(endpoint, &outcome, start.as_ref(), behaviour)?;
    }
    seen.decision.is_pending_first = start.is_some();
    let (outcome, then) = match start {
        None => (outcome, None),
        Some(start) => {
            strict::refuse_outcome_if_strict(is_strict, endpoint, start.pending)?;
            (start.pending.clone(), Some(start.then))
        }
    };
    judge_outcome(request, &outcome, &mut state, seen)?;
    let mut mix = world.mix(&endpoint.id);
    match &endpoint.schema.uploads {
        Some(files) => mix.object(&files.hashed(wish.fields, call.has_hashes_for_files())),
        None => mix.object(wish.fields),
    }
    state.counters.count_into(&mut mix);
    let making = NewRecord {
        engine,
        catalogue,
        world,
        endpoint,
        creation: wish.creation,
        call,
        fields: wish.fields,
        spellings: wish.spellings,
        drawn: mix.finish(),
        callback: wish.callback,
        then,
    };
    let made = making.record(&mut state, &outcome, wish.choice.finding)?;
    drop(state);
    if made.planned.lacks_url {
        seen.lacks_url_of = endpoint.callback_type.as_deref().map(Into::into);
    }
    seen.decision.record = made.id;
    Ok(Reply {
        status: outcome.status,
        headers: outcome.headers.clone(),
        body: made.body,
        id: ReplyId::Outcome(endpoint.outcome_id(&outcome.name)),
        effect: FollowUp::of(made.planned),
        faults: None,
    })
}

/// Refuses a behaviour of a callback that is never sent, and an older state that does not exist.
fn refuse_useless_callback(
    endpoint: &Endpoint,
    outcome: &Outcome,
    start: Option<&PendingStart<'_>>,
    behaviour: Behaviour,
) -> Result<(), ApiError> {
    let sends_callback = match start {
        None => calls_back(endpoint, outcome),
        Some(start) => start.sends_callback(endpoint),
    };
    if !sends_callback {
        return Err(ApiError::no_callback(&outcome.name));
    }
    if behaviour == Behaviour::Stale && endpoint.pending_outcome().is_none() {
        return Err(ApiError::no_older_state(&endpoint.id));
    }
    Ok(())
}

/// Notes the faults of an outcome, and refuses a call that is over its rate limit.
fn judge_outcome(
    request: &ProductRequest<'_>,
    outcome: &Outcome,
    state: &mut State,
    seen: &mut Seen<'_>,
) -> Result<(), ApiError> {
    let Some(outcome_faults) = &outcome.faults else {
        return Ok(());
    };
    seen.outcome_faults = Some(outcome_faults.clone());
    let Some(limit) = &outcome_faults.rate_limit else {
        return Ok(());
    };
    let what = faults::window_of(outcome_faults, request.world, request.endpoint);
    let advanced = state.callbacks.advanced;
    let standing = (state.windows).judge(what, limit, request.call.received_at, advanced);
    seen.judged(standing)
}

/// The one place where an error becomes a reply.
pub(crate) fn error_reply(
    catalogue: &Catalogue,
    endpoint: Option<&Endpoint>,
    error: &ApiError,
) -> Reply {
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
        id: match endpoint {
            Some(endpoint) => ReplyId::Outcome(endpoint.outcome_id(error.outcome_name())),
            None => ReplyId::Error(code.as_str().into()),
        },
        effect: FollowUp::None,
        faults: None,
    }
}
