//! The ready file of `serve`: written once requests are answered, and removed by the process that wrote it.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::os;

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
        let Ok(text) = fs::read_to_string(&self.path) else {
            return Ok(());
        };
        let ready = serde_json::from_str::<Value>(&text).unwrap_or_default();
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
            Some(written) if fs::read(&self.path).is_ok_and(|now| now == written.as_bytes()) => {
                self.remove()
            }
            _ => Ok(()),
        }
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
