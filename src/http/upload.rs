//! A file that is uploaded: counted and hashed as it comes, held only as far as the checks need it, or for as long as a
//! thumbnail of it is to be drawn.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::hex;

/// Where the facts of an upload say how its file was called.
pub(crate) const FILE_NAME: &str = "file_name";

/// A picture takes its room in pieces of this size, the smallest one such.
pub(crate) const PIECE_BYTES: usize = 128 << 10;

/// Of a file no more than this is held: enough to tell its type and size in pixels.
pub(crate) const HELD_BYTES_MAX: usize = 1 << 20;

/// Of how a file was called, so much is kept.
const FILE_NAME_CHARS_MAX: usize = 255;

/// A file on its way in.
#[derive(Default)]
pub(crate) struct Upload {
    file_name: Option<String>,
    held: Vec<u8>,
    bytes: u64,
    hash: Sha256,
    /// Where it is to be drawn: as long as there is room, all of it is held.
    room: Option<Room>,
}

impl Upload {
    pub(crate) fn called(file_name: Option<&str>, room: Option<Room>) -> Self {
        let short = |name: &str| name.chars().take(FILE_NAME_CHARS_MAX).collect();
        Self {
            file_name: file_name.map(short),
            room,
            ..Self::default()
        }
    }

    pub(crate) fn take(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.hash.update(chunk);
        let whole = self.held.len() + chunk.len();
        if self.room.as_mut().is_some_and(|room| !room.fits(whole)) {
            self.room = None;
            self.held.truncate(HELD_BYTES_MAX);
        }
        let most = match self.room {
            Some(_) => chunk.len(),
            None => HELD_BYTES_MAX - self.held.len(),
        };
        self.held.extend_from_slice(&chunk[..chunk.len().min(most)]);
    }

    /// What schemas, rules and ids see of a file, and the file itself where it is to be drawn. The type is told from
    /// its bytes, not from its label.
    pub(crate) fn facts(self, at: impl FnOnce() -> String) -> (Value, Option<Picture>) {
        let kind = match imagesize::image_type(&self.held) {
            Ok(imagesize::ImageType::Jpeg) => Some("image/jpeg"),
            Ok(imagesize::ImageType::Png) => Some("image/png"),
            _ => None,
        };
        let size = kind.and_then(|_| imagesize::blob_size(&self.held).ok());
        let mut facts = json!({
            "bytes": self.bytes,
            "width": size.map_or(0, |size| size.width),
            "height": size.map_or(0, |size| size.height),
            "sha256": hex(&self.hash.finalize()),
        });
        // Of an empty file nothing can be told but that it is too small.
        if self.bytes > 0 {
            facts["type"] = kind.unwrap_or("application/octet-stream").into();
        }
        if let Some(name) = self.file_name {
            facts[FILE_NAME] = name.into();
        }
        let room = self.room.filter(|_| size.is_some());
        let picture = room.map(|room| Picture::new(at(), self.held, room));
        (facts, picture)
    }
}

/// A name as one part of a JSON Pointer.
pub(crate) fn pointer_part(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A file that is to be drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) at: String,
    pub(crate) bytes: Vec<u8>,
    _room: Room,
}

impl Picture {
    pub(crate) fn new(at: String, bytes: Vec<u8>, room: Room) -> Self {
        Self {
            at,
            bytes,
            _room: room,
        }
    }
}

/// A share of what all pictures together may hold.
#[derive(Debug)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// An empty share of `all`.
    pub(crate) fn of(all: &Arc<Semaphore>) -> Self {
        Self {
            all: all.clone(),
            held: None,
        }
    }

    /// Grows to so many bytes, if there is room.
    pub(crate) fn fits(&mut self, bytes: usize) -> bool {
        let held = (self.held.as_ref()).map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(PIECE_BYTES).max(1).saturating_sub(held);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        if more == 0 {
            return true;
        }
        let Ok(more) = self.all.clone().try_acquire_many_owned(more) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }
}
