//! Reads a state file: first whether it is whole, then its worlds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::format::{
    End, HEAD_BYTES_MAX, HEAD_START, Head, Line, Lines, VERSION, WholeHash, clock_text, hash_of,
};
use crate::base::{Memory, reason, size_in_words};
use crate::catalogue::Catalogue;
use crate::world::{LoadedWorld, SavedWorld, Worlds};

/// The line of a world has more bytes than the world: quotes and line breaks of bodies are escaped.
const LINE_BYTES_FACTOR: u64 = 4;
const LINE_BYTES_MIN: u64 = 1 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct LoadedFile {
    pub file: File,
    pub read: ReadFile,
}

/// What was read.
#[derive(Debug)]
pub(super) struct ReadFile {
    pub head: Head,
    pub lines: Lines,
    pub hash: String,
}

/// Reads worlds from a file into a sandbox.
struct Loader<'a> {
    path: &'a Path,
    worlds: &'a Worlds,
    catalogue: &'a Catalogue,
}

/// Reads all worlds of a file. None for an empty file. An error is a sentence, and the file stays as it is.
pub(super) fn load(
    path: &Path,
    worlds: &Worlds,
    catalogue: &Catalogue,
) -> Result<Option<LoadedFile>, String> {
    let loader = Loader {
        path,
        worlds,
        catalogue,
    };
    loader.load()
}

/// Reads the worlds of a file that has these lines between its head and its end.
///
/// # Errors
/// A sentence about a line that cannot be used.
#[cfg(any(test, fuzzing))]
pub(crate) fn load_lines(
    lines: &[u8],
    worlds: &Worlds,
    catalogue: &Catalogue,
) -> Result<usize, String> {
    let loader = Loader {
        path: Path::new("FILE"),
        worlds,
        catalogue,
    };
    let head = serde_json::to_vec(&Head::of(worlds)).expect("texts and numbers can be written");
    let mut file = [&head, b"\n".as_slice(), lines].concat();
    let mut whole = WholeHash::default();
    let all = file.split_inclusive(|byte| *byte == b'\n');
    let all: Vec<_> = all.filter_map(|line| line.strip_suffix(b"\n")).collect();
    for line in &all {
        whole.add(hash_of(line));
    }
    let end = End {
        worlds: all.len() - 1,
        sha256: whole.text(),
    };
    serde_json::to_writer(&mut file, &end).expect("texts and numbers can be written");
    file.push(b'\n');
    let read = loader.read(&mut io::Cursor::new(file));
    read.map(|read| read.lines.len())
}

