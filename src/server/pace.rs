//! The time limits of a client, counted in ticks of its connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::stop_signal::StopSignal;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to send a body.
pub(super) const BODY_TIME: Duration = Duration::from_mins(1);

/// How long a client may take to read a large reply of the control API.
const READ_TIME: Duration = Duration::from_mins(1);

/// How long a connection stays open without a request. Clients close idle connections after 90 s or less. If the
/// sandbox closed first, their next request would be lost.
const IDLE_TIME: Duration = Duration::from_secs(130);

/// The `keep-alive` header of HTTP/1.1. It announces less than `IDLE_TIME`, so that a client that believes it closes
/// first.
pub(super) const ANNOUNCED_IDLE_TIME: HeaderValue = HeaderValue::from_static("timeout=120");

/// How often a connection checks its time limits. This is cheaper than a timer for every request.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// What the client is doing and for how many ticks, how the connection ends, and the signal to stop.
#[derive(Debug)]
pub(crate) struct Pace {
    phase: AtomicU8,
    ticks: AtomicU32,
    ending: AtomicU8,
    /// Notified while a body takes longer than `BODY_TIME`.
    body_late: Notify,
    closes_after_reply: AtomicBool,
    stop: StopSignal,
    /// The pace of the connection. Only a stream of HTTP/2 has one.
    connection: Option<Arc<Pace>>,
    /// How many streams of this connection have work to do.
    busy: AtomicU32,
    /// How many replies with a time limit the client has not read yet, and for how many ticks there are some.
    unread: AtomicU32,
    unread_ticks: AtomicU32,
}

/// A reply that its client has to read within `READ_TIME`, until it is dropped.
#[derive(Debug)]
pub(super) struct UnreadReply(Arc<Pace>);

impl Drop for UnreadReply {
    fn drop(&mut self) {
        self.0.unread.fetch_sub(1, Ordering::Relaxed);
        self.0.unread_ticks.store(0, Ordering::Relaxed);
    }
}

/// How a connection ends that a fault breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ending {
    /// By a FIN.
    Close = 1,
    /// By a RST.
    Reset = 2,
    /// By bytes that are no HTTP, and a FIN.
    Garbage = 3,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// The head of a request is awaited. A new connection begins here, with the same limit.
    Head = 0,
    Body = 1,
    Answer = 2,
    /// Between two requests.
    Idle = 3,
    /// An answer without an end, such as a stream of events.
    Stream = 4,
}

pub(super) enum PaceVerdict {
    Fine,
    Idle,
    TooSlow,
}

