//! Copies a journal at one moment, and waits until an expectation holds.

use tokio::sync::watch;

use super::expectation::{Excerpt, Expectation, NotVerified, Verified, Wait};
use super::journal::Journal;
use super::mask::Mask;
use super::progress::{Progress, ProgressStanding};
use super::query_reading::Reading;
use super::waiters::{Waiter, Waiters};
use crate::base::Turns;
use crate::world::strangers::Strangers;
use crate::world::waiting::Waiting;
use crate::world::world::World;

/// The place where requests are kept.
#[derive(Clone, Copy)]
pub(crate) enum JournalOf<'a> {
    OfWorld(&'a World),
    /// Refused requests that belong to no world.
    Strangers(&'a Strangers),
}

impl JournalOf<'_> {
    /// The exchanges after a number, as far as they are still kept.
    pub(crate) fn excerpt(self, after_seq: u64) -> Excerpt {
        let of = |journal: &Journal| Excerpt {
            exchanges: journal.after(after_seq).cloned().collect(),
            last_seq: journal.last_seq(),
            dropped: journal.dropped,
            dropped_until: journal.dropped_until(),
            restarts: journal.restarts(),
        };
        self.read(of)
    }

    /// How often the journal was emptied, and the number of its latest exchange.
    fn end(self) -> (u64, u64) {
        self.read(|journal| (journal.restarts(), journal.last_seq()))
    }

    fn read<T>(self, read: impl Fn(&Journal) -> T) -> T {
        match self {
            Self::OfWorld(world) => read(&world.state().journal),
            Self::Strangers(strangers) => read(&strangers.journal()),
        }
    }

    fn waiters(&self) -> &Waiters {
        match self {
            Self::OfWorld(world) => &world.waiters,
            Self::Strangers(strangers) => &strangers.waiters,
        }
    }

    fn news(self) -> watch::Receiver<()> {
        match self {
            Self::OfWorld(world) => world.recorded(),
            Self::Strangers(strangers) => strangers.recorded(),
        }
    }

    /// Compares an expectation with what is kept now.
    pub(crate) fn verify_now(self, expectation: &Expectation) -> Result<Verified, NotVerified> {
        let excerpt = self.excerpt(0);
        let mut progress = Progress::new(expectation);
        progress.see(&excerpt);
        let verdict = progress.verdict(&excerpt.exchanges);
        verdict.map_err(|not_verified| self.hide_secrets(not_verified))
    }

    fn hide_secrets(self, not_verified: NotVerified) -> NotVerified {
        match self {
            Self::OfWorld(world) => not_verified.hiding(&world.mask()),
            Self::Strangers(_) => not_verified.hiding(&Mask::default()),
        }
    }

    /// Waits until an expectation holds, and says whether it does. `stop` turns true when the sandbox stops; the wait is
    /// over then.
    pub(crate) async fn verify(
        self,
        expectation: &Expectation,
        wait: Wait,
        stop: &watch::Receiver<bool>,
        turns: &Turns,
    ) -> Result<Verified, NotVerified> {
        let (until, throughout) = match wait {
            Wait::Until(until) => (until, false),
            Wait::Throughout(until) => (until, true),
        };
        let mut waiting = match self {
            Self::OfWorld(world) => Waiting::in_world(until, stop, world),
            Self::Strangers(_) => Waiting::new(until, stop),
        };
        let waiter = self.waiters().add(expectation, throughout);
        let mut is_over = false;
        loop {
            self.show_news(&waiter, turns).await;
            if waiter.is_decided() || is_over {
                match self.verdict(&waiter, turns).await {
                    Some(verdict) => return verdict,
                    None => continue,
                }
            }
            let news = self.await_news(&waiter, turns);
            is_over = waiting.result(news).await.is_none();
        }
    }

    /// Waits until the waiter is decided, or has seen new exchanges. Of those who wait, one waits for the exchanges and
    /// shows them to all: an exchange would otherwise wake hundreds.
    async fn await_news(self, waiter: &Waiter, turns: &Turns) {
        tokio::select! {
            biased;
            () = waiter.decided.notified() => {}
            _leads = self.waiters().leading.lock() => {
                let mut news = self.news();
                if waiter.has_seen(self.end()) {
                    news.changed().await.ok();
                }
                self.show_news(waiter, turns).await;
            }
        }
    }

    /// Shows a waiter the exchanges that it has not seen. Whoever comes first shows them to all others too.
    async fn show_news(self, waiter: &Waiter, turns: &Turns) {
        let _one_at_a_time = self.waiters().showing.lock().await;
        if waiter.has_seen(self.end()) {
            return;
        }
        let mut turn = turns.first().await;
        let waiters = self.waiters().all();
        let (restarts, _) = self.end();
        let seen = waiters.iter().map(|one| one.seen_since(restarts));
        let excerpt = self.excerpt(seen.min().unwrap_or(0));
        for one in &waiters {
            one.begin(&excerpt);
        }
        for exchange in &excerpt.exchanges {
            let reading = Reading::of(exchange);
            for one in &waiters {
                turn.pause().await;
                one.see(&reading);
            }
        }
        for one in &waiters {
            one.end(&excerpt);
        }
    }

    /// Whether an expectation holds, and if not, which requests came closest. None if the journal was emptied meanwhile.
    async fn verdict(
        self,
        waiter: &Waiter,
        turns: &Turns,
    ) -> Option<Result<Verified, NotVerified>> {
        let (progress, (restarts, seen)) = waiter.take();
        let mut search = progress.search();
        if progress.standing() == ProgressStanding::Holds {
            return Some(progress.verdict_of(&search));
        }
        let mut turn = turns.first().await;
        let excerpt = self.excerpt(0);
        if excerpt.restarts != restarts {
            return None;
        }
        let known = excerpt.exchanges.iter().filter(|one| one.seq <= seen);
        for exchange in known.rev() {
            turn.pause().await;
            search.look_at(exchange);
        }
        for candidate in &search.candidates() {
            turn.pause().await;
            search.compare(candidate);
        }
        let verdict = progress.verdict_of(&search);
        Some(verdict.map_err(|not_verified| self.hide_secrets(not_verified)))
    }
}
