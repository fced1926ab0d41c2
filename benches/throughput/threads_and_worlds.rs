//! The sandbox against itself: two threads against one, many worlds against one.

use crate::against_bare::BareServers;
use crate::common::Outcome;
use crate::common::load::{Amount, Request};
use crate::common::pinned::{GENERATOR_CORE, SERVER_CORE, Server, Subject};
use crate::common::rounds::{
    CPU, P50, P99, Plan, RATE, in_turns, load_of, print_head, print_rounds,
};

const WORLDS: usize = 200;

pub fn measure(plan: Plan, bare_servers: &BareServers) -> Outcome<()> {
    let amount = Amount::during(plan.round_length);
    eprintln!(
        "threads: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let (sandbox, bare) = (&Subject::sandbox(), &bare_servers.least);
    // On two cores, the second thread shares its core with the load generator. The bare server shows what that costs.
    let both = [SERVER_CORE, GENERATOR_CORE];
    let one = Server::start(sandbox)?;
    let two = Server::start_on(&both, sandbox)?;
    let (bare_one, bare_two) = (Server::start(bare)?, Server::start_on(&both, bare)?);
    let side = |server| load_of(server, Request::screening(), amount);
    let sides = &mut [side(&one), side(&two), side(&bare_one), side(&bare_two)];
    let rounds = in_turns(plan, sides)?;
    let (of_sandbox, of_bare) = rounds.split_at(2);
    print_head("medians", &["one thread", "two threads"]);
    print_rounds(of_sandbox, &[CPU]);
    print_head("the bare server", &["one thread", "two threads"]);
    print_rounds(of_bare, &[CPU]);

    eprintln!(
        "worlds: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let rounds = in_turns(
        plan,
        &mut [
            load_of(&one, Request::screening_in_worlds(1), amount),
            load_of(&one, Request::screening_in_worlds(WORLDS), amount),
        ],
    )?;
    print_head(
        "medians",
        &["one world", &format!("{WORLDS} worlds in turns")],
    );
    print_rounds(&rounds, &[RATE, P50, P99, CPU]);
    Ok(())
}
