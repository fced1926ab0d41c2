//! The order in which the first attempts of a world connect to a receiver.

use foldhash::HashMap;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::base::Origin;

/// The last attempt in each line. A line has the first attempts to one receiver.
#[derive(Debug, Default)]
pub(crate) struct Turns(HashMap<Origin, oneshot::Receiver<()>>);

/// A place in a line. It is free for the next attempt when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pub receiver: Origin,
    before: Option<oneshot::Receiver<()>>,
    _over: oneshot::Sender<()>,
}

impl Turns {
    /// Takes the place at the end of a line.
    pub(crate) fn take(&mut self, receiver: Origin) -> Turn {
        self.0
            .retain(|_, last| last.try_recv() == Err(TryRecvError::Empty)); // the others are over
        let (over, last) = oneshot::channel();
        Turn {
            before: self.0.insert(receiver.clone(), last),
            receiver,
            _over: over,
        }
    }
}

impl Turn {
    /// Waits until the attempt before this one has written its request or has failed.
    pub(crate) async fn comes(&mut self) {
        if let Some(before) = self.before.take() {
            before.await.ok(); // an error means that it was dropped, and nothing is ever sent
        }
    }
}
