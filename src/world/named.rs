//! Worlds that tests ask for by name: created, listed, ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::digest::WorldDigest;
use super::outbox::Delivery;
use super::read_world::ReadWorld;
use super::state::State;
use super::totals::Tally;
use super::world::World;
use super::worlds::Worlds;
use crate::base::{ApiKey, Mix, Turn, lock, write_lock};
use crate::http::ApiError;

/// How many of the cancelled deliveries are shown when a world ends.
const SHOWN_MAX: usize = 100;

/// What was still pending when a world ended.
#[derive(Debug, Default)]
pub(crate) struct UnfinishedWork {
    /// The oldest of them, oldest first.
    pub callbacks: Vec<Delivery>,
    pub more_callbacks: usize,
    /// How many calls the queue would still have answered.
    pub queued: u64,
    pub faults: usize,
}

impl UnfinishedWork {
    fn of(state: &State, now: Instant) -> Self {
        let log = &state.callbacks.log;
        let pending = || log.newest_first().filter(|one| one.state.is_pending());
        let more_callbacks = pending().count().saturating_sub(SHOWN_MAX);
        let mut callbacks: Vec<_> = pending().skip(more_callbacks).cloned().collect();
        callbacks.reverse();
        Self {
            callbacks,
            more_callbacks,
            queued: state.next.answers(),
            faults: state.faults.standing(now, state.callbacks.advanced).0.len(),
        }
    }
}

/// A world as a list shows it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub tag: String,
    pub name: Option<Box<str>>,
    pub holds: Tally,
    pub idle_ms: u64,
    /// True if it waits for its key since the sandbox started.
    pub rests: bool,
}

impl Worlds {
    /// The key that belongs to a name: the same on every start with the same seed.
    pub(crate) fn key_named(&self, name: &str) -> ApiKey {
        let half = |which: &str| {
            let mut mix = Mix::new(self.seed, which);
            mix.text(name);
            format!("{:032x}", mix.finish())
        };
        let halves = ["minted key, first half", "minted key, second half"].map(half);
        format!("iluma_development_{}", halves.concat())
            .parse()
            .expect("64 hex digits behind a known prefix make a key")
    }

    /// The world of a name, and whether it is new.
    pub(crate) fn mint(&self, name: &str, now: Instant) -> Result<(Arc<World>, bool), ApiError> {
        let (world, is_new) = self.enter_or_create(&self.key_named(name), now)?;
        world.name.set(name.into()).ok(); // it can have no other name: the key is made from it
        Ok((world, is_new))
    }

    /// Makes a world with a name that is still free: `world 1`, `world 2`, ….
    pub(crate) fn mint_next(&self, now: Instant) -> Result<(Arc<World>, String), ApiError> {
        loop {
            let number = self.minted.fetch_add(1, Ordering::Relaxed) + 1;
            let name = format!("world {number}");
            if let (world, true) = self.mint(&name, now)? {
                return Ok((world, name));
            }
        }
    }

    /// Ends the world of a key: the next request with the key gets a fresh one. Returns what was still pending,
    /// after everything in the world has stopped. Requests that wait for something in the world are answered.
    pub(crate) async fn end(&self, key: &ApiKey, now: Instant) -> UnfinishedWork {
        self.wake(key, None, now);
        let ended = {
            let mut worlds = write_lock(&self.by_key);
            lock(&self.dropped).take(WorldDigest::new(self.seed, key)); // the next one is fresh on purpose
            // From here on `Worlds::totals` no longer sees this world, so its counts must be added before.
            worlds.remove(key).inspect(|world| {
                lock(&self.totals).take(&mut world.state());
            })
        };
        let Some(world) = ended else {
            return UnfinishedWork::default();
        };
        let see = |state: &State| UnfinishedWork::of(state, now);
        let unfinished = world.reset_seen(see, |_| (), None).await.0;
        world.ended.send_replace(true);
        unfinished
    }

    /// Eight hex digits that stand for a key.
    pub(crate) fn tag_of(&self, key: &ApiKey) -> String {
        WorldDigest::new(self.seed, key).tag()
    }

    /// All worlds that a list shows, sorted by tag. Nobody but those who may see all worlds is shown a resting one.
    pub(crate) async fn list(
        &self,
        now: Instant,
        own: Option<&str>,
        turn: &mut Turn<'_>,
    ) -> Vec<Listed> {
        let now_ms = self.since_start_ms(now);
        let mut listed = Vec::new();
        let is_shown = |world: &&ReadWorld| own.is_none_or(|own| *own == world.tag);
        for world in self.all().iter().filter(is_shown) {
            turn.pause().await;
            listed.push(Listed {
                tag: world.tag.clone(),
                name: world.name.get().cloned(),
                holds: world.tally(),
                idle_ms: now_ms.saturating_sub(world.last_used_ms.load(Ordering::Relaxed)),
                rests: false,
            });
        }
        let resting = own.is_none().then(|| self.resting_worlds());
        for (tag, holds) in resting.into_iter().flatten() {
            listed.push(Listed {
                tag,
                name: None,
                holds,
                idle_ms: now_ms,
                rests: true,
            });
        }
        listed.sort_unstable_by(|one, other| one.tag.cmp(&other.tag));
        listed
    }
}

impl World {
    /// True for a world that was made by name.
    pub(crate) fn is_minted(&self) -> bool {
        self.name.get().is_some()
    }
}
