//! What attacks cost another world: how late it is answered meanwhile, and what is left over afterwards. Prints a markdown
//! table.
//!
//! ```text
//! make attack
//! SANDBOX_BIN=/some/other/build make attack
//! ```
//!
//! Each attack has a fresh sandbox. A witness asks for a record once a millisecond on a connection of its own: for three
//! seconds in peace, and then all through the attack. Afterwards the attacker closes whatever it holds, and after three
//! more seconds memory, descriptors and threads are compared with those before. The witness, the attacker and the sandbox
//! share the machine's cores, so the witness pays for the attacker's own work too: the row `load alone` shows how much that
//! is, for it sends as many sound requests as it can.

#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

#[path = "attack/attacks.rs"]
mod attacks;
mod common;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use attacks::{ATTACKS, Attack, Held};
use common::client::Client;
use common::process::{Sandbox, machine};
use common::{Explain, Outcome, key, millis, p99};

const PEACE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(1);
const BANK: &str = "/v1.1/identity/bank_account_data_requests";

fn main() -> ExitCode {
    match attack_all() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("attack: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was left over, refused to the witness, or panicked. How late it is answered is shown, and for the
/// reader to judge: it depends on what else the machine does.
fn attack_all() -> Outcome<bool> {
    raise_descriptor_limit();
    println!("{}.\n", machine());
    println!(
        "| attack | p99 usually | p99 meanwhile | ratio | memory before, after | descriptors | threads | panics |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let only: Vec<_> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let mut sound = true;
    for attack in ATTACKS {
        if only.is_empty() || only.iter().any(|name| attack.name.contains(name.as_str())) {
            sound &= measure(attack)?;
        }
    }
    Ok(sound)
}

fn measure(attack: &Attack) -> Outcome<bool> {
    let folder = tempfile::tempdir().explain("cannot make a folder")?;
    let path = folder.path().display().to_string();
    let arguments = ["--scenarios", &path, "--log-format", "off"].map(str::to_owned);
    let sandbox = Sandbox::start(&arguments)?;
    let address = sandbox.address;
    let witness = Witness::start(address)?;

    witness.warm_up();
    let mut usual = witness.latencies(PEACE)?;
    let before = Left::of(&sandbox)?;
    let begun = Instant::now();
    witness.forget()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .explain("cannot start a runtime")?;
    let held = runtime.block_on(async {
        let mut held = Held::default();
        attack.run(address, folder.path(), &mut held).await;
        held
    });
    let meanwhile = begun.elapsed();
    let mut during = witness.latencies(Duration::ZERO)?;
    drop((held, runtime));
    std::thread::sleep(PEACE);
    let after = Left::of(&sandbox)?;
    witness.stop()?;
    let (code, panics) = sandbox.stop()?;

    let (usually, late) = (p99(&mut usual), p99(&mut during));
    let ratio = late.as_secs_f64() / usually.as_secs_f64().max(1e-6);
    println!(
        "| {} ({:.1} s) | {} | {} | {ratio:.1} | {:.1} MiB, {:.1} MiB | {}, {} | {}, {} | {} |",
        attack.name,
        meanwhile.as_secs_f64(),
        millis(usually),
        millis(late),
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

/// What the sandbox holds.
struct Left {
    memory: f64,
    descriptors: usize,
    threads: u64,
}

impl Left {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    fn of(sandbox: &Sandbox) -> Outcome<Self> {
        Ok(Self {
            memory: sandbox.memory()? as f64 / 1024.0,
            descriptors: sandbox.descriptors()?,
            threads: sandbox.threads()?,
        })
    }
}

/// A client of another world, in a thread of its own: how long it waits for each answer.
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
                while !until.load(Ordering::Relaxed) {
                    let answer = client.ask("POST", BANK, headers, b"").await;
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

    /// Memory too has to be warm: journals fill up to where they let go.
    fn warm_up(&self) {
        for _ in self.told.iter().take(1500) {}
    }

    fn forget(&self) -> Outcome<()> {
        self.latencies(Duration::ZERO).map(|_| ())
    }

    /// What came since, and comes within so long.
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

/// The attacker and its sandbox, which inherits it, need as many as there may be.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).ok(); // then there are fewer connections
}
