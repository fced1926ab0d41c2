//! What differs between operating systems: signals, parents, processes, folders.

use std::io;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::path::PathBuf;

#[cfg(unix)]
use iluma_sandbox_give_back::{FromTerminal, is_ignored};
#[cfg(unix)]
use rustix::process::{Pid, Signal as SignalNumber, kill_process};
#[cfg(unix)]
use tokio::io::Interest;
#[cfg(unix)]
use tokio::net::unix::pipe;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::variables::variable;

/// A signal that stops the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    Terminate,
    HangUp,
    Quit,
}

impl StopSignal {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interrupt if cfg!(unix) => "SIGINT",
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::Quit => "SIGQUIT",
        }
    }

    /// Sends it to another process. One that has ended gets nothing.
    #[cfg(unix)]
    pub(super) fn send_to(self, pid: u32) {
        let number = match self {
            Self::Interrupt => SignalNumber::INT,
            Self::Terminate => SignalNumber::TERM,
            Self::HangUp => SignalNumber::HUP,
            Self::Quit => SignalNumber::QUIT,
        };
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, number).ok(); // it may have ended already
        }
    }

    /// The console sends Ctrl-C to all processes in it.
    #[cfg(not(unix))]
    pub(super) fn send_to(self, _: u32) {}
}

/// Ends another process at once.
#[cfg(unix)]
pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        kill_process(pid, SignalNumber::KILL).ok(); // it may have ended already
    }
}

#[cfg(not(unix))]
pub(super) fn kill(_: u32) {}

/// The signals that stop the process: SIGINT (Ctrl-C) and SIGTERM, and SIGHUP and SIGQUIT unless the process was
/// started with these ignored, as `nohup` does.
#[cfg(unix)]
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
    quit: Option<Signal>,
    interrupt_origin: FromTerminal,
}

#[cfg(unix)]
impl StopSignals {
    pub(super) fn listen() -> io::Result<Self> {
        let unless_ignored = |kind: SignalKind| {
            let is_heard = !is_ignored(kind.as_raw_value());
            is_heard.then(|| signal(kind)).transpose()
        };
        Ok(Self {
            // This comes before `interrupt`: the origin must be known when the signal is.
            interrupt_origin: FromTerminal::of(SignalKind::interrupt().as_raw_value())?,
            hang_up: unless_ignored(SignalKind::hangup())?,
            quit: unless_ignored(SignalKind::quit())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            () = next_of(self.hang_up.as_mut()) => StopSignal::HangUp,
            () = next_of(self.quit.as_mut()) => StopSignal::Quit,
        }
    }

    /// Whether the terminal has sent the latest Ctrl-C. It sends it to all processes in its foreground.
    pub(super) fn interrupt_is_from_terminal(&self) -> bool {
        self.interrupt_origin.get()
    }

    /// Waits for the next Ctrl-C.
    pub(super) async fn interrupt(&mut self) {
        next_of(Some(&mut self.interrupt)).await;
    }
}

/// Waits for the next signal of a kind, and for ever if the kind is ignored.
#[cfg(unix)]
async fn next_of(signal: Option<&mut Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Ctrl-C stops the process.
#[cfg(not(unix))]
pub(super) struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    #[expect(clippy::unnecessary_wraps, reason = "other systems may fail")]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next Ctrl-C.
    pub(super) async fn next(&mut self) -> StopSignal {
        self.interrupt().await;
        StopSignal::Interrupt
    }

    pub(super) fn interrupt_is_from_terminal(&self) -> bool {
        true
    }

    pub(super) async fn interrupt(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Waits until the reader of stdout has gone, and for ever if stdout is no pipe.
#[cfg(unix)]
pub(super) async fn stdout_closed() {
    // It is not written to: that needs a pipe that does not block, and others may share this one.
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    if let Ok(stdout) = stdout.and_then(pipe::Sender::from_owned_fd_unchecked)
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Elsewhere, the next line that cannot be written shows this.
#[cfg(not(unix))]
pub(super) async fn stdout_closed() {
    std::future::pending::<()>().await;
}

/// The parent process. When it ends, another takes its place.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems tell none")]
pub(super) fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
pub(super) fn parent_id() -> Option<u32> {
    None
}

/// Whether stdin is a pipe or a socket: somebody holds its other end.
#[cfg(unix)]
pub(super) fn stdin_is_held() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let about = stdin.and_then(|stdin| std::fs::File::from(stdin).metadata());
    about.is_ok_and(|about| about.file_type().is_fifo() || about.file_type().is_socket())
}

/// Whether stdin may be a pipe. Here only a terminal can be told from one.
#[cfg(not(unix))]
pub(super) fn stdin_is_held() -> bool {
    !io::IsTerminal::is_terminal(&io::stdin())
}

/// Whether there is a process with this id.
#[cfg(unix)]
pub(super) fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let asked = pid.map(rustix::process::test_kill_process);
    // A process of another user may not be asked, but it is there.
    matches!(asked, Some(Ok(()) | Err(rustix::io::Errno::PERM)))
}

/// Here it cannot be found out, so every process counts as running.
#[cfg(not(unix))]
pub(super) fn is_running(_: u32) -> bool {
    true
}

/// The folder for the data of a user's programs. None where the user has none.
pub(super) fn data_folder() -> Option<PathBuf> {
    let named = |name: &str| {
        let path = variable(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    if cfg!(windows) {
        return named("LOCALAPPDATA");
    }
    if let Some(data) = named("XDG_DATA_HOME") {
        return Some(data);
    }
    let own = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/share"
    };
    named("HOME").map(|home| home.join(own))
}
