//! `--exit-with-parent`: a sandbox that a test started must not outlive the test, however that ends.
//!
//! Two things show that the parent is gone. First, the end of stdin, if stdin is a pipe or a socket: the
//! launcher holds the other end and need not do more than that. Second, another parent process, on systems
//! that tell it. A terminal, a file or `/dev/null` as stdin does not count: nobody holds it.

use std::io;
use std::time::Duration;

use tokio::sync::oneshot;

use super::os;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The parent that a sandbox must not outlive. It is made first thing: a parent that has ended before that is
/// not missed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent {
    id: Option<u32>,
    holds_stdin: bool,
}

impl Parent {
    /// An error is a sentence that says why no parent can be watched.
    pub(super) fn of_this_process() -> Result<Self, &'static str> {
        let parent = Self {
            id: os::parent_id(),
            holds_stdin: os::stdin_is_held(),
        };
        if parent.id.is_none() && !parent.holds_stdin {
            return Err(
                "--exit-with-parent cannot watch the parent process: start the sandbox with a pipe as stdin, and keep the other end open",
            );
        }
        Ok(parent)
    }

    /// The same for a command that leaves stdin to another process.
    pub(super) fn without_stdin() -> Result<Self, &'static str> {
        let id = os::parent_id().ok_or(
            "--exit-with-parent cannot watch the parent process on this system: stdin belongs to the command",
        )?;
        Ok(Self {
            id: Some(id),
            holds_stdin: false,
        })
    }

    /// Resolves when the parent is gone, or has closed the pipe; says which.
    pub(super) async fn gone(self) -> &'static str {
        tokio::select! {
            () = replaced(self.id) => "the parent process has ended",
            () = end_of_stdin(self.holds_stdin) => "stdin was closed",
        }
    }
}

async fn replaced(id: Option<u32>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    while id.is_none() || os::parent_id() == id {
        looks.tick().await;
    }
}

async fn end_of_stdin(holds_stdin: bool) {
    if !holds_stdin {
        return std::future::pending().await;
    }
    let (ended, end) = oneshot::channel();
    // A plain thread: at its end the runtime would wait for a thread of its own, and this read may never end.
    let reading = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            io::copy(&mut io::stdin().lock(), &mut io::sink()).ok(); // an error is an end too
            ended.send(()).ok();
        });
    match reading {
        Ok(_) => end.await.ok(),
        Err(error) => {
            tracing::warn!("cannot watch stdin, so its end will not stop the sandbox: {error}");
            std::future::pending().await
        }
    };
}
