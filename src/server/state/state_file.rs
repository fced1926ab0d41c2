//! A state file while a sandbox uses it.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::format::{Head, Lines};
use super::load::{LoadedFile, ReadFile, load};
use super::place::StatePlace;
use crate::catalogue::Catalogue;
use crate::world::Worlds;

/// A place that this sandbox alone writes to, and what is known of the file there.
#[derive(Debug)]
pub(crate) struct StateFile {
    pub(super) place: StatePlace,
    /// None before there is a file.
    pub(super) content: Option<Content>,
}

/// The file as this sandbox wrote or read it.
#[derive(Debug)]
pub(super) struct Content {
    /// Open: unchanged worlds are copied from here, whatever has the name of the file meanwhile.
    pub file: File,
    pub head: Head,
    pub lines: Lines,
    /// The hash that its last line has.
    pub hash: String,
    identity: Option<Identity>,
}

/// What tells a file from another one that took its place.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl StateFile {
    /// Claims the file and reads its worlds into the sandbox. If there is none, a later write makes it. An error is a
    /// sentence with a remedy.
    pub(crate) fn open(
        path: &Path,
        worlds: &Worlds,
        catalogue: &Catalogue,
    ) -> Result<Self, String> {
        let place = StatePlace::claim(path)?;
        let is_there = place.is_there().unwrap_or(false);
        let loaded = if is_there {
            load(&place.path, worlds, catalogue)?
        } else {
            None
        };
        if let Some(loaded) = &loaded {
            tracing::info!(worlds = loaded.read.lines.len(), "read the state file");
        }
        let content = loaded.map(|LoadedFile { file, read }| {
            let ReadFile { head, lines, hash } = read;
            Content::new(file, head, lines, hash)
        });
        Ok(Self { place, content })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.place.path
    }
}

impl Content {
    pub(super) fn new(file: File, head: Head, lines: Lines, hash: String) -> Self {
        let identity = file.metadata().ok().map(|about| Identity::of(&about));
        Self {
            file,
            head,
            lines,
            hash,
            identity,
        }
    }

    /// Whether this is still the file of that path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let there = fs::symlink_metadata(path).map(|about| Identity::of(&about));
        there.ok() == self.identity
    }

    pub(super) fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Identity {
    fn of(about: &fs::Metadata) -> Self {
        Self {
            bytes: about.len(),
            modified: about.modified().ok(),
        }
    }
}
