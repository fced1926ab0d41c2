//! Those who wait for requests. A new exchange is read once and shown to all of them.

use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;

use super::expectation::{Excerpt, Expectation};
use super::progress::{Progress, ProgressStanding};
use super::query_reading::Reading;
use crate::base::lock;

/// Those who wait for exchanges of one journal.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    all: Mutex<Vec<Weak<Waiter>>>,
    /// Held by the one who waits for new exchanges. The others are woken when they need not wait any more.
    pub(super) leading: tokio::sync::Mutex<()>,
    /// Held by the one who shows the new exchanges to all.
    pub(super) showing: tokio::sync::Mutex<()>,
}

/// An expectation, and what it has seen of the journal.
#[derive(Debug)]
pub(super) struct Waiter {
    seen: Mutex<Seen>,
    /// Whether the expectation must hold until the end of the wait.
    throughout: bool,
    /// Notified when it need not wait any more.
    pub(super) decided: Notify,
}

#[derive(Debug)]
struct Seen {
    progress: Progress,
    /// How often the journal had been emptied.
    restarts: u64,
    /// The number of the latest exchange that was seen.
    seq: u64,
}

impl Waiters {
    pub(super) fn add(&self, expectation: &Expectation, throughout: bool) -> Arc<Waiter> {
        let waiter = Arc::new(Waiter {
            seen: Mutex::new(Seen::nothing(expectation, 0)),
            throughout,
            decided: Notify::new(),
        });
        let mut all = lock(&self.all);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(&waiter));
        waiter
    }

    pub(super) fn all(&self) -> Vec<Arc<Waiter>> {
        lock(&self.all).iter().filter_map(Weak::upgrade).collect()
    }
}

impl Waiter {
    /// Whether no later exchange can change the result.
    pub(super) fn is_decided(&self) -> bool {
        match lock(&self.seen).progress.standing() {
            ProgressStanding::Holds => !self.throughout,
            ProgressStanding::Open => false,
            ProgressStanding::Failed => true,
        }
    }

    /// The progress, and the end of the journal that it has seen. The waiter begins anew.
    pub(super) fn take(&self) -> (Progress, (u64, u64)) {
        let mut seen = lock(&self.seen);
        let anew = Seen::nothing(seen.progress.expectation(), seen.restarts);
        let seen = std::mem::replace(&mut *seen, anew);
        (seen.progress, (seen.restarts, seen.seq))
    }

    pub(super) fn has_seen(&self, end: (u64, u64)) -> bool {
        let seen = lock(&self.seen);
        (seen.restarts, seen.seq) == end
    }

    /// The number after which exchanges are new to it.
    pub(super) fn seen_since(&self, restarts: u64) -> u64 {
        let seen = lock(&self.seen);
        if seen.restarts == restarts {
            seen.seq
        } else {
            seen.progress.expectation().after_seq()
        }
    }

    pub(super) fn begin(&self, excerpt: &Excerpt) {
        let mut seen = lock(&self.seen);
        if seen.restarts != excerpt.restarts {
            *seen = Seen::nothing(seen.progress.expectation(), excerpt.restarts);
        }
        seen.progress.see_dropped(excerpt);
    }

    pub(super) fn see(&self, reading: &Reading<'_>) {
        let mut seen = lock(&self.seen);
        if reading.exchange.seq > seen.seq {
            seen.seq = reading.exchange.seq;
            seen.progress.see_one(reading);
        }
    }

    /// Nothing of an excerpt is new any more, not even the exchanges that were dropped already.
    pub(super) fn end(&self, excerpt: &Excerpt) {
        let mut seen = lock(&self.seen);
        if seen.restarts == excerpt.restarts {
            seen.seq = seen.seq.max(excerpt.last_seq);
        }
        drop(seen);
        if self.is_decided() {
            self.decided.notify_one();
        }
    }
}

impl Seen {
    fn nothing(expectation: &Expectation, restarts: u64) -> Self {
        Self {
            progress: Progress::new(expectation),
            restarts,
            seq: expectation.after_seq(),
        }
    }
}
