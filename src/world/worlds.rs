//! All worlds by API key.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use hyper::StatusCode;
use tokio::sync::watch;
use tokio::time::Instant;

use super::digest::WorldDigest;
use super::dropped_worlds::DroppedWorlds;
use super::journal::{CallbackTokens, Waiters};
use super::last_uses::{Droppable, LastUses};
use super::outbox::PendingCounts;
use super::read_world::ReadWorld;
use super::recorder::Recorder;
use super::resting::{RestingWorld, RestingWorlds};
use super::state::State;
use super::totals::{RunTotals, Tally, Totals};
use super::watchers::Watchers;
use super::world::{WORLDS_MAX, World};
use crate::base::{ApiKey, Clock, Memory, Turn, lock, milliseconds, read_lock, write_lock};
use crate::catalogue::ReplyId;
use crate::http::ApiError;

/// The warning for the first request after a world was dropped.
pub(crate) const WORLD_DROPPED: &str =
    "the world of this key was dropped to make room for others, and has started anew";

/// The number of worlds, and what all of them together hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorldsHeld {
    pub worlds: usize,
    /// Those among them whose keys have not come back since the start.
    pub resting: usize,
    pub holds: Tally,
    pub bytes: usize,
    /// Worlds that were dropped to make room.
    pub evicted: u64,
    /// Pending callbacks that were dropped to make room.
    pub callbacks_dropped: u64,
    /// Requests refused because there was no room.
    pub refused: u64,
}

/// All worlds, by their keys.
#[derive(Debug)]
pub(crate) struct Worlds {
    pub(super) by_key: RwLock<HashMap<ApiKey, Arc<World>>>,
    /// Locked after `by_key`.
    pub(super) last_uses: Mutex<LastUses>,
    /// Locked after `by_key`.
    pub(super) dropped: Mutex<DroppedWorlds>,
    pub(super) seed: u64,
    pub(super) clock: Clock,
    started: Instant,
    pub(super) memory: Memory,
    pub(super) bytes: Arc<AtomicUsize>,
    /// Pending deliveries of all worlds together.
    pub(super) pending: Arc<AtomicUsize>,
    pub(super) making_room: Mutex<()>,
    /// Worlds that wait for their keys. Locked after `by_key`.
    pub(super) resting: Mutex<RestingWorlds>,
    /// The number of the next state.
    states: AtomicU64,
    /// Notified when a world comes back from a state file with events that may have a URL now.
    pub(super) taken: watch::Sender<()>,
    /// Names that the sandbox made up, such as `world 1`.
    pub(super) minted: AtomicU64,
    pub(super) callbacks_dropped: AtomicU64,
    /// Requests refused because there was no room.
    pub(super) refused: AtomicU64,
    /// The counts of worlds that have ended, and of requests without a world.
    pub(super) totals: Arc<Mutex<RunTotals>>,
    /// One sum at a time.
    summing: tokio::sync::Mutex<()>,
    /// The callback tokens of all worlds, which must not be shown.
    pub(crate) tokens: Arc<CallbackTokens>,
    pub(crate) live: Arc<Watchers>,
    /// Takes what happens in worlds that are made from now on.
    pub(crate) recorder: Option<Recorder>,
}

impl Worlds {
    pub(crate) fn new(seed: u64, clock: Clock, memory: Memory, live: Arc<Watchers>) -> Self {
        Self {
            by_key: RwLock::default(),
            last_uses: Mutex::default(),
            dropped: Mutex::default(),
            seed,
            clock,
            started: Instant::now(),
            memory,
            bytes: Arc::default(),
            pending: Arc::default(),
            making_room: Mutex::default(),
            resting: Mutex::default(),
            states: AtomicU64::new(0),
            taken: watch::Sender::default(),
            minted: AtomicU64::new(0),
            callbacks_dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            totals: Arc::default(),
            summing: tokio::sync::Mutex::default(),
            tokens: Arc::default(),
            live,
            recorder: None,
        }
    }

    /// The world of a key. Makes it when the key is new.
    pub(crate) fn enter(&self, key: &ApiKey, now: Instant) -> Result<Arc<World>, ApiError> {
        let (world, _) = self.enter_or_create(key, now)?;
        Ok(world)
    }

    /// The world of a key, and whether it is new.
    pub(super) fn enter_or_create(
        &self,
        key: &ApiKey,
        now: Instant,
    ) -> Result<(Arc<World>, bool), ApiError> {
        let now_ms = self.since_start_ms(now);
        if self.is_full() {
            self.make_room(now_ms, key)?;
        }
        let (world, is_new) = match self.get(key) {
            Some(world) => (world, false),
            None => self.create(key, WorldDigest::new(self.seed, key), now_ms)?,
        };
        world.last_used_ms.fetch_max(now_ms, Ordering::Relaxed);
        Ok((world, is_new))
    }

    /// A world whose ids are those of a recorded one. Its key is unknown, and `key` stands in for it.
    #[cfg(feature = "cli")]
    pub(crate) fn stand_in(
        &self,
        key: &ApiKey,
        digest: WorldDigest,
    ) -> Result<Arc<World>, ApiError> {
        let (world, _) = self.create(key, digest, 0)?;
        Ok(world)
    }

    /// When the sandbox started.
    #[cfg(feature = "cli")]
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn since_start_ms(&self, now: Instant) -> u64 {
        let since_start = now.saturating_duration_since(self.started);
        milliseconds(since_start)
    }

