//! `/__sandbox/next`: outcomes for the calls to come.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, ControlRequest, bad_request, endpoint_named, json_body, only};
use crate::http::Refusal;
use crate::world::{Calls, ENTRIES_MAX, Next, Queued, TIMES_MAX, World};

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
pub(super) fn show(world: &World) -> Answer {
    (
        StatusCode::OK,
        json!({"waiting": waiting(&world.state().next)}),
    )
}

pub(super) fn queue(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<Answer, Refusal> {
    let entry: Entry = json_body(call)?;
    let catalogue = context.engine.catalogue();
    let endpoint = endpoint_named(&catalogue, &entry.endpoint)?;
    if endpoint.creation.is_none() && !entry.reads {
        return Err(bad_request(format!(
            "`{}` only reads: say `\"reads\": true`",
            endpoint.id
        )));
    }
    if entry.reads && !endpoint.reads_back() {
        return Err(bad_request(format!(
            "nothing is read back at `{}`",
            endpoint.id
        )));
    }
    let found = endpoint.outcome(&entry.outcome);
    let Some(outcome) = found.filter(|outcome| !entry.reads || outcome.is_error()) else {
        let message = endpoint.unknown_outcome(&entry.outcome, entry.reads);
        return Err(bad_request(format!("`outcome`: {message}")));
    };
    if !(1..=TIMES_MAX).contains(&entry.times) {
        return Err(bad_request(format!("`times`: between 1 and {TIMES_MAX}")));
    }
    let queued = Queued {
        outcome: outcome.name.as_str().into(),
        times: entry.times,
    };
    if !world.queue(Calls::new(endpoint, entry.reads), queued) {
        return Err(bad_request(format!(
            "{ENTRIES_MAX} outcomes are queued, and more are not taken"
        )));
    }
    Ok(show(world))
}

/// Empties the queue. With `?endpoint=` it empties only the queue of one endpoint.
pub(super) fn clear(
    ControlRequest { context, query, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<Answer, Refusal> {
    only(query, &["endpoint"])?;
    let cleared = match query.get("endpoint") {
        None => world.clear_next(None),
        Some(name) => {
            let catalogue = context.engine.catalogue();
            let endpoint = endpoint_named(&catalogue, name)?;
            let both = [false, true].map(|reads| Calls::new(endpoint, reads));
            both.iter().map(|calls| world.clear_next(Some(calls))).sum()
        }
    };
    Ok((StatusCode::OK, json!({"cleared": cleared})))
}

fn waiting(next: &Next) -> Value {
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
