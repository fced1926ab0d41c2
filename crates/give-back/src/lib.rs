//! Gives free memory back to the system. This is the one thing that iluma-sandbox cannot do in safe Rust. So
//! it stands in a crate of its own: all others forbid `unsafe`.
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
