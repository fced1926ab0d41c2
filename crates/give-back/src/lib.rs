//! Calls of the C library that iluma-sandbox cannot make in safe Rust: it gives free memory back to the system, and asks
//! whether a signal is ignored. They stand in a crate of their own: all others forbid `unsafe`.
//!
//! The C library of most Linux systems keeps freed memory, as much as was ever needed at once. The C
//! libraries of other systems give it back by themselves, so nothing is done there.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    /// From `malloc.h`.
    pub(super) const M_TRIM_THRESHOLD: c_int = -1;

    // SAFETY: both take only numbers and have been there since glibc 2.0. Any thread may call them at any time:
    // they take the allocator's own locks.
    unsafe extern "C" {
        pub(super) safe fn malloc_trim(pad: usize) -> c_int;
        pub(super) safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
}

/// Lets each of the allocator's arenas keep at most this many free bytes at its end; more goes back by
/// itself. [`give_back`] cannot do that. Without this limit the kept memory grows to megabytes, with the
/// largest pieces that were ever freed.
pub fn keep_at_most(bytes: i32) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::mallopt(glibc::M_TRIM_THRESHOLD, bytes);
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = bytes;
}

/// Gives back whole pages that hold nothing. After a crowd of connections this takes some milliseconds.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::malloc_trim(0);
}

/// Whether this process ignores a signal, as `nohup` has it ignore SIGHUP. A handler that is set up later would end that,
/// so this comes first.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    let mut current = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action `sigaction` changes nothing and writes the current one to the pointer, which is
    // valid for it. An action of zeros is a valid value too, and is left there when the call fails.
    let current = unsafe {
        libc::sigaction(signal, std::ptr::null(), current.as_mut_ptr());
        current.assume_init()
    };
    current.sa_sigaction == libc::SIG_IGN
}
