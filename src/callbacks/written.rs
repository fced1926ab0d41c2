//! Notices when a request is written completely: head and body are handed to the socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// The body of a request. hyper drops it as soon as it has all bytes of it.
pub(super) struct WatchedBody {
    body: Full<Bytes>,
    is_taken: Arc<AtomicBool>,
}

/// The connection of one request.
pub(super) struct WatchedIo<S, T> {
    io: TokioIo<S>,
    is_taken: Arc<AtomicBool>,
    until_written: Option<T>,
}

/// Watches one request. `until_written` is dropped as soon as the request is written.
pub(super) fn watched<S, T>(
    stream: S,
    body: Bytes,
    until_written: T,
) -> (WatchedIo<S, T>, WatchedBody) {
    let is_taken = Arc::new(AtomicBool::new(false));
    let io = WatchedIo {
        io: TokioIo::new(stream),
        is_taken: is_taken.clone(),
        until_written: Some(until_written),
    };
    let body = WatchedBody {
        body: Full::new(body),
        is_taken,
    };
    (io, body)
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.is_taken.store(true, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin, T: Unpin> hyper::rt::Read for WatchedIo<S, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, T: Unpin> hyper::rt::Write for WatchedIo<S, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        // hyper flushes the socket only when it has written all that it has.
        if flushed.is_ready() && self.is_taken.load(Ordering::Relaxed) {
            self.until_written = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
