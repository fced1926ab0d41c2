//! The fixture for tests that are not async: the sandbox runs in a thread of its own.

use std::future::Future;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};

use super::builder::Builder;
use super::callback::Callback;
use super::options::StartError;
use super::sandbox::Sandbox;
use super::world::World;
use crate::server::STOP_TIME;
use crate::world::{Exchange, Query};

/// A sandbox in a thread of its own. It is for blocking tests, and for a `static` that all tests of a binary
/// share, async ones too. The methods that are not async are those of [`Sandbox`]. An async method is awaited
/// in an async test, and else passed to [`block_on`](Self::block_on).
///
/// ```
/// use std::sync::LazyLock;
/// use iluma_sandbox::{BlockingSandbox, Sandbox};
///
/// static SANDBOX: LazyLock<BlockingSandbox> =
///     LazyLock::new(|| Sandbox::start_in_thread().unwrap());
///
/// let world = SANDBOX.world(); // one for each test
/// world.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
/// // … ask with a blocking client, then:
/// assert_eq!(world.requests().len(), 0);
/// ```
#[derive(Debug)]
pub struct BlockingSandbox {
    /// None only during the drop.
    sandbox: Option<Sandbox>,
    runtime: Option<Runtime>,
}

impl Sandbox {
    /// Starts in a thread of its own, for tests that are not async.
    ///
    /// ```
    /// let sandbox = iluma_sandbox::Sandbox::start_in_thread().unwrap();
    /// assert!(sandbox.url().starts_with("http://127.0.0.1:"));
    /// ```
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    ///
    /// # Panics
    /// When no thread can be started.
    pub fn start_in_thread() -> Result<BlockingSandbox, StartError> {
        Self::builder().start_in_thread()
    }
}

impl Builder {
    /// Starts in a thread of its own, for tests that are not async.
    ///
    /// ```
    /// let sandbox = iluma_sandbox::Sandbox::builder().seed(7).start_in_thread().unwrap();
    /// assert_eq!(sandbox.requests().len(), 0);
    /// ```
    ///
    /// # Errors
    /// As [`Builder::start`].
    ///
    /// # Panics
    /// When no thread can be started.
    pub fn start_in_thread(self) -> Result<BlockingSandbox, StartError> {
        // Started in a new thread, in which nothing is awaited: an async test may be the first to use the
        // shared sandbox.
        let started = thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("iluma-sandbox")
                .enable_all()
                .build()
                .expect("a thread can be started");
            let sandbox = runtime.block_on(self.start())?;
            Ok(BlockingSandbox {
                sandbox: Some(sandbox),
                runtime: Some(runtime),
            })
        });
        started.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl BlockingSandbox {
    /// Waits for a future, such as that of [`World::idle`] or [`Receiver::next`](crate::Receiver::next).
    ///
    /// ```
    /// let sandbox = iluma_sandbox::Sandbox::start_in_thread().unwrap();
    /// let world = sandbox.world();
    /// sandbox.block_on(world.idle());
    /// assert_eq!(sandbox.block_on(world.end()).queued, 0);
    /// ```
    ///
    /// # Panics
    /// When it is called from async code, which has to await instead.
    #[track_caller]
    pub fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("it is not being dropped");
        runtime.block_on(what)
    }

    /// As [`World::wait_for`].
    ///
    /// ```
    /// let sandbox = iluma_sandbox::Sandbox::start_in_thread().unwrap();
    /// let world = sandbox.world();
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.get(format!("{}/v1/callback/urls", world.url())).basic_auth(world.api_key(), Some(""));
    /// # sandbox.block_on(ask.send()).unwrap();
    /// // … the code under test asks where callbacks go, then:
    /// let asked = sandbox.wait_for(&world, iluma_sandbox::Query::any().status(200));
    /// assert_eq!(asked.path(), "/v1/callback/urls");
    /// ```
    ///
    /// # Panics
    /// As [`World::wait_for`] and [`block_on`](Self::block_on).
    #[track_caller]
    pub fn wait_for(&self, world: &World, query: Query) -> Exchange {
        self.block_on(world.wait_for(query))
    }

    /// As [`World::advance`].
    ///
    /// ```
    /// let sandbox = iluma_sandbox::Sandbox::start_in_thread().unwrap();
    /// let world = sandbox.world();
    /// assert_eq!(sandbox.advance(&world, std::time::Duration::from_hours(72)), []);
    /// ```
    ///
    /// # Panics
    /// As [`World::advance`] and [`block_on`](Self::block_on).
    #[track_caller]
    pub fn advance(&self, world: &World, by: Duration) -> Vec<Callback> {
        self.block_on(world.advance(by))
    }
}

impl Deref for BlockingSandbox {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("it is not being dropped")
    }
}

impl Drop for BlockingSandbox {
    fn drop(&mut self) {
        let (Some(sandbox), Some(runtime)) = (self.sandbox.take(), self.runtime.take()) else {
            return;
        };
        let stop = move || {
            runtime.block_on(sandbox.stop());
            runtime.shutdown_timeout(STOP_TIME);
        };
        if Handle::try_current().is_ok() {
            thread::spawn(stop); // async code must not block
        } else {
            stop();
        }
    }
}
