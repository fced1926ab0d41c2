//! Worlds of a state file whose keys have not come back: nobody but the file knew them, and it has no keys.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::MutexGuard;

use foldhash::HashMap;

use super::digest::WorldDigest;
use super::outbox::PendingCounts;
use super::state::{Revision, State};
use super::totals::Tally;

/// The state of a world, without a key.
#[derive(Debug)]
pub(super) struct RestingWorld {
    pub state: State,
    pub counts: PendingCounts,
    pub bytes: usize,
}

/// The first request with the key of a world takes it from here.
#[derive(Debug, Default)]
pub(super) struct RestingWorlds {
    by_digest: HashMap<u128, RestingWorld>,
    /// In the order of the file, in which the world that was used last is the last. A world that was taken is still here.
    oldest_first: VecDeque<u128>,
}

impl RestingWorlds {
    pub(super) fn len(&self) -> usize {
        self.by_digest.len()
    }

    pub(super) fn add(&mut self, WorldDigest(digest): WorldDigest, world: RestingWorld) {
        self.oldest_first.push_back(digest);
        self.by_digest.insert(digest, world);
    }

    pub(super) fn has(&self, WorldDigest(digest): WorldDigest) -> bool {
        self.by_digest.contains_key(&digest)
    }

    pub(super) fn take(&mut self, WorldDigest(digest): WorldDigest) -> Option<RestingWorld> {
        self.by_digest.remove(&digest)
    }

    /// Takes the world that was not used for the longest time. `spared` is never taken: its owner asks.
    pub(super) fn take_oldest(
        &mut self,
        spared: Option<WorldDigest>,
    ) -> Option<(WorldDigest, RestingWorld)> {
        while let Some(first) = self.oldest_first.front()
            && !self.by_digest.contains_key(first)
        {
            self.oldest_first.pop_front();
        }
        let oldest = self.oldest_first().find(|digest| Some(*digest) != spared)?;
        Some((oldest, self.take(oldest)?))
    }

    pub(super) fn with_tag(&self, tag: &str) -> Option<WorldDigest> {
        self.oldest_first().find(|digest| digest.tag() == tag)
    }

    pub(super) fn oldest_first(&self) -> impl Iterator<Item = WorldDigest> {
        let all = self.oldest_first.iter().copied().map(WorldDigest);
        all.filter(|digest| self.has(*digest))
    }

    pub(super) fn tally(&self, WorldDigest(digest): WorldDigest) -> Option<Tally> {
        let world = self.by_digest.get(&digest)?;
        Some(Tally::of(&world.state))
    }

    pub(super) fn revision(&self, WorldDigest(digest): WorldDigest) -> Option<Revision> {
        Some(self.by_digest.get(&digest)?.state.revision)
    }
}

/// The state of a resting world, which nobody takes as long as this lives.
pub(super) struct RestingState<'r> {
    worlds: MutexGuard<'r, RestingWorlds>,
    digest: u128,
}

impl<'r> RestingState<'r> {
    /// None if there is no such world.
    pub(super) fn of(
        worlds: MutexGuard<'r, RestingWorlds>,
        WorldDigest(digest): WorldDigest,
    ) -> Option<Self> {
        let is_there = worlds.by_digest.contains_key(&digest);
        is_there.then_some(Self { worlds, digest })
    }
}

impl Deref for RestingState<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.worlds.by_digest[&self.digest].state
    }
}
