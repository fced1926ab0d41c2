//! The ready file of `serve`: written once requests are answered, and removed by the process that wrote it.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::os;

/// A ready file is never longer.
const CONTENT_BYTES_MAX: u64 = 64 << 10;

pub(super) struct ReadyFile {
    path: PathBuf,
    /// The text that this process wrote. None before that.
    written: Option<String>,
}

impl ReadyFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            written: None,
        }
    }

    /// Removes the file of a sandbox that was killed, because a launcher could take it for the file of this one. The
    /// file of a running sandbox stays, and so does any other file, until this one is ready.
    pub(super) fn remove_stale(&self) -> Result<(), String> {
        let Some(content) = self.content() else {
            return Ok(());
        };
        let ready = serde_json::from_slice::<Value>(&content).unwrap_or_default();
        match ready["pid"].as_u64().map(u32::try_from) {
            Some(Ok(pid)) if pid == std::process::id() || !os::is_running(pid) => self.remove(),
            _ => Ok(()),
        }
    }

    pub(super) fn write(&mut self, text: String) -> Result<(), String> {
        let path = &self.path;
        os::write_private(path, &text)
            .map_err(|error| format!("cannot write the ready file {}: {error}", path.display()))?;
        self.written = Some(text);
        Ok(())
    }

    /// Removes the file if this process wrote it, and no other process has written it since.
    pub(super) fn remove_own(&self) -> Result<(), String> {
        match &self.written {
            Some(written) if self.content().as_deref() == Some(written.as_bytes()) => self.remove(),
            _ => Ok(()),
        }
    }

    /// None if there is no such file, or if it is no ready file: a pipe or a large file is not read.
    fn content(&self) -> Option<Vec<u8>> {
        let about = fs::metadata(&self.path).ok()?;
        let may_be_ready_file = about.is_file() && about.len() <= CONTENT_BYTES_MAX;
        may_be_ready_file
            .then(|| fs::read(&self.path).ok())
            .flatten()
    }

    fn remove(&self) -> Result<(), String> {
        let path = &self.path;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!(
                "cannot remove the ready file {}: {error}",
                path.display()
            )),
            _ => Ok(()),
        }
    }
}
