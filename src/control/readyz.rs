//! `GET /__sandbox/readyz`: whether the sandbox answers from the files as they are now, and what it holds. And `livez`:
//! that it answers at all.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest};
use super::context::Context;
use super::{recording, state};
use crate::base::lock;
use crate::catalogue::Reload;
use crate::scenario::LoadError;

pub(super) fn alive() -> ControlAnswer {
    (StatusCode::OK, json!({"status": "alive"}))
}

/// Callers without the control token get no lines of scenario files.
pub(super) async fn answer(request: ControlRequest<'_>) -> ControlAnswer {
    let context = request.context;
    let may_see_lines = context.engine.guard.knows(request.call);
    let reload = context.engine.scenarios.last_reload();
    let catalogue = context.engine.catalogue();
    let held = context
        .engine
        .worlds
        .tally(&mut context.turns.brief())
        .await;
    let tally = held.holds;
    let mut body = json!({
        "status": "ready",
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "scenarios": if reload.errors.is_some() { "stale" } else { "current" },
        "generation": catalogue.generation,
        "reloads": reload.count,
        "endpoints": catalogue.endpoint_count(),
        "worlds": {"held": held.worlds, "evicted": held.evicted, "requests_refused": held.refused},
        "bytes_held": held.bytes,
        "records": {"held": tally.records, "dropped": tally.records_dropped},
        "journal": {"held": tally.journal, "dropped": tally.journal_dropped},
        "counters": {"held": tally.counters, "dropped": tally.counters_dropped},
        "deliveries": {
            "held": tally.deliveries,
            "dropped": tally.deliveries_dropped,
            "pending": tally.deliveries_pending,
            "pending_dropped": held.callbacks_dropped,
        },
    });
    let inboxes = lock(&context.inbox.names);
    body["inboxes"] = json!({
        "held": inboxes.held(),
        "bytes": inboxes.bytes,
        "dropped": inboxes.dropped,
    });
    drop(inboxes);
    body["in_flight"] = json!({
        "bytes": context.in_flight.bytes(),
        "refused": context.in_flight.refused(),
    });
    let state = state::shown(context.state.as_ref(), held.resting);
    if !state.is_null() {
        body["state"] = state;
    }
    let recording = recording::shown(context.recording.as_ref());
    if !recording.is_null() {
        body["recording"] = recording;
    }
    body["last_reload_ms_ago"] = ms_ago(&reload).into();
    if !catalogue.warnings.is_empty() {
        body["warnings"] = mistakes(&catalogue.warnings, may_see_lines);
    }
    let Some(errors) = &reload.errors else {
        return (StatusCode::OK, body);
    };
    body["errors"] = mistakes(&errors.0, may_see_lines);
    if may_see_lines {
        body["error_text"] = errors.to_string().into();
    } else {
        let places = errors.0.iter().map(LoadError::without_excerpt);
        body["error_text"] = places.collect::<Vec<_>>().join("\n\n").into();
    }
    if context.strict_reload {
        body["status"] = "unready".into();
        return (StatusCode::SERVICE_UNAVAILABLE, body);
    }
    (StatusCode::OK, body)
}

fn mistakes(mistakes: &[LoadError], with_lines: bool) -> Value {
    let mut mistakes = json!(mistakes);
    if !with_lines {
        for mistake in mistakes.as_array_mut().into_iter().flatten() {
            mistake["excerpt"] = "".into();
        }
    }
    mistakes
}

/// The state of the scenario files, as the event `reload` shows it.
pub(super) fn scenarios(context: &Context) -> Value {
    let reload = context.engine.scenarios.last_reload();
    let catalogue = context.engine.catalogue();
    let errors = reload.errors.as_deref();
    json!({
        "scenarios": if errors.is_some() { "stale" } else { "current" },
        "generation": catalogue.generation,
        "reloads": reload.count,
        "last_reload_ms_ago": ms_ago(&reload),
        "errors": errors.map(|errors| &errors.0),
        "error_text": errors.map(ToString::to_string),
        "warnings": catalogue.warnings,
    })
}

fn ms_ago(reload: &Reload) -> Option<u64> {
    let passed = reload.at?.elapsed().as_millis();
    Some(u64::try_from(passed).unwrap_or(u64::MAX))
}
