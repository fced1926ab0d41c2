//! `POST /__sandbox/state`: writes the state file now. And what `readyz` says of this file.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask::{ControlAnswer, ControlRequest};
use super::state_access::StateAccess;
use crate::base::{lock, milliseconds};
use crate::http::Refusal;

pub(super) async fn write(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let Some(state) = &request.context.state else {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "no_state_file",
            "this sandbox keeps its worlds in memory only: start it with --state FILE".to_owned(),
        ));
    };
    let written = (state.write.0)().await.map_err(|reason| {
        let path = lock(&state.status).path.display().to_string();
        Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "state_not_written",
            format!("the state file {path} cannot be written, and is as it was: {reason}"),
        )
    })?;
    let body = json!({
        "status": if written.is_unchanged { "unchanged" } else { "written" },
        "path": written.path.display().to_string(),
        "worlds": written.worlds,
        "worlds_rewritten": written.rewritten,
        "bytes": written.bytes,
    });
    Ok((StatusCode::OK, body))
}

/// What `readyz` says, without the path, because everybody can ask. Null without a state file.
pub(super) fn shown(state: Option<&StateAccess>, worlds_resting: usize) -> Value {
    let Some(state) = state else {
        return Value::Null;
    };
    let status = lock(&state.status);
    let written = status.written.as_ref();
    json!({
        "worlds": written.map(|(_, written)| written.worlds),
        "bytes": written.map(|(_, written)| written.bytes),
        "written_ms_ago": written.map(|(at, _)| milliseconds(at.elapsed())),
        "resting": worlds_resting,
        "error": status.error,
    })
}
