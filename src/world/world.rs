//! A world: everything that one API key owns. Worlds never see each other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use tokio::sync::watch;
use tokio::time::Instant;

use super::exercised::Exercised;
use super::journal::{Exchange, Journal};
use super::queued::Next;
use super::records::{Counters, Records};
use super::snapshot::Restoration;
use super::standing_faults::WorldFaults;
use super::totals::Totals;
use super::watchers::Live;
use crate::base::{ApiKey, Clock, Mix, Stamp, Windows};
use crate::callbacks::{Callbacks, Courier};
use crate::control::Thumbnail;
use crate::http::{ApiError, Reply};

pub(crate) const WORLDS_MAX: usize = 10_000;

/// Over all worlds.
pub(crate) const BYTES_MAX: usize = 256 << 20;

const WORLD_BYTES_MAX: usize = 64 << 20;

/// Which part of what a full world may hold its journal may have, and its delivery log, beside what is pending.
const LOG_PART: usize = 4;

/// A world that was not asked for so long may be given up when room is needed.
const IDLE: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(crate) struct World {
    pub key: ApiKey,
    /// Eight hex digits that stand for the key where it must not be shown.
    pub tag: String,
    /// The name that its key was made from, where it was.
    pub(super) name: OnceLock<Box<str>>,
    pub clock: Clock,
    seed: u64,
    state: Mutex<State>,
    /// Whether something was set up in the state that every request has to look at: looking takes the lock.
    rigged: AtomicBool,
    /// One advance of the clock at a time.
    pub advancing: tokio::sync::Mutex<()>,
    /// Told of every change to a delivery, for those who wait for one.
    changes: watch::Sender<()>,
    resets: watch::Sender<u64>,
    /// Told of every exchange, while somebody waits for one.
    recorded: watch::Sender<()>,
    /// Milliseconds since the sandbox started.
    pub(super) last_used_ms: AtomicU64,
    bytes: AtomicUsize,
    bytes_of_all: Arc<AtomicUsize>,
    /// Takes what was counted here when it is reset or given up.
    totals: Arc<Mutex<Totals>>,
    /// Where what happens here is told to those who look on.
    live: Arc<Live>,
}

/// What changes. Held for one request at a time, never across an await.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub callbacks: Callbacks,
    pub records: Records,
    pub counters: Counters,
    pub journal: Journal,
    /// What is queued for the calls to come.
    pub next: Next,
    pub exercised: Exercised,
    pub faults: WorldFaults,
    /// Of outcomes with a rate limit.
    pub windows: Windows,
    /// Where replies are written before they are copied out in the right size.
    pub scratch: Vec<u8>,
}

impl State {
    fn bytes(&self) -> usize {
        let counters = self.counters.len() * 32;
        let kept = self.records.bytes + self.journal.bytes + self.callbacks.log.bytes;
        let ready = self.next.bytes() + self.faults.bytes() + self.windows.bytes();
        kept + counters + ready + self.exercised.bytes()
    }

    fn is_rigged(&self) -> bool {
        !self.faults.is_empty() || !self.next.is_empty()
    }

    /// As it was at the start, but that requests are counted on: a trace means one of them, and who asks for those
    /// after a number misses none.
    fn clear(&mut self) {
        let runs = self.callbacks.runs();
        let journal = Journal::starting_after(self.journal.last_seq());
        *self = Self::default();
        self.journal = journal;
        self.callbacks.set_runs(runs);
    }
}

/// How much a world holds, and what it had to let go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub records: usize,
    pub records_dropped: u64,
    pub journal: usize,
    pub journal_dropped: u64,
    pub counters: usize,
    pub counters_dropped: u64,
    pub deliveries: usize,
    pub deliveries_dropped: u64,
    pub deliveries_pending: usize,
}

