//! Makes room when the worlds hold too much.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use foldhash::HashMap;

use super::digest::WorldDigest;
use super::last_uses::Droppable;
use super::outbox::PENDING_MAX;
use super::read_world::ReadWorld;
use super::world::World;
use super::worlds::Worlds;
use crate::base::{
    ApiKey, lock, milliseconds, read_lock, size_in_words, time_in_words, write_lock,
};
use crate::http::ApiError;

/// A world without a request for this long may be dropped when memory is needed. Before that, the worlds that hold
/// the most drop their oldest data.
const IDLE_TIME: Duration = Duration::from_mins(10);

/// When worlds drop their oldest data, at most one part in this many of the memory of all worlds becomes free.
const ROOM_PART: usize = 32;

/// Room for each world that becomes free with it. The more worlds there are, the longer it takes to find the largest; and
/// requests wait while room is made, so a few worlds make little of it.
const ROOM_BYTES_OF_WORLD: usize = 1 << 10;

impl Worlds {
    /// Drops idle worlds. If that is not enough, the worlds that hold the most drop their oldest data.
    pub(super) fn make_room(&self, now_ms: u64, key: &ApiKey) -> Result<(), ApiError> {
        let _one_at_a_time = lock(&self.making_room);
        let digest = WorldDigest::new(self.seed, key);
        while self.is_full() && self.drop_resting(Some(digest)) {}
        {
            let mut worlds = write_lock(&self.by_key);
            let droppable = Droppable {
                asker: key,
                now_ms,
                idle_ms: milliseconds(IDLE_TIME),
            };
            while self.is_full() && self.drop_idlest(&mut worlds, droppable) {}
        }
        if self.is_full() {
            self.halve_largest();
        }
        if self.is_full() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::sandbox_full(format!(
                "All worlds together hold more than {} which is still needed, and none has been idle for {}.",
                size_in_words(self.memory.worlds()),
                time_in_words(IDLE_TIME)
            )));
        }
        Ok(())
    }

    /// The worlds that hold the most drop their oldest data, until there is room for many requests. With thousands of worlds
    /// this takes as long as a hundred requests, with a few worlds as long as some.
    fn halve_largest(&self) {
        let mut worlds = self.all();
        let bytes = |world: &ReadWorld| world.bytes.load(Ordering::Relaxed);
        worlds.sort_by_cached_key(|world| std::cmp::Reverse(bytes(world)));
        // A world with no more than its share keeps it, even when the others cannot drop theirs.
        let share = self.memory.worlds() / worlds.len().max(1);
        let room = (worlds.len() * ROOM_BYTES_OF_WORLD).min(self.memory.worlds() / ROOM_PART);
        let enough = self.memory.worlds() - room;
        for world in worlds.iter().take_while(|world| bytes(world) > share) {
            if !self.is_full_above(enough) {
                return;
            }
            world.halve();
        }
    }

    /// While too many callbacks are pending, the world that has most of them drops its newest. Call it after requests
    /// that may have caused callbacks.
    pub(crate) fn drop_callbacks_beyond_limit(&self) {
        let is_over = || self.pending.load(Ordering::Relaxed) > PENDING_MAX;
        if !is_over() {
            return;
        }
        let _one_at_a_time = lock(&self.making_room);
        while is_over() {
            let fullest = {
                let worlds = read_lock(&self.by_key);
                let pending = |world: &&Arc<World>| world.pending.load(Ordering::Relaxed);
                worlds.values().max_by_key(pending).cloned()
            };
            let Some(world) = fullest.filter(|world| world.state().callbacks.drop_newest()) else {
                return; // all are being sent
            };
            world.changed();
            let dropped = self.callbacks_dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                tracing::warn!(
                    "{dropped} callbacks were dropped so far, because {PENDING_MAX} are pending; world {} has most of them",
                    world.tag
                );
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full_above(self.memory.worlds())
    }

    fn is_full_above(&self, bytes: usize) -> bool {
        self.bytes.load(Ordering::Relaxed) > bytes
    }

    /// Drops the resting world that was not used for the longest time. False if there is none. `spared` is never
    /// dropped.
    pub(crate) fn drop_resting(&self, spared: Option<WorldDigest>) -> bool {
        let Some((digest, world)) = lock(&self.resting).take_oldest(spared) else {
            return false;
        };
        self.bytes.fetch_sub(world.bytes, Ordering::Relaxed);
        lock(&self.dropped).add(digest);
        true
    }

    /// Drops the world that has been idle longest and has nothing pending. False if there is none.
    pub(super) fn drop_idlest(
        &self,
        worlds: &mut HashMap<ApiKey, Arc<World>>,
        droppable: Droppable<'_>,
    ) -> bool {
        let idlest = lock(&self.last_uses).take_idlest(worlds, droppable);
        let Some(world) = idlest.and_then(|key| worlds.remove(&key)) else {
            return false;
        };
        // From here on `totals` no longer sees this world, but somebody may still read it.
        lock(&self.totals).take(&mut world.state());
        lock(&self.dropped).add(world.digest);
        true
    }
}
