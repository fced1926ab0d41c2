//! Explains an exchange from what the journal keeps of it.

use std::sync::Arc;

use hyper::{Request, StatusCode};
use tokio::time::Instant;

use super::attempt::ExplainedAttempt;
use super::conversion::file_place;
use super::decision::DecisionExplainer;
use super::explanation::{ChosenBy, Explanation, RequestedEndpoint, RequestedRoute};
use super::later::add_record;
use crate::answer::engine::Engine;
use crate::answer::no_route::no_route;
use crate::base::{milliseconds, shortened};
use crate::catalogue::{self, Catalogue, Endpoint, Route, Subject, UploadFields};
use crate::http::{self, Body, Call, MediaType, PageRequest};
use crate::world::{Content, Exchange, JOURNAL_ENTRIES_MAX, KeptBody, NO_WORLD, World};

/// Explains why an exchange was answered as it was. `world` is none for an exchange that belongs to no world.
pub(crate) fn explain(engine: &Engine, world: Option<&World>, exchange: &Exchange) -> Explanation {
    let catalogue = engine.catalogue();
    let mut call = call(exchange);
    let (method, path) = (call.method().clone(), call.path().into_owned());
    let route = catalogue.route(&method, &path);
    let endpoint = route.as_ref().and_then(Route::endpoint);
    let reloaded = note_of_reload(&catalogue, exchange);
    let files = endpoint.and_then(|endpoint| replace_files(endpoint, &mut call, exchange));
    let page = PageRequest::of(&call).filter(|page| *page == PageRequest::Sent);
    let page = page.map(|page| page.advice().to_owned());
    let mut explanation = Explanation {
        notes: reloaded.into_iter().chain(files).chain(page).collect(),
        ..facts(&call, endpoint, exchange)
    };
    let mut decision = DecisionExplainer {
        explanation: &mut explanation,
        call: &call,
        exchange,
    };
    match &route {
        None if http::check_path(call.sent_path()).is_err() => decision.explain_refusal(),
        None => {
            let sentence = no_route(engine, &catalogue, &call);
            decision.decide(ChosenBy::NoRoute, sentence);
        }
        Some(_) if world.is_none() => decision.explain_refusal(),
        Some(Route::Ask(endpoint, path)) => {
            decision.explain_product_request(engine, &catalogue, endpoint, path.clone());
        }
        Some(Route::Read(endpoint, _)) => decision.explain_read(endpoint),
        Some(_) if exchange.decision.failed_test.is_some() => decision.explain_refusal(),
        Some(
            Route::Health
            | Route::ApiKeys { .. }
            | Route::CallbackToken
            | Route::ListCallbackUrls
            | Route::SetCallbackUrl { .. },
        ) => decision.decide(
            ChosenBy::Account,
            "This path is no product: it is answered from what the world holds.".to_owned(),
        ),
    }
    if let Some(world) = world {
        add_record(&mut explanation, world, exchange);
    }
    if let Some(Route::Ask(endpoint, _)) = &route
        && world.is_some()
        && explanation.callbacks.as_ref().is_none_or(Vec::is_empty)
    {
        explanation.no_callback = why_no_callback(endpoint, exchange);
    }
    explanation
}

/// Why a product request sends no callback. None if its outcome sends one.
fn why_no_callback(endpoint: &Endpoint, exchange: &Exchange) -> Option<String> {
    let decision = &exchange.decision;
    let chosen = decision
        .chosen
        .as_deref()
        .filter(|_| decision.is_pending_first);
    let name = exchange.outcome_name()?;
    let outcome = chosen.or_else(|| endpoint.outcomes.get(name).map(|outcome| &**outcome));
    let reason = match outcome {
        Some(outcome) => catalogue::no_callback(endpoint, outcome)?,
        None => "the request was refused, so there is no record",
    };
    Some(reason.to_owned())
}

