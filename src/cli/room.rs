//! Whether the system has room for a sandbox. If it does not, libraries panic or abort without a word that helps.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use super::process::cores;
use crate::base::{lock, reason};

/// A sandbox that was just started needs less.
const MEMORY_BYTES: usize = 16 << 20;

/// The threads of a sandbox beside one for each core: the log, the watched folders, names that are resolved.
const OTHER_THREADS: usize = 4;

/// The stack of a thread, with what else its start takes. A small allocation that fails ends the process, so the stacks must
/// not take the last of the memory.
const THREAD_BYTES: usize = (2 << 20) + (256 << 10);

/// Tries to get the memory and the threads that a sandbox needs at once, and gives them back. An error is a sentence. Where no
/// limit is near it tries nothing, because a trial slows the start down.
pub(super) fn check_room() -> Result<(), String> {
    let number = cores() + OTHER_THREADS;
    if limits::are_far(number) {
        return Ok(());
    }
    drop(reserve(MEMORY_BYTES + number * THREAD_BYTES)?);
    let memory = reserve(MEMORY_BYTES)?;
    let started = start_together(number);
    drop(memory); // the threads needed theirs besides
    started.map_err(|error| {
        format!(
            "cannot start: the system gives less than {number} threads, {}: raise its limits for memory (`ulimit -v`) and \
             processes (`ulimit -u`)",
            reason(&error)
        )
    })
}

fn reserve(bytes: usize) -> Result<Vec<u8>, String> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(bytes).map_err(|_| {
        format!(
            "cannot start: the system gives less than {} MiB of memory: raise the limit (`ulimit -v`)",
            bytes >> 20
        )
    })?;
    Ok(memory)
}

/// Starts so many threads, which exist at the same time, and ends them.
fn start_together(number: usize) -> io::Result<()> {
    let gate = Arc::new(Mutex::new(()));
    let closed = lock(&gate);
    let start = |_| {
        let gate = gate.clone();
        thread::Builder::new().spawn(move || drop(lock(&gate)))
    };
    let started: io::Result<Vec<_>> = (0..number).map(start).collect();
    drop(closed);
    for thread in started? {
        thread.join().ok();
    }
    Ok(())
}

/// The limits that Linux can set.
#[cfg(target_os = "linux")]
mod limits {
    use std::fs;
    use std::path::Path;

    use rustix::process::{Resource, getrlimit};

    use crate::base::control_groups;

    /// Whether no limit keeps this process from memory and so many more threads.
    pub(super) fn are_far(threads: usize) -> bool {
        getrlimit(Resource::As).current.is_none()
            && is_far_of_user(threads)
            && is_far_of_groups(threads)
    }

    /// A user has at most as many threads as the whole system.
    fn is_far_of_user(threads: usize) -> bool {
        let Some(limit) = getrlimit(Resource::Nproc).current else {
            return true;
        };
        let running = threads_of_system();
        running.is_some_and(|running| (running + threads) as u64 <= limit)
    }

    /// The fourth number of a text such as `0.20 0.18 0.12 1/80 11206`.
    fn threads_of_system() -> Option<usize> {
        let load = fs::read_to_string("/proc/loadavg").ok()?;
        let (_, threads) = load.split(' ').nth(3)?.split_once('/')?;
        threads.parse().ok()
    }

    /// A limit that cannot be seen may be near.
    fn is_far_of_groups(threads: usize) -> bool {
        let can_be_seen = Path::new("/sys/fs/cgroup").is_dir();
        can_be_seen
            && control_groups("pids").iter().all(|group| {
                let Some(limit) = group.number("pids.max") else {
                    return true;
                };
                let running = group.number("pids.current");
                running.is_some_and(|running| running + threads <= limit)
            })
    }
}

#[cfg(not(target_os = "linux"))]
mod limits {
    pub(super) fn are_far(_: usize) -> bool {
        false
    }
}
