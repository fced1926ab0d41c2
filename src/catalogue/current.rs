//! The catalogue in use, and its reloads.

use std::sync::Arc;

use tokio::time::Instant;

use super::catalogue::Catalogue;
use crate::scenario::LoadErrors;

/// How the last reload went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reload {
    /// How many there were, whether they succeeded or not.
    pub count: u64,
    /// How many of them did not.
    pub failed: u64,
    /// When the last one was.
    pub at: Option<Instant>,
    /// Why the catalogue in place is older than the files.
    pub errors: Option<Arc<LoadErrors>>,
}

/// Once for every load: what loaded and is hardly meant.
pub(crate) fn log_warnings(catalogue: &Catalogue) {
    if !catalogue.warnings.is_empty() {
        let warnings = LoadErrors(catalogue.warnings.clone());
        tracing::warn!("the scenarios load, with warnings:\n{warnings}");
    }
}
