//! The limit of a reply body.

use crate::http::ApiError;

/// The largest reply body. A placeholder that a template repeats can make a body much
/// larger than its request.
pub(crate) const REPLY_BYTES_MAX: usize = 16 << 20;

/// The body would be larger than `REPLY_BYTES_MAX`.
#[derive(Debug)]
pub(crate) struct ReplyTooLarge;

/// The error of a request whose outcome has a body that is too large.
pub(crate) fn reply_too_large(outcome: &str) -> ApiError {
    ApiError::reply_too_large(outcome, REPLY_BYTES_MAX)
}
