//! Sends what happens in the worlds to the one that writes it into a recording.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::history::CommittedCall;
use super::journal::Exchange;
use super::outbox::Delivery;
use crate::base::Commit;

/// How many bytes of requests may wait to be written. Requests wait while there are more.
pub(crate) const RECORDER_BYTES_MAX: usize = 32 << 20;

/// What has happened in a world. `life` is the number of the world: it is another one when the key gets a fresh world.
pub(crate) struct Recorded {
    pub world: String,
    pub life: u64,
    pub what: Happening,
}

pub(crate) enum Happening {
    /// The world is new.
    Begun {
        digest: String,
        environment: &'static str,
        /// Whether it holds something already.
        was_filled: bool,
    },
    /// The request and its share of the memory.
    Exchange(Box<Exchange>, OwnedSemaphorePermit),
    Control(CommittedCall),
    /// The latest attempt of a delivery has ended.
    Attempted(Arc<Delivery>),
    /// All deliveries of the world up to a reset, or to its end, and its events without a URL.
    Deliveries(Commit, Vec<Arc<Delivery>>),
    /// The world has ended, and all that happened in it is recorded.
    Ended(Commit),
}

/// The way to the one that writes.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    sender: mpsc::UnboundedSender<Recorded>,
    room: Arc<Semaphore>,
}

impl Recorder {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Recorded>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(RECORDER_BYTES_MAX));
        (Self { sender, room }, receiver)
    }

    pub(super) fn send(&self, recorded: Recorded) {
        self.sender.send(recorded).ok(); // nobody writes any more
    }

    /// Waits until there is room for a request.
    pub(crate) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes.min(RECORDER_BYTES_MAX)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes);
        room.await.ok()
    }
}
