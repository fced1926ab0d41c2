//! The layers of one endpoint, and the place of each value in them.

use std::ops::Range;
use std::sync::Arc;

use crate::scenario::{ScenarioFile, SourceFile};

/// A file and the files that extend it. Each is laid over the ones before it.
pub(crate) type Stack = Vec<Arc<ScenarioFile>>;

/// Which request schemas are compiled while files load, and are then tried on their samples and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The schemas of folders. The tests prove the shipped schemas, so these wait for their first request.
    OfFolders,
    OfAll,
}

/// The place of a value in a file, for reports.
pub(super) type SourceSpot<'a> = (&'a Arc<SourceFile>, Range<usize>);
