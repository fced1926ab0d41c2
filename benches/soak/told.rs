//! The results: counted, timed and printed.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::common::client::Answer;
use crate::common::{Outcome, millis, p99};
use crate::receiver::Receiver;

const COMPLAINTS_MAX: usize = 20;

pub struct Told {
    began: Instant,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    errors: u64,
    complaints: Vec<String>,
    /// The latencies of requests to the API, by minute. Exports are not included, because they always take long.
    latencies: Vec<Vec<Duration>>,
    /// The records that must have a callback.
    expected: HashSet<String>,
}

/// Measurements at the end, in addition to the counts.
pub struct Measured<'a> {
    pub minutes: u64,
    pub machine: String,
    /// At the start, the peak, at the end, and after the worlds were ended.
    pub memory: [u64; 4],
    pub descriptors: [usize; 2],
    pub callbacks: &'a Receiver,
    pub left: usize,
    pub metrics: &'a str,
    pub panics: usize,
    pub code: Option<i32>,
}

impl Told {
    pub fn new(began: Instant) -> Self {
        Self {
            began,
            counts: Mutex::default(),
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answer. None if it is wrong.
    pub fn answer(&self, what: &str, status: u16, answer: Outcome<Answer>) -> Option<Answer> {
        if let Ok(answer) = &answer {
            let minute = usize::try_from(self.began.elapsed().as_secs() / 60).unwrap_or(0);
            let mut counts = self.counts();
            if counts.latencies.len() <= minute {
                counts.latencies.resize(minute + 1, Vec::new());
            }
            counts.latencies[minute].push(answer.took);
        }
        self.answer_untimed(what, status, answer)
    }

    pub fn answer_untimed(
        &self,
        what: &str,
        status: u16,
        answer: Outcome<Answer>,
    ) -> Option<Answer> {
        self.counts().requests += 1;
        match answer {
            Ok(answer) if answer.status == status => return Some(answer),
            Ok(answer) => self.failed(&format!(
                "{what}: {} instead of {status}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)])
            )),
            Err(sentence) => self.failed(&format!("{what}: {sentence}")),
        }
        None
    }

    pub fn failed(&self, what: &str) {
        let mut counts = self.counts();
        counts.errors += 1;
        if counts.complaints.len() < COMPLAINTS_MAX {
            eprintln!("{what}");
            counts.complaints.push(what.to_owned());
        }
    }

    /// Expects a callback for this record.
    pub fn expect(&self, id: &str) {
        self.counts().expected.insert(id.to_owned());
    }

    pub fn so_far(&self) -> (u64, u64) {
        let counts = self.counts();
        (counts.requests, counts.errors)
    }

    /// The number of expected callbacks that the receiver has not accepted.
    pub fn lost(&self, receiver: &Receiver) -> usize {
        let counts = self.counts();
        counts
            .expected
            .iter()
            .filter(|id| !receiver.has_taken(id))
            .count()
    }

    /// Prints the results. Returns true if anything was wrong.
    pub fn table(&self, measured: &Measured<'_>) -> bool {
        let mut counts = self.counts();
        let ended = |state: &str| {
            let label = format!("iluma_sandbox_deliveries_total{{state=\"{state}\"}} ");
            let line = measured
                .metrics
                .lines()
                .find_map(|line| line.strip_prefix(&label));
            line.and_then(|count| count.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let [attempts, taken, on_purpose] = measured.callbacks.counts();
        let [start, peak, end, emptied] = measured.memory;
        println!("{}; {} minutes.\n", measured.machine, measured.minutes);
        println!("| what | |\n|---|--:|");
        println!("| requests | {} |", counts.requests);
        println!("| errors (a wrong response, or none) | {} |", counts.errors);
        println!(
            "| callbacks expected by clients whose world stays | {} |",
            counts.expected.len()
        );
        println!("| of these lost | {} |", measured.left);
        println!("| attempts that the receiver saw | {attempts} |");
        println!("| of these failed on purpose | {on_purpose} |");
        println!("| of these accepted | {taken} |");
        println!(
            "| callbacks delivered, of all worlds | {} |",
            ended("delivered")
        );
        println!("| given up after all retries | {} |", ended("failed"));
        println!(
            "| cancelled by a reset or the end of their world | {} |",
            ended("cancelled")
        );
        println!("| dropped because of a limit | {} |", ended("dropped"));
        println!("| memory at the start | {start} MiB |");
        println!("| memory at its peak | {peak} MiB |");
        println!("| memory at the end, with everything that worlds store | {end} MiB |");
        println!("| memory after the worlds were ended | {emptied} MiB |");
        println!(
            "| descriptors at the start, left | {}, {} |",
            measured.descriptors[0], measured.descriptors[1]
        );
        println!("| panics | {} |", measured.panics);
        println!(
            "| exit code at SIGTERM | {} |",
            measured
                .code
                .map_or("none".to_owned(), |code| code.to_string())
        );
        println!("\n| minute | requests to the API | p99 |\n|--:|--:|--:|");
        for (minute, latencies) in counts.latencies.iter_mut().enumerate() {
            println!(
                "| {} | {} | {} |",
                minute + 1,
                latencies.len(),
                millis(p99(latencies))
            );
        }
        let bad = counts.errors + ended("failed") + ended("dropped");
        bad > 0
            || measured.left > 0
            || measured.panics > 0
            || measured.code != Some(0)
            || taken < ended("delivered")
            || measured.descriptors[1] > measured.descriptors[0]
    }
}
