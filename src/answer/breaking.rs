//! Faults and delays of a reply, in this order: from the request, from the outcome, from the world.

use super::arrived::Arrived;
use super::magic::AskedFaults;
use super::reply::{Breaking, FollowUp, Reply};
use super::seen::Seen;
use crate::base::{Fault, Probability};
use crate::catalogue::{Breakage, Endpoint};
use crate::world::{State, Struck, World};

/// Decides the delay and the fault of a product's reply. Makes those changes to the reply that come before it
/// is written.
pub(super) fn decide(arrived: &Arrived<'_>, seen: &Seen<'_>, reply: &mut Reply) {
    let (Some(endpoint), Some(world), false) = (seen.endpoint, &seen.world, seen.is_whole) else {
        return;
    };
    let (asked, breakage) = (&seen.asked, seen.breakage.as_deref());
    if asked.is_none() && breakage.is_none() && !world.has_setup() {
        return;
    }
    let mut state = world.state();
    let mut struck = strike_as_asked(asked, world, &mut state, endpoint);
    if let Some(breakage) = breakage {
        struck = struck.or(strike_by_outcome(breakage, world, &mut state, endpoint));
    }
    // The world's faults count every request, even when another fault comes first. Otherwise their effect on
    // the next request would depend on this one.
    struck = struck.or(world.standing_faults(&mut state, endpoint, arrived.call.came));
    let breaking = Breaking {
        delay: struck.delay.unwrap_or_default(),
        fault: struck.fault,
    };
    if breaking.delay.is_zero() && breaking.fault.is_none() {
        return;
    }
    breaking.rewrite(arrived.catalogue, reply);
    if let FollowUp::Release(held) = &reply.effect {
        // A callback leaves when its reply has been written, so it must not overtake a late reply.
        for seq in held {
            state.callbacks.put_off(*seq, breaking.lasts(reply));
        }
    }
    reply.breaking = Some(Box::new(breaking));
}

/// The delay and the fault that the request asks for.
fn strike_as_asked(
    asked: &AskedFaults,
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
) -> Struck {
    let delay = asked.delay.map(|delay| {
        let mut mix = world.mix("delay that was asked for");
        mix.text(&endpoint.id);
        if !delay.is_fixed() {
            mix.text(&delay.to_string());
            state.counters.count_into(&mut mix);
        }
        delay.draw(&mut mix.dice())
    });
    Struck {
        delay,
        fault: asked.fault,
    }
}

/// The delay and the fault of the outcome, as its dice fall.
fn strike_by_outcome(
    breakage: &Breakage,
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
) -> Struck {
    let mut mix = world.mix("fault of an outcome");
    mix.text(&endpoint.id);
    mix.text(&breakage.outcome);
    let may_differ = |fault: &(Fault, Probability)| fault.1 != Probability::ALWAYS;
    if breakage.fault.as_ref().is_some_and(may_differ)
        || breakage.delay.is_some_and(|delay| !delay.is_fixed())
    {
        state.counters.count_into(&mut mix);
    }
    let mut dice = mix.dice();
    let fault = breakage.fault.filter(|fault| fault.1.strikes(&mut dice));
    Struck {
        fault: fault.map(|(fault, _)| fault),
        delay: breakage.delay.map(|delay| delay.draw(&mut dice)),
    }
}

/// The hash under which the rate limit of an outcome counts its calls.
pub(super) fn window_of(breakage: &Breakage, world: &World, endpoint: &Endpoint) -> u64 {
    let mut mix = world.mix("rate limit");
    mix.text(&endpoint.id);
    mix.text(&breakage.outcome);
    mix.half()
}
