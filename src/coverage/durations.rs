//! How long answers took to make: a histogram with fixed limits.

use std::time::Duration;

/// In microseconds. An answer is made in some ten of them; a callback that comes before its reply, or a URL
/// that is tested, takes as long as the receiver.
pub(crate) const LIMITS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

/// How many took so long.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Durations {
    /// By the first limit that is not exceeded; behind them those that exceed all.
    pub counts: [u64; LIMITS_US.len() + 1],
    pub sum: Duration,
}

impl Durations {
    pub(super) fn count(&mut self, duration: Duration) {
        let micros = duration.as_micros();
        let place = LIMITS_US
            .iter()
            .position(|limit| micros <= u128::from(*limit));
        self.counts[place.unwrap_or(LIMITS_US.len())] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}
