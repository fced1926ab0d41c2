//! Advances a world's clock and sends what falls due on the way.

use std::sync::Arc;
use std::time::Duration;

use super::courier::Courier;
use super::run::attempt_unless_stopped;
use crate::base::Stamp;
use crate::world::World;

/// How far a world's clock is moved on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Advance {
    By(Duration),
    To(Stamp),
}

impl Courier {
    /// Moves the world's clock on, through everything that falls due on the way, and waits for the
    /// receivers' answers. Returns the deliveries that were tried. To be spawned: it must not be dropped
    /// while it waits.
    pub(crate) async fn advance(self: Arc<Self>, world: Arc<World>, to: Advance) -> Vec<u64> {
        let _one_at_a_time = world.advancing.lock().await;
        let mut changes = world.changes();
        self.panics.reached("advance");
        world.state().callbacks.advancing = true;
        // Set back whatever happens, also when the client goes away in the midst of it.
        let _guard = Advancing {
            courier: &self,
            world: &world,
        };
        loop {
            changes.mark_unchanged();
            if world.state().callbacks.in_flight == 0 {
                break;
            }
            changes.changed().await.ok();
        }
        let until = {
            let mut state = world.state();
            state.callbacks.release_held_in_time();
            let by = match to {
                Advance::By(by) => by,
                // Another advance may have come first, and further: then there is nothing to do.
                Advance::To(instant) => instant.since(world.now(&state)).unwrap_or_default(),
            };
            state.callbacks.advanced + by
        };
        let mut tried = Vec::new();
        loop {
            let (next, resets) = {
                let mut state = world.state();
                let callbacks = &mut state.callbacks;
                let next = callbacks.queue.take_by_clock(until);
                callbacks.advanced = next.map_or(until, |(clock, _)| callbacks.advanced.max(clock));
                callbacks.in_flight += usize::from(next.is_some());
                (next, world.resets()) // from before the lock is given back
            };
            let Some((_, seq)) = next else {
                return tried;
            };
            if !tried.contains(&seq) {
                tried.push(seq);
            }
            attempt_unless_stopped(self.clone(), world.clone(), seq, resets).await;
        }
    }
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