    /// The world of a key, if there is one.
    pub(crate) fn get(&self, key: &ApiKey) -> Option<Arc<World>> {
        let worlds = read_lock(&self.by_key);
        worlds.get(key).cloned()
    }

    /// The world that a trace names.
    pub(crate) fn by_tag(&self, tag: &str) -> Option<Arc<World>> {
        let worlds = read_lock(&self.by_key);
        worlds.values().find(|world| world.tag == tag).cloned()
    }

    pub(crate) fn all(&self) -> Vec<ReadWorld> {
        let worlds = read_lock(&self.by_key);
        worlds.values().cloned().map(ReadWorld::of).collect()
    }

    /// All worlds, the last used first.
    pub(crate) fn latest_used(&self) -> Vec<ReadWorld> {
        let mut worlds = self.all();
        let used = |world: &ReadWorld| world.last_used_ms.load(Ordering::Relaxed);
        worlds.sort_by_cached_key(|world| std::cmp::Reverse(used(world)));
        worlds
    }

    fn create(
        &self,
        key: &ApiKey,
        digest: WorldDigest,
        now_ms: u64,
    ) -> Result<(Arc<World>, bool), ApiError> {
        let mut worlds = write_lock(&self.by_key);
        if let Some(world) = worlds.get(key) {
            return Ok((world.clone(), false)); // another request was quicker
        }
        let droppable = Droppable {
            asker: key,
            now_ms,
            idle_ms: 0,
        };
        let rested = lock(&self.resting).take(digest);
        let is_new = rested.is_none();
        let count = worlds.len() + lock(&self.resting).len();
        let has_room = !is_new
            || count < WORLDS_MAX
            || self.drop_resting(None)
            || self.drop_idlest(&mut worlds, droppable);
        if !has_room {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::sandbox_full(format!(
                "The sandbox holds {WORLDS_MAX} worlds, and each has a request or a callback that is pending."
            )));
        }
        let RestingWorld {
            state,
            counts,
            bytes,
        } = rested.unwrap_or_else(|| self.empty(digest));
        let (advanced, unsent) = (state.callbacks.advanced, &state.callbacks.unsent);
        let has_unsent = (unsent.next_due(Instant::now(), advanced, |_| true)).is_some();
        let number = lock(&self.last_uses).add(key, now_ms, &worlds);
        let world = Arc::new(World {
            key: key.clone(),
            number,
            digest,
            tag: digest.tag(),
            name: OnceLock::new(),
            clock: self.clock,
            seed: self.seed,
            has_setup: AtomicBool::new(state.has_setup()),
            started: self.started,
            order: Mutex::default(),
            state: Mutex::new(state),
            pending: counts.of_world,
            advancing: tokio::sync::Mutex::default(),
            changes: watch::Sender::default(),
            resets: watch::Sender::default(),
            ended: watch::Sender::default(),
            recorded: watch::Sender::default(),
            waiters: Waiters::default(),
            last_used_ms: AtomicU64::new(now_ms),
            bytes_max: self.memory.world(),
            readers: AtomicUsize::new(0),
            was_dropped: AtomicBool::new(lock(&self.dropped).take(digest)),
            bytes: AtomicUsize::new(bytes),
            bytes_of_all: self.bytes.clone(),
            totals: self.totals.clone(),
            tokens: self.tokens.clone(),
            live: self.live.clone(),
            recorder: self.recorder.clone(),
        });
        world.record_begin();
        self.tokens.add(&world.callback_token());
        worlds.insert(key.clone(), world.clone());
        if has_unsent {
            self.taken.send_replace(());
        }
        Ok((world, is_new))
    }

    /// A world that holds nothing yet.
    pub(super) fn empty(&self, digest: WorldDigest) -> RestingWorld {
        let counts = PendingCounts {
            of_world: Arc::default(),
            of_all: self.pending.clone(),
        };
        let number = self.states.fetch_add(1, Ordering::Relaxed);
        RestingWorld {
            state: State::new(counts.clone(), &digest.tag(), number),
            counts,
            bytes: 0,
        }
    }

    /// Counts a reply to a request without a world.
    pub(crate) fn count_stranger(&self, reply: &ReplyId, status: StatusCode, duration: Duration) {
        lock(&self.totals).reply(reply, status, duration);
    }

    /// All counts since the start, including those of worlds that have ended.
    pub(crate) async fn totals(&self, turn: &mut Turn<'_>) -> Totals {
        let _one_at_a_time = self.summing.lock().await;
        lock(&self.totals).begin_sum();
        for world in &self.all() {
            turn.pause().await;
            let mut totals = lock(&self.totals);
            totals.visit(world.state().uncounted());
        }
        lock(&self.totals).end_sum()
    }

    pub(crate) async fn tally(&self, turn: &mut Turn<'_>) -> WorldsHeld {
        let worlds = self.all();
        let mut total = Tally::default();
        for world in &worlds {
            turn.pause().await;
            total.add(&world.tally());
        }
        let resting = self.resting_worlds();
        for (_, tally) in &resting {
            total.add(tally);
        }
        WorldsHeld {
            worlds: worlds.len() + resting.len(),
            resting: resting.len(),
            holds: total,
            bytes: self.bytes.load(Ordering::Relaxed),
            evicted: lock(&self.dropped).count,
            callbacks_dropped: self.callbacks_dropped.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
