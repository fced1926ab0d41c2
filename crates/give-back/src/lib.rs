//! Calls of the C library that iluma-sandbox cannot make in safe Rust: it gives free memory back to the system, and asks
//! whether a signal is ignored and whether the terminal sent it. They stand in a crate of their own: all others forbid
//! `unsafe`.
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

/// Whether the latest signal of a kind came from the terminal. The terminal sends Ctrl-C to all processes in its
/// foreground, a process with `kill` to one.
#[cfg(unix)]
#[derive(Debug)]
pub struct FromTerminal(std::sync::Arc<std::sync::atomic::AtomicBool>);

#[cfg(unix)]
impl FromTerminal {
    /// Watches a signal from now on. The process must handle the signal too: it no longer ends by it.
    ///
    /// # Errors
    /// When the system knows no such signal.
    pub fn of(signal: i32) -> std::io::Result<Self> {
        use std::sync::atomic::{AtomicBool, Ordering};
        let latest = std::sync::Arc::new(AtomicBool::new(false));
        let seen = latest.clone();
        let remember = move |about: &libc::siginfo_t| {
            seen.store(is_of_kernel(about.si_code), Ordering::Relaxed);
        };
        // SAFETY: the action stores one atomic value, which a signal handler may do at any time.
        unsafe { signal_hook_registry::register_sigaction(signal, remember) }?;
        Ok(Self(latest))
    }

    /// Whether the terminal sent the latest one. False before the first.
    pub fn get(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_of_kernel(si_code: i32) -> bool {
    si_code == libc::SI_KERNEL
}

/// macOS and the BSDs have these codes for `kill` and `sigqueue`.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_of_kernel(si_code: i32) -> bool {
    !matches!(si_code, 0x10001 | 0x10002)
}
