//! Copies a journal at one moment, and waits until an expectation holds.

use tokio::sync::watch;

use super::expectation::{Excerpt, Expectation, NotVerified, Verified, Wait};
use super::journal::Journal;
use super::mask::Mask;
use super::progress::{Progress, ProgressStanding};
use crate::base::{Turn, Turns};
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
        };
        match self {
            Self::OfWorld(world) => of(&world.state().journal),
            Self::Strangers(strangers) => of(&strangers.journal()),
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

    /// The same in turns with other calculations.
    async fn verify_in_turns(
        self,
        expectation: &Expectation,
        turns: &Turns,
    ) -> Result<Verified, NotVerified> {
        let mut turn = turns.first().await;
        let excerpt = self.excerpt(0);
        let mut progress = Progress::new(expectation);
        progress.see_in_turns(&excerpt, &mut turn).await;
        let mut search = progress.search();
        for exchange in excerpt.exchanges.iter().rev() {
            turn.pause().await;
            search.look_at(exchange);
        }
        let verdict = progress.verdict_of(&search);
        verdict.map_err(|not_verified| self.hide_secrets(not_verified))
    }

    fn hide_secrets(self, not_verified: NotVerified) -> NotVerified {
        match self {
            Self::OfWorld(world) => not_verified.hiding(&world.mask()),
            Self::Strangers(_) => not_verified.hiding(&Mask::of_keys()),
        }
    }

    /// Waits until an expectation holds, and compares it with what is kept then. `stop` turns true when the sandbox
    /// stops; the wait is over then.
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
        loop {
            let is_late = self
                .watch(expectation, &mut waiting, throughout, turns)
                .await;
            let verdict = self.verify_in_turns(expectation, turns).await;
            // The world may have been emptied between the two.
            let may_still = verdict.as_ref().is_err_and(|error| error.is_open);
            if is_late || throughout || !may_still {
                return verdict;
            }
        }
    }

    /// Looks at each new request once. True when the wait is over.
    async fn watch(
        self,
        expectation: &Expectation,
        waiting: &mut Waiting,
        throughout: bool,
        turns: &Turns,
    ) -> bool {
        let mut news = self.news();
        let mut progress = Progress::new(expectation);
        let mut seen = expectation.after_seq();
        loop {
            news.mark_unchanged();
            let mut turn = turns.first().await;
            let excerpt = self.excerpt(seen);
            if excerpt.last_seq < seen {
                progress = Progress::new(expectation); // the world was emptied
            }
            seen = excerpt.last_seq;
            progress.see_in_turns(&excerpt, &mut turn).await;
            drop(turn);
            match progress.standing() {
                ProgressStanding::Holds if !throughout => return false,
                ProgressStanding::Failed => return false,
                ProgressStanding::Holds | ProgressStanding::Open => {}
            }
            if !waiting.change(&mut news).await {
                return true;
            }
        }
    }
}

impl Progress<'_> {
    /// Takes the next requests into account, in turns with other calculations.
    async fn see_in_turns(&mut self, excerpt: &Excerpt, turn: &mut Turn<'_>) {
        self.see_dropped(excerpt);
        for exchange in &excerpt.exchanges {
            turn.pause().await;
            self.see_one(exchange);
        }
    }
}
