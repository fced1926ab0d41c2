//! Panics: what a panic costs, and how the tests cause one.
//!
//! A panic is a bug of the sandbox. It must cost only the request that met it, and only a panic can prove that. So
//! the tests start the binary with `ILUMA_SANDBOX_TEST_PANICS=1` and send the header `x-sandbox-test-panic` with the
//! name of a place. The next time that this place is reached, it panics. Without the variable the header is ignored.
//! Only the command line reads the variable, and no help text mentions it.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use hyper::HeaderMap;
use tokio::task::JoinError;

use super::sync::lock;

const HEADER: &str = "x-sandbox-test-panic";

/// The place where the next panic shall happen. Clones share it. By default requests cannot cause panics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panics(Option<Arc<Mutex<Option<String>>>>);

impl Panics {
    /// Lets requests cause panics. For tests only.
    #[cfg(feature = "cli")]
    pub(crate) fn by_request() -> Self {
        Self(Some(Arc::default()))
    }

    /// Takes the place of the next panic from a request's header.
    pub(crate) fn arm(&self, headers: &HeaderMap) {
        let Some(armed) = &self.0 else {
            return;
        };
        if let Some(place) = headers.get(HEADER).and_then(|place| place.to_str().ok()) {
            *lock(armed) = Some(place.to_owned());
        }
    }

    /// Panics once if a request asked for a panic at this place.
    pub(crate) fn reached(&self, place: &str) {
        let Some(armed) = &self.0 else {
            return;
        };
        let mut armed = lock(armed);
        if armed.as_deref() == Some(place) {
            *armed = None;
            drop(armed);
            panic!("a test asked for it");
        }
    }
}

/// Something panicked. The message of the panic is not kept, because it may hold what a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs a function and catches its panic. The state that it changes must be sound after a panic, even when the change
/// is incomplete, because every lock of the sandbox is taken again after a panic.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

/// The same for a future. The caller pins it, so that it is not moved again.
pub(crate) async fn contained_async<T>(
    mut run: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Panicked> {
    std::future::poll_fn(|context| match contained(|| run.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panicked) => std::task::Poll::Ready(Err(panicked)),
    })
    .await
}

/// Panics if the task panicked, so that the panic reaches the waiting caller. None if the task ended with the sandbox.
pub(crate) fn pass_panic_on<T>(ended: Result<T, JoinError>) -> Option<T> {
    ended
        .inspect_err(|error| assert!(!error.is_panic(), "what was waited for panicked"))
        .ok()
}

/// Logs what panicked. The panic itself was logged where it happened, with its location.
pub(crate) fn log_panic(what: impl Display) {
    tracing::error!("{what} panicked; this is a bug of the sandbox");
}
