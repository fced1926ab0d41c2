//! What differs between operating systems: signals, parents, and files that only their owner may read.

use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Resolves when the process is asked to stop: SIGINT or SIGTERM, elsewhere Ctrl-C.
#[cfg(unix)]
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        tokio::signal::ctrl_c().await.ok();
    })
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
    let about = stdin.and_then(|stdin| fs::File::from(stdin).metadata());
    about.is_ok_and(|about| about.file_type().is_fifo() || about.file_type().is_socket())
}

/// Whether stdin may be a pipe. Here only a terminal can be told from one.
#[cfg(not(unix))]
pub(super) fn stdin_is_held() -> bool {
    !io::IsTerminal::is_terminal(&io::stdin())
}

/// Writes a file in one step, so that a reader sees it whole or not at all. Only its owner may read it.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let write = || {
        options.open(&unfinished)?.write_all(text.as_bytes())?;
        fs::rename(&unfinished, path)
    };
    write().inspect_err(|_| {
        fs::remove_file(&unfinished).ok(); // the disk may be full as it is
    })
}

/// The folder for the data of a user's programs. None where the user has none.
pub(super) fn data_folder() -> Option<PathBuf> {
    let named = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
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
