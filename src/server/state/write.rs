//! Writes a state file beside the old one, and then puts it in its place. Worlds that are unchanged are copied.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::format::{End, Hash, Head, Line, Lines, WholeHash};
use super::state_file::{Content, StateFile};
use crate::control::StateWritten;
use crate::server::new_file::NewFile;
use crate::world::{Revision, WorldToSave, Worlds};

/// A world, and the line of the old file that says the same.
struct Planned {
    world: WorldToSave,
    revision: Revision,
    line: Option<Line>,
}

/// The new file as far as it is written.
struct Output {
    file: BufWriter<NewFile>,
    at: u64,
    whole: WholeHash,
}

/// Passes the bytes of one line on.
struct LineWriter<'o> {
    to: &'o mut BufWriter<NewFile>,
    hash: Sha256,
    bytes: u64,
}

impl StateFile {
    /// Writes all worlds. If none has changed, nothing is written. After an error the old file is there as it was.
    pub(in crate::server) fn write(&mut self, worlds: &Worlds) -> io::Result<StateWritten> {
        let is_there = self.place.is_there()?;
        let head = Head::of(worlds);
        let old = self.content.as_ref();
        let is_current = is_there && old.is_some_and(|old| old.is_at(&self.place.path));
        let planned = plan(worlds, old);
        if let Some(old) = old.filter(|old| is_current && old.says(&head, &planned)) {
            return Ok(StateWritten {
                path: self.place.path.clone(),
                is_unchanged: true,
                worlds: old.lines.len(),
                rewritten: 0,
                bytes: old.bytes()?,
            });
        }
        let mut output = Output::begin(self.place.new_file()?);
        output.line(&head)?;
        let Some(WrittenLines { lines, rewritten }) = output.worlds(worlds, planned, old)? else {
            self.content = None; // somebody has changed the old file: all worlds are written anew
            return self.write(worlds);
        };
        let hash = output.whole.clone().text();
        let end = End {
            worlds: lines.len(),
            sha256: hash.clone(),
        };
        output.line(&end)?;
        let written = StateWritten {
            path: self.place.path.clone(),
            is_unchanged: false,
            worlds: lines.len(),
            rewritten,
            bytes: output.at,
        };
        if let Some(old) = &mut self.content
            && is_current
            && old.hash == hash
        {
            old.lines = lines; // worlds were changed, and are again as they were
            return Ok(StateWritten {
                is_unchanged: true,
                ..written
            });
        }
        let file = output
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        let file = file.sync()?.replace_open()?;
        sync_folder(&self.place.path);
        self.content = Some(Content::new(file, head, lines, hash));
        Ok(written)
    }
}

/// All worlds that are to be in the file, with the lines that can be copied.
fn plan(worlds: &Worlds, old: Option<&Content>) -> Vec<Planned> {
    let planned = worlds.to_save().into_iter().filter_map(|world| {
        let revision = worlds.revision(&world)?;
        let line = old.and_then(|old| old.lines.get(&world.digest()));
        let line = line.filter(|line| line.revision == revision && line.is_settled);
        Some(Planned {
            line: line.copied(),
            world,
            revision,
        })
    });
    planned.collect()
}

impl Content {
    /// Whether the file would be written as it is.
    fn says(&self, head: &Head, planned: &[Planned]) -> bool {
        self.head == *head
            && self.lines.len() == planned.len()
            && planned.iter().all(|planned| planned.line.is_some())
    }
}

/// The lines of all worlds, and how many of them are new or others than before.
struct WrittenLines {
    lines: Lines,
    rewritten: usize,
}

/// Place, length and hash of a line that was written.
struct WrittenLine {
    at: u64,
    bytes: u64,
    hash: Hash,
}

impl Output {
    fn begin(file: NewFile) -> Self {
        Self {
            file: BufWriter::new(file),
            at: 0,
            whole: WholeHash::default(),
        }
    }

    fn line(&mut self, content: &impl Serialize) -> io::Result<WrittenLine> {
        self.line_with(|writer| serde_json::to_writer(writer, content).map_err(io::Error::from))
    }

    /// Writes the lines of all worlds. None if the old file is not what it was.
    fn worlds(
        &mut self,
        worlds: &Worlds,
        planned: Vec<Planned>,
        old: Option<&Content>,
    ) -> io::Result<Option<WrittenLines>> {
        let now = Instant::now();
        let (mut lines, mut rewritten) = (Lines::new(), 0);
        for planned in planned {
            let digest = planned.world.digest();
            let line = if let (Some(line), Some(old)) = (planned.line, old) {
                let Some(copied) = self.copy(&old.file, line)? else {
                    return Ok(None);
                };
                copied
            } else {
                let Some(saved) = worlds.saved(&planned.world, now) else {
                    continue; // it has ended meanwhile
                };
                let WrittenLine { at, bytes, hash } = self.line(&saved)?;
                let before = old.and_then(|old| old.lines.get(&digest));
                rewritten += usize::from(before.is_none_or(|before| before.hash != hash));
                Line {
                    at,
                    bytes,
                    hash,
                    revision: planned.revision,
                    is_settled: saved.is_settled,
                }
            };
            lines.insert(digest, line);
        }
        Ok(Some(WrittenLines { lines, rewritten }))
    }

    /// Copies a line of the old file. None if it is another one now.
    fn copy(&mut self, mut old: &File, line: Line) -> io::Result<Option<Line>> {
        let copied = self.line_with(|writer| {
            old.seek(SeekFrom::Start(line.at))?;
            io::copy(&mut old.take(line.bytes), writer).map(drop)
        })?;
        let at = copied.at;
        Ok((copied.hash == line.hash).then_some(Line { at, ..line }))
    }

    fn line_with(
        &mut self,
        write: impl FnOnce(&mut LineWriter<'_>) -> io::Result<()>,
    ) -> io::Result<WrittenLine> {
        let mut writer = LineWriter {
            to: &mut self.file,
            hash: Sha256::new(),
            bytes: 0,
        };
        write(&mut writer)?;
        let LineWriter { hash, bytes, .. } = writer;
        self.file.write_all(b"\n")?;
        let hash = hash.finalize().into();
        self.whole.add(hash);
        let at = self.at;
        self.at += bytes + 1;
        Ok(WrittenLine { at, bytes, hash })
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The new name of a file is on the disk only when its folder is.
fn sync_folder(path: &Path) {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder).and_then(|folder| folder.sync_all()).ok(); // some file systems cannot
    }
}
