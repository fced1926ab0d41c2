//! Compares the sandbox with bare hyper servers. Prints markdown tables.
//!
//! ```text
//! cargo bench --bench throughput                           # about three minutes
//! cargo bench --bench throughput -- --quick                # a few seconds: does it still work?
//! cargo bench --bench throughput -- --rounds 10 5          # ten rounds of five seconds
//! cargo bench --bench throughput -- --profile 30           # only load, for a profiler to watch
//! SANDBOX_BIN=/some/other/build cargo bench --bench throughput
//! ```
//!
//! A bare server reads each request, sends a constant answer and does nothing else. One sends only the headers that it
//! must, another the same headers as the sandbox. So the ratio is the cost of everything that the sandbox adds to
//! hyper. Nothing of the sandbox is switched off but its log. Servers run on core 0 and the load generator on core 1, and
//! all are measured in turns within one run.
//!
//! Requests per second mean something only while the server is the bottleneck: its core should be
//! near 100 % busy and the generator's well below. Server CPU per request is a second view of the
//! same cost, and does not depend on that.

#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

#[cfg(target_os = "linux")]
#[path = "throughput/against_bare.rs"]
mod against_bare;
mod common;
#[cfg(target_os = "linux")]
#[path = "throughput/footprint.rs"]
mod footprint;
#[cfg(target_os = "linux")]
#[path = "throughput/threads_and_worlds.rs"]
mod threads_and_worlds;

use std::process::ExitCode;

use common::Outcome;
use common::bare::bare_server;

fn main() -> ExitCode {
    common::run("throughput", run)
}

fn run(arguments: &[String]) -> Outcome<()> {
    match arguments {
        [first, body_length, headers @ .., port] if first == "--bare-server" => {
            bare_server(port, body_length, headers)
        }
        [first, seconds] if first == "--profile" => profile(seconds),
        _ => measure(arguments),
    }
}

#[cfg(target_os = "linux")]
fn measure(arguments: &[String]) -> Outcome<()> {
    let plan = common::rounds::plan(arguments)?;
    let bare_servers = against_bare::measure(plan)?;
    threads_and_worlds::measure(plan, &bare_servers)?;
    footprint::measure(plan, &bare_servers)
}

/// Only loads the sandbox, for a profiler.
#[cfg(target_os = "linux")]
fn profile(seconds: &str) -> Outcome<()> {
    use common::Explain;
    use common::load::{Amount, Request};
    use common::pinned::{Server, Subject};

    let seconds = seconds.parse().explain("--profile needs whole seconds")?;
    let length = std::time::Duration::from_secs(seconds);
    let server = Server::start(&Subject::sandbox())?;
    eprintln!("load for {length:?} on process {}", server.pid());
    let load = server.load(&mut Request::screening(), Amount::during(length))?;
    println!("{:.0} requests per second", load.requests_per_second);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn measure(_: &[String]) -> Outcome<()> {
    common::measure_nothing()
}

#[cfg(not(target_os = "linux"))]
fn profile(_: &str) -> Outcome<()> {
    measure(&[])
}
