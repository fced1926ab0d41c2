//! A file that is uploaded: counted and hashed as it comes, held only as far as the checks need it, or for as long as a
//! thumbnail of it is to be drawn.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::FILE_NAME;
use crate::base::hex;
use crate::control::{Picture, Room};

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
