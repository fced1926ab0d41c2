//! What all connections share.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::state::StateKeeper;
use crate::base::Memory;
use crate::control::Context;

#[derive(Debug)]
pub(crate) struct Serving {
    pub control: Arc<Context>,
    /// How many connections the memory is enough for.
    pub(super) connections_max: usize,
    /// Notified whenever a connection ends.
    pub connection_ended: Notify,
    /// Writes the state file. None without one.
    pub state: Option<Arc<StateKeeper>>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// `stop` sends the signal that `control` receives when the sandbox stops.
    pub(crate) fn new(
        control: Context,
        memory: Memory,
        state: Option<Arc<StateKeeper>>,
        stop: watch::Sender<bool>,
    ) -> Self {
        Self {
            control: Arc::new(control),
            connections_max: memory.connections(),
            connection_ended: Notify::new(),
            state,
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
