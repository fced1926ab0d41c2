//! A world that is only read, such as for a list of all worlds. It may be dropped meanwhile.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::world::World;

/// Holds a world without counting as a use. A list of all worlds would otherwise be a use of every world.
#[derive(Debug)]
pub(crate) struct ReadWorld(Arc<World>);

impl ReadWorld {
    pub(crate) fn of(world: Arc<World>) -> Self {
        world.readers.fetch_add(1, Ordering::AcqRel); // after the clone: until then it counts as a use
        Self(world)
    }

    /// The world for more than reading.
    pub(crate) fn to_use(&self) -> Arc<World> {
        self.0.clone()
    }
}

impl Clone for ReadWorld {
    fn clone(&self) -> Self {
        Self::of(self.0.clone())
    }
}

impl Deref for ReadWorld {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Drop for ReadWorld {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::AcqRel);
    }
}
