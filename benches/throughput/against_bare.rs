//! The sandbox against two bare servers: one that sends only what it must, one that sends the sandbox's headers.

use crate::common::Explain;
use crate::common::Outcome;
use crate::common::load::{Amount, CONNECTIONS, Connection, Request};
use crate::common::pinned::{GENERATOR_CORE, SERVER_CORE, Server, Subject};
use crate::common::process::machine;
use crate::common::rounds::{
    CPU, GENERATOR_BUSY, P50, P99, Plan, RATE, SERVER_BUSY, in_turns, load_of, print_head,
    print_rounds,
};

pub struct BareServers {
    /// Status, content-type, content-length and date.
    pub least: Subject,
    /// The sandbox's headers.
    pub same: Subject,
}

/// Prints the table. Returns the bare servers.
pub fn measure(plan: Plan) -> Outcome<BareServers> {
    eprintln!(
        "against bare servers: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let sandbox = Server::start(&Subject::sandbox())?;
    let (head, body) = Connection::exchange(sandbox.port(), Request::screening().next())
        .explain("cannot try the request on the sandbox")?;
    let bare_servers = BareServers::like(&head, body.len())?;
    let least = Server::start(&bare_servers.least)?;
    let same = Server::start(&bare_servers.same)?;
    let amount = Amount::during(plan.round_length);
    let side = |server| load_of(server, Request::screening(), amount);
    let rounds = in_turns(plan, &mut [side(&least), side(&same), side(&sandbox)])?;

    println!(
        "{}; server on core {SERVER_CORE}, load generator on core {GENERATOR_CORE}; {CONNECTIONS} connections; \
         {} rounds of {:?}; replies of {} + {} bytes",
        machine(),
        plan.rounds,
        plan.round_length,
        head.len(),
        body.len(),
    );
    print_head("medians", &["bare", "bare, same headers", "sandbox"]);
    let rows = [RATE, P50, P99, CPU, SERVER_BUSY, GENERATOR_BUSY];
    print_rounds(&rounds, &rows);
    Ok(bare_servers)
}

impl BareServers {
    /// Bare servers whose replies are like one with this head and so many bytes.
    fn like(head: &str, body_length: usize) -> Outcome<Self> {
        let headers = || head.trim_end().split("\r\n").skip(1);
        let is_needed = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            ["content-type", "content-length", "date"].contains(&name)
        };
        let dated = ["date: now"]; // a server must send one, if the sandbox does or not
        Ok(Self {
            least: Subject::bare(headers().filter(is_needed).chain(dated), body_length)?,
            same: Subject::bare(headers(), body_length)?,
        })
    }
}
