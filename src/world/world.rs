//! A world: everything that one API key owns. Worlds never see each other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::watch;
use tokio::time::Instant;

use super::digest::WorldDigest;
use super::history::ControlCall;
use super::journal::{CallbackTokens, Exchange, Mask, Waiters};
use super::origin::Origin;
use super::outbox::{Delivery, log_cancelled};
use super::recent_uploads::RequestUploads;
use super::recorder::{Happening, Recorder};
use super::state::State;
use super::state_guard::StateGuard;
use super::totals::{RunTotals, Tally};
use super::watchers::Watchers;
use crate::base::{ApiKey, Clock, Mix, Stamp, lock};

pub(crate) const WORLDS_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct World {
    pub key: ApiKey,
    /// Counts worlds in the order in which they were made.
    pub(super) number: u64,
    /// Stands for the key in ids and draws, so that they can be repeated without the key.
    pub digest: WorldDigest,
    /// The first eight hex digits of the digest. They name the world in traces.
    pub tag: String,
    /// The name that the key was made from, if any.
    pub(super) name: OnceLock<Box<str>>,
    pub clock: Clock,
    pub(super) seed: u64,
    /// When the sandbox started.
    pub(super) started: Instant,
    /// The number of the latest answer or change. Locked before the state.
    pub(super) order: Mutex<u64>,
    pub(super) state: Mutex<State>,
    /// True when the state holds faults or queued outcomes, which every request must look at. Looking takes the
    /// lock.
    pub(super) has_setup: AtomicBool,
    /// One advance of the clock at a time.
    pub advancing: tokio::sync::Mutex<()>,
    /// Notified of every change to a delivery.
    pub(super) changes: watch::Sender<()>,
    pub(super) resets: watch::Sender<u64>,
    /// True when the world has ended: its key gets a fresh one.
    pub(super) ended: watch::Sender<bool>,
    /// Notified of every exchange, while somebody waits for one.
    pub(super) recorded: watch::Sender<()>,
    pub(super) waiters: Waiters,
    /// Milliseconds since the sandbox started.
    pub(super) last_used_ms: AtomicU64,
    /// How much it may hold.
    pub(super) bytes_max: usize,
    /// How many hold the world only to read it.
    pub(super) readers: AtomicUsize,
    /// True until somebody is told that an earlier world of the same key was dropped.
    pub(super) was_dropped: AtomicBool,
    pub(super) bytes: AtomicUsize,
    pub(super) bytes_of_all: Arc<AtomicUsize>,
    /// Its pending deliveries.
    pub(super) pending: Arc<AtomicUsize>,
    /// Takes the counts of this world when it is reset or dropped.
    pub(super) totals: Arc<Mutex<RunTotals>>,
    /// The callback tokens of all worlds.
    pub(super) tokens: Arc<CallbackTokens>,
    /// Tells watchers what happens in this world.
    pub(super) live: Arc<Watchers>,
    pub(crate) recorder: Option<Recorder>,
}

impl World {
    /// The start of every draw of this world: its seed, the purpose and its digest.
    pub(crate) fn mix(&self, purpose: &str) -> Mix {
        let mut mix = Mix::new(self.seed, purpose);
        mix.wide(self.digest.0);
        mix
    }

    /// The start of a token or a secret. Only the key gives it, not the digest, because exports show the digest.
    fn secret_mix(&self, purpose: &str) -> Mix {
        let mut mix = Mix::new(self.seed, purpose);
        mix.text(self.key.reveal());
        mix
    }

