//! What breaks a reply: asked for by the request, by the outcome, or standing in the world, in this order.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::base::{BROKEN_MAX, Delay, Fault, Mix, duration_text, no_json};
use crate::catalogue::{Answer, Breakage, Catalogue, Endpoint};
use crate::http::{DELAY_HEADER, Effect, ErrorCode, FAULT_HEADER, Reply, error_envelope};
use crate::world::{State, World};

/// What one request asks for: `x-magic-reply: …; delay=3s; fault=truncate`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub delay: Option<Delay>,
    pub fault: Option<Fault>,
}

/// What happens to one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Breaking {
    pub delay: Duration,
    pub fault: Option<Fault>,
}

/// A delay and a fault as far as something has decided them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Struck {
    pub delay: Option<Duration>,
    pub fault: Option<Fault>,
}

impl Struck {
    /// What is not decided yet is decided by the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            delay: self.delay.or(other.delay),
            fault: self.fault.or(other.fault),
        }
    }
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

impl Breaking {
    fn rewrite(&self, catalogue: &Catalogue, reply: &mut Reply) {
        match self.fault {
            Some(Fault::Malformed) => reply.body = no_json(&reply.body),
            Some(Fault::Status(status)) => {
                let errors = &catalogue.shared_errors;
                let known = errors.values().find(|error| error.status == status);
                let error = match known {
                    Some(error) => error,
                    None => catalogue.error(ErrorCode::Server),
                };
                if let Answer::Error { code, message } = &error.answer {
                    reply.status = status;
                    reply.headers.clone_from(&error.headers);
                    reply.body = error_envelope(code, message, &[]);
                }
            }
            _ => {}
        }
    }

    /// How long after its time the reply will have been written.
    fn lasts(&self, reply: &Reply) -> Duration {
        match self.fault {
            Some(Fault::Slow(rate)) => {
                let bytes = u32::try_from(reply.body.len()).unwrap_or(u32::MAX);
                let dribbles = Duration::from_secs(bytes.into()) / rate.get();
                self.delay + dribbles.min(BROKEN_MAX)
            }
            _ => self.delay,
        }
    }

    pub(crate) fn delay_ms(&self) -> Option<u64> {
        let ms = u64::try_from(self.delay.as_millis()).ok();
        ms.filter(|ms| *ms > 0)
    }

    pub(crate) fn shown_fault(&self) -> Option<Box<str>> {
        self.fault.map(|fault| fault.to_string().into())
    }

    /// What a reply says of it, as far as a reply is sent.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let text = |text: String| HeaderValue::try_from(text).expect("visible ASCII");
        let fault = self
            .fault
            .map(|fault| (FAULT_HEADER, text(fault.to_string())));
        let delay =
            (!self.delay.is_zero()).then(|| (DELAY_HEADER, text(duration_text(self.delay))));
        fault.into_iter().chain(delay)
    }
}
