//! The lock of a world's state. It counts the changes, so that a state file knows which worlds are unchanged.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::state::State;

/// Every access that could change the state counts as a change. So no code that changes it can forget to count.
pub(crate) struct StateGuard<'w>(MutexGuard<'w, State>);

impl<'w> StateGuard<'w> {
    pub(super) fn of(guard: MutexGuard<'w, State>) -> Self {
        Self(guard)
    }

    /// The state for a change of something that no snapshot has.
    pub(super) fn uncounted(&mut self) -> &mut State {
        &mut self.0
    }
}

impl Deref for StateGuard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.0.revision.changes += 1;
        &mut self.0
    }
}
