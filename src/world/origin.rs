//! Where a snapshot comes from.

use crate::base::Clock;

/// What a snapshot says of its sandbox and of its world.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub seed: u64,
    pub clock: Clock,
    /// The tag of the world.
    pub world: String,
}
