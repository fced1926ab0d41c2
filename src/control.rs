//! The control API under `/__sandbox/`: what the sandbox says of itself.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::call::Call;
use crate::sandbox::Shared;

pub(crate) const PREFIX: &str = "/__sandbox/";

/// Status and JSON body.
pub(crate) fn answer(sandbox: &Shared, call: &Call) -> (StatusCode, Bytes) {
    let reads = matches!(*call.method(), Method::GET | Method::HEAD);
    let (status, body) = match call.path().strip_prefix(PREFIX) {
        Some("livez") if reads => (StatusCode::OK, json!({"status": "alive"})),
        Some("readyz") if reads => readyz(sandbox),
        _ => (
            StatusCode::NOT_FOUND,
            json!({
                "error": "unknown_control_route",
                "message": "known are GET /__sandbox/livez and GET /__sandbox/readyz",
            }),
        ),
    };
    (status, Bytes::from(body.to_string()))
}

/// Whether the sandbox answers from the files as they are now, and what it holds.
fn readyz(sandbox: &Shared) -> (StatusCode, Value) {
    let reload = sandbox.last_reload();
    let catalogue = sandbox.catalogue();
    let (worlds, tally, bytes, evicted, refused) = sandbox.worlds.tally();
    let mut body = json!({
        "status": "ready",
        "version": env!("CARGO_PKG_VERSION"),
        "scenarios": if reload.errors.is_some() { "stale" } else { "current" },
        "generation": catalogue.generation,
        "reloads": reload.count,
        "endpoints": catalogue.endpoints.len(),
        "worlds": {"held": worlds, "evicted": evicted, "requests_refused": refused},
        "bytes_held": bytes,
        "records": {"held": tally.records, "dropped": tally.records_dropped},
        "journal": {"held": tally.journal, "dropped": tally.journal_dropped},
        "counters": {"held": tally.counters, "dropped": tally.counters_dropped},
    });
    let Some(errors) = &reload.errors else {
        return (StatusCode::OK, body);
    };
    body["errors"] = json!(errors.0);
    body["error_text"] = errors.to_string().into();
    if sandbox.options.strict_reload {
        body["status"] = "unready".into();
        return (StatusCode::SERVICE_UNAVAILABLE, body);
    }
    (StatusCode::OK, body)
}
