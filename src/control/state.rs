//! `POST /__sandbox/state`: writes the state file now. And what `readyz` says of this file.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, only};
use crate::base::{lock, milliseconds};
use crate::http::Refusal;

type Writing = Pin<Box<dyn Future<Output = Result<StateWritten, String>> + Send>>;

/// Writes the state file. An error is a sentence.
pub(crate) struct WriteState(pub Box<dyn Fn() -> Writing + Send + Sync>);

impl fmt::Debug for WriteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteState")
    }
}

/// The state file of a sandbox.
#[derive(Debug)]
pub(crate) struct StateAccess {
    pub write: WriteState,
    pub status: Arc<Mutex<StateStatus>>,
}

/// What is in the state file after it was written.
#[derive(Clone, Debug)]
pub(crate) struct StateWritten {
    pub path: PathBuf,
    /// True if nothing had changed, and the file is the one that was there.
    pub is_unchanged: bool,
    pub worlds: usize,
    /// How many of the worlds were new or others in the file before.
    pub rewritten: usize,
    pub bytes: u64,
}

/// The latest write.
#[derive(Debug)]
pub(crate) struct StateStatus {
    path: PathBuf,
    written: Option<(Instant, StateWritten)>,
    /// Why the latest write failed.
    error: Option<String>,
}

impl StateStatus {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            written: None,
            error: None,
        }
    }

    /// Remembers a write. True if the one before had failed.
    pub(crate) fn note(&mut self, written: &Result<StateWritten, String>) -> bool {
        let had_failed = self.error.is_some();
        match written {
            Ok(written) => {
                self.written = Some((Instant::now(), written.clone()));
                self.error = None;
            }
            Err(error) => self.error = Some(error.clone()),
        }
        had_failed
    }
}

pub(super) async fn write(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    only(request.query, &[])?;
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
