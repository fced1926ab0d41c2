//! Measures what attacks cost another world: its latency during the attack, and what is left afterwards. Prints a
//! markdown table.
//!
//! ```text
//! make attack
//! SANDBOX_BIN=/some/other/build make attack
//! ```
//!
//! Each attack has a fresh sandbox. A witness reads a record once a millisecond on its own connection: for three
//! seconds before the attack, during it, and for three seconds after it. Then memory, descriptors and threads are
//! compared with those before. By then, the attacker has closed its connections and ended its worlds.
//!
//! The witness, the attacker and the server share the machine's cores. So the same attack is made on a server that only
//! reads and answers with hyper: the latency there is the cost of the machine, the runtime and HTTP.

#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

#[path = "attack/attacks.rs"]
mod attacks;
mod common;
#[path = "attack/queries.rs"]
mod queries;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use attacks::{ATTACKERS_WORLDS, ATTACKS, Attack, Held};
use common::bare::bare_server;
use common::client::Client;
use common::process::{Server, machine};
use common::{Explain, Outcome, key, p99};

const PEACE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(1);
/// About what the sandbox answers.
const BARE_BYTES: usize = 548;
const BANK: &str = "/v1.1/identity/bank_account_data_requests";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match &*arguments {
        [first, length, port] if first == "--bare-server" => {
            bare_server(port, length, &[]).map(|()| true)
        }
        _ => attack_all(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("attack: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was left, no request of the witness was refused, and nothing panicked. The latency is only shown,
/// not judged, because it depends on the other work of the machine.
fn attack_all(arguments: &[String]) -> Outcome<bool> {
    raise_descriptor_limit();
    println!("{}.\n", machine());
    let only = arguments.iter().filter(|name| !name.starts_with('-'));
    let only: Vec<_> = only.collect();
    if only.first().is_some_and(|name| *name == "queries") {
        return queries::measure(&only[1..]).map(|()| true);
    }
    println!(
        "| attack | bare hyper: p99 before, during, after, ms | sandbox: p99 before, during, after, ms \
         | memory before, after | descriptors | threads | panics |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let mut sound = true;
    for attack in ATTACKS {
        if only.is_empty() || only.iter().any(|name| attack.name.contains(name.as_str())) {
            sound &= measure(attack)?;
        }
    }
    Ok(sound)
}

fn measure(attack: &Attack) -> Outcome<bool> {
    let folder = || tempfile::tempdir().explain("cannot make a folder");
    let bare = witnessed(attack, folder()?.path(), &Server::bare(BARE_BYTES)?)?;
    let folder = folder()?;
    let path = folder.path().display().to_string();
    let arguments = [
        "--scenarios",
        &path,
        "--memory",
        "1GiB",
        "--log-format",
        "off",
    ]
    .map(str::to_owned);
    let sandbox = Server::sandbox(&arguments)?;
    let seen = witnessed(attack, folder.path(), &sandbox)?;
    let (code, panics) = sandbox.stop()?;

    let (before, after) = (seen.before, seen.after);
    println!(
        "| {} ({:.1} s) | {} | {} | {:.1} MiB, {:.1} MiB | {}, {} | {}, {} | {} |",
        attack.name,
        seen.length.as_secs_f64(),
        bare.lateness,
        seen.lateness,
        before.memory,
        after.memory,
        before.descriptors,
        after.descriptors,
        before.threads,
        after.threads,
        panics.lines().count(),
    );
    Ok(panics.is_empty()
        && code == Some(0)
        && after.descriptors <= before.descriptors
        && after.threads <= before.threads)
}

struct Seen {
    lateness: Lateness,
    length: Duration,
    before: Left,
    after: Left,
}

/// The p99 of a witness: before, during and after.
struct Lateness([Duration; 3]);

impl std::fmt::Display for Lateness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, during, after] = self.0.map(|p99| format!("{:.2}", p99.as_secs_f64() * 1e3));
        write!(formatter, "{before}, {during}, {after}")
    }
}

/// Makes the attack on a server with `folder` as its scenarios.
fn witnessed(attack: &Attack, folder: &Path, server: &Server) -> Outcome<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .explain("cannot start a runtime")?;
    let witness = Witness::start(server.address)?;
    runtime.block_on(attack.begin(server.address, folder));
    runtime.block_on(end_worlds(server.address));
    witness.warm_up();
    let mut usual = witness.latencies(PEACE)?;
    let before = Left::of(server)?;
    let begun = Instant::now();
    witness.forget()?;
    let mut held = Held::default();
    runtime.block_on(attack.run(server.address, folder, &mut held));
    let length = begun.elapsed();
    let mut during = witness.latencies(Duration::ZERO)?;
    runtime.block_on(end_worlds(server.address));
    drop((held, runtime));
    thread::sleep(PEACE);
    witness.forget()?;
    let mut afterwards = witness.latencies(PEACE)?;
    let after = Left::of(server)?;
    witness.stop()?;
    Ok(Seen {
        lateness: Lateness([&mut usual, &mut during, &mut afterwards].map(|all| p99(all))),
        length,
        before,
        after,
    })
}

