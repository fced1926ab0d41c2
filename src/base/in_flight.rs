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
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum NoRoom {
    #[error(
        "Requests and replies in flight hold all the memory that there is for them (--memory): send the request again later."
    )]
    Now,
    #[error(
        "The request or its reply needs more memory than there is for all that are in flight (--memory): give the sandbox \
         more, or send less."
    )]
    Ever,
}

/// Whether a request whose head has been read has room.
#[derive(Debug)]
pub(crate) enum Admission {
    Room(InFlightShare),
    /// There is none now. A stream of HTTP/2 has room for its refusal while it waits.
    Wait(Option<InFlightShare>),
}

#[derive(Debug)]
pub(crate) struct InFlight {
    small: Part,
    large: Part,
    refusals: Part,
    waiting: Semaphore,
    replies_waiting: Semaphore,
    refused: AtomicU64,
}

/// A part of the memory, in units.
#[derive(Debug)]
struct Part {
    units: usize,
    free: Arc<Semaphore>,
}

impl Part {
    fn of(units: usize) -> Self {
        Self {
            units,
            free: Arc::new(Semaphore::new(units)),
        }
    }

    fn held(&self) -> usize {
        self.units - self.free.available_permits()
    }

    fn try_take(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_many_owned(units).ok()
    }

    async fn take(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_many_owned(units).await.ok()
    }
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
            small: Part::of(small),
            large: Part::of(units - small - refusals),
            refusals: Part::of(refusals),
            waiting: Semaphore::new(WAITING_MAX.min(units / WAITING_UNITS)),
            replies_waiting: Semaphore::new(REPLIES_WAITING_MAX),
            refused: AtomicU64::new(0),
        }
    }

    /// How many bytes requests and replies hold now.
    pub(crate) fn bytes(&self) -> usize {
        let parts = [&self.small, &self.large, &self.refusals];
        parts.map(Part::held).iter().sum::<usize>() * UNIT_BYTES
    }

    /// How many requests and replies found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Room for a request over HTTP/1.1 whose head has been read.
    pub(crate) fn admit_request(&self, head_bytes: usize) -> Admission {
        match self.try_take(head_bytes, REQUEST_BYTES) {
            Some(share) => Admission::Room(share),
            None => Admission::Wait(None),
        }
    }

    /// Room for a stream of HTTP/2 whose head has been read. None where there is not even room for its refusal. It has to
    /// be called before the stream has a task: a client may open hundreds of streams before the first task runs.
    pub(crate) fn admit_stream(&self, head_bytes: usize) -> Option<Admission> {
        if let Some(share) = self.try_take(head_bytes, STREAM_BYTES) {
            return Some(Admission::Room(share));
        }
        let permit = self.refusals.try_take(units(STREAM_BYTES + head_bytes))?;
        let refusal = InFlightShare::of_request(permit, head_bytes, STREAM_BYTES);
        Some(Admission::Wait(Some(refusal)))
    }

    fn try_take(&self, head_bytes: usize, own_bytes: usize) -> Option<InFlightShare> {
        let part = self.part(is_small(head_bytes));
        let permit = part.try_take(units(own_bytes + head_bytes))?;
        Some(InFlightShare::of_request(permit, head_bytes, own_bytes))
    }

    /// Waits for the room that a request did not get at once.
    pub(crate) async fn wait_for_room(
        &self,
        head_bytes: usize,
        refusal: Option<&InFlightShare>,
    ) -> Result<InFlightShare, NoRoom> {
        let own_bytes = refusal.map_or(REQUEST_BYTES, |refusal| refusal.own_bytes);
        let part = self.part(is_small(head_bytes));
        let permit = self.permit(part, units(own_bytes + head_bytes)).await?;
        Ok(InFlightShare::of_request(permit, head_bytes, own_bytes))
    }

    fn part(&self, is_small: bool) -> &Part {
        if is_small { &self.small } else { &self.large }
    }

    async fn permit(&self, part: &Part, units: u32) -> Result<OwnedSemaphorePermit, NoRoom> {
        if let Some(permit) = part.try_take(units) {
            return Ok(permit);
        }
        if units as usize > part.units {
            return Err(self.refuse(NoRoom::Ever));
        }
        let acquired = match self.waiting.try_acquire() {
            Err(_) => None,
            Ok(_waiting) => timeout(ROOM_TIME, part.take(units)).await.ok().flatten(),
        };
        acquired.ok_or_else(|| self.refuse(NoRoom::Now))
    }

    fn refuse(&self, reason: NoRoom) -> NoRoom {
        self.refused.fetch_add(1, Ordering::Relaxed);
        reason
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
                return Err(self.refuse(NoRoom::Now));
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
            && let Some(permit) = in_flight.large.try_take(units)
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
        let leaves = self.is_small && !is_small(sent);
        let part = in_flight.part(self.is_small && !leaves);
        let grown = sent.next_multiple_of((sent.next_power_of_two() / GROWTH_PART).max(1));
        let most = u32::try_from(part.units).unwrap_or(u32::MAX);
        let units = units(self.own_bytes + sent).max(units(self.own_bytes + grown).min(most));
        if leaves {
            self.permit = in_flight.permit(part, units).await?;
            self.is_small = false;
            return Ok(());
        }
        if units > most {
            return Err(in_flight.refuse(NoRoom::Ever));
        }
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
