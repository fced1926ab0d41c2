//! The sandbox against itself: two threads against one, many worlds against one.

use crate::common::Outcome;
use crate::common::load::{Amount, Request};
use crate::common::pinned::{GENERATOR_CORE, SERVER_CORE, Server, Subject};
use crate::common::rounds::{
    CPU, P50, P99, Plan, RATE, in_turns, load_of, print_head, print_rounds,
};

const WORLDS: usize = 200;

pub fn measure(plan: Plan) -> Outcome<()> {
    let amount = Amount::during(plan.round_length);
    eprintln!(
        "threads: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let one = Server::start(&Subject::sandbox())?;
    // On two cores, the second thread shares its core with the load generator. CPU per request does not depend on that.
    let two = Server::start_on(&[SERVER_CORE, GENERATOR_CORE], &Subject::sandbox())?;
    let side = |server| load_of(server, Request::screening(), amount);
    let rounds = in_turns(plan, &mut [side(&one), side(&two)])?;
    print_head("medians", &["one thread", "two threads"]);
    print_rounds(&rounds, &[CPU]);

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
