//! A world as a document, written and read back.

mod restore;
mod snapshot;

pub(crate) use self::restore::SnapshotRefused;
pub(crate) use self::snapshot::{SNAPSHOT_BYTES_MAX, Snapshot};
