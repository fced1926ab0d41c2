//! Bodies that do not come whole: the client went away, or it broke the framing of its body.

use std::error::Error;
use std::io;

/// Nobody is left to answer.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(super) struct ClientGone;

/// The reason why a body cannot be read, if its client broke the protocol. A connection that was cut is no news.
pub(super) fn broken_framing(error: &hyper::Error) -> Option<String> {
    let cause = error.source()?;
    let is_invalid = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    let in_http1 = cause.downcast_ref().is_some_and(is_invalid);
    let in_http2 = cause.downcast_ref().is_some_and(h2::Error::is_library);
    (in_http1 || in_http2).then(|| cause.to_string())
}
