//! What all connections share.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use super::recording::{RecordingFile, RecordingWriter};
use super::state::StateKeeper;
use crate::base::Memory;
use crate::control::Context;
use crate::world::Recorded;

#[derive(Debug)]
pub(crate) struct Serving {
    pub control: Arc<Context>,
    /// How many connections the memory is enough for.
    pub(super) connections_max: usize,
    /// Notified whenever a connection ends.
    pub connection_ended: Notify,
    /// Writes the state file. None without one.
    pub state: Option<Arc<StateKeeper>>,
    /// Writes the recording. None without one.
    pub recording: Option<RecordingWriter>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// `stop` sends the signal that `control` receives when the sandbox stops.
    pub(crate) fn new(
        control: Context,
        memory: Memory,
        state: Option<Arc<StateKeeper>>,
        recording: Option<(RecordingFile, mpsc::UnboundedReceiver<Recorded>)>,
        stop: watch::Sender<bool>,
    ) -> Self {
        let control = Arc::new(control);
        let recording =
            recording.map(|(file, events)| RecordingWriter::start(file, events, &control));
        Self {
            control,
            connections_max: memory.connections(),
            connection_ended: Notify::new(),
            state,
            recording,
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
