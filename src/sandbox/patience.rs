//! How long a test waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::http::ApiError;

/// How long a test waits unless it says otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// When patience is at its end. Longer than a year is for ever.
pub(super) fn deadline(patience: Duration) -> Instant {
    Instant::now() + patience.min(Duration::from_hours(24 * 366))
}

/// A world that there is room for.
#[track_caller]
pub(super) fn room<T>(world: Result<T, ApiError>) -> T {
    match world {
        Ok(world) => world,
        Err(error) => panic!("no more worlds: {}", error.message.unwrap_or_default()),
    }
}
