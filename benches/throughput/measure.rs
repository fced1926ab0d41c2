//! The three measurements and their table. Below them, the servers: start, observe, stop.

use std::fs::read_to_string;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::inspector::measure_inspector;
use crate::load::{CONNECTIONS, Connection, Load, Request, drive};
use crate::scale::measure_scale;
use crate::{Explain, Outcome, Plan};

const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;

const START_UP_PATIENCE: Duration = Duration::from_secs(10);

/// Runs all measurements and prints the table.
pub fn measure(plan: &Plan) -> Outcome<()> {
    pin(GENERATOR_CORE)?;
    let sandbox = Subject::sandbox();
    let sandbox_server = Server::start(&sandbox)?;
    let (head, body_length) = Connection::exchange(sandbox_server.port, same_request().next())
        .explain("cannot try the POST on the sandbox")?;
    let bare = Subject::bare(&head, body_length)?;

    eprintln!(
        "rounds of load: {} of {:?} each",
        plan.rounds, plan.round_length
    );
    let servers = [Server::start(&bare)?, sandbox_server];
    let mut rounds = [vec![], vec![]];
    for number in 0..=plan.rounds {
        for (server, rounds) in servers.iter().zip(&mut rounds) {
            let round = round(server, plan.round_length)?;
            if number > 0 {
                rounds.push(round); // number 0 was for warming up
            }
        }
    }
    drop(servers);

    eprintln!("start-up: {} spawns each", plan.spawns);
    let mut start_ups = [vec![], vec![]];
    let mut idle_memory = [vec![], vec![]];
    for _ in 0..plan.spawns {
        for (index, subject) in [&bare, &sandbox].into_iter().enumerate() {
            let server = Server::start(subject)?;
            start_ups[index].push(server.start_up.as_secs_f64() * 1e3);
            idle_memory[index].push(server.resident_mebibytes()?);
        }
    }

    eprintln!("memory: {} requests", plan.memory_requests);
    let server = Server::start(&sandbox)?;
    let mut request = Request::new("foo0000000", 7);
    let mut memory = Vec::new();
    for _ in 0..10 {
        server.load(&mut request, plan.memory_requests / 10, Duration::MAX)?;
        memory.push(server.resident_mebibytes()?);
    }

    println!(
        "{}; server on core {SERVER_CORE}, load generator on core {GENERATOR_CORE}; \
         {CONNECTIONS} connections; rounds: {} of {:?}; answers of {} + {body_length} bytes\n",
        machine(),
        plan.rounds,
        plan.round_length,
        head.len(),
    );
    println!("| medians | bare hyper | sandbox | sandbox / bare (min to max) |");
    println!("|---|---:|---:|---:|");
    for (index, (label, decimals)) in ROUND_ROWS.into_iter().enumerate() {
        let column = |rounds: &Vec<[f64; 6]>| rounds.iter().map(|round| round[index]).collect();
        print_row(label, decimals, &rounds.each_ref().map(column));
    }
    print_row("spawn to first 200, ms", 2, &start_ups);
    print_row("resident memory when idle, MiB", 2, &idle_memory);
    let steps: Vec<String> = memory.iter().map(|step| format!("{step:.2}")).collect();
    let highest = memory.into_iter().fold(0.0, f64::max);
    println!(
        "| … after {} POSTs, MiB | | {} | |",
        plan.memory_requests, steps[9]
    );
    println!(
        "| … highest of the ten steps to there, MiB | | {highest:.2} | {} |",
        steps.join(" ")
    );
    drop(server);
    measure_inspector(plan)?;
    measure_scale(plan)
}

/// Only loads the sandbox, for a profiler.
pub fn profile(length: Duration) -> Outcome<()> {
    pin(GENERATOR_CORE)?;
    let server = Server::start(&Subject::sandbox())?;
    eprintln!("load for {length:?} on process {}", server.process.id());
    let load = server.load(&mut same_request(), u64::MAX, length)?;
    println!("{:.0} requests per second", load.requests_per_second);
    Ok(())
}

pub fn same_request() -> Request {
    Request::new("foo123", 0)
}

/// The results of `round`, with the number of decimals to print.
const ROUND_ROWS: [(&str, usize); 6] = [
    ("requests per second", 0),
    ("latency p50, µs", 0),
    ("latency p99, µs", 0),
    ("server CPU per request, µs", 2),
    ("server's core busy, %", 1),
    ("generator's core busy, %", 1),
];

/// Loads one server for a while.
fn round(server: &Server, length: Duration) -> Outcome<[f64; 6]> {
    let started = Instant::now();
    let cpu_before = server.cpu_seconds()?;
    let server_idle_before = idle_seconds(SERVER_CORE)?;
    let generator_idle_before = idle_seconds(GENERATOR_CORE)?;
    let load = server.load(&mut same_request(), u64::MAX, length)?;
    let generator_idle = idle_seconds(GENERATOR_CORE)? - generator_idle_before;
    let server_idle = idle_seconds(SERVER_CORE)? - server_idle_before;
    let cpu = server.cpu_seconds()? - cpu_before;
    let elapsed = started.elapsed().as_secs_f64();
    let requests = load.latencies.len();
    let microseconds =
        |percent: usize| load.latencies[requests * percent / 100].as_secs_f64() * 1e6;
    Ok([
        load.requests_per_second,
        microseconds(50),
        microseconds(99),
        cpu * 1e6 / requests as f64,
        100.0 * (1.0 - server_idle / elapsed),
        100.0 * (1.0 - generator_idle / elapsed),
    ])
}

