//! The memory that requests and replies in flight may hold together. Requests of ordinary size have a part of their own,
//! so that large ones cannot take it from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A request or reply up to this size is small.
const SMALL_BYTES_MAX: usize = 8 << 10;

/// Small requests have one part in this many.
const SMALL_PART: usize = 4;

/// What a request holds beside the bytes that its client sends.
const REQUEST_BYTES: usize = 1 << 10;

/// Room is counted in units of this size.
const UNIT_BYTES: usize = 1 << 10;

/// A share grows by at least one part in this many, so that it need not grow with every piece of a body.
const GROWTH_PART: usize = 8;

/// How long a request waits for room.
const ROOM_TIME: Duration = Duration::from_secs(1);

/// How many requests wait for room. Each holds what its connection has read already.
const WAITING_MAX: usize = 256;

/// How many large replies wait for room. Each is whole already.
const REPLIES_WAITING_MAX: usize = 4;

/// There is no room for a request or reply.
#[derive(Debug)]
pub(crate) struct NoRoom;

#[derive(Debug)]
pub(crate) struct InFlight {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    waiting: Semaphore,
    replies_waiting: Semaphore,
    units: usize,
    refused: AtomicU64,
}

/// What one request or reply takes. Dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct InFlightShare {
    permit: OwnedSemaphorePermit,
    is_small: bool,
}

impl InFlight {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = bytes / UNIT_BYTES;
        let small = units / SMALL_PART;
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(units - small)),
            waiting: Semaphore::new(WAITING_MAX),
            replies_waiting: Semaphore::new(REPLIES_WAITING_MAX),
            units,
            refused: AtomicU64::new(0),
        }
    }

    /// How many bytes requests and replies hold now.
    pub(crate) fn bytes(&self) -> usize {
        let free = self.small.available_permits() + self.large.available_permits();
        (self.units - free) * UNIT_BYTES
    }

    /// How many requests and replies found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Room for a small request whose head has been read. None if it is not small, or has to wait for the room.
    pub(crate) fn try_take_for_request(&self, head_bytes: usize) -> Option<InFlightShare> {
        let bytes = REQUEST_BYTES + head_bytes;
        if bytes > SMALL_BYTES_MAX {
            return None;
        }
        let permit = self.small.clone().try_acquire_many_owned(units(bytes));
        Some(InFlightShare {
            permit: permit.ok()?,
            is_small: true,
        })
    }

    /// Room for a request whose head has been read.
    pub(crate) async fn take_for_request(
        &self,
        head_bytes: usize,
    ) -> Result<InFlightShare, NoRoom> {
        self.take(REQUEST_BYTES + head_bytes).await
    }

    async fn take(&self, bytes: usize) -> Result<InFlightShare, NoRoom> {
        let is_small = bytes <= SMALL_BYTES_MAX;
        let part = if is_small { &self.small } else { &self.large };
        let permit = self.permit(part, units(bytes)).await?;
        Ok(InFlightShare { permit, is_small })
    }

    async fn permit(
        &self,
        part: &Arc<Semaphore>,
        units: u32,
    ) -> Result<OwnedSemaphorePermit, NoRoom> {
        if let Ok(permit) = part.clone().try_acquire_many_owned(units) {
            return Ok(permit);
        }
        let acquired = match self.waiting.try_acquire() {
            Err(_) => None,
            Ok(_waiting) => {
                let acquired = timeout(ROOM_TIME, part.clone().acquire_many_owned(units));
                acquired.await.ok().and_then(Result::ok)
            }
        };
        acquired.ok_or_else(|| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            NoRoom
        })
    }

    /// Whether a reply needs room.
    pub(crate) fn counts(reply: &Bytes) -> bool {
        reply.len() > SMALL_BYTES_MAX
    }

    /// Holds room for the bytes of a reply until the last of them has been written, and something else as long.
    pub(crate) async fn hold<T: Send + 'static>(
        &self,
        bytes: Bytes,
        also: impl FnOnce() -> T,
    ) -> Result<Bytes, NoRoom> {
        if !Self::counts(&bytes) {
            return Ok(bytes);
        }
        let share = {
            let Ok(_waiting) = self.replies_waiting.try_acquire() else {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err(NoRoom);
            };
            self.take(bytes.len()).await?
        };
        let held = HeldReply {
            bytes,
            _share: share,
            _also: also(),
        };
        Ok(Bytes::from_owner(held))
    }
}

/// A reply and what is held for it.
struct HeldReply<T> {
    bytes: Bytes,
    _share: InFlightShare,
    _also: T,
}

impl<T> AsRef<[u8]> for HeldReply<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl InFlightShare {
    /// Shrinks the share to so many bytes of a head, if that makes it small.
    pub(crate) fn shrink(&mut self, in_flight: &InFlight, head_bytes: usize) {
        let bytes = REQUEST_BYTES + head_bytes;
        if self.is_small || bytes > SMALL_BYTES_MAX {
            return;
        }
        if let Ok(permit) = in_flight.small.clone().try_acquire_many_owned(units(bytes)) {
            self.permit = permit;
            self.is_small = true;
        }
    }

    /// Gives everything back: nothing of the request is held any more.
    pub(crate) fn release(&mut self) {
        let _given_back = self.permit.split(self.permit.num_permits());
    }

    /// Grows the share by the bytes of a body that has come so far.
    pub(crate) async fn grow(
        &mut self,
        in_flight: &InFlight,
        body_bytes: usize,
    ) -> Result<(), NoRoom> {
        let bytes = REQUEST_BYTES + body_bytes;
        let held = self.permit.num_permits() * UNIT_BYTES;
        if bytes <= held {
            return Ok(());
        }
        let units = units(bytes.next_multiple_of(bytes.next_power_of_two() / GROWTH_PART));
        if self.is_small && bytes > SMALL_BYTES_MAX {
            self.permit = in_flight.permit(&in_flight.large, units).await?;
            self.is_small = false;
            return Ok(());
        }
        let part = if self.is_small {
            &in_flight.small
        } else {
            &in_flight.large
        };
        let held = u32::try_from(self.permit.num_permits()).unwrap_or(u32::MAX);
        let more = in_flight.permit(part, units.saturating_sub(held)).await?;
        self.permit.merge(more);
        Ok(())
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}
