//! Gives free memory back to the system. It is the one thing that iluma-sandbox cannot say in safe Rust, and so stands in a
//! crate of its own: all others forbid `unsafe`.

/// Gives back whole pages that nothing is kept in. The C library of most Linux systems keeps them for itself otherwise, as
/// many as were ever needed; those of other systems need no telling, and nothing is done there.
///
/// Takes about as long as there are free pieces: some milliseconds after a crowd.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: `malloc_trim(3)` has been there since glibc 2.0 and takes a number of bytes to leave. Any thread may
        // call it at any time: it takes the allocator's own locks.
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        malloc_trim(0);
    }
}
