//! Gives free memory back to the system. It is the one thing that iluma-sandbox cannot say in safe Rust, and so stands in a
//! crate of its own: all others forbid `unsafe`.
//!
//! The C library of most Linux systems keeps what was freed, as much as was ever needed at once. Those of other systems need no
//! telling, and nothing is done there.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    /// Of `malloc.h`.
    pub(super) const M_TRIM_THRESHOLD: c_int = -1;

    // SAFETY: both take numbers alone and have been there since glibc 2.0. Any thread may call them at any time: they take
    // the allocator's own locks.
    unsafe extern "C" {
        pub(super) safe fn malloc_trim(pad: usize) -> c_int;
        pub(super) safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
}

/// Has free memory at the end of each of the allocator's arenas go back by itself where it is more than so many bytes. It is
/// what [`give_back`] cannot, and grows to megabytes otherwise with the largest pieces that were ever freed.
pub fn keep_at_most(bytes: i32) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::mallopt(glibc::M_TRIM_THRESHOLD, bytes);
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = bytes;
}

/// Gives back whole pages that nothing is kept in. Takes some milliseconds after a crowd.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::malloc_trim(0);
}
