//! All worlds as a state file has them: read at the start, and written while the sandbox runs.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::digest::WorldDigest;
use super::origin::Origin;
use super::read_world::ReadWorld;
use super::resting::{RestingState, RestingWorld};
use super::snapshot::{Snapshot, SnapshotRefused};
use super::state::Revision;
use super::totals::Tally;
use super::world::{WORLDS_MAX, World};
use super::worlds::Worlds;
use crate::base::{ApiKey, Clock, Memory, lock, read_lock};
use crate::catalogue::Catalogue;

/// A world as a line of a state file. The digest stands for its key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedWorld {
    world: String,
    /// The name of a world that was made by name. The key follows from it.
    name: Option<String>,
    snapshot: Snapshot,
    /// Whether it says the same later, as long as nothing changes the world.
    #[serde(skip)]
    pub is_settled: bool,
}

/// A world that was read from a state file.
#[derive(Debug)]
pub(crate) struct LoadedWorld {
    pub digest: WorldDigest,
    pub name: Option<String>,
    pub revision: Revision,
    /// Whether the world stays as it is while nothing changes it.
    pub is_settled: bool,
    /// Records that had no room.
    pub records_dropped: usize,
}

/// A world that is to be written.
#[derive(Debug)]
pub(crate) enum WorldToSave {
    /// It waits for its key.
    Resting(WorldDigest),
    Active(ReadWorld),
}

impl SavedWorld {
    fn of(world: &World, now: Instant) -> Self {
        let state = world.state();
        Self {
            world: world.digest.to_string(),
            name: world.name.get().map(ToString::to_string),
            is_settled: state.is_settled(now),
            snapshot: Snapshot::of_state(world.origin(), state, now),
        }
    }
}

impl WorldToSave {
    pub(crate) fn digest(&self) -> WorldDigest {
        match self {
            Self::Resting(digest) => *digest,
            Self::Active(world) => world.digest,
        }
    }
}

impl Worlds {
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn memory(&self) -> Memory {
        self.memory
    }

    /// How many names the sandbox has made up.
    pub(crate) fn names_made(&self) -> u64 {
        self.minted.load(Ordering::Relaxed)
    }

    /// Goes on with made-up names after those that were made up before.
    pub(crate) fn skip_names(&self, count: u64) {
        self.minted.fetch_max(count, Ordering::Relaxed);
    }