impl World {
    /// What every draw of this world depends on.
    pub(crate) fn mix(&self, purpose: &str) -> Mix {
        let mut mix = Mix::new(self.seed, purpose);
        mix.text(self.key.reveal());
        mix
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cost its own request; what it left is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an exchange and returns its number.
    pub(crate) fn record(&self, exchange: Exchange) -> u64 {
        let mut state = self.state();
        let reply = &exchange.reply.bytes;
        let outcome = exchange.outcome.as_ref();
        let (status, duration) = (exchange.status, exchange.duration);
        state.exercised.reply(outcome, status, reply, duration);
        let tag = exchange.tag;
        let seq = state.journal.record(exchange);
        self.settle(&mut state);
        drop(state);
        self.live.exchange(tag, seq);
        if self.recorded.receiver_count() > 0 {
            self.recorded.send_replace(());
        }
        seq
    }

    /// Keeps thumbnails with their exchange, unless the world was emptied since an era: a restored one counts its requests
    /// from where it was. False where it is kept no longer.
    pub(crate) fn illustrate(&self, era: u64, seq: u64, thumbnails: Vec<Thumbnail>) -> bool {
        let mut state = self.state();
        let is_kept = era == self.era() && state.journal.illustrate(seq, thumbnails);
        self.settle(&mut state);
        is_kept && state.journal.get(seq).is_some()
    }

    /// How often it was emptied.
    pub(crate) fn era(&self) -> u64 {
        *self.resets.borrow()
    }

    pub(crate) fn recorded(&self) -> watch::Receiver<()> {
        self.recorded.subscribe()
    }

    /// Whether requests have to look at what was set up in the state. Asked of every request.
    pub(crate) fn is_rigged(&self) -> bool {
        self.rigged.load(Ordering::Acquire)
    }

    /// Says anew whether the world is rigged. To be called with the lock held.
    pub(crate) fn rig(&self, state: &State) {
        self.rigged.store(state.is_rigged(), Ordering::Release);
    }

    /// One more call of an endpoint; returns the how-many-th.
    pub(crate) fn count_call(&self, endpoint: &str) -> u64 {
        let mut mix = self.mix("calls");
        mix.text(endpoint);
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        let (_, times) = self.state().counters.count(mix.finish() as u64);
        u64::from(times) + 1
    }

    /// Brings the world back under its limit, and its share of the total up to date.
    pub(crate) fn settle(&self, state: &mut State) {
        self.shrink(state, WORLD_BYTES_MAX);
    }

    /// Lets go of the older half of what it holds, for others need the room.
    fn halve(&self) {
        let mut state = self.state();
        let half = state.bytes() / 2;
        self.shrink(&mut state, half);
    }

    fn shrink(&self, state: &mut State, bytes_max: usize) {
        while state.bytes() > bytes_max {
            let dropped = if state.journal.bytes > bytes_max / LOG_PART {
                state.journal.drop_oldest()
            } else if state.callbacks.log.bytes > bytes_max / LOG_PART {
                state.callbacks.log.drop_oldest_ended() || state.records.drop_oldest()
            } else {
                state.records.drop_oldest()
            };
            if !dropped {
                break; // what is left is pending, and will end
            }
        }
        let now = state.bytes();
        let before = self.bytes.swap(now, Ordering::Relaxed);
        self.bytes_of_all
            .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// What the world's clock shows.
    pub(crate) fn now(&self, state: &State) -> Stamp {
        self.clock.now().after(state.callbacks.advanced)
    }

    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
        self.live.deliveries(&self.tag);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A well-formed token that is not this world's.
    pub(crate) fn wrong_token(&self) -> String {
        let mix = self.mix("wrong callback token").finish();
        format!("{mix:032x}{mix:032x}")
    }

    /// The key of this world's callback signatures.
    pub(crate) fn signing_secret(&self) -> [u8; 24] {
        let mut secret = [0; 24];
        secret[..16].copy_from_slice(
            &self
                .mix("signing secret, first part")
                .finish()
                .to_be_bytes(),
        );
        secret[16..].copy_from_slice(
            &self
                .mix("signing secret, second part")
                .finish()
                .to_be_bytes()[..8],
        );
        secret
    }

    /// The secret that callbacks of this world carry: 64 lower-case hex digits.
    pub(crate) fn callback_token(&self) -> String {
        let halves = ["callback token, first half", "callback token, second half"];
        halves
            .map(|purpose| format!("{:032x}", self.mix(purpose).finish()))
            .concat()
    }

    /// Empties the world. What was pending is cancelled, also what was on its way, and counted.
    pub(crate) async fn reset(&self, courier: &Courier) -> usize {
        self.reset_seen(courier, |_| (), |_| ()).await.1
    }

    /// Empties the world and fills it again, in one.
    pub(crate) async fn restore(&self, courier: &Courier, from: Restoration) -> usize {
        let fill = |state: &mut State| from.fill(state, Instant::now());
        self.reset_seen(courier, |_| (), fill).await.1
    }

    /// The same with a last look at what there was, and a first hand at what is to be.
    pub(super) async fn reset_seen<T>(
        &self,
        courier: &Courier,
        see: impl FnOnce(&State) -> T,
        fill: impl FnOnce(&mut State),
    ) -> (T, usize) {
        // An advance ends as soon as what it sends has been called back.
        let (seen, (in_line, on_their_way)) = {
            let mut state = self.state();
            (see(&state), self.call_back(&mut state, courier))
        };
        let mut cancelled = in_line + on_their_way;
        let _no_advance = self.advancing.lock().await;
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            {
                let mut totals = locked(&self.totals);
                let mut state = self.state();
                cancelled += self.call_back(&mut state, courier).0; // what came meanwhile
                if state.callbacks.pending() == 0 {
                    totals.take(&mut state);
                    state.clear();
                    fill(&mut state);
                    self.rig(&state);
                    self.settle(&mut state);
                    drop(state);
                    self.changed();
                    self.live.emptied(&self.tag);
                    return (seen, cancelled);
                }
            }
            changes.changed().await.ok();
        }
    }

    /// Cancels what lies in line and calls back what is on its way. Returns how many there were of each.
    fn call_back(&self, state: &mut State, courier: &Courier) -> (usize, usize) {
        let in_line = state.callbacks.cancel(courier, "the world was reset").len();
        self.resets.send_modify(|resets| *resets += 1);
        (in_line, state.callbacks.pending())
    }

    /// Changes with every reset: what is on its way then is called back.
    pub(crate) fn resets(&self) -> watch::Receiver<u64> {
        self.resets.subscribe()
    }

    pub(super) fn tally(&self) -> Tally {
        let state = self.state();
        Tally {
            records: state.records.len(),
            records_dropped: state.records.dropped,
            journal: state.journal.len(),
            journal_dropped: state.journal.dropped,
            counters: state.counters.len(),
            counters_dropped: state.counters.dropped,
            deliveries: state.callbacks.log.len(),
            deliveries_dropped: state.callbacks.log.dropped,
            deliveries_pending: state.callbacks.pending(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.bytes_of_all
            .fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        locked(&self.totals).add(state);
    }
}

pub(super) fn locked(totals: &Mutex<Totals>) -> MutexGuard<'_, Totals> {
    totals.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all worlds together are and hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub worlds: usize,
    pub holds: Tally,
    pub bytes: usize,
    /// Worlds that were given up.
    pub evicted: u64,
    /// Requests that found no room.
    pub refused: u64,
}

/// All worlds, by their keys.
#[derive(Debug)]
pub(crate) struct Worlds {
    pub(super) by_key: RwLock<HashMap<ApiKey, Arc<World>>>,
    pub(super) seed: u64,
    clock: Clock,
    started: Instant,
    bytes: Arc<AtomicUsize>,
    making_room: Mutex<()>,
    /// Names that were made up.
    pub(super) minted: AtomicU64,
    evicted: AtomicU64,
    /// Requests that found no room.
    refused: AtomicU64,
    /// What worlds had counted that are no more, and requests that had no world.
    pub(super) totals: Arc<Mutex<Totals>>,
    live: Arc<Live>,
}

impl Worlds {
    pub(crate) fn new(seed: u64, clock: Clock, live: Arc<Live>) -> Self {
        Self {
            by_key: RwLock::default(),
            seed,
            clock,
            started: Instant::now(),
            bytes: Arc::default(),
            making_room: Mutex::default(),
            minted: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            totals: Arc::default(),
            live,
        }
    }

    /// The world of a key, made when it is new.
    pub(crate) fn enter(&self, key: &ApiKey, now: Instant) -> Result<Arc<World>, ApiError> {
        let (world, _) = self.enter_or_create(key, now)?;
        Ok(world)
    }

    /// The same, and whether it is new.
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
            None => self.create(key, now_ms)?,
        };
        world.last_used_ms.store(now_ms, Ordering::Relaxed);
        Ok((world, is_new))
    }

