//! `/__sandbox/next`: outcomes for the calls to come.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest, bad_request, endpoint_named, json_body};
use crate::catalogue::Catalogue;
use crate::http::Refusal;
use crate::world::{CallKind, ControlCall, QUEUED_MAX, Queued, QueuedOutcomes, TIMES_MAX, World};

/// `{"endpoint": "v1.1/bank_account_data_requests", "outcome": "SERVER_ERROR", "times": 2}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// An endpoint's id or path.
    endpoint: String,
    outcome: String,
    #[serde(default = "once")]
    times: u32,
    /// Answers GETs of the endpoint's records instead of new requests. Errors only.
    #[serde(default)]
    reads: bool,
}

fn once() -> u32 {
    1
}

/// The waiting outcomes, in the order in which they will be used.
pub(super) fn show(world: &World) -> ControlAnswer {
    (
        StatusCode::OK,
        json!({"waiting": waiting(&world.state().next)}),
    )
}

pub(super) fn queue(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let entry: Entry = json_body(call)?;
    let catalogue = context.engine.catalogue();
    let next = NextOutcome::of(&catalogue, &entry.endpoint, &entry.outcome, entry.reads);
    let next = next.map_err(refused)?;
    if !(1..=TIMES_MAX).contains(&entry.times) {
        return Err(bad_request(format!("`times`: between 1 and {TIMES_MAX}")));
    }
    next.queue(world, entry.times).map_err(refused)?;
    Ok(show(world))
}

fn refused(why: Unqueueable) -> Refusal {
    bad_request(match why {
        Unqueueable::UnknownEndpoint(sentence) => format!("`endpoint`: {sentence}"),
        Unqueueable::UnknownOutcome(sentence) => format!("`outcome`: {sentence}"),
        Unqueueable::OnlyReads(id) => format!("`{id}` only reads: say `\"reads\": true`"),
        Unqueueable::Other(sentence) => sentence,
    })
}

/// An outcome that the next calls of an endpoint can be answered with.
pub(crate) struct NextOutcome {
    calls: CallKind,
    outcome: Arc<str>,
}

/// Why an outcome cannot be queued: the sentence that says so, or the id of an endpoint that only reads, for which each
/// caller knows another way.
pub(crate) enum Unqueueable {
    UnknownEndpoint(String),
    UnknownOutcome(String),
    OnlyReads(Arc<str>),
    Other(String),
}

impl NextOutcome {
    pub(crate) fn of(
        catalogue: &Catalogue,
        endpoint: &str,
        outcome: &str,
        reads: bool,
    ) -> Result<Self, Unqueueable> {
        let endpoint = catalogue.known_endpoint(endpoint);
        let endpoint = endpoint.map_err(Unqueueable::UnknownEndpoint)?;
        if endpoint.creation.is_none() && !reads {
            return Err(Unqueueable::OnlyReads(endpoint.id.clone()));
        }
        if reads && !endpoint.reads_back() {
            let sentence = format!("nothing is read back at `{}`", endpoint.id);
            return Err(Unqueueable::Other(sentence));
        }
        let found = endpoint.outcome(outcome);
        let Some(found) = found.filter(|found| !reads || found.is_error()) else {
            let sentence = endpoint.unknown_outcome(outcome, reads);
            return Err(Unqueueable::UnknownOutcome(sentence));
        };
        Ok(Self {
            calls: CallKind::new(endpoint, reads),
            outcome: found.name.as_str().into(),
        })
    }

    /// Queues it behind what waits already.
    pub(crate) fn queue(self, world: &World, times: u32) -> Result<(), Unqueueable> {
        let queued = Queued {
            outcome: self.outcome,
            times,
        };
        if !world.queue(self.calls, queued) {
            let sentence = format!("{QUEUED_MAX} outcomes are queued, and more are not taken");
            return Err(Unqueueable::Other(sentence));
        }
        Ok(())
    }
}

/// Empties the queue. With `?endpoint=` it empties only the queue of one endpoint.
pub(super) fn clear(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let cleared = match query.get("endpoint") {
        None => world.clear_next(&[], ControlCall::new("DELETE", "next")),
        Some(name) => {
            let catalogue = context.engine.catalogue();
            let endpoint = endpoint_named(&catalogue, name)?;
            let both = [false, true].map(|reads| CallKind::new(endpoint, reads));
            let path = format!("next?endpoint={}", endpoint.id);
            world.clear_next(&both, ControlCall::new("DELETE", path))
        }
    };
    Ok((StatusCode::OK, json!({"cleared": cleared})))
}

fn waiting(next: &QueuedOutcomes) -> Value {
    let entries = next.waiting().into_iter().flat_map(|(calls, queue)| {
        queue.iter().map(move |queued| {
            json!({
                "endpoint": &*calls.endpoint,
                "outcome": &*queued.outcome,
                "times": queued.times,
                "reads": calls.reads,
            })
        })
    });
    entries.collect()
}
