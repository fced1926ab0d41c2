//! The socket below a connection: paced, and closable by a fault.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::pace::Pace;

/// The head and the body of a reply are joined up to this size: one write of a few bytes costs the system less than a write
/// of several pieces.
const JOINED_BYTES_MAX: usize = 2 << 10;

/// What a connection is served on: a socket, or TLS over one.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    fn socket(&self) -> &TcpStream;
}

/// The socket, watched for the first bytes of a request.
pub(crate) struct PacedIo<S> {
    pub io: TokioIo<S>,
    pub pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> hyper::rt::Read for PacedIo<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let polled = std::pin::Pin::new(&mut self.io).poll_read(context, buffer);
        if polled.is_ready() {
            self.pace.bytes_came();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> hyper::rt::Write for PacedIo<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let flushed = std::pin::Pin::new(&mut self.io).poll_flush(context);
        if flushed.is_ready() && self.pace.is_to_end() {
            // Everything has been written. The error makes hyper let go of the connection.
            return std::task::Poll::Ready(Err(std::io::ErrorKind::ConnectionAborted.into()));
        }
        flushed
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        if bytes > JOINED_BYTES_MAX {
            return std::pin::Pin::new(&mut self.io).poll_write_vectored(context, slices);
        }
        let mut joined = [0; JOINED_BYTES_MAX];
        let mut end = 0;
        for slice in slices {
            joined[end..end + slice.len()].copy_from_slice(slice);
            end += slice.len();
        }
        std::pin::Pin::new(&mut self.io).poll_write(context, &joined[..end])
    }
}
