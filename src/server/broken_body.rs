//! Bodies that do not come whole: the client went away, or it broke the framing of its body.

use std::error::Error;
use std::io;

/// Nobody is left to answer.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(super) struct ClientGone;

impl ClientGone {
    /// The connection failed within a body. A client that broke the framing finds the reason in the log.
    pub(super) fn by(error: &hyper::Error) -> Self {
        if let Some(cause) = error.source().filter(|cause| is_broken_framing(*cause)) {
            tracing::warn!("the body of a request could not be read: {cause}");
        }
        Self
    }
}

/// Whether the client broke the protocol. A connection that was cut is no news.
fn is_broken_framing(cause: &(dyn Error + 'static)) -> bool {
    let in_http1 = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    cause.downcast_ref().is_some_and(in_http1)
        || cause.downcast_ref().is_some_and(h2::Error::is_library)
}
