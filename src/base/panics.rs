//! Panics: what one costs, and how the tests bring one about.
//!
//! A panic is a bug of the sandbox. It must cost the request that met it and nothing else, which can only be shown
//! with a panic. So the tests start the binary with `ILUMA_SANDBOX_TEST_PANICS=1` and send the header
//! `x-sandbox-test-panic` with the name of a place: the next time that the place is reached, it panics. Without the
//! variable, which the command line alone reads and no help mentions, the header is one that nobody looks at.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::HeaderMap;
use tokio::task::JoinError;

const HEADER: &str = "x-sandbox-test-panic";

/// Where the next panic is to be; a clone is the same. By default requests cannot bring panics about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panics(Option<Arc<Mutex<Option<String>>>>);

impl Panics {
    /// Panics where requests say so: for tests.
    #[cfg(feature = "cli")]
    pub(crate) fn by_request() -> Self {
        Self(Some(Arc::default()))
    }

    /// A request says where.
    pub(crate) fn arm(&self, headers: &HeaderMap) {
        let Some(armed) = &self.0 else {
            return;
        };
        if let Some(place) = headers.get(HEADER).and_then(|place| place.to_str().ok()) {
            *armed.lock().unwrap_or_else(PoisonError::into_inner) = Some(place.to_owned());
        }
    }

    /// Panics here, once, if it was said.
    pub(crate) fn reached(&self, place: &str) {
        let Some(armed) = &self.0 else {
            return;
        };
        let mut armed = armed.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.as_deref() == Some(place) {
            *armed = None;
            drop(armed);
            panic!("a test asked for it");
        }
    }
}

/// It panicked. The words of the panic are not kept: they may hold what a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs it; a panic ends here. What it had in its hands has to be sound afterwards, whatever it left undone: every
/// lock of the sandbox is taken again after a panic under it.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

/// The same for what awaits; whoever calls pins it, so that it is not moved once more.
pub(crate) async fn contained_async<T>(
    mut run: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Panicked> {
    std::future::poll_fn(|context| match contained(|| run.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panicked) => std::task::Poll::Ready(Err(panicked)),
    })
    .await
}

/// A task's panic becomes one of whoever waits for it. None where the task was ended with the sandbox.
pub(crate) fn pass_panic_on<T>(ended: Result<T, JoinError>) -> Option<T> {
    ended
        .inspect_err(|error| assert!(!error.is_panic(), "what was waited for panicked"))
        .ok()
}

/// The panic's own line, with the way there, was logged where it happened; this one says whose it was.
pub(crate) fn log_panic(what: impl Display) {
    tracing::error!("{what} panicked; this is a bug of the sandbox");
}
