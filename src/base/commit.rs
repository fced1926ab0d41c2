//! The place of an answer or a change in the order of its world, so that a replay can repeat the order.

use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Counts from 1, with gaps. 0 for a request that belongs to no world.
    pub number: u64,
    /// The time from the start of the sandbox. Of a request, to the moment when its head had been read.
    pub elapsed: Duration,
    /// How far the world's clock was advanced.
    pub advanced: Duration,
}
