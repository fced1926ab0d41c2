//! Advances a world's clock, and sends the deliveries that become due.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::courier::Courier;
use super::run::attempt_unless_stopped;
use crate::base::{self, Stamp};
use crate::world::{ControlCall, World};

/// How far a world's clock is advanced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Advance {
    By(Duration),
    To(Stamp),
}

impl Courier {
    /// Advances the world's clock past everything that becomes due, and waits for the receivers' answers.
    /// Returns the deliveries that were attempted. Spawn it: it must not be dropped while it waits.
    ///
    /// When `stop` turns true it ends where it is. An attempt that is running goes on without it.
    pub(crate) async fn advance(
        self: Arc<Self>,
        world: Arc<World>,
        to: Advance,
        mut stop: watch::Receiver<bool>,
    ) -> Vec<u64> {
        let _one_at_a_time = world.advancing.lock().await;
        let mut changes = world.changes();
        self.panics.reached("advance");
        world.state().callbacks.advancing = true;
        // Reset in every case, even when the client goes away in the meantime.
        let _guard = Advancing {
            courier: &self,
            world: &world,
        };
        loop {
            changes.mark_unchanged();
            if world.state().callbacks.in_flight == 0 {
                break;
            }
            tokio::select! {
                _ = changes.changed() => {}
                _ = stop.wait_for(|stop| *stop) => return Vec::new(),
            }
        }
        let until = {
            let mut state = world.state();
            state.callbacks.release_held_in_time();
            let by = match to {
                Advance::By(by) => by,
                // Another advance may have come first and gone further. Then nothing is left to do.
                Advance::To(instant) => instant.since(world.now(&state)).unwrap_or_default(),
            };
            state.callbacks.advanced + by
        };
        let mut tried = Vec::new();
        loop {
            let (leaving, resets) = {
                let _order = world.commit(Instant::now());
                let mut state = world.state();
                let callbacks = &mut state.callbacks;
                let next = callbacks.queue.take_by_clock(until);
                callbacks.advanced = next.map_or(until, |(clock, _)| callbacks.advanced.max(clock));
                let leaving = next.map(|(_, seq)| self.leave(callbacks, seq));
                (leaving, world.resets()) // taken before the lock is released
            };
            let Some(leaving) = leaving else {
                note(&world, to);
                return tried;
            };
            if !tried.contains(&leaving.seq) {
                tried.push(leaving.seq);
            }
            let attempt = attempt_unless_stopped(self.clone(), world.clone(), leaving, resets);
            let attempt = tokio::spawn(attempt);
            tokio::select! {
                attempted = attempt => base::pass_panic_on(attempted),
                _ = stop.wait_for(|stop| *stop) => return tried,
            };
        }
    }
}

/// Notes an advance that has come to its end.
fn note(world: &World, to: Advance) {
    let call = match to {
        Advance::By(by) => ControlCall::new("POST", "clock/advance")
            .with_body(&json!({"by": format!("{}ms", by.as_millis())})),
        Advance::To(instant) => {
            ControlCall::new("POST", "clock").with_body(&json!({"now": instant.to_string()}))
        }
    };
    let order = world.commit(Instant::now());
    world.note_call(&mut world.state(), order.commit, call);
}

struct Advancing<'a> {
    courier: &'a Arc<Courier>,
    world: &'a Arc<World>,
}

impl Drop for Advancing<'_> {
    fn drop(&mut self) {
        let mut state = self.world.state();
        state.callbacks.advancing = false;
        self.courier.wake(self.world, &mut state);
        drop(state);
        self.world.changed();
    }
}
