//! Shows on a terminal how far a command has come, if the command takes longer than a second.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::output::{TransientLine, is_stderr_terminal};
use crate::base::lock;

/// How long a command may take without a word.
const SILENT_TIME: Duration = Duration::from_secs(1);

/// The shortest time between two lines. A terminal that is slow must not slow down the command.
const PAUSE: Duration = Duration::from_millis(100);

/// One line on stderr that is written over. It is shown only if stderr is a terminal, and it is cleared at the end.
pub(super) struct Progress(Option<Shown>);

struct Shown {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<ProgressState>,
    changed: Condvar,
}

#[derive(Default)]
struct ProgressState {
    text: String,
    line: TransientLine,
    is_over: bool,
}

impl Progress {
    /// Begins to count the time of a command.
    pub(super) fn start() -> Self {
        if !is_stderr_terminal() {
            return Self(None);
        }
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().spawn({
            let shared = shared.clone();
            move || shared.show()
        });
        Self(Some(Shown {
            shared,
            thread: thread.ok(), // without a thread there is no progress, and the command goes on
        }))
    }

    /// Replaces the line: `step 3 of 18: reorder`. The text is made only if there is a terminal.
    pub(super) fn set(&self, text: impl FnOnce() -> String) {
        if let Some(Shown { shared, .. }) = &self.0 {
            shared.state().text = text();
            shared.changed.notify_one();
        }
    }

    /// Removes the line until it is set again. Call it before a line is printed.
    pub(super) fn clear(&self) {
        if let Some(Shown { shared, .. }) = &self.0 {
            let mut state = shared.state();
            state.text.clear();
            state.line.clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
        let Some(Shown { shared, thread }) = &mut self.0 else {
            return;
        };
        shared.state().is_over = true;
        shared.changed.notify_one();
        if let Some(thread) = thread.take() {
            thread.join().ok(); // its panic was reported already
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, ProgressState> {
        lock(&self.state)
    }

    fn show(&self) {
        let mut state = self.wait(self.state(), SILENT_TIME);
        while !state.is_over {
            let ProgressState { text, line, .. } = &mut *state;
            line.replace(text);
            state = self.wait(state, PAUSE);
        }
    }

    /// Waits for a time, or until the command is over.
    fn wait<'s>(
        &self,
        state: MutexGuard<'s, ProgressState>,
        time: Duration,
    ) -> MutexGuard<'s, ProgressState> {
        let waited = (self.changed).wait_timeout_while(state, time, |state| !state.is_over);
        match waited {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }
}
