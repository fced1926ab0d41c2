//! A world as a document, written and read back.

mod checks;
mod restore;
mod snapshot;
mod unsent;
mod values;

pub(crate) use self::restore::SnapshotRefused;
pub(crate) use self::snapshot::{SNAPSHOT_BYTES_MAX, Snapshot};
