//! Writes what the recorder sends, in a thread of its own.

use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::recording_file::{NotWritten, RecordingFile};
use crate::base::{lock, reason};
use crate::control::{Context, RecordingStatus, recording_head, recording_lines};
use crate::world::Recorded;

/// A recording that is being written. It ends when its recorder is gone, or at `end`.
#[derive(Debug)]
pub(crate) struct RecordingWriter {
    stop: mpsc::UnboundedSender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RecordingWriter {
    pub(crate) fn start(
        file: RecordingFile,
        events: mpsc::UnboundedReceiver<Recorded>,
        context: &Arc<Context>,
    ) -> Self {
        let (stop, stopped) = mpsc::unbounded_channel();
        let writing = Writing {
            file,
            context: Arc::downgrade(context),
            status: context.recording.clone().unwrap_or_default(),
            generation: None,
        };
        let thread = std::thread::Builder::new().name("recording".to_owned());
        let thread = thread.spawn(move || writing.run(events, stopped)).ok();
        Self {
            stop,
            thread: Mutex::new(thread),
        }
    }

    /// Writes what is left. Call it when nothing happens any more.
    pub(crate) fn end(&self) {
        self.stop.send(()).ok();
        if let Some(thread) = lock(&self.thread).take() {
            thread.join().ok(); // a panic of it is logged
        }
    }
}

struct Writing {
    file: RecordingFile,
    /// The thread must not keep the sandbox.
    context: Weak<Context>,
    status: Arc<Mutex<RecordingStatus>>,
    /// The catalogue whose files are written.
    generation: Option<u64>,
}

impl Writing {
    fn run(
        mut self,
        mut events: mpsc::UnboundedReceiver<Recorded>,
        mut stopped: mpsc::UnboundedReceiver<()>,
    ) {
        self.write_head();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            loop {
                let event = tokio::select! {
                    biased;
                    event = events.recv() => event,
                    _ = stopped.recv() => {
                        while let Ok(event) = events.try_recv() {
                            self.write(event);
                        }
                        return;
                    }
                };
                match event {
                    Some(event) => self.write(event),
                    None => return,
                }
            }
        });
    }

    /// The head, and the scenario files if they are others than before.
    fn write_head(&mut self) {
        let Some(context) = self.context.upgrade() else {
            return;
        };
        let generation = context.engine.catalogue().generation;
        if self.generation != Some(generation) {
            let is_first = self.generation.is_none();
            self.generation = Some(generation);
            for line in recording_head(&context, is_first) {
                self.append(&line);
            }
        }
    }

    fn write(&mut self, event: Recorded) {
        self.write_head();
        let Some(context) = self.context.upgrade() else {
            return;
        };
        for line in recording_lines(&context, event) {
            self.append(&line);
        }
    }

    fn append(&mut self, line: &Value) {
        let lost = lock(&self.status).lost;
        let is_behind = lost > 0 && !lock(&self.status).is_full;
        let written = if is_behind {
            // What follows a gap cannot be replayed, and a reader must know.
            self.file
                .append(&json!({"type": "gap", "lost": lost}))
                .and_then(|()| self.file.append(line))
        } else {
            self.file.append(line)
        };
        let mut status = lock(&self.status);
        if status.is_full {
            status.lost += 1;
            return;
        }
        match written {
            Ok(()) => {
                if status.error.take().is_some() {
                    tracing::info!("the recording is written again; {lost} lines are lost");
                }
                status.lost = 0;
                status.lost_before += lost;
                status.lines += 1;
            }
            Err(NotWritten::Full) => {
                tracing::warn!(
                    "the recording {} has reached its limit, and ends here: --record-max sets it",
                    self.file.path.display()
                );
                status.is_full = true;
                status.lost += 1;
            }
            Err(NotWritten::Failed(error)) => {
                status.lost += 1;
                let reason = reason(&error);
                if status.error.is_none() {
                    tracing::warn!(
                        "cannot write the recording {}: {reason}; the sandbox goes on, and tries again with the next line",
                        self.file.path.display()
                    );
                }
                status.error = Some(reason);
            }
        }
        status.bytes = self.file.bytes();
    }
}
