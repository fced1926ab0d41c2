//! Uploaded files. A file is counted and hashed while it arrives. Only the part that the checks need is held, or the
//! whole file if an open inspector may fetch it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::{grow_share, hex};

/// The key of the file name in the facts of an upload.
pub(crate) const FILE_NAME: &str = "file_name";

/// Pictures take memory from their common budget in pieces of this size. The smallest picture takes one piece.
pub(crate) const PIECE_BYTES: usize = 128 << 10;

/// At most this much of a file is held. It is enough to find out its type and its size in pixels.
pub(crate) const HELD_BYTES_MAX: usize = 1 << 20;

/// Longer file names are cut to this length.
const FILE_NAME_CHARS_MAX: usize = 255;

/// A file while it arrives.
#[derive(Default)]
pub(crate) struct Upload {
    file_name: Option<String>,
    held: Vec<u8>,
    bytes: u64,
    hash: Sha256,
    /// Set if the whole file shall be held, as long as the budget has room.
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

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is text, as far as it is held.
    pub(crate) fn is_text(&self) -> bool {
        let is_cut = self.bytes > self.held.len() as u64;
        let text = str::from_utf8(&self.held);
        text.map_or_else(|error| is_cut && error.error_len().is_none(), |_| true)
    }

    /// The bytes that are held.
    pub(crate) fn into_held(self) -> Vec<u8> {
        self.held
    }

    /// The facts that schemas, rules and ids see of a file, and the file itself if it is a picture and was held whole.
    /// The type comes from the bytes of the file, not from its label.
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
        // An empty file has no type: the only complaint shall be that it is too small.
        if self.bytes > 0 {
            facts["type"] = kind.unwrap_or("application/octet-stream").into();
        }
        if let Some(name) = self.file_name {
            facts[FILE_NAME] = name.into();
        }
        let whole = kind.zip(self.room);
        let picture = whole.and_then(|(kind, room)| Picture::within(room, at(), kind, self.held));
        (facts, picture)
    }
}

/// An uploaded picture, whole.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Its place in the body, as a JSON Pointer.
    pub(crate) at: String,
    pub(crate) media_type: &'static str,
    /// They take their part of the budget until the last copy is dropped.
    pub(crate) bytes: Bytes,
}

impl Picture {
    /// None if the budget does not have enough left.
    fn within(
        mut room: Room,
        at: String,
        media_type: &'static str,
        mut bytes: Vec<u8>,
    ) -> Option<Self> {
        bytes.shrink_to_fit();
        room.fits(bytes.len() + at.len()).then(|| Self {
            at,
            media_type,
            bytes: Bytes::from_owner(HeldBytes { bytes, _room: room }),
        })
    }
}

struct HeldBytes {
    bytes: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The part that one picture takes of the memory budget of all pictures.
#[derive(Debug)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// An empty part of the budget `all`.
    pub(crate) fn of(all: &Arc<Semaphore>) -> Self {
        Self {
            all: all.clone(),
            held: None,
        }
    }

    /// Grows the part to `bytes`. False if the budget does not have so much left.
    pub(crate) fn fits(&mut self, bytes: usize) -> bool {
        let pieces = bytes.div_ceil(PIECE_BYTES).max(1);
        grow_share(&mut self.held, &self.all, pieces)
    }
}
