//! The limit of a reply body.

use crate::http::ApiError;

/// The largest reply body. A placeholder that a template repeats can make a body much
/// larger than its request.
pub(crate) const REPLY_BYTES_MAX: usize = 16 << 20;

/// The body would be larger than `REPLY_BYTES_MAX`.
#[derive(Debug)]
pub(crate) struct ReplyTooLarge;

impl ReplyTooLarge {
    /// The error of a request that gets this outcome.
    pub(crate) fn of(self, outcome: &str) -> ApiError {
        ApiError::reply_too_large(outcome, REPLY_BYTES_MAX)
    }
}
