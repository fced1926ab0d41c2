//! What breaks a reply: asked for by the request, by the outcome, or standing in the world, in this order.

use tokio::time::Instant;

use super::reply::{Breaking, Effect, Reply};
use crate::base::{Delay, Fault, Mix};
use crate::catalogue::{Breakage, Catalogue, Endpoint};
use crate::world::{State, Struck, World};

/// What one request asks for: `x-magic-reply: …; delay=3s; fault=truncate`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub delay: Option<Delay>,
    pub fault: Option<Fault>,
}

impl Asked {
    fn is_none(&self) -> bool {
        self.delay.is_none() && self.fault.is_none()
    }

    fn strike(&self, world: &World, state: &mut State, endpoint: &Endpoint) -> Struck {
        let delay = self.delay.map(|delay| {
            let mut mix = world.mix("delay that was asked for");
            mix.text(&endpoint.id);
            if !delay.is_fixed() {
                mix.text(&delay.to_string());
                count(state, &mut mix);
            }
            delay.draw(&mut mix.dice())
        });
        Struck {
            delay,
            fault: self.fault,
        }
    }
}

/// Makes the draws of a mix other ones each time.
pub(crate) fn count(state: &mut State, mix: &mut Mix) {
    let (epoch, times) = state.counters.count(half(mix));
    mix.number(epoch);
    mix.number(times.into());
}

pub(crate) fn half(mix: &Mix) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let half = mix.finish() as u64;
    half
}

/// Decides what happens to a product's reply, and does to it what can be done before it is written.
pub(crate) fn decide(
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    asked: &Asked,
    breakage: Option<&Breakage>,
    came: Instant,
    reply: &mut Reply,
) {
    if asked.is_none() && breakage.is_none() && !world.is_rigged() {
        return;
    }
    let mut state = world.state();
    let mut struck = asked.strike(world, &mut state, endpoint);
    if let Some(breakage) = breakage {
        struck = struck.or(breakage.strike(world, &mut state, endpoint));
    }
    // Counted also where it does not get a say: what it does to the next request must not depend on this.
    struck = struck.or(world.standing_faults(&mut state, endpoint, came));
    let breaking = Breaking {
        delay: struck.delay.unwrap_or_default(),
        fault: struck.fault,
    };
    if breaking.delay.is_zero() && breaking.fault.is_none() {
        return;
    }
    breaking.rewrite(catalogue, reply);
    if let Effect::Release(held) = &reply.effect {
        // A callback leaves when its reply has been written: it must not overtake one that is late.
        for seq in held {
            state.callbacks.put_off(*seq, breaking.lasts(reply));
        }
    }
    reply.breaking = Some(Box::new(breaking));
}
