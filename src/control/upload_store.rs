//! Keeps the bytes of uploads for open inspectors: for a minute at most, within a budget. A picture without room is
//! not kept. While no inspector is open, none is.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::http::{PIECE_BYTES, Picture, Room};
use crate::world::{RequestUploads, Watchers, World};

/// How many pictures of one request are kept.
const OF_REQUEST_MAX: usize = 4;

/// How long pictures are kept at most.
const KEPT_TIME: Duration = Duration::from_mins(1);

/// Decides which uploads are kept, and has the memory for them. The worlds hold them.
#[derive(Debug)]
pub(crate) struct UploadStore {
    is_on: bool,
    live: Arc<Watchers>,
    room: Arc<Semaphore>,
}

impl UploadStore {
    /// `bytes` is what all pictures together may hold: those that come in, those that are kept, and those that are sent.
    pub(crate) fn new(is_on: bool, bytes: usize, live: Arc<Watchers>) -> Self {
        Self {
            is_on,
            live,
            room: Arc::new(Semaphore::new(bytes / PIECE_BYTES)),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Room for a file that comes in. None where nobody would fetch it.
    pub(crate) fn room(&self) -> Option<Room> {
        let is_wanted = self.is_on && self.live.has_subscribers();
        is_wanted.then(|| Room::of(&self.room))
    }

    /// The uploads of a request that its world shall keep. None while nobody looks at this world.
    pub(crate) fn to_keep(
        &self,
        world: &Arc<World>,
        mut pictures: Vec<Picture>,
    ) -> Option<RequestUploads> {
        if pictures.is_empty() || !self.live.has_subscriber_of(&world.tag) {
            return None;
        }
        pictures.truncate(OF_REQUEST_MAX);
        let until = Instant::now() + KEPT_TIME;
        let (uploads, freed) = RequestUploads::new(pictures, until);
        tokio::spawn(free_at(until, Arc::downgrade(world), freed));
        Some(uploads)
    }
}

/// Frees uploads in time, even if nobody asks for them. It keeps no world alive, and ends when they are freed sooner.
async fn free_at(until: Instant, world: Weak<World>, freed: oneshot::Receiver<()>) {
    tokio::select! {
        () = sleep_until(until) => {}
        _ = freed => return,
    }
    if let Some(world) = world.upgrade() {
        world.state().uploads.free_expired(until);
    }
}
