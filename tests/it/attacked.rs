//! The binary under attack, seen from outside: another world must get the same answers, and nothing may be left.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Process, command};
use crate::raw::{Raw, request_as};
use crate::stage::{BANK, key};

/// How long resources may take to be released.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Attacked {
    process: Process,
    pub(crate) address: SocketAddr,
    witness: Raw,
    /// The first answer of the witness's record.
    made: Vec<u8>,
    read: Vec<u8>,
    descriptors: usize,
    threads: usize,
}

impl Attacked {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::of(command(&[&["serve", "--port", "0"], arguments].concat())).await
    }

    /// Starts the binary with a limited number of descriptors, or with another limit of the shell's `ulimit`.
    pub(crate) async fn limited(ulimit: &str, arguments: &[&str]) -> Self {
        let mut limited = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit {ulimit}; exec \"$@\"");
        limited.args(["-c", &script, "sh", crate::process::BINARY]);
        limited.args(["serve", "--port", "0"]).args(arguments);
        Self::of(limited).await
    }

    pub(crate) async fn of(command: Command) -> Self {
        Self::watched(Process::start(command)).await
    }

    pub(crate) async fn watched(process: Process) -> Self {
        let address = process.url.strip_prefix("http://").expect("plain HTTP");
        let address = address.parse().expect("an address");
        let mut attacked = Self {
            process,
            address,
            witness: Raw::to(address).await,
            made: Vec::new(),
            read: Vec::new(),
            descriptors: 0,
            threads: 0,
        };
        attacked.made = attacked.make().await;
        attacked.read = attacked.read_again().await;
        attacked.descriptors = attacked.open();
        attacked.threads = attacked.entries("task");
        attacked
    }

    async fn make(&mut self) -> Vec<u8> {
        let make = request_as(
            &key('w'),
            &format!("POST {BANK}"),
            &["x-magic-reply: COMPLETED_FOUND"],
            b"",
        );
        self.witness.send(make).await;
        let answer = self.witness.answer().await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.body
    }

    async fn read_again(&mut self) -> Vec<u8> {
        let made: serde_json::Value = serde_json::from_slice(&self.made).expect("JSON");
        let id = made["id"].as_str().expect("an id");
        let read = request_as(&key('w'), &format!("GET {BANK}/{id}"), &[], b"");
        self.witness.send(read).await;
        let answer = self.witness.answer().await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.body
    }

    /// Checks that the other world gets the same bytes, on its open connection.
    pub(crate) async fn witness_is_answered(&mut self) {
        let read = self.read_again().await;
        assert_eq!(read, self.read, "{}", String::from_utf8_lossy(&read));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn entries(&self, of: &str) -> usize {
        let folder = std::fs::read_dir(format!("/proc/{}/{of}", self.pid()));
        folder.expect("it runs").count()
    }

    /// The files and sockets that its descriptors refer to.
    fn shown(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs");
        let links = folder.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.collect()
    }

    /// The number of its open descriptors.
    pub(crate) fn open(&self) -> usize {
        self.entries("fd")
    }

    /// The memory of the process in KiB, as the system counts it.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).expect("it runs");
        let (_, resident) = status.split_once("VmRSS:").expect("its memory");
        let kibibytes = resident.split_whitespace().next().expect("a number");
        kibibytes.parse().expect("a number")
    }

    /// Waits until the memory is at most a fifth above the memory at the start.
    pub(crate) async fn memory_returns_to(&mut self, before: u64) {
        let began = Instant::now();
        while self.memory() > before + before / 5 {
            assert!(
                began.elapsed() < PATIENCE,
                "{before} KiB before, {} KiB now",
                self.memory()
            );
            self.witness_is_answered().await;
        }
    }

    /// Waits until it has this many more descriptors than at the start.
    pub(crate) async fn holds(&mut self, more: usize) {
        let began = Instant::now();
        while self.open() != self.descriptors + more {
            assert!(
                began.elapsed() < PATIENCE,
                "{} at first, and now {:?}",
                self.descriptors,
                self.shown()
            );
            self.witness_is_answered().await;
        }
    }

    /// Checks the state after the attack: nothing is left, the other world starts again with the same bytes, and the
    /// process stops normally. Returns its log.
    pub(crate) async fn ends_unharmed(mut self) -> String {
        self.holds(0).await;
        assert_eq!(self.entries("task"), self.threads, "threads");
        self.witness
            .send(request_as(&key('w'), "POST /__sandbox/reset", &[], b""))
            .await;
        assert_eq!(self.witness.answer().await.status(), 200);
        let (made, before) = (self.make().await, std::mem::take(&mut self.made));
        assert_eq!(made, before, "{}", String::from_utf8_lossy(&made));
        let (code, _, log) = self.process.terminate();
        assert_eq!(code, 0, "{log}");
        assert!(!log.contains("panicked"), "{log}");
        log
    }

    /// The process itself, for tests that end it in another way.
    pub(crate) fn into_process(self) -> Process {
        self.process
    }
}
