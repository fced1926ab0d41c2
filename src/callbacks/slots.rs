//! Slots that worlds and receivers share fairly.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use foldhash::{HashMap, fast::RandomState};
use indexmap::IndexMap;
use tokio::sync::oneshot;

use crate::base::{Origin, lock};
use crate::world::WorldDigest;

/// A fixed number of slots. A world takes another one only while more are free than it holds, and a receiver only while
/// more are free than twice as many as it holds. So a world has half of them at most and a receiver a third, and none can
/// take them all from the others.
#[derive(Debug)]
pub(super) struct Slots(Arc<Mutex<Usage>>);

/// A slot. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    usage: Arc<Mutex<Usage>>,
    holder: Holder,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Holder {
    world: WorldDigest,
    receiver: Origin,
}

#[derive(Debug)]
struct Usage {
    free: usize,
    by_world: HashMap<WorldDigest, usize>,
    by_receiver: HashMap<Origin, usize>,
    /// The sends that wait, first come first. None of them may have a slot at present.
    waiting: IndexMap<Holder, VecDeque<oneshot::Sender<Slot>>, RandomState>,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Usage {
            free: count,
            by_world: HashMap::default(),
            by_receiver: HashMap::default(),
            waiting: IndexMap::default(),
        })))
    }

    /// Waits for a slot.
    pub(super) async fn take(&self, world: WorldDigest, receiver: Origin) -> Slot {
        let holder = Holder { world, receiver };
        let granted = {
            let mut usage = lock(&self.0);
            if usage.admits(&holder) {
                usage.count_in(&holder);
                return Slot {
                    usage: self.0.clone(),
                    holder,
                };
            }
            let (grant, granted) = oneshot::channel();
            usage.waiting.entry(holder).or_default().push_back(grant);
            granted
        };
        granted
            .await
            .expect("nobody drops the sender before it has sent a slot")
    }
}

impl Usage {
    fn admits(&self, holder: &Holder) -> bool {
        let of_world = self.by_world.get(&holder.world).copied();
        let of_receiver = self.by_receiver.get(&holder.receiver).copied();
        of_world.unwrap_or(0) < self.free && 2 * of_receiver.unwrap_or(0) < self.free
    }

    fn count_in(&mut self, holder: &Holder) {
        self.free -= 1;
        *self.by_world.entry(holder.world).or_default() += 1;
        *self.by_receiver.entry(holder.receiver.clone()).or_default() += 1;
    }

    fn count_out(&mut self, holder: &Holder) {
        self.free += 1;
        count_down(&mut self.by_world, &holder.world);
        count_down(&mut self.by_receiver, &holder.receiver);
    }

    /// Takes out the sends that may have a slot now. The holders take turns.
    fn grants(&mut self) -> Vec<(Holder, oneshot::Sender<Slot>)> {
        let mut grants = Vec::new();
        let mut at = 0;
        while let Some((holder, _)) = self.waiting.get_index(at).filter(|_| self.free > 0) {
            let holder = holder.clone();
            if !self.admits(&holder) {
                at += 1;
                continue;
            }
            let next = self.waiting[at].pop_front();
            if self.waiting[at].is_empty() {
                self.waiting.shift_remove_index(at);
            } else {
                self.waiting.move_index(at, self.waiting.len() - 1);
            }
            // The others were called back while they waited.
            if let Some(grant) = next.filter(|grant| !grant.is_closed()) {
                self.count_in(&holder);
                grants.push((holder, grant));
            }
        }
        grants
    }
}

fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let grants = {
            let mut usage = lock(&self.usage);
            usage.count_out(&self.holder);
            usage.grants()
        };
        for (holder, grant) in grants {
            let usage = self.usage.clone();
            // A slot that nobody takes any more comes back, and is dropped here.
            grant.send(Slot { usage, holder }).ok();
        }
    }
}
