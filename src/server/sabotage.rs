//! Carries out the delay and the fault of a reply on the wire: waits, slows down, breaks off.
//!
//! Over HTTP/2 a fault ends its own stream and not the connection, which carries other requests.
//!
//! A delay and a hang end when the sandbox stops, so that stopping need not wait for them. When the client
//! goes away, hyper drops the future or the body at once.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::gone::Gone;
use super::pace::{Ending, Pace};
use super::socket::Socket;
use crate::answer::ReplyFaults;
use crate::base::{BROKEN_MAX, Fault, held_with};
use crate::http::{BodyContent, ReplyBody};

/// About how many pieces of a slow body are written in a second. Below 10 bytes a second a piece is one byte,
/// and there are fewer.
const PIECES_A_SECOND: u32 = 10;

/// How long the first half of a stream has to be written before the stream is reset. A reset at once would
/// overtake it.
const WRITE_TIME: Duration = Duration::from_millis(50);

/// How long a client may take to go after its connection was closed.
const CLOSE_TIME: Duration = Duration::from_secs(1);

const GARBAGE: &[u8] =
    b"\x00\xfe\x89 garbage: these bytes are no HTTP, on purpose \xff\x00\r\n\r\n";

/// Waits for the delay of the reply, then carries out its fault. None where the connection ends without a reply.
pub(crate) async fn carry_out(
    response: Response<ReplyBody>,
    faults: ReplyFaults,
    pace: &Arc<Pace>,
) -> Option<Response<Written>> {
    wait(faults.delay, pace).await;
    let ending = match faults.fault {
        None | Some(Fault::Malformed | Fault::Status(_)) => {
            return Some(response.map(|body| Written::new(body, pace)));
        }
        Some(Fault::Truncate) => {
            return Some(response.map(|body| Written::broken(body, BrokenBody::half(pace))));
        }
        Some(Fault::Slow(rate)) => {
            return Some(response.map(|body| Written::broken(body, BrokenBody::slow(rate, pace))));
        }
        Some(Fault::Reset) => Ending::Reset,
        Some(Fault::Empty) => Ending::Close,
        Some(Fault::Garbage) => Ending::Garbage,
        Some(Fault::Hang) => {
            drop(response); // its callbacks are released: the server believes that it has answered
            wait(BROKEN_MAX, pace).await;
            Ending::Close
        }
    };
    pace.end(ending);
    None
}

/// Waits for `delay`, or until the sandbox stops.
async fn wait(delay: Duration, pace: &Pace) {
    if !delay.is_zero() {
        tokio::select! {
            () = sleep(delay) => {}
            () = pace.stopped() => {}
        }
    }
}

/// Ends a connection that hyper has let go of.
pub(crate) async fn end<S: Socket>(mut socket: S, ending: Ending, pace: &Pace) {
    match ending {
        Ending::Reset => {
            socket.socket().set_zero_linger().ok(); // dropping it sends a RST
            return;
        }
        Ending::Garbage => {
            timeout(CLOSE_TIME, socket.write_all(GARBAGE)).await.ok();
        }
        Ending::Close => {}
    }
    socket.shutdown().await.ok();
    // Dropping a socket with something unread in it sends a RST, which may overtake what was written.
    let mut unread = [0; 1024];
    let drained = async { while socket.read(&mut unread).await.is_ok_and(|read| read > 0) {} };
    tokio::select! {
        () = drained => {}
        () = sleep(CLOSE_TIME) => {}
        () = pace.stopped() => {}
    }
}

/// A body while it is written to a connection.
pub(crate) struct Written {
    content: BodyContent,
    broken: Option<Box<BrokenBody>>,
    /// Set if the connection closes after this body.
    closing: Option<Arc<Pace>>,
    /// Set for a body that has no end of its own.
    streaming: Option<Streaming>,
    /// Dropped when the body has been written, or the client has gone.
    held: Option<Box<dyn Send>>,
}

impl Written {
    pub(crate) fn new(body: ReplyBody, pace: &Arc<Pace>) -> Self {
        let is_stream = matches!(body.content, BodyContent::Stream(_));
        Self {
            content: body.content,
            broken: None,
            closing: None,
            streaming: is_stream.then(|| Streaming(pace.clone())),
            held: body.until_written,
        }
    }

    /// Closes the connection after this body, and reads on for a moment, so that the close does not overtake the
    /// reply.
    pub(crate) fn close_after(&mut self, pace: &Arc<Pace>) {
        self.closing = Some(pace.clone());
    }

    /// Holds something else until the body has been written. The bytes hold it themselves, because h2 takes them before it
    /// can write them.
    pub(super) fn hold<T: Send + 'static>(&mut self, also: T) {
        match &mut self.content {
            BodyContent::Whole(bytes) if !bytes.is_empty() => {
                *bytes = held_with(std::mem::take(bytes), also);
            }
            BodyContent::Whole(_) | BodyContent::Pieces(_) | BodyContent::Stream(_) => {
                self.held = Some(Box::new((self.held.take(), also)));
            }
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(&self.content, BodyContent::Whole(_))
    }

