//! `GET /__sandbox/readyz`: whether the sandbox answers from the files as they are now, and what it holds. And `livez`:
//! that it answers at all.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::ControlAnswer;
use super::context::Context;
use crate::catalogue::Reload;

pub(super) fn alive() -> ControlAnswer {
    (StatusCode::OK, json!({"status": "alive"}))
}

pub(super) fn answer(context: &Context) -> ControlAnswer {
    let reload = context.engine.scenarios.last_reload();
    let catalogue = context.engine.catalogue();
    let held = context.engine.worlds.tally();
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
    body["last_reload_ms_ago"] = ms_ago(&reload).into();
    if !catalogue.warnings.is_empty() {
        body["warnings"] = json!(catalogue.warnings);
    }
    let Some(errors) = &reload.errors else {
        return (StatusCode::OK, body);
    };
    body["errors"] = json!(errors.0);
    body["error_text"] = errors.to_string().into();
    if context.strict_reload {
        body["status"] = "unready".into();
        return (StatusCode::SERVICE_UNAVAILABLE, body);
    }
    (StatusCode::OK, body)
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
