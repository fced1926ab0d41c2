//! Compares the sandbox with other mock servers: one fixed stub each, the same request, the same bytes as reply. Prints a
//! markdown table.
//!
//! ```text
//! make bench-peers                                    # installs them first, below target/peers
//! cargo bench --bench peers -- --quick                # a minute: does it still work?
//! cargo bench --bench peers -- --rounds 10 5          # ten rounds of five seconds
//! ```
//!
//! A peer that is not installed, or answers otherwise than the sandbox, is named and skipped. Servers run on core 0 and the
//! load generator on core 1, and all take turns within one run.

#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

mod common;
#[cfg(target_os = "linux")]
#[path = "peers/compare.rs"]
mod compare;
#[cfg(target_os = "linux")]
#[path = "peers/subjects.rs"]
mod subjects;

use std::process::ExitCode;

fn main() -> ExitCode {
    common::run("peers", measure)
}

#[cfg(target_os = "linux")]
use compare::measure;

#[cfg(not(target_os = "linux"))]
fn measure(_: &[String]) -> common::Outcome<()> {
    common::measure_nothing()
}
