//! The file of a recording. It has whole lines only, and it is never longer than its limit.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::reason;

/// The beginning of a file is enough to see whether it is a recording.
const HEAD_BYTES_MAX: u64 = 4 << 20;

#[derive(Debug)]
pub(crate) struct RecordingFile {
    file: File,
    pub path: PathBuf,
    /// The length of its whole lines.
    bytes: u64,
    bytes_max: u64,
    /// The file itself, behind symbolic links, if this sandbox made it.
    made: Option<PathBuf>,
    /// Whether the end of its whole lines may not be its end.
    is_uncut: bool,
}

/// Why a line was not written.
pub(super) enum NotWritten {
    /// The file has reached its limit.
    Full,
    Failed(io::Error),
}

impl RecordingFile {
    /// Opens a file to append to it. One that is there already must be a recording. An error is a sentence.
    pub(crate) fn open(path: &Path, bytes_max: u64) -> Result<Self, String> {
        let shown = path.display();
        let refused = |why: &str| {
            format!("cannot record into {shown}: {why}; name another file with --record")
        };
        if path.metadata().is_ok_and(|about| !about.is_file()) {
            return Err(refused("it is no file"));
        }
        let (mut file, made) = opened(path).map_err(|error| refused(&reason(&error)))?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => {} // some file systems have no locks
            Err(TryLockError::WouldBlock) => {
                return Err(refused("another sandbox records into it"));
            }
        }
        let bytes = whole_lines(&mut file).map_err(|error| refused(&reason(&error)))?;
        let Some(bytes) = bytes else {
            return Err(refused("it is there already, and is no recording"));
        };
        Ok(Self {
            file,
            path: path.to_owned(),
            bytes,
            bytes_max,
            made,
            is_uncut: true,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a line. If that fails, the file is as it was before.
    pub(super) fn append(&mut self, line: &Value) -> Result<(), NotWritten> {
        let text = line.to_string() + "\n";
        let bytes = self.bytes + text.len() as u64;
        if bytes > self.bytes_max {
            return Err(NotWritten::Full);
        }
        match self.write(text.as_bytes()) {
            Ok(()) => {
                self.bytes = bytes;
                Ok(())
            }
            Err(error) => {
                self.is_uncut = true;
                self.cut().ok(); // if that fails too, the next line tries it again
                Err(NotWritten::Failed(error))
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.cut()?;
        self.file.write_all(text)
    }

    /// Removes what is not a whole line.
    fn cut(&mut self) -> io::Result<()> {
        if self.is_uncut {
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::Start(self.bytes))?;
            self.is_uncut = false;
        }
        Ok(())
    }
}

impl Drop for RecordingFile {
    /// A sandbox that did not start leaves no empty file.
    fn drop(&mut self) {
        if let Some(made) = self.made.take().filter(|_| self.bytes == 0) {
            fs::remove_file(made).ok();
        }
    }
}

/// Opens a file. If there was none, the second value says where it is now.
fn opened(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let is_new = !path.exists();
    let file = options.open(path)?;
    let made = is_new.then(|| path.canonicalize().ok()).flatten();
    Ok((file, made))
}

/// The length of the whole lines of a file: the last may not have been written to its end. None if it is not empty and no
/// recording.
fn whole_lines(file: &mut File) -> io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(Some(0));
    }
    let mut first = String::new();
    let mut head = BufReader::new(file.take(HEAD_BYTES_MAX));
    head.read_line(&mut first)?;
    let json: Value = serde_json::from_str(&first).unwrap_or_default();
    if json["type"] != "export" {
        return Ok(None);
    }
    last_line_end(file, length).map(Some)
}

/// Where the last whole line ends.
fn last_line_end(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut piece = vec![0; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(piece.len() as u64);
        let piece = &mut piece[..usize::try_from(end - start).unwrap_or_default()];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
