//! The body of a reply, before it is written to a socket.

use bytes::Bytes;
use tokio::sync::mpsc;

/// A body, and a value that is held until the body is written.
pub(crate) struct ReplyBody {
    pub content: BodyContent,
    pub until_written: Option<Box<dyn Send>>,
}

/// Where the bytes of a body come from.
pub(crate) enum BodyContent {
    Whole(Bytes),
    /// Pieces from a channel, until the channel closes. They are made one by one while the body is sent.
    Pieces(mpsc::Receiver<Bytes>),
    /// The same without an end.
    Stream(mpsc::Receiver<Bytes>),
}

impl ReplyBody {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        Self::of(BodyContent::Whole(bytes.into()))
    }

    pub(crate) fn pieces(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self::of(BodyContent::Pieces(pieces))
    }

    pub(crate) fn stream(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self::of(BodyContent::Stream(pieces))
    }

    fn of(content: BodyContent) -> Self {
        Self {
            content,
            until_written: None,
        }
    }
}
