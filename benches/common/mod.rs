//! Common to the benchmarks: the sandbox as a process that is observed from outside, a bare server for comparison, and
//! a client.

#![allow(dead_code, reason = "each target uses its part")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for a reader"
)]

pub mod bare;
pub mod client;
#[cfg(target_os = "linux")]
pub mod load;
#[cfg(target_os = "linux")]
pub mod pinned;
pub mod process;
#[cfg(target_os = "linux")]
pub mod rounds;

use std::process::ExitCode;
use std::time::Duration;

/// A failure is a whole sentence for the person who started the benchmark.
pub type Outcome<T> = Result<T, String>;

/// Runs a benchmark with the arguments of the process, and prints its error.
pub fn run(name: &str, benchmark: fn(&[String]) -> Outcome<()>) -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench") // cargo bench adds it
        .collect();
    match benchmark(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{name}: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

/// For the benchmarks that measure on Linux alone.
#[cfg(not(target_os = "linux"))]
pub fn measure_nothing() -> Outcome<()> {
    println!("This benchmark needs Linux: it pins cores and reads /proc.");
    Ok(())
}

/// Adds the name of the step to an error.
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

/// A well-formed key that nobody else uses.
pub fn key(number: usize) -> String {
    format!("iluma_development_{number:040}")
}

/// The `authorization` header of a key.
pub fn basic(key: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}
