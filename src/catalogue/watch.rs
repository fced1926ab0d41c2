//! Watches the scenario folders and reloads them after a change.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::{EventKind, RecursiveMode, Watcher as _};

use super::current::Current;
use crate::base::{self, Panicked, contained};
use crate::scenario::fingerprint;

/// Editors write a file in several steps. A reload waits until nothing has changed for this long.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// The longest wait, so that a program that writes without a pause cannot delay a reload for ever.
const DEBOUNCE_MAX: Duration = Duration::from_millis(500);

/// How often the contents are compared, because some mounts send no events.
const POLL: Duration = Duration::from_secs(1);

/// The watching thread. It ends when this value is dropped.
#[derive(Debug)]
pub(crate) struct FolderWatcher {
    wake: Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

enum Wake {
    Changes,
    Stop,
}

impl FolderWatcher {
    /// None if there are no folders to watch. `loaded` is the fingerprint from before the folders were loaded, so that
    /// changes since then are noticed.
    pub(crate) fn start(current: &Arc<Current>, loaded: [u8; 32]) -> Option<Self> {
        if current.folders.is_empty() {
            return None;
        }
        let (wake, woken) = mpsc::channel();
        let events = wake.clone();
        let current = Arc::downgrade(current);
        let thread = std::thread::Builder::new()
            .name("scenario-watch".to_owned())
            .spawn(move || watch(&current, &events, &woken, loaded));
        match thread {
            Ok(thread) => Some(Self {
                wake,
                thread: Some(thread),
            }),
            Err(error) => {
                tracing::warn!(
                    "cannot watch the scenario files, so changes are not loaded: {error}"
                );
                None
            }
        }
    }
}

impl Drop for FolderWatcher {
    fn drop(&mut self) {
        self.wake.send(Wake::Stop).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn watch(
    current: &Weak<Current>,
    events: &Sender<Wake>,
    woken: &mpsc::Receiver<Wake>,
    mut loaded: [u8; 32],
) {
    let Some(folders) = current.upgrade().map(|current| current.folders.clone()) else {
        return;
    };
    let changed = events.clone();
    let notifier = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the files causes events too. If they counted as changes, reloads would never end.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            changed.send(Wake::Changes).ok();
        }
    });
    let mut notifier = match notifier {
        Ok(notifier) => Some(notifier),
        Err(error) => {
            tracing::warn!(
                "file events do not work, so the files are compared every second instead: {error}"
            );
            None
        }
    };
    for folder in &folders {
        if let Some(notifier) = &mut notifier
            && let Err(error) = notifier.watch(folder, RecursiveMode::Recursive)
        {
            tracing::warn!("file events do not work for {}: {error}", folder.display());
        }
    }
    loop {
        let woke = woken.recv_timeout(POLL);
        let first = Instant::now();
        match woke {
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Wake::Changes) => loop {
                match woken.recv_timeout(DEBOUNCE) {
                    Ok(Wake::Changes) if first.elapsed() >= DEBOUNCE_MAX => break,
                    Ok(Wake::Changes) => {}
                    Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                }
            },
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Some(current) = current.upgrade() else {
            return;
        };
        // Without this, a panic would end the watching silently.
        let compared = contained(|| {
            current.panics.reached("watch");
            let now = fingerprint(&folders);
            if now != loaded {
                loaded = now;
                current.reload();
            }
        });
        if compared == Err(Panicked) {
            base::log_panic("watching the scenario files");
        }
    }
}
