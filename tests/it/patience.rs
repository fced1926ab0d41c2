//! How long tests wait, so that a test that waits in vain ends.
//!
//! The limit uses the clock of the machine, even if tokio's clock is paused. A paused clock jumps to its next timer as
//! soon as all tasks are idle, even if bytes are still on their way through the system. So it would jump to the limit,
//! and the test would fail.

use std::future::Future;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Longer than any step takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The end of the wait, and the message.
type Waiting = Vec<(Instant, oneshot::Sender<()>)>;

static WAITING: LazyLock<Mutex<Waiting>> = LazyLock::new(|| {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            waiting.retain(|(until, teller)| *until > now && !teller.is_closed());
        }
    });
    Mutex::default()
});

/// Waits for a value. None if it does not come.
pub(crate) async fn patiently<F: Future>(what: F) -> Option<F::Output> {
    let (teller, given_up) = oneshot::channel();
    let until = Instant::now() + PATIENCE;
    let waiting = WAITING.lock();
    waiting
        .unwrap_or_else(PoisonError::into_inner)
        .push((until, teller));
    tokio::select! {
        biased;
        came = what => Some(came),
        _ = given_up => None,
    }
}
