//! Runs the sandbox and its peers in turns, and prints the table.

use crate::common::load::{Amount, CONNECTIONS, Connection, Request};
use crate::common::pinned::{GENERATOR_CORE, SERVER_CORE, Server, Subject};
use crate::common::process::machine;
use crate::common::rounds::{Plan, Round, in_turns, load_of, median, plan, ratio};
use crate::common::{Explain, Outcome};
use crate::subjects::{Folder, Peer, Skipped};

/// Compilers that work while a program runs need some time.
const WARM_UP_ROUNDS: usize = 3;

/// Prints the table, and the peers that are not in it.
pub fn measure(arguments: &[String]) -> Outcome<()> {
    let mut plan = plan(arguments)?;
    plan.warm_up_rounds = WARM_UP_ROUNDS.min(plan.rounds);
    let sandbox = Server::start(&Subject::sandbox())?;
    let mut request = Request::screening();
    let (head, body) = Connection::exchange(sandbox.port(), request.next())
        .explain("cannot try the request on the sandbox")?;
    let text = String::from_utf8(body.clone()).explain("the reply is no text")?;

    let mut names = vec![format!("iluma-sandbox {}", env!("CARGO_PKG_VERSION"))];
    let mut servers = vec![sandbox];
    let mut skipped = vec![Skipped {
        name: "stripe-mock",
        reason: "it answers only as Stripe, and cannot be given a stub".into(),
    }];
    for peer in Folder::new(text, request.next().to_vec()).peers()? {
        match peer.and_then(|peer| start(&peer, request.next(), &body)) {
            Ok((name, server)) => {
                names.push(name);
                servers.push(server);
            }
            Err(peer) => skipped.push(peer),
        }
    }
    eprintln!(
        "{} rounds of {:?} each: {}",
        plan.rounds,
        plan.round_length,
        names.join(", ")
    );
    let amount = Amount::during(plan.round_length);
    let mut sides: Vec<_> = servers
        .iter()
        .map(|server| load_of(server, Request::screening(), amount))
        .collect();
    let rounds = in_turns(plan, &mut sides)?;

    print_machine(plan, head.len(), body.len());
    print_table(&names, &rounds);
    println!("\nSkipped:");
    for Skipped { name, reason } in skipped {
        println!("- {name}: {reason}");
    }
    Ok(())
}

/// Starts a peer, and compares its reply with the sandbox's.
fn start(peer: &Peer, request: &[u8], body: &[u8]) -> Result<(String, Server), Skipped> {
    let name = peer.name;
    let skip = |reason| Skipped { name, reason };
    eprintln!("starting {name} {}", peer.version);
    let server = Server::start(&peer.subject).map_err(skip)?;
    let (head, answer) = Connection::exchange(server.port(), request).map_err(skip)?;
    let is_json = head
        .to_ascii_lowercase()
        .contains("\r\ncontent-type: application/json");
    if !is_json || answer != body {
        let answer = String::from_utf8_lossy(&answer);
        return Err(skip(format!("its reply is another: {head}{answer}")));
    }
    Ok((format!("{name} {}", peer.version), server))
}

fn print_machine(plan: Plan, head_length: usize, body_length: usize) {
    println!(
        "{}; server on core {SERVER_CORE}, load generator on core {GENERATOR_CORE}; {CONNECTIONS} connections; \
         {} rounds of {:?} after {} for warming up; replies of {body_length} bytes (the sandbox's head: {head_length}). \
         Ratios: sandbox / peer (min to max).\n",
        machine(),
        plan.rounds,
        plan.round_length,
        plan.warm_up_rounds,
    );
}

fn print_table(names: &[String], rounds: &[Vec<Round>]) {
    println!(
        "| medians | requests per second | ratio | CPU per request, µs | ratio | latency p99, µs | ratio |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (name, peer) in names.iter().zip(rounds) {
        let cell = |decimals: usize, figure: fn(&Round) -> f64| {
            let of = |rounds: &[Round]| rounds.iter().map(figure).collect::<Vec<_>>();
            let middle = median(peer.iter().map(figure));
            format!(
                "{middle:.decimals$} | {}",
                ratio(&of(&rounds[0]), &of(peer))
            )
        };
        let rate = cell(0, |round| round.requests_per_second);
        let cpu = cell(2, |round| round.cpu);
        let p99 = cell(0, |round| round.p99);
        println!("| {name} | {rate} | {cpu} | {p99} |");
    }
}
