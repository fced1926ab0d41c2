//! What is done after the answer has been decided and before or after it is written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::gone::Gone;
use super::pace::Pace;
use super::wire::Broken;
use crate::answer::{Effect, Registration, Shared};
use crate::callbacks;
use crate::control::Lines;
use crate::http::ApiError;
use crate::world::{Registered, WAIT, World};

/// How long the receiver of a test may take.
const TEST_TIME: Duration = Duration::from_secs(10);

/// Does what has to be done before the reply is written. Returns what is to follow it.
pub(crate) async fn before_reply(
    sandbox: &Arc<Shared>,
    world: &Arc<World>,
    effect: Effect,
) -> Result<Option<Release>, ApiError> {
    match effect {
        Effect::None => Ok(None),
        Effect::Release(held) => {
            let mut state = world.state();
            callbacks::wake(sandbox, world, &mut state);
            drop(state);
            Ok(Some(Release {
                sandbox: sandbox.clone(),
                world: world.clone(),
                held,
            }))
        }
        Effect::AfterCallback(seq) => {
            let mut changes = world.changes();
            {
                let mut state = world.state();
                state.callbacks.release(seq);
                callbacks::wake(sandbox, world, &mut state);
            }
            let answered = async {
                loop {
                    let tried = {
                        let state = world.state();
                        let delivery = state.callbacks.log.get(seq);
                        delivery.is_none_or(|delivery| {
                            !delivery.attempts.is_empty() || !delivery.state.is_pending()
                        })
                    };
                    if tried || changes.changed().await.is_err() {
                        return;
                    }
                }
            };
            timeout(WAIT, answered).await.ok();
            Ok(None)
        }
        Effect::Register(registration) => {
            register(sandbox, world, registration).await.map(|()| None)
        }
    }
}

/// Sends each type's test; only when all are taken is the URL registered.
async fn register(
    sandbox: &Shared,
    world: &World,
    registration: Registration,
) -> Result<(), ApiError> {
    for (_, body) in &registration.types {
        let sent = sandbox
            .courier
            .ping(world, &registration.url, body.clone(), TEST_TIME)
            .await;
        if let Some(error) = sent.error {
            return Err(ApiError::callback_test_failed(&error));
        }
    }
    let mut state = world.state();
    let now = world.now(&state);
    for (callback_type, _) in registration.types {
        let known = state.callbacks.urls.get(&callback_type);
        let created = known.map_or(now, |known| known.created);
        let registered = Registered {
            url: registration.url.clone(),
            created,
            updated: now,
        };
        state.callbacks.urls.insert(callback_type, registered);
    }
    Ok(())
}

/// Lets callbacks go when it is dropped: when their reply has been written, or nobody takes it.
pub(crate) struct Release {
    sandbox: Arc<Shared>,
    world: Arc<World>,
    held: Vec<u64>,
}

impl Drop for Release {
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut state = self.world.state();
        for seq in &self.held {
            state.callbacks.release(*seq);
        }
        callbacks::wake(&self.sandbox, &self.world, &mut state);
    }
}

/// A reply's body, and what is let go when it has been written.
pub(crate) struct ReplyBody {
    left: Bytes,
    broken: Option<Box<Broken>>,
    /// What is written while it is sent.
    lines: Option<Box<Lines>>,
    streamed: Option<Box<Streamed>>,
    _release: Option<Release>,
}

impl ReplyBody {
    pub(crate) fn new(body: Bytes, release: Option<Release>) -> Self {
        Self {
            left: body,
            broken: None,
            lines: None,
            streamed: None,
            _release: release,
        }
    }

    pub(crate) fn lines(lines: Lines) -> Self {
        Self {
            lines: Some(Box::new(lines)),
            ..Self::new(Bytes::new(), None)
        }
    }

    /// What is sent through the channel, until that ends.
    pub(crate) fn streamed(pieces: mpsc::Receiver<Bytes>, pace: &Arc<Pace>) -> Self {
        Self {
            streamed: Some(Box::new(Streamed {
                pieces,
                pace: pace.clone(),
            })),
            ..Self::new(Bytes::new(), None)
        }
    }

    /// The same body, broken while it is written.
    pub(crate) fn broken(self, broken: Broken) -> Self {
        Self {
            broken: Some(Box::new(broken)),
            ..self
        }
    }
}

/// A body that has no end of its own.
struct Streamed {
    pieces: mpsc::Receiver<Bytes>,
    pace: Arc<Pace>,
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.pace.answered();
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self {
            left,
            broken,
            lines,
            streamed,
            ..
        } = &mut *self;
        if let Some(streamed) = streamed {
            streamed.pace.streaming(); // the answer is given, and goes on
            let piece = ready!(streamed.pieces.poll_recv(context));
            return Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))));
        }
        let piece = match (broken, lines) {
            (Some(broken), _) => ready!(broken.poll_piece(left, context)).transpose()?,
            (None, Some(lines)) => lines.next(),
            (None, None) => Some(std::mem::take(left)).filter(|left| !left.is_empty()),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.lines.is_none() && self.streamed.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.lines, &self.streamed) {
            (None, None) => SizeHint::with_exact(self.left.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
