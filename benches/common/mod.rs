//! What the benchmarks share: the sandbox as a process that is looked at from outside, a server that does nothing to
//! measure it by, and a client.

#![allow(dead_code, reason = "each target uses its part")]

pub mod bare;
pub mod client;
pub mod process;

use std::time::Duration;

/// A failure is a whole sentence, meant for the person who started it.
pub type Outcome<T> = Result<T, String>;

/// Puts what was being tried in front of what went wrong.
pub trait Explain<T> {
    fn explain(self, attempt: impl std::fmt::Display) -> Outcome<T>;
}

impl<T, E: std::fmt::Display> Explain<T> for Result<T, E> {
    fn explain(self, attempt: impl std::fmt::Display) -> Outcome<T> {
        self.map_err(|error| format!("{attempt}: {error}"))
    }
}

/// The duration that 99 of 100 stay below.
pub fn p99(latencies: &mut [Duration]) -> Duration {
    latencies.sort_unstable();
    let index = latencies.len() * 99 / 100;
    latencies.get(index).copied().unwrap_or_default()
}

pub fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// A well-formed key that is nobody else's.
pub fn key(number: usize) -> String {
    format!("iluma_development_{number:040}")
}
