//! How long tests wait for what has to come, so that one that waits in vain ends.
//!
//! By the machine's time, also where the clock is paused: a paused clock jumps to its next timer as soon as nobody has
//! anything to do, and bytes that are still on their way through the system are nobody's. A limit on that clock would be
//! jumped to, and the test would fail for the limit.

use std::future::Future;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Longer than anything takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(3);

/// When it is given up, and who is told so.
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

/// What has to come. None where it does not.
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
