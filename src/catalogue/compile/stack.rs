//! The layers of one endpoint, and the place of each value in them.

use std::ops::Range;
use std::sync::Arc;

use crate::scenario::{ScenarioFile, SourceFile};

/// A file and the files that extend it, in the order in which they are laid over each other.
pub(crate) type Stack = Vec<Arc<ScenarioFile>>;

/// Which request schemas are compiled at once, and their samples and records tried on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Those of folders. The shipped ones are proven by the tests, and wait for their first request.
    OfFolders,
    OfAll,
}

/// Where to point when something is wrong.
pub(super) type Place<'a> = (&'a Arc<SourceFile>, Range<usize>);
