//! Refused requests that belong to no world.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::journal::{Exchange, Journal, NO_WORLD, Waiters};
use super::watchers::Watchers;
use crate::base::lock;

/// How many of these requests are kept.
const STRANGERS_MAX: usize = 200;

/// The refused requests that belong to no world.
#[derive(Debug)]
pub(crate) struct Strangers {
    journal: Mutex<Journal>,
    bytes_max: usize,
    /// Notified of every one of them.
    recorded: watch::Sender<()>,
    live: Arc<Watchers>,
    pub(super) waiters: Waiters,
}

impl Strangers {
    pub(crate) fn new(bytes_max: usize, live: Arc<Watchers>) -> Self {
        Self {
            journal: Mutex::default(),
            bytes_max,
            recorded: watch::Sender::default(),
            live,
            waiters: Waiters::default(),
        }
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    /// Keeps a refused request and returns its number.
    pub(crate) fn record(&self, exchange: Exchange) -> u64 {
        let mut journal = self.journal();
        let seq = journal.keep(exchange, STRANGERS_MAX);
        while journal.bytes > self.bytes_max && journal.drop_oldest() {}
        drop(journal);
        self.recorded.send_replace(());
        self.live.exchange(NO_WORLD, seq);
        seq
    }

    pub(crate) fn recorded(&self) -> watch::Receiver<()> {
        self.recorded.subscribe()
    }
}
