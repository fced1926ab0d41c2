//! Long calculations take turns with each other, and pause between their turns, so that they hold nobody else up.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

/// How long a turn takes. A request that has nothing to do with the calculations waits about that long.
const TURN_TIME: Duration = Duration::from_millis(1);

/// How many calculations are begun at once. Each holds what it has made so far.
const CALCULATIONS_MAX: usize = 4;

/// One calculation at a time has its turn.
#[derive(Debug)]
pub(crate) struct Turns {
    begun: Semaphore,
    turn: Semaphore,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            begun: Semaphore::new(CALCULATIONS_MAX),
            turn: Semaphore::new(1),
        }
    }
}

impl Turns {
    /// Waits for the first turn of a calculation.
    pub(crate) async fn first(&self) -> Turn<'_> {
        let mut turn = Turn {
            _begun: self.begun.acquire().await.expect("never closed"),
            turns: self,
            permit: None,
            since: Instant::now(),
        };
        turn.begin().await;
        turn
    }
}

/// The turn of one calculation. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    _begun: SemaphorePermit<'t>,
    turns: &'t Turns,
    permit: Option<SemaphorePermit<'t>>,
    since: Instant,
}

impl Turn<'_> {
    /// Call this between small steps: it lets others have their turns when this one has taken long enough.
    pub(crate) async fn pause(&mut self) {
        if self.since.elapsed() >= TURN_TIME {
            self.permit = None;
            self.begin().await;
        }
    }

    async fn begin(&mut self) {
        let permit = self.turns.turn.acquire().await.expect("never closed");
        self.permit = Some(permit);
        // Without this, tokio would look for new bytes on sockets only after 61 turns.
        yield_now().await;
        self.since = Instant::now();
    }
}
