//! Refused requests that belong to no world.

/// How many requests are kept that belong to no world.
pub(crate) const STRANGERS_MAX: usize = 200;
