//! The first bytes of a connection tell HTTP/2 by prior knowledge from HTTP/1.1.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

use crate::server::protocol::Protocol;

/// An HTTP/2 client sends this before anything else. No method of HTTP/1.1 has this name.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much one read takes. The buffer of a connection grows with what one read brings, and it is not given back while the
/// connection is open.
const READ_BYTES: u64 = 16_383;

/// A connection whose first bytes have been looked at. A reader gets them again.
pub(super) struct Begun<S> {
    io: Take<S>,
    early: [u8; PREFACE.len()],
    /// The bytes of `early` from `start` to `end` have not been read again yet.
    start: u8,
    end: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Begun<S> {
    /// A connection whose protocol is known already. Nothing has been read.
    pub(super) fn just(io: S) -> Self {
        Self {
            io: io.take(READ_BYTES),
            early: [0; PREFACE.len()],
            start: 0,
            end: 0,
        }
    }

    /// Reads until it is clear which protocol the client speaks. Nearly always one read is enough.
    pub(super) async fn of(io: S) -> io::Result<(Self, Protocol)> {
        let mut begun = Self::just(io);
        let mut read = 0;
        while read < PREFACE.len() && begun.early[..read] == PREFACE[..read] {
            match begun.io.get_mut().read(&mut begun.early[read..]).await? {
                0 if read == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => break,
                more => read += more,
            }
        }
        begun.end = u8::try_from(read).expect("24 at most");
        let protocol = if begun.early == *PREFACE {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        Ok((begun, protocol))
    }

    /// The bytes that told the protocol. Empty if it was known already.
    pub(super) fn first_bytes(&self) -> &[u8] {
        &self.early[..self.end.into()]
    }

    pub(super) fn into_inner(self) -> S {
        self.io.into_inner()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.start == self.end {
            self.io.set_limit(READ_BYTES);
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let early = &self.early[self.start.into()..self.end.into()];
        let taken = early.len().min(buffer.remaining());
        buffer.put_slice(&early[..taken]);
        self.start += u8::try_from(taken).expect("24 at most");
        if buffer.remaining() > 0 {
            // Adds bytes that have come already. If there are none yet, or no more will come, the next read
            // says so.
            self.io.set_limit(READ_BYTES);
            let _ = Pin::new(&mut self.io).poll_read(context, buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.io.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.get_ref().is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.io.get_mut()).poll_write_vectored(context, slices)
    }
}
