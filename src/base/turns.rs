//! Long calculations take turns with each other, and pause between their turns, so that they hold nobody else up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{spawn_blocking, yield_now};

use super::panics::pass_panic_on;
use super::sync::lock;

/// How long a turn takes. A request that has nothing to do with the calculations waits about that long.
const TURN_TIME: Duration = Duration::from_millis(1);

/// How many calculations are begun at once. Each holds what it has made so far.
const CALCULATIONS_MAX: usize = 4;

/// How many threads there are for steps that cannot be cut. One of them works, the others wait for it.
const ASIDE_MAX: usize = 16;

/// One calculation at a time has its turn.
#[derive(Debug)]
pub(crate) struct Turns {
    begun: Semaphore,
    turn: Semaphore,
    aside: Arc<Semaphore>,
    alone: Arc<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            begun: Semaphore::new(CALCULATIONS_MAX),
            turn: Semaphore::new(1),
            aside: Arc::new(Semaphore::new(ASIDE_MAX)),
            alone: Arc::default(),
        }
    }
}

impl Turns {
    /// Waits for the first turn of a calculation that may hold much.
    pub(crate) async fn first(&self) -> Turn<'_> {
        let begun = self.begun.acquire().await.expect("never closed");
        let mut turn = Turn {
            _begun: Some(begun),
            ..self.brief()
        };
        turn.begin().await;
        turn
    }

    /// Begins a calculation that holds little and is short as a rule. It waits for its turn only if it is long.
    pub(crate) fn brief(&self) -> Turn<'_> {
        Turn {
            _begun: None,
            turns: self,
            permit: None,
            since: Instant::now(),
        }
    }

    /// Makes a step that is long and cannot be cut, in a thread of its own: the system divides the cores. There is one
    /// such step at a time, and it ends even if nobody waits for it any more. None if the sandbox ends meanwhile.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        step: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let thread = self.aside.clone().acquire_owned().await;
        let thread = thread.expect("never closed");
        let alone = self.alone.clone();
        let made = spawn_blocking(move || {
            let _thread = thread;
            let _alone = lock(&alone);
            step()
        });
        pass_panic_on(made.await)
    }
}

/// The turn of one calculation. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    _begun: Option<SemaphorePermit<'t>>,
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
