//! Copies a journal at one moment, and waits until an expectation holds.

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::expectation::{Excerpt, Expectation, NotVerified, Verified, Wait};
use super::journal::Journal;
use super::mask::Mask;
use super::progress::{Progress, ProgressStanding};
use crate::world::strangers::Strangers;
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
        verdict.map_err(|not_verified| match self {
            Self::OfWorld(world) => not_verified.hiding(&world.mask()),
            Self::Strangers(_) => not_verified.hiding(&Mask::default()),
        })
    }

    /// Waits until an expectation holds, and compares it with what is kept then.
    pub(crate) async fn verify(
        self,
        expectation: &Expectation,
        wait: Wait,
    ) -> Result<Verified, NotVerified> {
        let (until, throughout) = match wait {
            Wait::Until(until) => (until, false),
            Wait::Throughout(until) => (until, true),
        };
        loop {
            let is_late = self.watch(expectation, until, throughout).await;
            let verdict = self.verify_now(expectation);
            // The world may have been emptied between the two.
            let may_still = verdict.as_ref().is_err_and(|error| error.is_open);
            if is_late || throughout || !may_still {
                return verdict;
            }
        }
    }

    /// Looks at each new request once. True when the time is over.
    async fn watch(self, expectation: &Expectation, until: Instant, throughout: bool) -> bool {
        let mut news = self.news();
        let mut progress = Progress::new(expectation);
        let mut seen = expectation.after_seq();
        loop {
            news.mark_unchanged();
            let excerpt = self.excerpt(seen);
            if excerpt.last_seq < seen {
                progress = Progress::new(expectation); // the world was emptied
            }
            seen = excerpt.last_seq;
            progress.see(&excerpt);
            match progress.standing() {
                ProgressStanding::Holds if !throughout => return false,
                ProgressStanding::Failed => return false,
                ProgressStanding::Holds | ProgressStanding::Open => {}
            }
            if timeout_at(until, news.changed()).await.is_err() {
                return true;
            }
        }
    }
}
