//! The ready file of `serve`: written once requests are answered, and removed by the process that wrote it.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;

use super::os;
use crate::base::reason;
use crate::server::{NewFile, Readers};

/// A ready file is never longer.
const CONTENT_BYTES_MAX: u64 = 64 << 10;

pub(super) struct ReadyFile {
    path: PathBuf,
    /// The text that this process wrote. None before that.
    written: Option<String>,
}

/// What is at the path of the ready file.
enum Existing {
    /// Nothing, or an empty file.
    Nothing,
    ReadyFile {
        pid: u32,
        text: String,
    },
    /// A file of the user, a folder, a pipe, a symbolic link.
    Other,
}

/// What every ready file has. Other files of JSON do not have both.
#[derive(Deserialize)]
struct Content {
    control_url: String,
    pid: u32,
}

impl ReadyFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            written: None,
        }
    }

    /// Refuses a path where something other than a ready file is. Removes the file of a sandbox that was killed, because
    /// a launcher could take it for the file of this one. The file of a running sandbox stays until this one is ready.
    pub(super) fn remove_stale(&self) -> Result<(), String> {
        match self.existing()? {
            Existing::ReadyFile { pid, .. }
                if pid == std::process::id() || !os::is_running(pid) =>
            {
                self.remove()
            }
            Existing::ReadyFile { .. } | Existing::Nothing => Ok(()),
            Existing::Other => Err(self.is_something_else()),
        }
    }

    pub(super) fn write(&mut self, text: String) -> Result<(), String> {
        if matches!(self.existing()?, Existing::Other) {
            return Err(self.is_something_else());
        }
        NewFile::write(&self.path, text.as_bytes(), Readers::Owner)
            .and_then(NewFile::replace)
            .map_err(|error| self.cannot("write", &error))?;
        self.written = Some(text);
        Ok(())
    }

    /// Removes the file if this process wrote it, and no other process has written it since.
    pub(super) fn remove_own(&self) -> Result<(), String> {
        let Some(written) = &self.written else {
            return Ok(());
        };
        match self.existing()? {
            Existing::ReadyFile { text, .. } if *written == text => self.remove(),
            Existing::ReadyFile { .. } | Existing::Nothing | Existing::Other => Ok(()),
        }
    }

    fn existing(&self) -> Result<Existing, String> {
        let about = match fs::symlink_metadata(&self.path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
            Err(error) => return Err(self.cannot("read", &error)),
        };
        if !about.is_file() || about.len() > CONTENT_BYTES_MAX {
            return Ok(Existing::Other); // a pipe would hold the start
        }
        let bytes = fs::read(&self.path).map_err(|error| self.cannot("read", &error))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        if about.len() == 0 {
            return Ok(Existing::Nothing);
        }
        Ok(match serde_json::from_str::<Content>(&text) {
            Ok(content) if content.control_url.starts_with("http") => Existing::ReadyFile {
                pid: content.pid,
                text,
            },
            _ => Existing::Other,
        })
    }

    fn remove(&self) -> Result<(), String> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.cannot("remove", &error))
            }
            _ => Ok(()),
        }
    }

    fn is_something_else(&self) -> String {
        format!(
            "{} exists and is not a ready file: remove it, or name another file with --ready-file",
            self.path.display()
        )
    }

    fn cannot(&self, verb: &str, error: &io::Error) -> String {
        let path = self.path.display();
        format!("cannot {verb} the ready file {path}: {}", reason(error))
    }
}
