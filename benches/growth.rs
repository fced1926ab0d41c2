//! What the sandbox costs when there is much of something, as a ratio to little of it: rules, files, worlds, exchanges,
//! records, bytes, callbacks, inspectors. Prints markdown tables.
//!
//! ```text
//! make bench-growth                                    # about six minutes
//! cargo bench --bench growth -- --quick                # does it still work?
//! cargo bench --bench growth -- --rounds 10 5          # ten rounds of five seconds
//! ```
//!
//! Servers run on core 0 and the load generator on core 1, and both sides of each table take turns.

#![forbid(unsafe_code)]
#![allow(clippy::cast_precision_loss, reason = "figures for a reader")]
#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

#[cfg(target_os = "linux")]
#[path = "growth/callbacks.rs"]
mod callbacks;
mod common;
#[cfg(target_os = "linux")]
#[path = "growth/inspectors.rs"]
mod inspectors;
#[cfg(target_os = "linux")]
#[path = "growth/rules_and_files.rs"]
mod rules_and_files;
#[cfg(target_os = "linux")]
#[path = "growth/uploads.rs"]
mod uploads;
#[cfg(target_os = "linux")]
#[path = "growth/worlds_and_records.rs"]
mod worlds_and_records;

use std::process::ExitCode;

use common::Outcome;
use common::bare::bare_server;

fn main() -> ExitCode {
    common::run("growth", run)
}

fn run(arguments: &[String]) -> Outcome<()> {
    match arguments {
        [first, body_length, headers @ .., port] if first == "--bare-server" => {
            bare_server(port, body_length, headers)
        }
        _ => measure(arguments),
    }
}

#[cfg(target_os = "linux")]
fn measure(arguments: &[String]) -> Outcome<()> {
    let plan = common::rounds::plan(arguments)?;
    println!(
        "{}; {} rounds of {:?}",
        common::process::machine(),
        plan.rounds,
        plan.round_length
    );
    rules_and_files::measure(plan)?;
    worlds_and_records::measure(plan)?;
    uploads::measure(plan)?;
    callbacks::measure(plan)?;
    inspectors::measure(plan)
}

#[cfg(not(target_os = "linux"))]
fn measure(_: &[String]) -> Outcome<()> {
    common::measure_nothing()
}
