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

/// Refused requests have one part in this many.
const REFUSALS_PART: usize = 16;

/// What a request over HTTP/1.1 holds beside the bytes that its client sends. Its task is that of its connection.
const REQUEST_BYTES: usize = 4 << 10;

/// What a stream of HTTP/2 holds beside the bytes that its client sends: its task, and the records of h2.
const STREAM_BYTES: usize = 8 << 10;

/// Room is counted in units of this size.
const UNIT_BYTES: usize = 1 << 10;

/// A share grows by at least one part in this many, so that it need not grow with every piece of a body.
const GROWTH_PART: usize = 8;

/// How long a request waits for room.
const ROOM_TIME: Duration = Duration::from_secs(1);

/// How many requests wait for room. Each holds what its connection has read already.
const WAITING_MAX: usize = 256;

/// For so much memory one request may wait for room.
const WAITING_UNITS: usize = 256;

/// How many large replies wait for room. Each is whole already.
const REPLIES_WAITING_MAX: usize = 4;

/// There is no room for a request or reply.
#[derive(Debug)]
pub(crate) struct NoRoom;

#[derive(Debug)]
pub(crate) struct InFlight {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
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
    /// What the request holds beside the bytes that its client sends.
    own_bytes: usize,
    head_bytes: usize,
}

impl InFlight {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = bytes / UNIT_BYTES;
        let (small, refusals) = (units / SMALL_PART, units / REFUSALS_PART);
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(units - small - refusals)),
            refusals: Arc::new(Semaphore::new(refusals)),
            waiting: Semaphore::new(WAITING_MAX.min(units / WAITING_UNITS)),
            replies_waiting: Semaphore::new(REPLIES_WAITING_MAX),
            units,
            refused: AtomicU64::new(0),
        }
    }

    /// How many bytes requests and replies hold now.
    pub(crate) fn bytes(&self) -> usize {
        let parts = [&self.small, &self.large, &self.refusals];
        let free: usize = parts.map(|part| part.available_permits()).iter().sum();
        (self.units - free) * UNIT_BYTES
    }

    /// How many requests and replies found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Room for a request whose head has been read, if there is room now.
    pub(crate) fn try_take_for_request(
        &self,
        head_bytes: usize,
        is_stream: bool,
    ) -> Option<InFlightShare> {
        let (part, own_bytes) = self.part_for_request(head_bytes, is_stream);
        let permit = part
            .clone()
            .try_acquire_many_owned(units(own_bytes + head_bytes));
        let permit = permit.ok()?;
        Some(InFlightShare::of_request(permit, head_bytes, own_bytes))
    }

    /// The same. Waits for the room.
    pub(crate) async fn take_for_request(
        &self,
        head_bytes: usize,
        is_stream: bool,
    ) -> Result<InFlightShare, NoRoom> {
        let (part, own_bytes) = self.part_for_request(head_bytes, is_stream);
        let permit = self.permit(part, units(own_bytes + head_bytes)).await?;
        Ok(InFlightShare::of_request(permit, head_bytes, own_bytes))
    }

    /// The part from which a request takes room, and what it holds beside the bytes that its client sends.
    fn part_for_request(&self, head_bytes: usize, is_stream: bool) -> (&Arc<Semaphore>, usize) {
        let own_bytes = if is_stream {
            STREAM_BYTES
        } else {
            REQUEST_BYTES
        };
        (self.part(is_small(head_bytes)), own_bytes)
    }

    /// Room for the reply to a stream that found no room. None where too many such replies have not been written yet.
    pub(crate) fn take_for_refusal(&self) -> Option<InFlightShare> {
        let refusals = self.refusals.clone();
        let permit = refusals.try_acquire_many_owned(units(STREAM_BYTES));
        Some(InFlightShare {
            permit: permit.ok()?,
            is_small: true,
            own_bytes: STREAM_BYTES,
            head_bytes: 0,
        })
    }

    fn part(&self, is_small: bool) -> &Arc<Semaphore> {
        if is_small { &self.small } else { &self.large }
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
        !is_small(reply.len())
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
            self.permit(&self.large, units(bytes.len())).await?
        };
        Ok(held_with(bytes, (share, also())))
    }
}

/// The same bytes. Something else is held until the last of them has been written.
pub(crate) fn held_with<T: Send + 'static>(bytes: Bytes, also: T) -> Bytes {
    Bytes::from_owner(HeldReply { bytes, _also: also })
}

/// A reply and what is held for it.
struct HeldReply<T> {
    bytes: Bytes,
    _also: T,
}

impl<T> AsRef<[u8]> for HeldReply<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl InFlightShare {
    fn of_request(permit: OwnedSemaphorePermit, head_bytes: usize, own_bytes: usize) -> Self {
        Self {
            permit,
            is_small: is_small(head_bytes),
            own_bytes,
            head_bytes,
        }
    }

    /// Shrinks the share to so many bytes that are left of the request. From now on it may last, so it leaves the part of
    /// small requests, if there is room elsewhere.
    pub(crate) fn shrink(&mut self, in_flight: &InFlight, left_bytes: usize) {
        self.head_bytes = left_bytes;
        let units = units(self.own_bytes + left_bytes);
        if self.is_small
            && let Ok(permit) = in_flight.large.clone().try_acquire_many_owned(units)
        {
            self.permit = permit;
            self.is_small = false;
            return;
        }
        let freed = self.permit.num_permits().saturating_sub(units as usize);
        let _given_back = self.permit.split(freed);
    }

    /// Gives everything back: nothing of the request is held any more.
    pub(crate) fn release(&mut self) {
        let _given_back = self.permit.split(self.permit.num_permits());
    }

    /// How many bytes of a body the share has room for.
    pub(crate) fn body_room(&self) -> usize {
        let held = self.permit.num_permits() * UNIT_BYTES;
        held.saturating_sub(self.own_bytes + self.head_bytes)
    }

    /// Grows the share by the bytes of a body that has come so far.
    pub(crate) async fn grow(
        &mut self,
        in_flight: &InFlight,
        body_bytes: usize,
    ) -> Result<(), NoRoom> {
        let sent = self.head_bytes + body_bytes;
        let held = self.permit.num_permits() * UNIT_BYTES;
        if self.own_bytes + sent <= held {
            return Ok(());
        }
        let grown = sent.next_multiple_of((sent.next_power_of_two() / GROWTH_PART).max(1));
        let units = units(self.own_bytes + grown);
        if self.is_small && !is_small(sent) {
            self.permit = in_flight.permit(&in_flight.large, units).await?;
            self.is_small = false;
            return Ok(());
        }
        let part = in_flight.part(self.is_small);
        let held = u32::try_from(self.permit.num_permits()).unwrap_or(u32::MAX);
        let more = in_flight.permit(part, units.saturating_sub(held)).await?;
        self.permit.merge(more);
        Ok(())
    }
}

fn is_small(bytes: usize) -> bool {
    bytes <= SMALL_BYTES_MAX
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}
