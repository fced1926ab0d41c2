//! Servers that are measured: each is a process on a core of its own, observed through `/proc`. The load generator has
//! another core.

use std::fs::read_to_string;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::load::{Amount, Connection, Load, Request, drive};
use super::{Explain, Outcome};

pub const SERVER_CORE: usize = 0;
pub const GENERATOR_CORE: usize = 1;

const START_UP_PATIENCE: Duration = Duration::from_mins(1);

/// A program that can be started as a server.
pub struct Subject {
    pub name: String,
    pub program: PathBuf,
    /// `{port}` stands for the port.
    pub arguments: Vec<String>,
    /// A server is up when it answers this with 200.
    pub first_request: Vec<u8>,
    /// Whether what it prints as an error is thrown away.
    pub is_silent: bool,
}

impl Subject {
    /// The sandbox. `SANDBOX_BIN` replaces the binary that was built.
    pub fn sandbox() -> Self {
        let arguments = ["serve", "--log-format", "off", "--port", "{port}"];
        Self::new(
            "the sandbox",
            sandbox_binary(),
            arguments.map(String::from).into(),
        )
    }

    /// The sandbox with a folder of scenario files.
    pub fn over(folder: &Path) -> Self {
        let folder = folder.to_string_lossy().into_owned();
        Self::sandbox().with(["--scenarios".to_owned(), folder])
    }

    pub fn with(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// The bare server that sends these headers (lines of `name: value`) and so many bytes.
    pub fn bare<'h>(
        headers: impl IntoIterator<Item = &'h str>,
        body_length: usize,
    ) -> Outcome<Self> {
        let program = std::env::current_exe().explain("cannot find the bare server")?;
        let mut arguments = vec!["--bare-server".into(), body_length.to_string()];
        arguments.extend(headers.into_iter().map(String::from));
        arguments.push("{port}".into());
        Ok(Self::new("the bare server", program, arguments))
    }

    fn new(name: &str, program: PathBuf, arguments: Vec<String>) -> Self {
        Self {
            name: name.into(),
            program,
            arguments,
            first_request: b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".into(),
            is_silent: false,
        }
    }
}

pub fn sandbox_binary() -> PathBuf {
    std::env::var_os("SANDBOX_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_iluma-sandbox").into(), PathBuf::from)
}

/// A running server, which ends when this is dropped.
pub struct Server {
    name: String,
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
        Self::start_on(&[SERVER_CORE], subject)
    }

    pub fn start_on(cores: &[usize], subject: &Subject) -> Outcome<Self> {
        // The port is chosen here and not by the server, because the first tries come before it could print it.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .explain("cannot find a free port")?
            .port();
        let name = &subject.name;
        let mut command = Command::new(&subject.program);
        let port_text = port.to_string();
        let arguments = subject.arguments.iter();
        command.args(arguments.map(|argument| argument.replace("{port}", &port_text)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if subject.is_silent {
            command.stderr(Stdio::null());
        }

        // The child inherits this affinity, and uses it to choose its number of threads. Pinning it
        // after its start would be too late.
        pin(cores)?;
        let started = Instant::now();
        let process = command
            .spawn()
            .explain(format_args!("cannot start {name}"))?;
        let mut server = Self {
            name: name.clone(),
            process,
            port,
            start_up: Duration::ZERO,
        };
        pin(&[GENERATOR_CORE])?;

        while let Err(error) = Connection::exchange(port, &subject.first_request) {
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

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn load(&self, request: &mut Request, amount: Amount) -> Outcome<Load> {
        drive(self.port, request, amount).explain(format_args!("{} failed under load", self.name))
    }

    /// CPU time that all its threads have used so far.
    pub fn cpu_seconds(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/stat", self.process.id());
        // utime and stime, counted from the end of the second field, which is "(name)".
        Ok(sum_after(&path, ") ", 11, 2)? / clock_ticks_per_second() as f64)
    }

    pub fn resident_mebibytes(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/status", self.process.id());
        Ok(sum_after(&path, "VmRSS:", 0, 1)? / 1024.0)
    }
}

/// Time that a core has spent idle since the machine started, waiting for disks included.
pub fn idle_seconds(core: usize) -> Outcome<f64> {
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

/// Has this thread, and the processes that it starts, run on these cores only.
fn pin(cores: &[usize]) -> Outcome<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).explain(format_args!(
        "cannot run on the cores {cores:?} (0 and 1 are needed)"
    ))
}