    pub(crate) fn state(&self) -> StateGuard<'_> {
        StateGuard::of(lock(&self.state))
    }

    /// Notes that a test has waited for these deliveries or looked at them. No snapshot has this.
    pub(crate) fn note_awaited(&self, which: impl Fn(&Delivery) -> bool) {
        self.state().uncounted().callbacks.log.note_awaited(which);
    }

    /// Keeps an exchange with its uploads, if there are any, and returns its number.
    pub(crate) fn record(&self, exchange: Exchange, uploads: Option<RequestUploads>) -> u64 {
        let mut state = self.state();
        let (status, duration) = (exchange.status, exchange.duration);
        (state.exercised).reply(&exchange.decision.reply, status, duration);
        let tag = exchange.tag;
        let seq = state.journal.record(exchange);
        let has_uploads = uploads.is_some();
        if let Some(uploads) = uploads {
            state.uploads.keep(seq, uploads);
        }
        self.enforce_limits(&mut state);
        drop(state);
        self.live.exchange(tag, seq);
        if has_uploads {
            self.live.uploads(tag, seq);
        }
        if self.recorded.receiver_count() > 0 {
            self.recorded.send_replace(());
        }
        seq
    }

    pub(crate) fn recorded(&self) -> watch::Receiver<()> {
        self.recorded.subscribe()
    }

    /// Whether requests must look at the state for faults and queued outcomes. Every request asks this.
    pub(crate) fn has_setup(&self) -> bool {
        self.has_setup.load(Ordering::Acquire)
    }

    /// Updates `has_setup`. Call it with the lock held.
    pub(crate) fn note_setup(&self, state: &State) {
        self.has_setup.store(state.has_setup(), Ordering::Release);
    }

    /// Counts a call of an endpoint. Returns its number, from 1.
    pub(crate) fn count_call(&self, endpoint: &str) -> u64 {
        let mut mix = self.mix("calls");
        mix.text(endpoint);
        let times = self.state().counters.count_into(&mut mix);
        u64::from(times) + 1
    }

    /// Brings the world back under its limit, and updates its share of the total.
    pub(crate) fn enforce_limits(&self, state: &mut State) {
        self.shrink(state, self.bytes_max);
    }

    /// Drops the older half of what it holds, because other worlds need the memory.
    pub(super) fn halve(&self) {
        let mut state = self.state();
        let half = state.bytes() / 2;
        self.shrink(&mut state, half);
    }

    fn shrink(&self, state: &mut State, bytes_max: usize) {
        state.shrink(bytes_max);
        let now = state.bytes();
        let before = self.bytes.swap(now, Ordering::Relaxed);
        self.bytes_of_all
            .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }

    /// How many bytes it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin {
            seed: self.seed,
            clock: self.clock,
            world: self.tag.clone(),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The time on the world's clock.
    pub(crate) fn now(&self, state: &State) -> Stamp {
        self.clock.now().after(state.callbacks.advanced)
    }

    /// Refuses an advance that would leave the calendar. An error is a sentence. The machine's clock stops at the end.
    pub(crate) fn check_advance(&self, by: Duration) -> Result<(), String> {
        let now = self.now(&self.state());
        let left = Stamp::LAST.since(now).unwrap_or_default();
        match self.clock {
            Clock::Frozen(_) if by > left => Err(format!(
                "the clock shows {now}, and the latest instant is {}",
                Stamp::LAST
            )),
            Clock::Frozen(_) | Clock::System => Ok(()),
        }
    }

    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
        self.show_deliveries();
    }

    /// Tells watchers that its callbacks have changed.
    pub(crate) fn show_deliveries(&self) {
        self.live.deliveries(&self.tag);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A well-formed token that is not this world's.
    pub(crate) fn wrong_token(&self) -> String {
        let mix = self.secret_mix("wrong callback token").finish();
        format!("{mix:032x}{mix:032x}")
    }

    /// The key of this world's callback signatures.
    pub(crate) fn signing_secret(&self) -> [u8; 24] {
        let mut secret = [0; 24];
        secret[..16].copy_from_slice(
            &self
                .secret_mix("signing secret, first part")
                .finish()
                .to_be_bytes(),
        );
        secret[16..].copy_from_slice(
            &self
                .secret_mix("signing secret, second part")
                .finish()
                .to_be_bytes()[..8],
        );
        secret
    }

    /// The signing key as receivers get it: `whsec_` and its base64.
    pub(crate) fn signing_secret_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.signing_secret()))
    }

    /// The mask for API keys, and for the tokens and secrets of all worlds.
    pub(crate) fn mask(&self) -> Mask {
        Mask::new(self.tokens.clone())
    }

    /// The token that callbacks of this world carry: 64 lower-case hex digits.
    pub(crate) fn callback_token(&self) -> String {
        let halves = ["callback token, first half", "callback token, second half"];
        halves
            .map(|purpose| format!("{:032x}", self.secret_mix(purpose).finish()))
            .concat()
    }

    /// Empties the world. Cancels and counts pending callbacks, also those in flight. When this returns, their
    /// connections are closed and nothing more is sent. The system still delivers what a receiver had been sent
    /// by then, even after a close or a reset of the connection.
    pub(crate) async fn reset(&self) -> usize {
        let call = ControlCall::new("POST", "reset");
        self.reset_seen(|_| (), |_| (), Some(call)).await.1
    }

    /// Empties the world and fills it again under the same lock.
    pub(super) async fn refill(&self, fill: impl FnOnce(&mut State), call: ControlCall) -> usize {
        self.reset_seen(|_| (), fill, Some(call)).await.1
    }

    /// Empties the world. `see` reads the state before the reset, and `fill` prepares the state after it. `call` begins the
    /// new history.
    pub(super) async fn reset_seen<T>(
        &self,
        see: impl FnOnce(&State) -> T,
        fill: impl FnOnce(&mut State),
        call: Option<ControlCall>,
    ) -> (T, usize) {
        // A running advance ends as soon as its callbacks are called back.
        let seen = {
            let mut state = self.state();
            let seen = see(&state);
            self.recall_all(&mut state);
            seen
        };
        let _no_advance = self.advancing.lock().await;
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            {
                let order = self.commit(Instant::now());
                let mut totals = lock(&self.totals);
                let mut state = self.state();
                self.recall_all(&mut state); // callbacks that came in the meantime
                if state.callbacks.pending() == 0 {
                    let cancelled = state.callbacks.log.ended.cancelled(); // cancelled by this reset only
                    totals.take(&mut state);
                    self.record_deliveries(&state, order.commit);
                    let before = state.clear();
                    fill(&mut state);
                    match call {
                        Some(call) => self.note_call(&mut state, order.commit, call),
                        None => self.tell_recorder(|| Happening::Ended(order.commit)),
                    }
                    self.note_setup(&state);
                    self.enforce_limits(&mut state);
                    drop((state, totals, order));
                    drop(before);
                    self.changed();
                    self.live.emptied(&self.tag);
                    return (seen, cancelled);
                }
            }
            changes.changed().await.ok();
        }
    }

    /// Cancels queued callbacks and calls back those in flight.
    fn recall_all(&self, state: &mut State) {
        let reason = "the world was reset";
        log_cancelled(&self.tag, &state.callbacks.cancel(reason), reason);
        self.resets.send_modify(|resets| *resets += 1);
    }

    /// Turns true when the world has ended.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Whether the owner must be told that an earlier world of the same key was dropped. The next call says no.
    pub(crate) fn take_drop_notice(&self) -> bool {
        self.was_dropped.load(Ordering::Relaxed) && self.was_dropped.swap(false, Ordering::Relaxed)
    }

    /// The number of resets. A change calls back what is in flight.
    pub(crate) fn resets(&self) -> watch::Receiver<u64> {
        self.resets.subscribe()
    }

    pub(super) fn tally(&self) -> Tally {
        Tally::of(&self.state())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tokens.remove(&self.callback_token());
        self.bytes_of_all
            .fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        lock(&self.totals).add(&self.state());
    }
}
