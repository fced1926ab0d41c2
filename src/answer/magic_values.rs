//! Chooses an outcome by a magic value in the data of a request.

use std::sync::Arc;

use crate::catalogue::{Endpoint, Outcome};

/// The outcome that a request's data name, and the number of the field that does; none for a file.
pub(crate) struct Named<'e> {
    pub outcome: &'e Arc<Outcome>,
    pub at: Option<u32>,
}

/// `completed_not_found.jpg` and `ktp.completed_not_found.png` name `COMPLETED_NOT_FOUND`.
pub(crate) fn named_by_file<'e>(
    endpoint: &'e Endpoint,
    file_name: &str,
) -> Option<&'e Arc<Outcome>> {
    let stem = file_name
        .rsplit_once('.')
        .map_or(file_name, |(stem, _)| stem);
    let last = stem.rsplit_once('.').map_or(stem, |(_, last)| last);
    endpoint.outcome(&as_name(last))
}

/// As outcomes are written: `completed not-found` is `COMPLETED_NOT_FOUND`.
pub(crate) fn as_name(text: &str) -> String {
    let upper = |c: char| match c {
        ' ' | '-' => '_',
        other => other.to_ascii_uppercase(),
    };
    text.trim().chars().take(200).map(upper).collect()
}
