//! A global allocator for tests. It counts the allocations of the threads that ask for it, and keeps the call stack of
//! each if it is told to. It is a crate of its own because an allocator cannot be written in safe Rust.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// The allocator of the system, which counts: `#[global_allocator] static ALLOCATOR: Counting = Counting;`
pub struct Counting;

/// The number of allocations so far, and their bytes. An allocation that changes its size counts as a new one.
#[derive(Clone, Copy)]
pub struct Counts {
    pub allocations: u64,
    pub bytes: u64,
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static KEEPS_STACKS: AtomicBool = AtomicBool::new(false);
static STACKS: Mutex<Vec<(usize, Backtrace)>> = Mutex::new(Vec::new());

thread_local! {
    static IS_COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts the allocations of this thread from now on.
pub fn count_this_thread() {
    IS_COUNTED.set(true);
}

/// The allocations of all counted threads.
pub fn counts() -> Counts {
    Counts {
        allocations: ALLOCATIONS.load(SeqCst),
        bytes: BYTES.load(SeqCst),
    }
}

/// Keeps the call stacks of counted allocations from now on, or stops that.
pub fn keep_stacks(keep: bool) {
    KEEPS_STACKS.store(keep, SeqCst);
}

/// The bytes and the call stack of each counted allocation since `keep_stacks`.
pub fn take_stacks() -> Vec<(usize, Backtrace)> {
    std::mem::take(
        &mut *STACKS
            .lock()
            .expect("no thread panics while it keeps a stack"),
    )
}

fn count(bytes: usize) {
    if !IS_COUNTED.get() {
        return;
    }
    ALLOCATIONS.fetch_add(1, SeqCst);
    BYTES.fetch_add(bytes as u64, SeqCst);
    if KEEPS_STACKS.load(SeqCst) {
        IS_COUNTED.set(false); // what keeping a stack allocates does not count
        if let Ok(mut stacks) = STACKS.lock() {
            stacks.push((bytes, Backtrace::force_capture()));
        }
        IS_COUNTED.set(true);
    }
}

// SAFETY: every call is passed on to the allocator of the system, with the same arguments. Counting does not unwind, and
// its own allocations are not counted, so it does not call itself without end.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}