/// Prints the medians of `[bare, sandbox]` and the median of the ratios of the pairs. Each pair was
/// measured within seconds, so the machine had the same speed.
pub fn print_row(label: &str, decimals: usize, [bare, sandbox]: &[Vec<f64>; 2]) {
    let pairs = sandbox.iter().zip(bare);
    let ratios = sorted(pairs.map(|(sandbox, bare)| sandbox / bare));
    println!(
        "| {label} | {:.decimals$} | {:.decimals$} | {:.3} ({:.3} to {:.3}) |",
        median(&sorted(bare.iter().copied())),
        median(&sorted(sandbox.iter().copied())),
        median(&ratios),
        ratios[0],
        ratios[ratios.len() - 1],
    );
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

/// A program that can be started as a server.
pub struct Subject {
    name: &'static str,
    program: PathBuf,
    /// All but the last, which is the port.
    arguments: Vec<String>,
}

impl Subject {
    /// The sandbox with a folder of scenario files.
    pub fn over(folder: &Path) -> Self {
        let mut sandbox = Self::sandbox();
        let folder = folder.to_string_lossy().into_owned();
        sandbox
            .arguments
            .splice(1..1, ["--scenarios".to_owned(), folder]);
        sandbox
    }

    pub fn sandbox() -> Self {
        let program = std::env::var_os("SANDBOX_BIN")
            .map_or_else(|| env!("CARGO_BIN_EXE_iluma-sandbox").into(), PathBuf::from);
        let arguments = ["serve", "--log-format", "off", "--port"].map(String::from);
        Self {
            name: "the sandbox",
            program,
            arguments: arguments.into(),
        }
    }

    /// The bare server that sends an answer with this head and a body of the same length.
    fn bare(head: &str, body_length: usize) -> Outcome<Self> {
        let program = std::env::current_exe().explain("cannot find the bare server")?;
        let mut arguments = vec!["--bare-server".into(), body_length.to_string()];
        arguments.extend(head.trim_end().split("\r\n").skip(1).map(String::from));
        Ok(Self {
            name: "the bare server",
            program,
            arguments,
        })
    }
}

/// A running server, which ends when this is dropped.
pub struct Server {
    name: &'static str,
    process: Child,
    port: u16,
    /// The time from its spawn to its first 200.
    pub start_up: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // fails only if it has ended already
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts a server on its core, and returns after its first 200.
    pub fn start(subject: &Subject) -> Outcome<Self> {
        // The port is chosen here and not by the server, because the first tries come before it could print it.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .explain("cannot find a free port")?
            .port();
        let name = subject.name;
        let mut command = Command::new(&subject.program);
        command.args(&subject.arguments).arg(port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null());

        // The child inherits this affinity, and uses it to choose its number of threads. Pinning it
        // after its start would be too late.
        pin(SERVER_CORE)?;
        let started = Instant::now();
        let process = command
            .spawn()
            .explain(format_args!("cannot start {name}"))?;
        let mut server = Self {
            name,
            process,
            port,
            start_up: Duration::ZERO,
        };
        pin(GENERATOR_CORE)?;

        let health = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
        while let Err(error) = Connection::exchange(port, health) {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("{name} ended with {status} before it answered"));
            }
            if started.elapsed() > START_UP_PATIENCE {
                return Err(format!(
                    "{name} is not up after {START_UP_PATIENCE:?}: {error}"
                ));
            }
        }
        server.start_up = started.elapsed();
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn load(&self, request: &mut Request, most: u64, longest: Duration) -> Outcome<Load> {
        drive(self.port, request, most, longest)
            .explain(format_args!("{} failed under load", self.name))
    }

    /// CPU time that all its threads have used so far.
    pub fn cpu_seconds(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/stat", self.process.id());
        // utime and stime, counted from the end of the second field, which is "(name)".
        Ok(sum_after(&path, ") ", 11, 2)? / clock_ticks_per_second() as f64)
    }

    fn resident_mebibytes(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/status", self.process.id());
        Ok(sum_after(&path, "VmRSS:", 0, 1)? / 1024.0)
    }
}

/// Time that a core has spent idle since the machine started, waiting for disks included.
fn idle_seconds(core: usize) -> Outcome<f64> {
    Ok(sum_after("/proc/stat", &format!("cpu{core} "), 3, 2)? / clock_ticks_per_second() as f64)
}

/// The sum of `count` numbers in a file of /proc, `skip` words after `label`.
fn sum_after(path: &str, label: &str, skip: usize, count: usize) -> Outcome<f64> {
    let text = read_to_string(path).explain(format_args!("cannot read {path}"))?;
    let (_, rest) = text.split_once(label).unwrap_or_default();
    let numbers = rest.split_whitespace().skip(skip).take(count);
    numbers
        .map(|number| number.parse::<f64>().explain(format_args!("{path} is odd")))
        .sum()
}

fn pin(core: usize) -> Outcome<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).explain(format_args!(
        "cannot run on core {core} (0 and 1 are needed)"
    ))
}

fn machine() -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = text
        .split("model name\t: ")
        .nth(1)
        .unwrap_or("unknown processor");
    let processor = processor.lines().next().unwrap_or_default();
    format!(
        "{processor}, {} cores",
        text.matches("processor\t:").count()
    )
}
