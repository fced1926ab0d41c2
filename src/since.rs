//! How long ago something was in a world: what the machine's time has passed since, or what the world's
//! clock was advanced by, whichever is more. The two are never added up.

use std::time::Duration;

use tokio::time::Instant;

/// A moment of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    at: Instant,
    /// How far the world's clock had been advanced then.
    advanced: Duration,
}

impl Since {
    pub(crate) fn new(at: Instant, advanced: Duration) -> Self {
        Self { at, advanced }
    }

    /// So long ago by the machine's time, when the world's clock had been advanced so far.
    pub(crate) fn ago(now: Instant, real: Duration, advanced: Duration) -> Self {
        Self {
            // A machine that was started since has no such moment: then it takes longer, by its time alone.
            at: now.checked_sub(real).unwrap_or(now),
            advanced,
        }
    }

    /// How long ago it was by the machine's time, and how far the world's clock had been advanced then.
    pub(crate) fn parts(self, now: Instant) -> (Duration, Duration) {
        (now.saturating_duration_since(self.at), self.advanced)
    }

    /// How long ago it was, now that the world's clock has been advanced so far.
    pub(crate) fn passed(self, now: Instant, advanced: Duration) -> Duration {
        now.saturating_duration_since(self.at)
            .max(advanced.saturating_sub(self.advanced))
    }
}