impl Pace {
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self::with(StopSignal::of(stop))
    }

    fn with(stop: StopSignal) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Head as u8),
            ticks: AtomicU32::new(0),
            ending: AtomicU8::new(0),
            body_late: Notify::new(),
            closes_after_reply: AtomicBool::new(false),
            stop,
            connection: None,
            busy: AtomicU32::new(0),
            unread: AtomicU32::new(0),
            unread_ticks: AtomicU32::new(0),
        }
    }

    /// A large reply begins, which takes memory from others until it is read.
    pub(super) fn unread_reply(self: &Arc<Self>) -> UnreadReply {
        let connection = self.connection.as_ref().unwrap_or(self);
        connection.unread.fetch_add(1, Ordering::Relaxed);
        UnreadReply(connection.clone())
    }

    /// Whether the client leaves a large reply unread for too long.
    fn leaves_unread(&self) -> bool {
        if self.unread.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let ticks = self.unread_ticks.fetch_add(1, Ordering::Relaxed) + 1;
        TICK * ticks > READ_TIME
    }

    /// The pace of a stream: a request that shares its connection with others.
    pub(super) fn of_stream(connection: &Arc<Self>) -> Self {
        let mut stream = Self::with(connection.stop.clone());
        stream.phase = AtomicU8::new(Phase::Idle as u8);
        stream.connection = Some(connection.clone());
        stream.enter(Phase::Body);
        stream
    }

    /// True for a stream of HTTP/2: ending it does not end the connection.
    pub(crate) fn is_of_stream(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether no stream has work to do.
    pub(super) fn is_quiet(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0
    }

    pub(super) fn is_in_head(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Head as u8
    }

    /// Whether nothing has come since the last answer.
    pub(super) fn is_idle(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Idle as u8
    }

    /// Returns when the client takes too long over its body. A connection notices this at a tick. A stream has no
    /// ticks of its own, so it has a timer.
    pub(super) async fn body_is_late(&self) {
        if self.is_of_stream() {
            Box::pin(sleep(BODY_TIME)).await;
        } else {
            self.body_late.notified().await;
        }
    }

    /// The rest of the request is not read, so the connection cannot serve another.
    pub(super) fn close_after_reply(&self) {
        self.closes_after_reply.store(true, Ordering::Relaxed);
    }

    pub(super) fn closes_after_reply(&self) -> bool {
        self.closes_after_reply.load(Ordering::Relaxed)
    }

    /// Whether the sandbox stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_sent()
    }

    /// The request has been read.
    pub(crate) fn answering(&self) {
        self.enter(Phase::Answer);
    }

    pub(crate) fn answered(&self) {
        self.enter(Phase::Idle);
    }

    /// The answer has no end of its own.
    pub(crate) fn streaming(&self) {
        self.enter(Phase::Stream);
    }

    pub(super) fn is_streaming(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Stream as u8
    }

    /// Sets how the connection ends after everything that was written has been sent.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.store(ending as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_to_end(&self) -> bool {
        self.ending.load(Ordering::Relaxed) != 0
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        let ending = self.ending.load(Ordering::Relaxed);
        [Ending::Close, Ending::Reset, Ending::Garbage]
            .into_iter()
            .find(|one| *one as u8 == ending)
    }

    /// Returns when the sandbox stops.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        self.stop.clone().sent()
    }

    pub(super) fn enter(&self, phase: Phase) {
        if let Some(connection) = &self.connection {
            let before = self.phase.swap(phase as u8, Ordering::Relaxed);
            connection.count(before != Phase::Idle as u8, phase != Phase::Idle);
        } else {
            self.phase.store(phase as u8, Ordering::Relaxed);
        }
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// Counts a stream that has begun its work, or has done it.
    fn count(&self, had: bool, has: bool) {
        match (had, has) {
            (false, true) => self.busy.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.busy.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// The first bytes after silence are the beginning of a head.
    pub(super) fn bytes_came(&self) {
        if self.is_idle() {
            self.enter(Phase::Head);
        }
    }

    pub(super) fn tick(&self) -> PaceVerdict {
        let passed = TICK * (self.ticks.fetch_add(1, Ordering::Relaxed) + 1);
        let phase = self.phase.load(Ordering::Relaxed);
        if self.leaves_unread() {
            return PaceVerdict::TooSlow;
        }
        if !self.is_quiet() {
            self.ticks.store(0, Ordering::Relaxed);
            return PaceVerdict::Fine; // each stream has limits of its own
        }
        if phase == Phase::Idle as u8 {
            return match passed {
                // It was told to close, but its client does not even read the answers that it has.
                _ if passed > IDLE_TIME + HEAD_TIME => PaceVerdict::TooSlow,
                _ if passed > IDLE_TIME => PaceVerdict::Idle,
                _ => PaceVerdict::Fine,
            };
        }
        if phase == Phase::Body as u8 && passed > BODY_TIME {
            self.body_late.notify_waiters();
        }
        if phase == Phase::Head as u8 && passed > HEAD_TIME {
            return PaceVerdict::TooSlow;
        }
        PaceVerdict::Fine
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        if self.is_of_stream() {
            self.enter(Phase::Idle); // the stream is gone, and its work with it
        }
    }
}
