//! Writes the state file every minute, at the end, and when it is asked to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::state_file::StateFile;
use crate::answer::Engine;
use crate::base::{lock, reason};
use crate::control::{StateAccess, StateStatus, StateWritten, WriteState};

/// How often the file is written while the sandbox runs.
const WRITE_TIME: Duration = Duration::from_mins(1);

/// Writes the worlds of a sandbox into its state file.
#[derive(Debug)]
pub(crate) struct StateKeeper {
    engine: Arc<Engine>,
    /// None when the sandbox has ended.
    file: Arc<Mutex<Option<StateFile>>>,
    /// One write at a time. Those who wait for it hold no thread.
    writing: tokio::sync::Mutex<()>,
    status: Arc<Mutex<StateStatus>>,
    /// Notified when nothing changes the worlds any more.
    ended: Notify,
}

impl StateKeeper {
    pub(crate) fn new(file: StateFile, engine: Arc<Engine>) -> Arc<Self> {
        let status = StateStatus::new(file.path().to_owned());
        Arc::new(Self {
            engine,
            file: Arc::new(Mutex::new(Some(file))),
            writing: tokio::sync::Mutex::default(),
            status: Arc::new(Mutex::new(status)),
            ended: Notify::new(),
        })
    }

    /// What the control API needs of it.
    pub(crate) fn access(self: &Arc<Self>) -> StateAccess {
        let keeper = self.clone();
        let write = move || {
            let keeper = keeper.clone();
            Box::pin(async move { keeper.write().await }) as _
        };
        StateAccess {
            write: WriteState(Box::new(write)),
            status: self.status.clone(),
        }
    }

    /// Writes until the sandbox has ended. An error says why the last write failed.
    pub(crate) async fn keep(
        self: Arc<Self>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut every = interval_at(Instant::now() + WRITE_TIME, WRITE_TIME);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_over = tokio::select! {
                _ = every.tick() => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            if is_over {
                break;
            }
            self.write().await.ok();
        }
        // A second Ctrl-C can end the process while requests in flight finish.
        self.write().await.ok();
        self.ended.notified().await;
        let written = self.write().await;
        *lock(&self.file) = None; // another sandbox may use the file now
        written.map(drop)
    }

    /// Call it when nothing changes the worlds any more.
    pub(crate) fn end(&self) {
        self.ended.notify_one();
    }

    /// Writes the file in a thread of its own. An error is a sentence.
    async fn write(&self) -> Result<StateWritten, String> {
        let _one_at_a_time = self.writing.lock().await;
        let (engine, file) = (self.engine.clone(), self.file.clone());
        let written = spawn_blocking(move || {
            let mut file = lock(&file);
            let Some(file) = &mut *file else {
                return Err("the sandbox has ended".to_owned());
            };
            file.write(&engine.worlds).map_err(|error| reason(&error))
        });
        let written = written
            .await
            .unwrap_or_else(|_| Err("the sandbox failed; its log says where".to_owned()));
        self.note(&written);
        written
    }

    /// Logs the first of several failures, and their end.
    fn note(&self, written: &Result<StateWritten, String>) {
        let had_failed = lock(&self.status).note(written);
        match (had_failed, written) {
            (false, Err(reason)) => tracing::warn!(
                "the state file cannot be written: {reason}; the sandbox goes on, and tries again every minute"
            ),
            (true, Ok(_)) => tracing::info!("the state file is written again"),
            (false, Ok(_)) | (true, Err(_)) => {}
        }
    }
}
