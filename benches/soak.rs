//! Half an hour under every kind of load, at a low rate: does anything fail, get lost or pile up? Prints a markdown
//! table.
//!
//! ```text
//! make soak                                   # 30 minutes
//! SOAK_MINUTES=2 make soak                    # does it still work?
//! SANDBOX_BIN=/some/other/build make soak
//! ```
//!
//! It ends after its minutes or a million requests, and uses only loopback. The load is mixed: every outcome of every
//! endpoint, reading records, callbacks whose receiver fails at first (500, reset, slow, silent), worlds that are
//! created, reset and ended, correct and broken scenario files, exports, snapshots, and readers of events.

#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

mod common;
#[path = "soak/load.rs"]
mod load;
#[path = "soak/receiver.rs"]
mod receiver;
#[path = "soak/told.rs"]
mod told;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::client::Client;
use common::process::{Server, machine};
use common::{Explain, Outcome, key};
use load::Plan;
use receiver::Receiver;
use told::Told;

const MINUTES: u64 = 30;
/// How long callbacks may take after the end: a silent receiver costs 30 s, and then a retry.
const LAST_CALLBACKS: Duration = Duration::from_mins(2);

fn main() -> ExitCode {
    let minutes = match std::env::var("SOAK_MINUTES") {
        Err(_) => Ok(MINUTES),
        Ok(minutes) => minutes.parse().explain("SOAK_MINUTES takes whole minutes"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .explain("cannot start a runtime");
    let ran = minutes.and_then(|minutes| runtime?.block_on(soak(minutes)));
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("soak: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
async fn soak(minutes: u64) -> Outcome<bool> {
    let machine = machine();
    let folder = tempfile::tempdir().explain("cannot make a folder")?;
    let receiver = Receiver::start().await?;
    let mut arguments = vec![
        "--scenarios".to_owned(),
        folder.path().display().to_string(),
        "--callback-retries".to_owned(),
        "1s,1s,2s,4s".to_owned(),
    ];
    for callback_type in load::TYPES {
        arguments.push("--callback".to_owned());
        arguments.push(format!("{callback_type}={}", receiver.url()));
    }
    let sandbox = Server::sandbox(&arguments)?;
    let catalog = Client::new(sandbox.address, &key(0))
        .get("/__sandbox/catalog")
        .await?;
    let plan = Plan::of(&catalog.body)?;
    let told = Arc::new(Told::new(Instant::now()));
    eprintln!(
        "{} outcomes of {} endpoints, {minutes} minutes",
        plan.asks.len(),
        plan.endpoints
    );

    let until = Instant::now() + Duration::from_mins(minutes);
    let start = sandbox.memory()?;
    let descriptors = sandbox.descriptors()?;
    let loads = load::all(sandbox.address, Arc::new(plan), folder.path(), &told, until);
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_mins(1).min(until - Instant::now())).await;
        let (asked, failed) = told.so_far();
        let memory = sandbox.memory()? / 1024;
        eprintln!("{asked} requests, {failed} errors, {memory} MiB");
    }
    for load in loads {
        load.await.explain("a part of the load failed")?;
    }
    let end = sandbox.memory()?;
    let until = Instant::now() + LAST_CALLBACKS;
    let left = loop {
        let left = told.lost(&receiver);
        if left == 0 || Instant::now() > until {
            break left;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    // The first connection was closed long ago, because it was silent.
    let mut control = Client::new(sandbox.address, &key(0));
    let metrics = control.get("/__sandbox/metrics").await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    for number in 0..load::STEADY {
        let mut of_world = Client::new(sandbox.address, &key(number + 1));
        of_world.ask("DELETE", "/__sandbox/worlds", "", b"").await?;
    }
    drop(control);
    // Open connections close, and requests of clients that left end.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let emptied = sandbox.memory()?;
    let descriptors_left = sandbox.descriptors()?;
    let peak = sandbox.memory_peak()?;
    let (code, panics) = sandbox.stop()?;

    let failed = told.table(&told::Measured {
        minutes,
        machine,
        memory: [start, peak, end, emptied].map(|kib| kib / 1024),
        descriptors: [descriptors, descriptors_left],
        callbacks: &receiver,
        left,
        metrics: &metrics,
        panics: panics.lines().count(),
        code,
    });
    Ok(!failed)
}
