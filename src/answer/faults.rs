//! Faults and delays of a reply, in this order: from the request, from the outcome, from the world.

use super::arrived::Arrived;
use super::magic::AskedFaults;
use super::reply::{FollowUp, Reply, ReplyFaults};
use super::seen::Seen;
use crate::base::{Fault, Probability};
use crate::catalogue::{Endpoint, OutcomeFaults};
use crate::world::{DrawnFaults, State, World};

/// Decides the delay and the fault of a product's reply. Makes those changes to the reply that come before it
/// is written.
pub(super) fn decide(arrived: &Arrived<'_>, seen: &Seen<'_>, reply: &mut Reply) {
    let (Some(endpoint), Some(world), false) = (seen.endpoint, &seen.world, seen.is_whole) else {
        return;
    };
    let (asked, outcome_faults) = (&seen.asked, seen.outcome_faults.as_deref());
    if asked.is_none() && outcome_faults.is_none() && !world.has_setup() {
        return;
    }
    let mut state = world.state();
    let mut struck = strike_as_asked(asked, world, &mut state, endpoint);
    if let Some(outcome_faults) = outcome_faults {
        struck = struck.or(strike_by_outcome(
            outcome_faults,
            world,
            &mut state,
            endpoint,
        ));
    }
    // The world's faults count every request, even when another fault comes first. Otherwise their effect on
    // the next request would depend on this one.
    struck = struck.or(world.standing_faults(&mut state, endpoint, arrived.call.received_at));
    let reply_faults = ReplyFaults {
        delay: struck.delay.unwrap_or_default(),
        fault: struck.fault,
    };
    if reply_faults.delay.is_zero() && reply_faults.fault.is_none() {
        return;
    }
    reply_faults.rewrite(arrived.catalogue, reply);
    match &reply.effect {
        // A callback leaves when its reply has been written, so it must not overtake a late reply.
        FollowUp::Release(held) => {
            for seq in held {
                state.callbacks.put_off(*seq, reply_faults.lasts(reply));
            }
        }
        FollowUp::None | FollowUp::AfterCallback(_) | FollowUp::Register(_) => {}
    }
    reply.faults = Some(Box::new(reply_faults));
}

/// The delay and the fault that the request asks for.
fn strike_as_asked(
    asked: &AskedFaults,
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
) -> DrawnFaults {
    let delay = asked.delay.map(|delay| {
        let mut mix = world.mix("delay that was asked for");
        mix.text(&endpoint.id);
        if !delay.is_fixed() {
            mix.text(&delay.to_string());
            state.counters.count_into(&mut mix);
        }
        delay.draw(&mut mix.dice())
    });
    DrawnFaults {
        delay,
        fault: asked.fault,
    }
}

/// The delay and the fault of the outcome, as its dice fall.
fn strike_by_outcome(
    outcome_faults: &OutcomeFaults,
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
) -> DrawnFaults {
    let mut mix = world.mix("fault of an outcome");
    mix.text(&endpoint.id);
    mix.text(&outcome_faults.outcome);
    let may_differ = |fault: &(Fault, Probability)| fault.1 != Probability::ALWAYS;
    if outcome_faults.fault.as_ref().is_some_and(may_differ)
        || outcome_faults.delay.is_some_and(|delay| !delay.is_fixed())
    {
        state.counters.count_into(&mut mix);
    }
    let mut dice = mix.dice();
    let fault = outcome_faults
        .fault
        .filter(|fault| fault.1.strikes(&mut dice));
    DrawnFaults {
        fault: fault.map(|(fault, _)| fault),
        delay: outcome_faults.delay.map(|delay| delay.draw(&mut dice)),
    }
}

/// The hash under which the rate limit of an outcome counts its calls.
pub(super) fn window_of(outcome_faults: &OutcomeFaults, world: &World, endpoint: &Endpoint) -> u64 {
    let mut mix = world.mix("rate limit");
    mix.text(&endpoint.id);
    mix.text(&outcome_faults.outcome);
    mix.half()
}
