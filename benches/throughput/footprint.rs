//! How long a start takes, and what the sandbox needs of memory and disk.

#![allow(clippy::cast_precision_loss, reason = "figures for a reader")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::against_bare::BareServers;
use crate::common::load::{Amount, Request};
use crate::common::pinned::{Server, Subject, sandbox_binary};
use crate::common::rounds::{Plan, print_head, print_row};
use crate::common::{Explain, Outcome};

/// Prints the table.
pub fn measure(plan: Plan, bare_servers: &BareServers) -> Outcome<()> {
    let spawns = plan.rounds * 4;
    eprintln!("start-up: {spawns} spawns each");
    let sandbox = Subject::sandbox();
    let subjects = [&bare_servers.least, &bare_servers.same, &sandbox];
    let mut start_ups = [vec![], vec![], vec![]];
    let mut idle_memory = [vec![], vec![], vec![]];
    for _ in 0..spawns {
        for (index, subject) in subjects.into_iter().enumerate() {
            let server = Server::start(subject)?;
            start_ups[index].push(server.start_up.as_secs_f64() * 1e3);
            idle_memory[index].push(server.resident_mebibytes()?);
        }
    }
    print_head("medians", &["bare", "bare, same headers", "sandbox"]);
    print_row("spawn to first 200, ms", 2, &start_ups);
    print_row("resident memory when idle, MiB", 2, &idle_memory);

    let posts = 200_000 * plan.rounds as u64; // a million in full
    eprintln!("memory: {posts} requests");
    let server = Server::start(&sandbox)?;
    let mut request = Request::screening_of_new_users();
    let mut steps = Vec::new();
    for _ in 0..10 {
        server.load(&mut request, Amount::requests(posts / 10))?;
        steps.push(format!("{:.2}", server.resident_mebibytes()?));
    }
    println!("\n| sandbox | |");
    println!("|---|--:|");
    println!(
        "| resident memory after each tenth of {posts} POSTs, MiB | {} |",
        steps.join(" ")
    );
    println!(
        "| binary, stripped, MB | {:.2} |",
        stripped_megabytes(&sandbox_binary())?
    );
    Ok(())
}

fn stripped_megabytes(binary: &Path) -> Outcome<f64> {
    let stripped =
        std::env::temp_dir().join(format!("iluma-sandbox-stripped-{}", std::process::id()));
    let strip = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(binary)
        .status();
    if !strip.explain("cannot run `strip`")?.success() {
        return Err("`strip` failed".into());
    }
    let file = fs::metadata(&stripped).explain("cannot see the stripped binary")?;
    fs::remove_file(&stripped).explain("cannot remove the stripped binary")?;
    Ok(file.len() as f64 / 1e6)
}
