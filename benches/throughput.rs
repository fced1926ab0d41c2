//! Compares the sandbox with a bare hyper server, and measures the cost of many rules, many files and an open
//! inspector. Prints markdown tables.
//!
//! ```text
//! cargo bench --bench throughput                           # about two minutes
//! cargo bench --bench throughput -- --quick                # a few seconds: does it still work?
//! cargo bench --bench throughput -- --profile 30           # only load, for a profiler to watch
//! SANDBOX_BIN=/some/other/build cargo bench --bench throughput
//! ```
//!
//! The bare server sends an answer of the same form (same headers, same length of body) and does
//! nothing else. So the ratio between the two is the cost of everything that the sandbox adds to
//! hyper. Servers run on core 0 and the load generator on core 1. Both are measured in turns
//! within one run, because a machine's speed changes more between runs than the two differ.
//!
//! Requests per second mean something only while the server is the bottleneck: its core should be
//! near 100 % busy and the generator's well below. Server CPU per request is a second view of the
//! same cost, and does not depend on that.

#![forbid(unsafe_code)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for a reader"
)]
#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

mod common;
#[cfg(target_os = "linux")]
#[path = "throughput/inspector.rs"]
mod inspector;
#[cfg(target_os = "linux")]
#[path = "throughput/load.rs"]
mod load;
#[cfg(target_os = "linux")]
#[path = "throughput/measure.rs"]
mod measure;
#[cfg(target_os = "linux")]
#[path = "throughput/scale.rs"]
mod scale;

use std::process::ExitCode;
use std::time::Duration;

use common::bare::bare_server;
use common::{Explain, Outcome};

/// How much to measure.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
struct Plan {
    rounds: usize,
    round_length: Duration,
    spawns: usize,
    /// POSTs sent while watching the sandbox's memory, in ten equal steps.
    memory_requests: u64,
}

const FULL: Plan = Plan {
    rounds: 5,
    round_length: Duration::from_secs(3),
    spawns: 20,
    memory_requests: 1_000_000,
};

const QUICK: Plan = Plan {
    rounds: 1,
    round_length: Duration::from_secs(1),
    spawns: 3,
    memory_requests: 20_000,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("throughput: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome<()> {
    if let [first, body_length, headers @ .., port] = arguments
        && first == "--bare-server"
    {
        return bare_server(port, body_length, headers);
    }
    let mut plan = FULL;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // cargo bench adds it
            "--quick" => plan = QUICK,
            "--profile" => {
                let seconds = arguments
                    .next()
                    .ok_or("--profile needs a number of seconds")?;
                let seconds = seconds.parse().explain("--profile needs whole seconds")?;
                return profile(Duration::from_secs(seconds));
            }
            other => return Err(format!("{other} is none of --quick and --profile SECONDS")),
        }
    }
    measure(&plan)
}

#[cfg(target_os = "linux")]
use measure::{measure, profile};

#[cfg(not(target_os = "linux"))]
fn measure(_: &Plan) -> Outcome<()> {
    println!("This benchmark needs Linux: it pins cores and reads /proc.");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn profile(_: Duration) -> Outcome<()> {
    measure(&QUICK)
}
