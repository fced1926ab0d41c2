//! Remembers the worlds that were dropped to make room, so that their owners can be told.

use std::collections::VecDeque;

use foldhash::HashMap;

use super::digest::WorldDigest;

/// How many dropped worlds are remembered. The oldest are forgotten first.
const DROPPED_MAX: usize = 10_000;

/// The digests of dropped worlds. Their keys are not kept.
#[derive(Debug, Default)]
pub(super) struct DroppedWorlds {
    /// The number of the latest drop, by digest.
    by_digest: HashMap<u128, u64>,
    oldest_first: VecDeque<(u128, u64)>,
    pub(super) count: u64,
}

impl DroppedWorlds {
    pub(super) fn add(&mut self, WorldDigest(digest): WorldDigest) {
        self.count += 1;
        self.by_digest.insert(digest, self.count);
        self.oldest_first.push_back((digest, self.count));
        if self.oldest_first.len() > DROPPED_MAX
            && let Some((oldest, number)) = self.oldest_first.pop_front()
            && self.by_digest.get(&oldest) == Some(&number)
        {
            self.by_digest.remove(&oldest);
        }
    }

    /// Whether the world was dropped and its owner does not know yet. The next call says no.
    pub(super) fn take(&mut self, WorldDigest(digest): WorldDigest) -> bool {
        self.by_digest.remove(&digest).is_some()
    }
}
