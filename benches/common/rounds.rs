//! Rounds of load: all sides of a comparison take turns within one run, because a machine's speed changes more between
//! runs than the sides differ. So the ratio of each round is meaningful, and the figures by themselves are not.

use std::time::{Duration, Instant};

use super::load::{Amount, Request};
use super::pinned::{GENERATOR_CORE, SERVER_CORE, Server, idle_seconds};
use super::{Explain, Outcome};

/// How long a comparison lasts.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub round_length: Duration,
    /// Rounds before those that count.
    pub warm_up_rounds: usize,
}

impl Plan {
    pub const FULL: Self = Self {
        rounds: 5,
        round_length: Duration::from_secs(3),
        warm_up_rounds: 1,
    };
    /// Shows only that it still works.
    pub const QUICK: Self = Self {
        rounds: 1,
        round_length: Duration::from_secs(1),
        warm_up_rounds: 1,
    };
}

/// The figures of one round. Times are microseconds.
pub struct Round {
    pub requests_per_second: f64,
    pub p50: f64,
    pub p99: f64,
    /// CPU of the server for each request.
    pub cpu: f64,
    /// Percent of its core.
    pub server_busy: f64,
    pub generator_busy: f64,
}

/// A row of a table: its name, its decimals, and its figure in a round.
pub type Row = (&'static str, usize, fn(&Round) -> f64);

pub const RATE: Row = ("requests per second", 0, |round| round.requests_per_second);
pub const P50: Row = ("latency p50, µs", 0, |round| round.p50);
pub const P99: Row = ("latency p99, µs", 0, |round| round.p99);
pub const CPU: Row = ("server CPU per request, µs", 2, |round| round.cpu);
pub const SERVER_BUSY: Row = ("server core busy, %", 0, |round| round.server_busy);
pub const GENERATOR_BUSY: Row = ("generator core busy, %", 0, |round| round.generator_busy);

/// One of the things that are compared. It makes one round whenever it is called.
pub type Side<'a> = Box<dyn FnMut() -> Outcome<Round> + 'a>;

/// The rounds of each side, without those for warming up.
pub fn in_turns(plan: Plan, sides: &mut [Side]) -> Outcome<Vec<Vec<Round>>> {
    let mut rounds: Vec<Vec<Round>> = sides.iter().map(|_| Vec::new()).collect();
    for number in 0..plan.warm_up_rounds + plan.rounds {
        for (side, rounds) in sides.iter_mut().zip(&mut rounds) {
            let round = side()?;
            if number >= plan.warm_up_rounds {
                rounds.push(round);
            }
        }
    }
    Ok(rounds)
}

/// A side that sends this request to this server.
pub fn load_of(server: &Server, mut request: Request, amount: Amount) -> Side<'_> {
    Box::new(move || round(server, &mut request, amount))
}

/// One round of load.
pub fn round(server: &Server, request: &mut Request, amount: Amount) -> Outcome<Round> {
    let started = Instant::now();
    let cpu_before = server.cpu_seconds()?;
    let server_idle_before = idle_seconds(SERVER_CORE)?;
    let generator_idle_before = idle_seconds(GENERATOR_CORE)?;
    let load = server.load(request, amount)?;
    let generator_idle = idle_seconds(GENERATOR_CORE)? - generator_idle_before;
    let server_idle = idle_seconds(SERVER_CORE)? - server_idle_before;
    let cpu = server.cpu_seconds()? - cpu_before;
    let elapsed = started.elapsed().as_secs_f64();
    let requests = load.latencies.len();
    let microseconds =
        |percent: usize| load.latencies[requests * percent / 100].as_secs_f64() * 1e6;
    Ok(Round {
        requests_per_second: load.requests_per_second,
        p50: microseconds(50),
        p99: microseconds(99),
        cpu: cpu * 1e6 / requests as f64,
        server_busy: 100.0 * (1.0 - server_idle / elapsed),
        generator_busy: 100.0 * (1.0 - generator_idle / elapsed),
    })
}

/// Prints the head of a table. The last side is compared with each of the others.
pub fn print_head(first: &str, sides: &[&str]) {
    let (last, others) = sides.split_last().expect("a comparison has sides");
    let ratios = others
        .iter()
        .map(|other| format!("{last} / {other} (min to max)"));
    let columns: Vec<String> = sides
        .iter()
        .map(ToString::to_string)
        .chain(ratios)
        .collect();
    println!("\n| {first} | {} |", columns.join(" | "));
    println!("|---{}|", "|--:".repeat(columns.len()));
}

/// Prints rows of the rounds of all sides.
pub fn print_rounds(sides: &[Vec<Round>], rows: &[Row]) {
    for (label, decimals, figure) in rows {
        let column = |rounds: &Vec<Round>| rounds.iter().map(figure).collect();
        let columns: Vec<Vec<f64>> = sides.iter().map(column).collect();
        print_row(label, *decimals, &columns);
    }
}

/// Prints the medians of all sides, and the ratios of the last side to each of the others.
pub fn print_row(label: &str, decimals: usize, sides: &[Vec<f64>]) {
    let (last, others) = sides.split_last().expect("a comparison has sides");
    let medians = sides
        .iter()
        .map(|side| format!("{:.decimals$}", median(side.iter().copied())));
    let ratios = others.iter().map(|other| ratio(last, other));
    let cells: Vec<String> = medians.chain(ratios).collect();
    println!("| {label} | {} |", cells.join(" | "));
}

/// The median of the ratios of the pairs, with the least and the greatest. Each pair was measured within seconds, so the
/// machine had the same speed.
pub fn ratio(one: &[f64], other: &[f64]) -> String {
    let ratios = sorted(one.iter().zip(other).map(|(one, other)| one / other));
    let [least, .., greatest] = ratios[..] else {
        return format!("{:.3}", ratios[0]);
    };
    let middle = median(ratios.iter().copied());
    format!("{middle:.3} ({least:.3} to {greatest:.3})")
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let sorted = sorted(values);
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Reads the only arguments of a benchmark with rounds, `--quick` and `--rounds N SECONDS`.
pub fn plan(arguments: &[String]) -> Outcome<Plan> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => Ok(Plan::FULL),
        ["--quick"] => Ok(Plan::QUICK),
        ["--rounds", rounds, seconds] => Ok(Plan {
            rounds: rounds.parse().explain("--rounds needs a whole number")?,
            round_length: Duration::from_secs(
                seconds.parse().explain("a round needs whole seconds")?,
            ),
            ..Plan::FULL
        }),
        _ => Err(format!(
            "{arguments:?} is neither --quick nor --rounds NUMBER SECONDS"
        )),
    }
}