impl Loader<'_> {
    fn load(&self) -> Result<Option<LoadedFile>, String> {
        let unreadable = |error: io::Error| {
            let path = self.path.display();
            format!(
                "cannot read the state file {path}: {}; let this user read it, or name another file with --state",
                reason(&error)
            )
        };
        let file = File::open(self.path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if about.len() == 0 {
            return Ok(None);
        }
        let mut reader = BufReader::new(file);
        let read = self.read(&mut reader)?;
        let file = reader.into_inner();
        Ok(Some(LoadedFile { file, read }))
    }

    fn read(&self, reader: &mut (impl BufRead + Seek)) -> Result<ReadFile, String> {
        let line = self.head_line(reader)?;
        let head = self.head(&line)?;
        let line_bytes_max = self.line_bytes_max(&head)?;
        let hash = self.check_whole(reader, &line, line_bytes_max)?;
        reader.rewind().map_err(|_| self.damaged())?;
        let lines = self.worlds(reader, &head, line_bytes_max)?;
        Ok(ReadFile { head, lines, hash })
    }

    /// The first line, without its end.
    fn head_line(&self, reader: &mut impl BufRead) -> Result<Vec<u8>, String> {
        let mut line = Vec::new();
        let read = reader.take(HEAD_BYTES_MAX).read_until(b'\n', &mut line);
        if read.is_err() || !line.starts_with(&HEAD_START[..line.len().min(HEAD_START.len())]) {
            return Err(format!(
                "{} is not a state file, and was not changed: name another file with --state",
                self.path.display()
            ));
        }
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(self.damaged()),
        }
    }

    /// Checks whether this sandbox can go on from the file.
    fn head(&self, line: &[u8]) -> Result<Head, String> {
        let value = serde_json::from_slice::<Value>(line).unwrap_or_default();
        match value.get("iluma_sandbox_state") {
            None => return Err(self.damaged()),
            Some(version) if *version == VERSION => {}
            Some(version) => {
                return Err(self.refused(&format!(
                    "has the version {version}, and this sandbox reads version {VERSION}: use the release that wrote it, or \
                     name another file with --state"
                )));
            }
        }
        let head: Head = serde_json::from_value(value).map_err(|_| self.damaged())?;
        let seed = self.worlds.seed();
        if head.seed != seed {
            return Err(self.refused(&format!(
                "was written with the seed {}, and this sandbox has {seed}: ids would not go on as they did, so start it with \
                 `--seed {0}`, or name another file with --state",
                head.seed
            )));
        }
        let clock = clock_text(self.worlds.clock());
        if head.clock != clock {
            return Err(self.refused(&format!(
                "was written with the clock `{}`, and this sandbox has `{clock}`: start it with `--clock {0}`, or name another \
                 file with --state",
                head.clock
            )));
        }
        Ok(head)
    }

    /// The longest line that the file may have. The sandbox that wrote it may have had more memory.
    fn line_bytes_max(&self, head: &Head) -> Result<u64, String> {
        let memory: Memory = (head.memory.to_string().parse()).map_err(|_| self.damaged())?;
        let world_bytes = memory.world().max(self.worlds.memory().world()) as u64;
        Ok((LINE_BYTES_FACTOR * world_bytes).max(LINE_BYTES_MIN))
    }

    /// Reads the lines after the head. Returns the hash of the file.
    fn check_whole(
        &self,
        reader: &mut impl BufRead,
        head: &[u8],
        line_bytes_max: u64,
    ) -> Result<String, String> {
        let mut whole = WholeHash::default();
        whole.add(hash_of(head));
        let mut worlds = 0;
        loop {
            let line = self.line(reader, line_bytes_max)?;
            if let Ok(end) = parsed::<End>(&line) {
                let hash = whole.text();
                let is_last = reader.fill_buf().is_ok_and(<[u8]>::is_empty);
                if end.sha256 == hash && end.worlds == worlds && is_last {
                    return Ok(hash);
                }
                return Err(self.damaged());
            }
            whole.add(hash_of(&line));
            worlds += 1;
        }
    }

    /// Makes the worlds. The file is whole.
    fn worlds(
        &self,
        reader: &mut impl BufRead,
        head: &Head,
        line_bytes_max: u64,
    ) -> Result<Lines, String> {
        let now = Instant::now();
        let mut at = self.line(reader, HEAD_BYTES_MAX)?.len() as u64 + 1;
        let (mut lines, mut names) = (Lines::new(), Vec::new());
        let (mut worlds_dropped, mut records_dropped) = (0, 0);
        loop {
            let line = self.line(reader, line_bytes_max)?;
            if parsed::<End>(&line).is_ok() {
                break;
            }
            let saved = parsed::<SavedWorld>(&line).map_err(|reason| self.unusable(&reason))?;
            let loaded = self.worlds.load(saved, self.catalogue, now);
            let LoadedWorld {
                digest,
                name,
                revision,
                is_settled,
                records_dropped: dropped,
            } = loaded.map_err(|reason| self.unusable(&reason))?;
            let bytes = line.len() as u64;
            let line = Line {
                at,
                bytes,
                hash: hash_of(&line),
                revision,
                is_settled: is_settled && dropped == 0,
            };
            lines.insert(digest, line);
            at += bytes + 1;
            names.extend(name);
            records_dropped += dropped;
            while self.worlds.is_full() && self.worlds.drop_resting(None) {
                worlds_dropped += 1;
            }
            if worlds_dropped + records_dropped > 0 && head.memory > self.worlds.memory().bytes() {
                return Err(self.too_large(head));
            }
        }
        if worlds_dropped + records_dropped > 0 {
            tracing::warn!(
                "the state file holds more than the worlds of this sandbox: {worlds_dropped} worlds and {records_dropped} \
                 records, the oldest, were left out; a larger --memory has room for more"
            );
        }
        self.worlds.skip_names(head.names_made);
        for name in names {
            let key = self.worlds.key_named(&name);
            self.worlds.wake(&key, Some(&name), now);
        }
        Ok(lines)
    }

    /// The next line, without its end.
    fn line(&self, reader: &mut impl BufRead, bytes_max: u64) -> Result<Vec<u8>, String> {
        let mut line = Vec::new();
        let read = reader.take(bytes_max).read_until(b'\n', &mut line);
        if read.is_err() || line.pop() != Some(b'\n') {
            return Err(self.damaged());
        }
        Ok(line)
    }

    fn refused(&self, what: &str) -> String {
        format!("the state file {} {what}", self.path.display())
    }

    fn damaged(&self) -> String {
        self.refused(
            "is not whole: it was cut off or changed; put a whole copy there, or remove it to begin without worlds",
        )
    }

    fn unusable(&self, reason: &str) -> String {
        self.refused(&format!(
            "cannot be used: {reason}; start with the flags and scenario files of the sandbox that wrote it, or name another \
             file with --state"
        ))
    }

    fn too_large(&self, head: &Head) -> String {
        self.refused(&format!(
            "holds more than this sandbox has memory for: start it with `--memory {}` ({}), as the sandbox that wrote it, or \
             name another file with --state",
            head.memory,
            size_in_words(head.memory)
        ))
    }
}

fn parsed<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}
