//! How long a test waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::DURATION_MAX;
use crate::http::ApiError;

/// How long a test waits unless it sets another time.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The end of the wait. Waiting longer than a year means for ever.
pub(super) fn deadline(patience: Duration) -> Instant {
    Instant::now() + patience.min(DURATION_MAX)
}

/// The world, or a panic when there is no room for another.
#[track_caller]
pub(super) fn room<T>(world: Result<T, ApiError>) -> T {
    match world {
        Ok(world) => world,
        Err(error) => panic!("no more worlds: {}", error.message.unwrap_or_default()),
    }
}