    /// Leaves out the content, as in the reply to a HEAD request.
    pub(crate) fn drop_content(&mut self) {
        self.content = BodyContent::Whole(Bytes::new());
        self.broken = None;
    }

    fn broken(body: ReplyBody, broken: BrokenBody) -> Self {
        Self {
            content: body.content,
            broken: Some(Box::new(broken)),
            closing: None,
            streaming: None,
            held: body.until_written,
        }
    }
}

impl Body for Written {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self {
            content,
            broken,
            closing,
            streaming,
            ..
        } = &mut *self;
        let piece = match (content, broken) {
            (BodyContent::Whole(left), Some(broken)) => {
                ready!(broken.poll_piece(left, context)).transpose()?
            }
            (BodyContent::Whole(left), None) => {
                if let Some(pace) = closing {
                    pace.end(Ending::Close); // as soon as everything has been written
                }
                Some(std::mem::take(left)).filter(|left| !left.is_empty())
            }
            (BodyContent::Pieces(pieces), _) => ready!(pieces.poll_recv(context)),
            (BodyContent::Stream(pieces), _) => {
                if let Some(Streaming(pace)) = streaming {
                    pace.streaming(); // the answer has begun, and goes on
                }
                ready!(pieces.poll_recv(context))
            }
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, BodyContent::Whole(left) if left.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            BodyContent::Whole(left) => SizeHint::with_exact(left.len() as u64),
            BodyContent::Pieces(_) | BodyContent::Stream(_) => SizeHint::default(),
        }
    }
}

/// Marks its request as answered when the body ends or is dropped.
struct Streaming(Arc<Pace>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// How a body is broken while it is written.
pub(crate) enum BrokenBody {
    /// Its first half comes, then the connection is closed.
    Half {
        pace: Arc<Pace>,
        is_given: bool,
        written: Option<Pin<Box<Sleep>>>,
    },
    Slow(Slow),
}

pub(crate) struct Slow {
    pace: Arc<Pace>,
    piece_bytes: usize,
    /// How long each piece takes.
    takes: Duration,
    pause: Pin<Box<Sleep>>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    gives_up: Instant,
    is_started: bool,
}

impl BrokenBody {
    fn half(pace: &Arc<Pace>) -> Self {
        Self::Half {
            pace: pace.clone(),
            is_given: false,
            written: None,
        }
    }

    fn slow(rate: NonZeroU32, pace: &Arc<Pace>) -> Self {
        let piece_bytes = (rate.get() / PIECES_A_SECOND).max(1);
        let takes = Duration::from_secs(piece_bytes.into()) / rate.get();
        Self::Slow(Slow {
            pace: pace.clone(),
            piece_bytes: piece_bytes as usize,
            takes,
            pause: Box::pin(sleep(takes)),
            stopped: Box::pin(pace.stopped()),
            gives_up: Instant::now() + BROKEN_MAX,
            is_started: false,
        })
    }

    /// Takes the next piece out of the bytes that are left.
    pub(crate) fn poll_piece(
        &mut self,
        left: &mut Bytes,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Gone>>> {
        match self {
            Self::Half { is_given, .. } if !*is_given && left.len() > 1 => {
                *is_given = true;
                Poll::Ready(Some(Ok(left.split_to(left.len() / 2))))
            }
            Self::Half { pace, written, .. } => {
                if pace.is_of_stream() {
                    let written = written.get_or_insert_with(|| Box::pin(sleep(WRITE_TIME)));
                    ready!(written.as_mut().poll(context));
                }
                break_off(pace, context)
            }
            Self::Slow(slow) => slow.poll_piece(left, context),
        }
    }
}

impl Slow {
    fn poll_piece(
        &mut self,
        left: &mut Bytes,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Gone>>> {
        if !self.is_started {
            self.is_started = true;
            self.pace.answering(); // a client that is still being answered is not idle
        }
        if left.is_empty() {
            return Poll::Ready(None);
        }
        if self.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Ok(std::mem::take(left))));
        }
        ready!(self.pause.as_mut().poll(context));
        let due = self.pause.deadline();
        if due >= self.gives_up {
            return break_off(&self.pace, context);
        }
        self.pause.as_mut().reset(due + self.takes);
        let piece_bytes = self.piece_bytes.min(left.len());
        Poll::Ready(Some(Ok(left.split_to(piece_bytes))))
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        if self.is_started {
            self.pace.answered();
        }
    }
}

/// Ends the connection as soon as the pieces so far have been written. A stream is reset instead.
fn break_off(pace: &Pace, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
    if pace.is_of_stream() {
        return Poll::Ready(Some(Err(Gone::by(Ending::Reset))));
    }
    if !pace.is_to_end() {
        pace.end(Ending::Close);
        context.waker().wake_by_ref(); // so that hyper flushes once more
    }
    Poll::Pending
}
