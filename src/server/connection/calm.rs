//! Bounds the frames of HTTP/2 that carry no request: SETTINGS, PING, PRIORITY, `WINDOW_UPDATE`, `RST_STREAM` and unknown ones.
//! Each of them costs little, but a client could send a million a second. h2 itself bounds small DATA frames,
//! CONTINUATION, and streams that are reset.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// GOAWAY with the reason `ENHANCE_YOUR_CALM`. The last stream that was handled is not known here, so it names the largest:
/// a client must not send a request again that was answered already.
#[rustfmt::skip]
const GOAWAY: [u8; FRAME_HEAD_BYTES + 8] = [
    0, 0, 8, 7, 0, 0, 0, 0, 0,
    0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 11,
];

/// How many such frames a client may send at once.
const FRAMES_MAX: u32 = 1000;

/// How many more it may send after a second.
const FRAMES_PER_SECOND: f64 = 100.0;

/// How many more it may send with each request.
const FRAMES_PER_REQUEST: f64 = 10.0;

/// A client may send one more for so many bytes that it sends in DATA frames.
const RECEIVED_BYTES_PER_FRAME: f64 = 1024.0;

/// A client may send one more for so many bytes that it is sent. Many clients answer each DATA frame with two of
/// `WINDOW_UPDATE`, and an event of a stream is a small DATA frame.
const SENT_BYTES_PER_FRAME: f64 = 64.0;

/// How much is read and thrown away at the end. If unread bytes were left, the system would reset the connection, and the
/// client might not read the reason.
const DISCARDED_READS_MAX: usize = 64;

/// A connection of HTTP/2 whose client is held to a number of frames.
pub(super) struct Calm<S> {
    io: S,
    received: Frames,
    sent: Frames,
    allowance: Allowance,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Calm<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io,
            received: Frames::after(PREFACE_BYTES),
            sent: Frames::after(0),
            allowance: Allowance::new(),
        }
    }

    /// Tells the client why its connection ends, as far as that is possible without waiting.
    fn say_goodbye(&mut self, context: &mut Context<'_>) {
        if self.sent.is_between_frames() {
            // A part of a frame would be nonsense, but the connection ends anyway.
            let _ = Pin::new(&mut self.io).poll_write(context, &GOAWAY);
            let _ = Pin::new(&mut self.io).poll_flush(context);
        }
        let mut scratch = [0; 16 << 10];
        for _ in 0..DISCARDED_READS_MAX {
            let mut discarded = ReadBuf::new(&mut scratch);
            let polled = Pin::new(&mut self.io).poll_read(context, &mut discarded);
            if !matches!(polled, Poll::Ready(Ok(()))) || discarded.filled().is_empty() {
                return;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Calm<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(context, buffer))?;
        let allowance = &mut this.allowance;
        let read = |kind, length| allowance.received(kind, length);
        this.received.pass(&buffer.filled()[before..], read);
        if this.allowance.is_kept() {
            return Poll::Ready(Ok(()));
        }
        tracing::warn!(
            "a connection of HTTP/2 was ended, because its client sent too many frames without requests"
        );
        this.say_goodbye(context);
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Calm<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = ready!(Pin::new(&mut this.io).poll_write(context, bytes))?;
        this.sent.pass(&bytes[..written], |_, _| {});
        this.allowance.sent(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
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
        let this = &mut *self;
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(context, slices))?;
        let mut left = written;
        for slice in slices {
            let part = &slice[..slice.len().min(left)];
            this.sent.pass(part, |_, _| {});
            left -= part.len();
        }
        this.allowance.sent(written);
        Poll::Ready(Ok(written))
    }
}

/// Finds the heads of frames in a stream of bytes.
struct Frames {
    /// How many bytes come before the next head.
    before_head: usize,
    head: [u8; FRAME_HEAD_BYTES],
    head_bytes: usize,
}

impl Frames {
    fn after(bytes: usize) -> Self {
        Self {
            before_head: bytes,
            head: [0; FRAME_HEAD_BYTES],
            head_bytes: 0,
        }
    }

    fn is_between_frames(&self) -> bool {
        self.before_head == 0 && self.head_bytes == 0
    }

    /// Calls `found` with the type and the length of each frame whose head ends in these bytes.
    fn pass(&mut self, mut bytes: &[u8], mut found: impl FnMut(u8, u32)) {
        loop {
            let passed = self.before_head.min(bytes.len());
            self.before_head -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                return;
            }
            let taken = bytes.len().min(FRAME_HEAD_BYTES - self.head_bytes);
            self.head[self.head_bytes..][..taken].copy_from_slice(&bytes[..taken]);
            self.head_bytes += taken;
            bytes = &bytes[taken..];
            if self.head_bytes < FRAME_HEAD_BYTES {
                return;
            }
            self.head_bytes = 0;
            let [high, middle, low, kind, ..] = self.head;
            let length = u32::from_be_bytes([0, high, middle, low]);
            self.before_head = length as usize;
            found(kind, length);
        }
    }
}

/// How many more frames without requests a client may send now.
struct Allowance {
    frames: f64,
    since: Instant,
}

impl Allowance {
    fn new() -> Self {
        Self {
            frames: FRAMES_MAX.into(),
            since: Instant::now(),
        }
    }

    fn received(&mut self, kind: u8, length: u32) {
        match kind {
            HEADERS => self.add(FRAMES_PER_REQUEST),
            DATA => self.add(f64::from(length) / RECEIVED_BYTES_PER_FRAME),
            CONTINUATION => {}
            _ => self.frames -= 1.0,
        }
    }

    fn sent(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.add(f64::from(bytes) / SENT_BYTES_PER_FRAME);
    }

    /// Whether the client has kept to it. What has passed of the time is added only when it is needed.
    fn is_kept(&mut self) -> bool {
        if self.frames < 0.0 {
            let seconds = self.since.elapsed().as_secs_f64();
            self.since = Instant::now();
            self.add(seconds * FRAMES_PER_SECOND);
        }
        self.frames >= 0.0
    }

    fn add(&mut self, frames: f64) {
        self.frames = (self.frames + frames).min(FRAMES_MAX.into());
    }
}