    pub(super) fn since_start_ms(&self, now: Instant) -> u64 {
        let since_start = now.saturating_duration_since(self.started);
        u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX)
    }

    /// The world of a key, if there is one.
    pub(crate) fn get(&self, key: &ApiKey) -> Option<Arc<World>> {
        let worlds = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        worlds.get(key).cloned()
    }

    /// The world that a trace names.
    pub(crate) fn by_tag(&self, tag: &str) -> Option<Arc<World>> {
        let worlds = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        worlds.values().find(|world| world.tag == tag).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<World>> {
        let worlds = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        worlds.values().cloned().collect()
    }

    /// All worlds, the one that was used last first.
    pub(crate) fn latest_used(&self) -> Vec<Arc<World>> {
        let mut worlds = self.all();
        let used = |world: &Arc<World>| world.last_used_ms.load(Ordering::Relaxed);
        worlds.sort_by_cached_key(|world| std::cmp::Reverse(used(world)));
        worlds
    }

    fn create(&self, key: &ApiKey, now_ms: u64) -> Result<(Arc<World>, bool), ApiError> {
        let mut worlds = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = worlds.get(key) {
            return Ok((world.clone(), false)); // somebody was quicker
        }
        if worlds.len() >= WORLDS_MAX && !self.evict_idlest(&mut worlds, now_ms, key) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::sandbox_full(
                "The sandbox holds 10000 worlds, and none has been idle for 10 minutes.",
            ));
        }
        let world = Arc::new(World {
            key: key.clone(),
            tag: tag(self.seed, key),
            name: OnceLock::new(),
            clock: self.clock,
            seed: self.seed,
            state: Mutex::default(),
            rigged: AtomicBool::new(false),
            advancing: tokio::sync::Mutex::default(),
            changes: watch::Sender::default(),
            resets: watch::Sender::default(),
            recorded: watch::Sender::default(),
            last_used_ms: AtomicU64::new(now_ms),
            bytes: AtomicUsize::new(0),
            bytes_of_all: self.bytes.clone(),
            totals: self.totals.clone(),
            live: self.live.clone(),
        });
        worlds.insert(key.clone(), world.clone());
        Ok((world, true))
    }

    /// Gives up worlds that nobody asks for; where that is not enough, those that hold the most let go of their oldest.
    fn make_room(&self, now_ms: u64, key: &ApiKey) -> Result<(), ApiError> {
        let _one_at_a_time = self
            .making_room
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        {
            let mut worlds = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
            while self.is_full() && self.evict_idlest(&mut worlds, now_ms, key) {}
        }
        let mut worlds = self.all();
        let bytes = |world: &Arc<World>| world.bytes.load(Ordering::Relaxed);
        worlds.sort_by_cached_key(|world| std::cmp::Reverse(bytes(world)));
        // Who holds no more than its share keeps it, also where what others hold cannot be let go.
        let share = BYTES_MAX / worlds.len().max(1);
        for world in worlds.iter().take_while(|world| bytes(world) > share) {
            if !self.is_full() {
                break;
            }
            world.halve();
        }
        if self.is_full() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::sandbox_full(
                "All worlds together hold more than 256 MiB which is still needed, and none has been idle for 10 minutes.",
            ));
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > BYTES_MAX
    }

    /// Gives up the world that was not asked for the longest, if that was long ago. Never the asker's.
    fn evict_idlest(
        &self,
        worlds: &mut HashMap<ApiKey, Arc<World>>,
        now_ms: u64,
        asker: &ApiKey,
    ) -> bool {
        let idle_ms = u64::try_from(IDLE.as_millis()).expect("ten minutes");
        let idlest = worlds
            .values()
            .filter(|world| world.key != *asker && Arc::strong_count(world) == 1)
            .map(|world| (world.last_used_ms.load(Ordering::Relaxed), &world.key))
            .filter(|(last_used_ms, _)| now_ms.saturating_sub(*last_used_ms) >= idle_ms)
            .min_by_key(|(last_used_ms, _)| *last_used_ms)
            .map(|(_, key)| key.clone());
        let Some(key) = idlest else {
            return false;
        };
        worlds.remove(&key);
        self.evicted.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Counts a reply that was given before any world was known.
    pub(crate) fn count_stranger(&self, reply: &Reply, duration: Duration) {
        let outcome = reply.outcome.as_ref();
        let exercised = &mut locked(&self.totals).exercised;
        exercised.reply(outcome, reply.status, &reply.body, duration);
    }

    /// What was counted since the start, in all worlds, also those that are no more.
    pub(crate) fn totals(&self) -> Totals {
        let worlds = self.all();
        let mut all = Totals::default();
        let before = locked(&self.totals);
        all.merge(&before);
        for world in &worlds {
            all.add(&world.state());
        }
        drop(before); // a world that ends here, as the last to hold it lets go, adds to it
        all
    }

    pub(crate) fn tally(&self) -> Held {
        let worlds = self.all();
        let mut total = Tally::default();
        for world in &worlds {
            let one = world.tally();
            total.records += one.records;
            total.records_dropped += one.records_dropped;
            total.journal += one.journal;
            total.journal_dropped += one.journal_dropped;
            total.counters += one.counters;
            total.counters_dropped += one.counters_dropped;
            total.deliveries += one.deliveries;
            total.deliveries_dropped += one.deliveries_dropped;
            total.deliveries_pending += one.deliveries_pending;
        }
        Held {
            worlds: worlds.len(),
            holds: total,
            bytes: self.bytes.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn tag(seed: u64, key: &ApiKey) -> String {
    let mut mix = Mix::new(seed, "world");
    mix.text(key.reveal());
    format!("{:08x}", mix.finish() >> 96)
}