/// The request and the reply, without the decision.
fn facts(call: &Call, endpoint: Option<&Endpoint>, exchange: &Exchange) -> Explanation {
    Explanation {
        trace: exchange.trace(),
        request: RequestedRoute {
            method: call.method().to_string(),
            path: call.sent_path().to_owned(),
            traceparent: exchange.traceparent(),
            request_id: exchange.request_id().map(str::to_owned),
        },
        status: exchange.status.as_u16(),
        outcome: exchange.outcome().map(str::to_owned),
        delay_ms: (!exchange.delay.is_zero()).then(|| milliseconds(exchange.delay)),
        fault: exchange.fault.as_deref().map(str::to_owned),
        callback_test: (exchange.decision.failed_test.as_deref()).map(ExplainedAttempt::of),
        endpoint: endpoint.map(|endpoint| RequestedEndpoint {
            id: endpoint.id.to_string(),
            source: endpoint.source,
            place: file_place(&endpoint.origin),
        }),
        ..Explanation::default()
    }
}

/// Says that the scenarios were reloaded since the request, if they were.
fn note_of_reload(catalogue: &Catalogue, exchange: &Exchange) -> Option<String> {
    let then = exchange.decision.generation;
    let now = catalogue.generation;
    (then != 0 && then != now).then(|| {
        format!(
            "the scenarios were reloaded since: rules and dummy data are shown as they are now (generation {now}, then {then})"
        )
    })
}

/// The request, as far as the journal keeps it.
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
        MediaType::Json | MediaType::Form | MediaType::Other => Body::Bytes(kept.bytes.clone()),
    };
    Call {
        received_at: Instant::now(),
        at: exchange.at,
        head,
        body,
        files_are_hashes: true,
    }
}

/// The journal keeps no files: puts digests in their place. Returns a note if a rule tests a file.
fn replace_files(endpoint: &Endpoint, call: &mut Call, exchange: &Exchange) -> Option<String> {
    let uploads = endpoint.schema.uploads.as_ref()?;
    let (mut value, is_text) = match exchange.content() {
        Content::Json(value) => (value, false),
        Content::Fields(value) => (value, true),
        Content::Empty | Content::Text(_) | Content::Beginning(_) => return None,
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
    tests_a_file(endpoint, uploads).then(|| {
        format!(
            "of {} no bytes are kept: what rules say of it is held against the SHA-256 of the file",
            files.join(", ")
        )
    })
}

/// Whether any rule tests a file.
fn tests_a_file(endpoint: &Endpoint, uploads: &UploadFields) -> bool {
    let rules = endpoint
        .creation
        .iter()
        .flat_map(|creation| creation.rules.iter());
    let mut conditions = rules.flat_map(|rule| rule.when.0.iter().flatten());
    conditions.any(|one| matches!(&one.subject, Subject::Field(path) if uploads.touch(path)))
}

/// The exchange of a trace, and its world if it has one.
pub(crate) struct FoundExchange {
    pub world: Option<Arc<World>>,
    pub exchange: Exchange,
}

/// The exchange of a trace, or the status and the sentence that say why there is none.
pub(crate) fn find_exchange(
    engine: &Engine,
    trace: &str,
    may_see: impl Fn(&World) -> bool,
) -> Result<FoundExchange, (StatusCode, String)> {
    let shown = shortened(trace, 50);
    let unknown = |why: &str| Err((StatusCode::NOT_FOUND, format!("`{shown}`: {why}")));
    let Some((tag, seq)) = trace.rsplit_once('-') else {
        return unknown("a trace looks like 1a2b3c4d-7: it is in x-sandbox-trace of every reply");
    };
    let Ok(seq) = seq.parse::<u64>() else {
        return unknown("a trace ends in the number of its exchange");
    };
    if tag.as_bytes() == NO_WORLD {
        return match engine.strangers.journal().get(seq).cloned() {
            Some(exchange) => Ok(FoundExchange {
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
        Some(exchange) => Ok(FoundExchange {
            world: Some(world),
            exchange,
        }),
        None if seq > last => unknown("there has been no such exchange yet"),
        None => unknown(&format!(
            "it is not kept: the journal keeps the latest {JOURNAL_ENTRIES_MAX} since the last reset"
        )),
    }
}
