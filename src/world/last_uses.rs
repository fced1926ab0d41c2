//! The worlds in the order of their last use, to find the one that has been idle longest without a scan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use foldhash::HashMap;

use super::world::World;
use crate::base::ApiKey;

/// A world that had something pending is not looked at again for this long. So many such worlds cost little,
/// however many requests need room.
const LOOK_AGAIN_MS: u64 = 10;

/// When a world was used last, as far as is known here, and the number of the world. In this order, worlds are
/// dropped.
type Place = (u64, u64);

/// Every use of a world updates only the world itself. A place is corrected when it is the first.
#[derive(Debug, Default)]
pub(super) struct LastUses {
    by_place: BTreeMap<Place, ApiKey>,
    /// Worlds that would have been dropped, but had something pending.
    pending: Vec<(Place, ApiKey)>,
    looks_again_ms: u64,
    numbers: u64,
}

/// Which world may be dropped.
#[derive(Clone, Copy)]
pub(super) struct Droppable<'a> {
    /// This one never: its owner asks.
    pub(super) asker: &'a ApiKey,
    pub(super) now_ms: u64,
    /// Only worlds without a use for this long.
    pub(super) idle_ms: u64,
}

impl LastUses {
    /// Adds a new world. Returns its number.
    pub(super) fn add(
        &mut self,
        key: &ApiKey,
        now_ms: u64,
        worlds: &HashMap<ApiKey, Arc<World>>,
    ) -> u64 {
        if self.by_place.len() + self.pending.len() > 2 * worlds.len() + 1000 {
            let is_current = |place: &Place, key: &ApiKey| {
                worlds.get(key).is_some_and(|one| one.number == place.1)
            };
            self.by_place.retain(|place, key| is_current(place, key));
            self.pending.retain(|(place, key)| is_current(place, key));
        }
        self.numbers += 1;
        self.by_place.insert((now_ms, self.numbers), key.clone());
        self.numbers
    }

    /// Takes out the key of the world that has been idle longest and has nothing pending.
    pub(super) fn take_idlest(
        &mut self,
        worlds: &HashMap<ApiKey, Arc<World>>,
        droppable: Droppable<'_>,
    ) -> Option<ApiKey> {
        if droppable.now_ms >= self.looks_again_ms {
            self.by_place.extend(self.pending.drain(..));
            self.looks_again_ms = droppable.now_ms + LOOK_AGAIN_MS;
        }
        while let Some(((used_ms, number), key)) = self.by_place.pop_first() {
            let Some(world) = worlds.get(&key).filter(|one| one.number == number) else {
                continue; // it has ended
            };
            let last_used_ms = world.last_used_ms.load(Ordering::Relaxed);
            if last_used_ms > used_ms {
                self.by_place.insert((last_used_ms, number), key);
                continue;
            }
            if droppable.now_ms.saturating_sub(used_ms) < droppable.idle_ms {
                self.by_place.insert((used_ms, number), key);
                return None;
            }
            if key == *droppable.asker || has_pending(world) {
                self.pending.push(((used_ms, number), key));
                continue;
            }
            return Some(key);
        }
        None
    }
}

/// Whether something goes on in a world: a request that is being answered or waits, a callback that is being sent
/// or will be sent. Records, queued outcomes and faults wait for requests, so they do not count.
///
/// The caller must hold the lock of all worlds, so that nobody enters this one meanwhile.
fn has_pending(world: &Arc<World>) -> bool {
    let readers = world.readers.load(Ordering::Acquire);
    Arc::strong_count(world) > 1 + readers || world.state().callbacks.pending() > 0
}
