//! Reads the lines of an export, one after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, Take};
use std::path::Path;

use crate::base::{reason, size_in_words};

/// The largest export. All its lines are in memory during a replay, because they are not in the order of their worlds.
const EXPORT_BYTES_MAX: usize = 1 << 30;

pub(super) struct ExportLines<R> {
    file: Take<R>,
    line: Vec<u8>,
    /// The number of the line, from 1 on.
    number: usize,
}

impl ExportLines<BufReader<File>> {
    /// An error is a sentence.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| reason(&error))?;
        let bytes = file.metadata().map_err(|error| reason(&error))?.len();
        if bytes > EXPORT_BYTES_MAX as u64 {
            return Err(too_large());
        }
        Ok(Self::of(BufReader::new(file)))
    }
}

impl<R: BufRead> ExportLines<R> {
    pub(super) fn of(file: R) -> Self {
        Self {
            file: file.take(EXPORT_BYTES_MAX as u64 + 1),
            line: Vec::new(),
            number: 0,
        }
    }

    /// The next line with its number and its end. The last line may lack its end. None if there is no more. An error is a
    /// sentence.
    pub(super) fn next_line(&mut self) -> Result<Option<(usize, &[u8])>, String> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        if read.map_err(|error| reason(&error))? == 0 {
            return Ok(None);
        }
        if self.file.limit() == 0 {
            return Err(too_large()); // it is a pipe, or has grown
        }
        self.number += 1;
        Ok(Some((self.number, &self.line)))
    }
}

fn too_large() -> String {
    format!(
        "it is larger than {}, the most that is replayed: end a recording earlier with --record-max",
        size_in_words(EXPORT_BYTES_MAX)
    )
}
