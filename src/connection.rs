//! One connection: HTTP/1.1 with a limit on how long a client may take over anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::sandbox::Shared;
use crate::server::{Gone, respond};
use crate::wire;

const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_mins(1);
/// How long a connection may stay open without a request.
const IDLE_TIME: Duration = Duration::from_secs(90);
/// How often a connection looks at its own state: cheaper than a timer set for every request.
const TICK: Duration = Duration::from_secs(1);

/// Serves one connection to its end.
pub(crate) async fn serve(
    socket: TcpStream,
    sandbox: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    socket.set_nodelay(true).ok();
    let pace = Arc::new(Pace::new(stop.clone()));
    let service = service_fn(|request| {
        let (sandbox, pace) = (sandbox.clone(), pace.clone());
        pace.enter(Phase::Body);
        async move {
            let response = respond(&sandbox, request, &pace).await;
            pace.answered();
            response.ok_or(Gone)
        }
    });
    let io = PacedIo {
        io: TokioIo::new(socket),
        pace: pace.clone(),
    };
    let mut connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(io, service);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => break,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                if pace.is_streaming() {
                    return; // no end of its own is to be waited for
                }
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            _ = ticks.tick() => match pace.tick() {
                Verdict::Fine => {}
                Verdict::Idle => std::pin::Pin::new(&mut connection).graceful_shutdown(),
                Verdict::TooSlow => return,
            },
        }
    }
    if let Some(ending) = pace.ending() {
        wire::end(connection.into_parts().io.io.into_inner(), ending, &pace).await;
    }
}

/// What the client is doing, and since how many ticks; how the connection is to end, and when it has to.
#[derive(Debug)]
pub(crate) struct Pace {
    phase: AtomicU8,
    ticks: AtomicU32,
    ending: AtomicU8,
    stop: watch::Receiver<bool>,
}

/// How a connection ends that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ending {
    /// By a FIN.
    Close = 1,
    /// By a RST.
    Reset = 2,
    /// By bytes that are no HTTP, and a FIN.
    Garbage = 3,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The head of a request is awaited: a new connection is given no more time than that.
    Head = 0,
    Body = 1,
    Answer = 2,
    /// Between two requests.
    Idle = 3,
    /// An answer without an end, such as a stream of events.
    Stream = 4,
}

enum Verdict {
    Fine,
    Idle,
    TooSlow,
}

impl Pace {
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Head as u8),
            ticks: AtomicU32::new(0),
            ending: AtomicU8::new(0),
            stop,
        }
    }

    /// The request has been read.
    pub(crate) fn answering(&self) {
        self.enter(Phase::Answer);
    }

    pub(crate) fn answered(&self) {
        self.enter(Phase::Idle);
    }

    /// What is being answered has no end of its own.
    pub(crate) fn streaming(&self) {
        self.enter(Phase::Stream);
    }

    fn is_streaming(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Stream as u8
    }

    /// Says how the connection is to end, when what was written has been sent.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.store(ending as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_to_end(&self) -> bool {
        self.ending.load(Ordering::Relaxed) != 0
    }

    fn ending(&self) -> Option<Ending> {
        let ending = self.ending.load(Ordering::Relaxed);
        [Ending::Close, Ending::Reset, Ending::Garbage]
            .into_iter()
            .find(|one| *one as u8 == ending)
    }

    /// Returns when the sandbox stops.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.clone();
        async move {
            stop.wait_for(|stop| *stop).await.ok();
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// The first bytes after silence are the beginning of a head.
    fn bytes_came(&self) {
        if self.phase.load(Ordering::Relaxed) == Phase::Idle as u8 {
            self.enter(Phase::Head);
        }
    }

    fn tick(&self) -> Verdict {
        let passed = TICK * (self.ticks.fetch_add(1, Ordering::Relaxed) + 1);
        let phase = self.phase.load(Ordering::Relaxed);
        if phase == Phase::Idle as u8 {
            return match passed {
                // Told to close, but its client does not even take the answers that it has.
                _ if passed >= IDLE_TIME + HEAD_TIME => Verdict::TooSlow,
                _ if passed >= IDLE_TIME => Verdict::Idle,
                _ => Verdict::Fine,
            };
        }
        let allowed = match phase {
            0 => HEAD_TIME,
            1 => BODY_TIME,
            _ => return Verdict::Fine,
        };
        if passed > allowed {
            Verdict::TooSlow
        } else {
            Verdict::Fine
        }
    }
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
            // Everything that was to be written has been: hyper lets go of the connection.
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
        std::pin::Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
