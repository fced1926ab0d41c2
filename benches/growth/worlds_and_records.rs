//! The cost of what the sandbox remembers: ten thousand worlds, a full journal, and many records that are read back.

use std::time::Instant;

use crate::common::load::{AUTHORIZATION, Amount, Connection, Request, SCREENING};
use crate::common::pinned::{Server, Subject};
use crate::common::rounds::{
    CPU, P50, P99, Plan, RATE, in_turns, load_of, print_head, print_rounds, print_row,
};
use crate::common::{Explain, Outcome};

/// As many as there can be.
const WORLDS: usize = 10_000;
/// A world holds 10,000, and has some from the start.
const RECORDS: usize = 9900;
/// Fewer than the journal holds.
const JOURNAL_PART: u64 = 900;

pub fn measure(plan: Plan) -> Outcome<()> {
    measure_worlds(plan)?;
    measure_journal(plan)?;
    measure_reading(plan)
}

fn measure_worlds(plan: Plan) -> Outcome<()> {
    eprintln!("worlds");
    let one = Server::start(&Subject::sandbox())?;
    let many = Server::start(&Subject::sandbox())?;
    let mut in_all = Request::screening_in_worlds(WORLDS);
    many.load(&mut in_all, Amount::requests(WORLDS as u64))?;
    let amount = Amount::during(plan.round_length);
    let sides = &mut [
        load_of(&one, Request::screening_in_worlds(1), amount),
        load_of(&many, in_all, amount),
    ];
    let rounds = in_turns(plan, sides)?;
    print_head(
        "medians",
        &["one world", &format!("{WORLDS} worlds in turns")],
    );
    print_rounds(&rounds, &[RATE, P99, CPU]);
    Ok(())
}

/// The world with few exchanges is reset again and again, outside of what is measured.
fn measure_journal(plan: Plan) -> Outcome<()> {
    eprintln!("journal");
    let empty = Server::start(&Subject::sandbox())?;
    let full = Server::start(&Subject::sandbox())?;
    full.load(
        &mut Request::screening(),
        Amount::requests(2 * RECORDS as u64),
    )?;
    let mut reset = Request::post("/__sandbox/reset", "");
    let mut rates = [vec![], vec![]];
    let mut latencies = [vec![], vec![]];
    for number in 0..plan.warm_up_rounds + plan.rounds {
        for (index, server) in [&empty, &full].into_iter().enumerate() {
            let (mut round_rates, mut round_latencies) = (vec![], vec![]);
            let started = Instant::now();
            while started.elapsed() < plan.round_length {
                if index == 0 {
                    Connection::exchange(server.port(), reset.next()).explain("cannot reset")?;
                }
                let amount = Amount::requests(JOURNAL_PART);
                let load = server.load(&mut Request::screening(), amount)?;
                round_rates.push(load.requests_per_second);
                round_latencies.extend(load.latencies);
            }
            if number >= plan.warm_up_rounds {
                round_latencies.sort_unstable();
                let p50 = round_latencies[round_latencies.len() / 2];
                latencies[index].push(p50.as_secs_f64() * 1e6);
                rates[index].push(round_rates.iter().sum::<f64>() / round_rates.len() as f64);
            }
        }
    }
    print_head(
        "medians",
        &[
            &format!("{JOURNAL_PART} exchanges at most"),
            "full journal, full records",
        ],
    );
    print_row(RATE.0, RATE.1, &rates);
    print_row(P50.0, P50.1, &latencies);
    Ok(())
}

fn measure_reading(plan: Plan) -> Outcome<()> {
    eprintln!("records");
    let server = Server::start(&Subject::sandbox())?;
    let mut request = Request::screening_of_new_users();
    let mut connection = Connection::open(server.port())?;
    let mut reads = Vec::new();
    for _ in 0..RECORDS {
        let (_, body) = connection.ask(request.next())?;
        let record: serde_json::Value =
            serde_json::from_slice(&body).explain("a record is no JSON")?;
        let id = record["id"].as_str().ok_or("a record has no id")?;
        let path = format!("GET {SCREENING}/{id}");
        reads.push(Request::new(&path, AUTHORIZATION, "", b""));
    }
    let amount = Amount::during(plan.round_length);
    let last = reads.last().expect("there are records").clone();
    let sides = &mut [
        load_of(&server, last, amount),
        load_of(&server, Request::in_turns(reads.into_iter()), amount),
    ];
    let rounds = in_turns(plan, sides)?;
    print_head(
        "medians",
        &[
            "one record, read again",
            &format!("{RECORDS} records, read in turns"),
        ],
    );
    print_rounds(&rounds, &[RATE, P99, CPU]);
    Ok(())
}
