//! The way from the control API to the state file, which the server writes.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

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
    pub(super) path: PathBuf,
    pub(super) written: Option<(Instant, StateWritten)>,
    /// Why the latest write failed.
    pub(super) error: Option<String>,
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