    /// Adds a world of a state file. It rests until its key comes. An error is a sentence.
    pub(crate) fn load(
        &self,
        saved: SavedWorld,
        catalogue: &Catalogue,
        now: Instant,
    ) -> Result<LoadedWorld, String> {
        let digest: WorldDigest = saved.world.parse()?;
        let of_world = |reason: &str| format!("the world {}: {reason}", digest.tag());
        let key = saved.name.as_deref().map(|name| self.key_named(name));
        if key.is_some_and(|key| WorldDigest::new(self.seed, &key) != digest) {
            return Err(of_world("its name belongs to another key"));
        }
        let checked = saved.snapshot.check(catalogue, &self.origin(digest), now);
        let restoration = checked.map_err(|refused| match refused {
            SnapshotRefused::Broken(reason) | SnapshotRefused::Foreign(reason) => of_world(&reason),
        })?;
        if !restoration.is_own {
            return Err(of_world("its snapshot is of another world"));
        }
        let RestingWorld {
            mut state, counts, ..
        } = self.empty(digest);
        restoration.fill(&mut state, now);
        let records = state.records.len();
        state.shrink(self.memory.world());
        let records_dropped = records - state.records.len();
        let (revision, is_settled) = (state.revision, state.is_settled(now));
        let bytes = state.bytes();
        {
            let mut resting = lock(&self.resting);
            if resting.has(digest) {
                return Err(of_world("it is there twice"));
            }
            if resting.len() >= WORLDS_MAX {
                return Err(format!("a sandbox has {WORLDS_MAX} worlds at most"));
            }
            resting.add(
                digest,
                RestingWorld {
                    state,
                    counts,
                    bytes,
                },
            );
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(LoadedWorld {
            digest,
            name: saved.name,
            revision,
            is_settled,
            records_dropped,
        })
    }

    /// Makes a world of a resting one whose key is known.
    pub(crate) fn wake(&self, key: &ApiKey, name: Option<&str>, now: Instant) {
        if !lock(&self.resting).has(WorldDigest::new(self.seed, key)) {
            return;
        }
        let entered = match name {
            Some(name) => self.mint(name, now).map(drop),
            None => self.enter(key, now).map(drop),
        };
        drop(entered); // if there is no room, it rests
    }

    fn origin(&self, digest: WorldDigest) -> Origin {
        Origin {
            seed: self.seed,
            clock: self.clock,
            world: digest.tag(),
        }
    }

    /// All worlds, the last used last.
    pub(crate) fn to_save(&self) -> Vec<WorldToSave> {
        let worlds = read_lock(&self.by_key);
        let mut active: Vec<_> = worlds.values().cloned().map(ReadWorld::of).collect();
        let resting: Vec<_> = lock(&self.resting).oldest_first().collect();
        drop(worlds);
        active
            .sort_by_cached_key(|world| (world.last_used_ms.load(Ordering::Relaxed), world.number));
        let resting = resting.into_iter().map(WorldToSave::Resting);
        resting
            .chain(active.into_iter().map(WorldToSave::Active))
            .collect()
    }

    /// Which state a world has now. None if it has ended.
    pub(crate) fn revision(&self, world: &WorldToSave) -> Option<Revision> {
        match world {
            WorldToSave::Active(world) => Some(world.state().revision),
            WorldToSave::Resting(digest) => {
                let resting = lock(&self.resting).revision(*digest);
                resting.or_else(|| Some(self.with_digest(*digest)?.state().revision))
            }
        }
    }

    /// A world as it is now. None if it has ended.
    pub(crate) fn saved(&self, world: &WorldToSave, now: Instant) -> Option<SavedWorld> {
        match world {
            WorldToSave::Active(world) => Some(SavedWorld::of(world, now)),
            WorldToSave::Resting(digest) => match self.resting_state(*digest) {
                Some(state) => Some(SavedWorld {
                    world: digest.to_string(),
                    name: None,
                    is_settled: state.is_settled(now),
                    snapshot: Snapshot::of_state(self.origin(*digest), state, now),
                }),
                // Its key has come meanwhile.
                None => Some(SavedWorld::of(&*self.with_digest(*digest)?, now)),
            },
        }
    }

    fn resting_state(&self, digest: WorldDigest) -> Option<RestingState<'_>> {
        RestingState::of(lock(&self.resting), digest)
    }

    fn with_digest(&self, digest: WorldDigest) -> Option<ReadWorld> {
        let worlds = read_lock(&self.by_key);
        let found = worlds.values().find(|world| world.digest == digest);
        found.cloned().map(ReadWorld::of)
    }

    /// The tags of the resting worlds, and what they hold.
    pub(crate) fn resting_worlds(&self) -> Vec<(String, Tally)> {
        let resting = lock(&self.resting);
        let all = resting.oldest_first();
        all.filter_map(|digest| Some((digest.tag(), resting.tally(digest)?)))
            .collect()
    }

    /// Whether a resting world has this tag.
    pub(crate) fn rests(&self, tag: &str) -> bool {
        lock(&self.resting).with_tag(tag).is_some()
    }

    /// Drops the resting world with this tag. False if there is none.
    pub(crate) fn end_resting(&self, tag: &str) -> bool {
        let mut resting = lock(&self.resting);
        let ended = resting
            .with_tag(tag)
            .and_then(|digest| resting.take(digest));
        if let Some(world) = &ended {
            self.bytes.fetch_sub(world.bytes, Ordering::Relaxed);
        }
        ended.is_some()
    }

    /// Notified when a world comes back with events that may have a URL now.
    pub(crate) fn taken(&self) -> watch::Receiver<()> {
        self.taken.subscribe()
    }
}
