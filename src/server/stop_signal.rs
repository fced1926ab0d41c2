//! The signal to stop, as connections see it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::watch;

/// All connections share the signal, and look at it for every request. So only its first poll takes the lock of its channel.
#[derive(Clone, Debug)]
pub(super) struct StopSignal {
    /// It has changed, as far as this receiver knows, from the moment that the signal is sent.
    receiver: watch::Receiver<bool>,
}

impl StopSignal {
    pub(super) fn of(mut receiver: watch::Receiver<bool>) -> Self {
        if *receiver.borrow() {
            receiver.mark_changed();
        }
        Self { receiver }
    }

    pub(super) fn is_sent(&self) -> bool {
        self.receiver.has_changed().unwrap_or(true)
    }

    /// Returns when the signal is sent. It must stay in the task that polls it first.
    pub(super) async fn sent(self) {
        let mut receiver = self.receiver.clone();
        let mut changed = pin!(receiver.changed());
        let mut is_registered = false;
        poll_fn(|context| {
            if is_registered && !self.is_sent() {
                return Poll::Pending; // its waker is that of the task
            }
            is_registered = true;
            changed.as_mut().poll(context).map(drop)
        })
        .await;
    }
}
