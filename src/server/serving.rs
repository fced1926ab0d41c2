//! What all connections share.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, watch};

use crate::control::Context;

/// How many shares all bodies in flight may hold together. One share is `BODY_BYTES_MAX` bytes.
const SHARES_MAX: usize = 128;

#[derive(Debug)]
pub(crate) struct Serving {
    pub control: Arc<Context>,
    /// The shares that large bodies in flight may hold together.
    pub(super) bodies: Arc<Semaphore>,
    /// Notified whenever a connection ends.
    pub connection_ended: Notify,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// `stop` sends the signal that `control` receives when the sandbox stops.
    pub(crate) fn new(control: Context, stop: watch::Sender<bool>) -> Self {
        Self {
            control: Arc::new(control),
            bodies: Arc::new(Semaphore::new(SHARES_MAX)),
            connection_ended: Notify::new(),
            stop,
        }
    }

    /// Takes no more connections, and lets the requests in flight finish.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Turns true when the sandbox stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}
