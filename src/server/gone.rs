//! The error of a body whose client is gone.

use super::pace::Ending;

/// Nothing is answered: the client went away before its request was whole, or a fault breaks the reply. Over
/// HTTP/1.1 the connection ends, over HTTP/2 the stream is reset.
#[derive(Debug, thiserror::Error)]
#[error("there is nobody to answer")]
pub(crate) struct Gone(#[source] h2::Error);

impl Gone {
    /// The client went away, or takes too long.
    pub(crate) fn client() -> Self {
        Self(h2::Reason::CANCEL.into())
    }

    /// A fault ends the stream. The reason is never `REFUSED_STREAM`: it says that nothing was done, and
    /// clients then ask again by themselves.
    pub(crate) fn by(ending: Ending) -> Self {
        let reason = match ending {
            Ending::Reset => h2::Reason::INTERNAL_ERROR,
            Ending::Close => h2::Reason::CANCEL,
            Ending::Garbage => h2::Reason::PROTOCOL_ERROR,
        };
        Self(reason.into())
    }
}
