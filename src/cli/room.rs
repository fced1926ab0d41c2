//! Whether the system has room for a sandbox. If it does not, libraries panic or abort without a word that helps.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::base::{lock, reason};

/// A sandbox that was just started needs less.
const MEMORY_BYTES: usize = 16 << 20;

/// The threads of a sandbox beside one for each core: the log, the watched folders, names that are resolved.
const OTHER_THREADS: usize = 4;

/// The stack of a thread, with what else its start takes. A small allocation that fails ends the process, so the stacks must
/// not take the last of the memory.
const THREAD_BYTES: usize = (2 << 20) + (256 << 10);

/// Tries to get the memory and the threads that a sandbox needs at once, and gives them back. An error is a sentence.
pub(super) fn check_room() -> Result<(), String> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let number = cores + OTHER_THREADS;
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