/// Ends the attacker's worlds, because they keep their data until then.
async fn end_worlds(address: SocketAddr) {
    for world in ATTACKERS_WORLDS {
        let mut client = Client::new(address, &key(world));
        let ended = client.ask("DELETE", "/__sandbox/worlds", "", b"").await;
        ended.ok(); // there need not be one
    }
}

/// The resources of a server.
struct Left {
    memory: f64,
    descriptors: usize,
    threads: u64,
}

impl Left {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    fn of(server: &Server) -> Outcome<Self> {
        Ok(Self {
            memory: server.memory()? as f64 / 1024.0,
            descriptors: server.descriptors()?,
            threads: server.threads()?,
        })
    }
}

/// A client of another world, in its own thread. It measures the latency of each answer.
struct Witness {
    ends: Arc<AtomicBool>,
    told: std::sync::mpsc::Receiver<Outcome<Duration>>,
    thread: std::thread::JoinHandle<()>,
}

impl Witness {
    fn start(address: SocketAddr) -> Outcome<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let (tell, told) = std::sync::mpsc::channel();
        let until = ends.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .explain("cannot start a runtime")?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut client = Client::new(address, &key(1));
                let headers = "x-magic-reply: COMPLETED_FOUND\r\n";
                let asked = client.ask("POST", BANK, headers, b"").await;
                let path = asked.map(|answer| match answer.text("id") {
                    Some(id) => format!("{BANK}/{id}"),
                    None => BANK.to_owned(), // what the rival answers is no JSON
                });
                let path = match path {
                    Ok(path) => path,
                    Err(sentence) => return drop(tell.send(Err(sentence))),
                };
                while !until.load(Ordering::Relaxed) {
                    let answer = client.get(&path).await;
                    let took = answer.and_then(|answer| match answer.status {
                        200 => Ok(answer.took),
                        status => Err(format!("the witness was answered {status}")),
                    });
                    if tell.send(took).is_err() {
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            });
        });
        Ok(Self { ends, told, thread })
    }

    /// Memory must be warm too: journals fill up to their limits.
    fn warm_up(&self) {
        for _ in self.told.iter().take(1500) {}
    }

    fn forget(&self) -> Outcome<()> {
        self.latencies(Duration::ZERO).map(|_| ())
    }

    /// The latencies since the last call, and of the time that follows.
    fn latencies(&self, within: Duration) -> Outcome<Vec<Duration>> {
        std::thread::sleep(within);
        self.told.try_iter().collect()
    }

    fn stop(self) -> Outcome<()> {
        self.ends.store(true, Ordering::Relaxed);
        drop(self.told);
        self.thread
            .join()
            .map_err(|_| "the witness failed".to_owned())
    }
}

/// The attacker, and its sandbox which inherits the limit, need as many descriptors as possible.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).ok(); // then there are fewer connections
}
