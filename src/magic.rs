//! `x-magic-reply`: the header with which a client picks its answer.

use hyper::HeaderMap;

use crate::endpoint::{Endpoint, Outcome};
use crate::error::ApiError;
use std::sync::Arc;

pub(crate) const HEADER: &str = "x-magic-reply";

/// What the header asks for. An empty header counts as none; an unknown value is refused.
pub(crate) fn outcome<'e>(
    headers: &HeaderMap,
    endpoint: &'e Endpoint,
    only_errors: bool,
) -> Result<Option<&'e Arc<Outcome>>, ApiError> {
    let Some(header) = headers.get(HEADER) else {
        return Ok(None);
    };
    let asked = String::from_utf8_lossy(header.as_bytes());
    let asked = asked.trim();
    if asked.is_empty() {
        return Ok(None);
    }
    match endpoint.outcome(asked) {
        Some(outcome) if !only_errors || outcome.is_error() => Ok(Some(outcome)),
        _ => Err(ApiError::unknown_magic(
            endpoint.unknown_outcome(asked, only_errors),
        )),
    }
}
