//! Thumbnails of uploads, for open inspectors. A picture waits with its bytes until it is drawn. Pictures are
//! drawn one at a time, beside the threads that answer. A picture without room is not drawn. While no
//! inspector is open, no byte is held.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Semaphore;

#[cfg(feature = "inspector")]
use super::sketch::sketch;
use crate::base::lock;
use crate::http::{PIECE_BYTES, Picture, Room};
use crate::world::{Tag, Thumbnail, Watchers, World};

/// How many bytes all pictures together may hold that come in or wait to be drawn.
const ROOM_BYTES_MAX: usize = 32 << 20;

/// How many pictures of one request are drawn.
const OF_REQUEST_MAX: usize = 4;

/// The pictures that wait to be drawn, and the memory for them.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    is_on: bool,
    live: Arc<Watchers>,
    room: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_drawing: bool,
}

/// The pictures of one exchange. It keeps no world alive.
#[derive(Debug)]
struct Job {
    world: Weak<World>,
    tag: Tag,
    reset_count: u64,
    seq: u64,
    pictures: Vec<Picture>,
}

impl Thumbnails {
    pub(crate) fn new(is_on: bool, live: Arc<Watchers>) -> Self {
        Self {
            is_on: is_on && cfg!(feature = "inspector"),
            live,
            room: Arc::new(Semaphore::new(ROOM_BYTES_MAX / PIECE_BYTES)),
            waiting: Mutex::default(),
        }
    }

    /// Room for a file that comes in. None where nobody would see its thumbnail.
    pub(crate) fn room(&self) -> Option<Room> {
        let is_wanted = self.is_on && self.live.is_watched();
        is_wanted.then(|| Room::of(&self.room))
    }

    /// Queues the pictures of an exchange for drawing, and returns at once. `reset_count` is the world's count of resets from
    /// before the exchange was recorded.
    pub(crate) fn draw(
        self: &Arc<Self>,
        world: &Arc<World>,
        reset_count: u64,
        seq: u64,
        mut pictures: Vec<Picture>,
    ) {
        pictures.truncate(OF_REQUEST_MAX);
        let Ok(tag) = world.tag.as_bytes().try_into() else {
            return;
        };
        if pictures.is_empty() || !self.live.is_looked_at(tag) {
            return;
        }
        let mut waiting = self.waiting();
        waiting.jobs.push_back(Job {
            world: Arc::downgrade(world),
            tag,
            reset_count,
            seq,
            pictures,
        });
        if !std::mem::replace(&mut waiting.is_drawing, true) {
            let this = self.clone();
            tokio::task::spawn_blocking(move || this.draw_all());
        }
    }

    fn draw_all(&self) {
        loop {
            let mut waiting = self.waiting();
            let Some(job) = waiting.jobs.pop_front() else {
                waiting.is_drawing = false;
                return;
            };
            drop(waiting);
            if self.live.is_looked_at(job.tag) {
                self.finish(job);
            }
        }
    }

    fn finish(&self, job: Job) {
        // A decoder that panics costs this picture and no more.
        let drawn = |picture: Picture| {
            let png = catch_unwind(AssertUnwindSafe(|| sketch(&picture.bytes)));
            let (at, png) = (picture.at, png.ok()??);
            Some(Thumbnail { at, png })
        };
        let thumbnails: Vec<_> = job.pictures.into_iter().filter_map(drawn).collect();
        if thumbnails.is_empty() {
            return;
        }
        // Meanwhile the world may have been emptied or ended, or the exchange may have left its journal.
        let kept = (job.world.upgrade())
            .is_some_and(|world| world.illustrate(job.reset_count, job.seq, thumbnails));
        if kept {
            self.live.thumbnails(job.tag, job.seq);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

#[cfg(not(feature = "inspector"))]
fn sketch(_: &[u8]) -> Option<Vec<u8>> {
    None
}
