//! A world, as a test uses it: queued outcomes, faults, its end.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::callback::Callback;
use super::patience::room;
use super::sandbox::Sandbox;
use super::test_end::TestEnd;
use crate::base::ApiKey;
use crate::control::{self, Context, NextOutcome, Unqueueable};
use crate::world;

/// One world of a sandbox: everything that one API key owns. Worlds never see each other. So tests with a
/// world each can share a sandbox and run side by side.
///
/// If a test panics, its world prints its latest requests and callbacks when it is dropped, also the callbacks that are
/// still pending.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let (one, other) = (sandbox.world(), sandbox.world());
/// assert_ne!(one.api_key(), other.api_key());
/// assert_eq!(one.requests().len(), 0);
/// # });
/// ```
#[derive(Clone)]
pub struct World {
    pub(super) context: Arc<Context>,
    key: ApiKey,
    url: String,
    /// The runtime of the sandbox. A test's own runtime may end sooner.
    pub(super) runtime: Handle,
    end: Arc<TestEnd>,
}

/// What was still pending when a world ended.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// world.next_times("v1.1/bank_account_data_requests", "SERVER_ERROR", 3);
/// let unfinished = world.end().await;
/// assert_eq!((unfinished.queued, unfinished.faults), (3, 0));
/// assert_eq!(unfinished.callbacks, []);
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The hundred oldest of the callbacks that were cancelled.
    pub callbacks: Vec<Callback>,
    /// How many more callbacks were cancelled.
    pub more_callbacks: usize,
    /// How many calls were still to get an outcome of [`World::next`].
    pub queued: u64,
    /// How many faults were set.
    pub faults: usize,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.context.engine.worlds.tag_of(&self.key);
        write!(f, "World({tag} at {})", self.url)
    }
}

impl World {
    pub(super) fn new(sandbox: &Sandbox, key: ApiKey) -> Self {
        let context = sandbox.serving().control.clone();
        Self {
            end: Arc::new(TestEnd::new(context.clone(), key.clone())),
            context,
            key,
            url: sandbox.url(),
            runtime: sandbox.runtime().clone(),
        }
    }

    /// The world that the key owns now. It is a fresh one after the end of a world, or after its eviction.
    #[track_caller]
    pub(super) fn owned(&self) -> Arc<world::World> {
        room(self.context.engine.worlds.enter(&self.key, Instant::now()))
    }

    /// Lets a test fail that leaves something unused: the world panics when it ends or is dropped with queued outcomes that
    /// were never requested, faults that never struck, or callbacks that were never awaited. A callback that a receiver
    /// of the test has accepted counts as awaited. A test that panics for another reason does not panic twice.
    ///
    /// ```should_panic
    /// let sandbox = iluma_sandbox::Sandbox::start_in_thread().unwrap();
    /// let world = sandbox.world().fail_on_unused();
    /// world.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// // The code under test asks another endpoint, so the drop of the world panics.
    /// ```
    #[must_use]
    pub fn fail_on_unused(self) -> Self {
        self.end.fail_on_unused();
        self
    }

    /// What nobody has made use of so far, one sentence each, as `GET /__sandbox/unused` lists it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// assert_eq!(
    ///     world.unused(),
    ///     ["outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, and the request for it never came"]
    /// );
    /// # });
    /// ```
    pub fn unused(&self) -> Vec<String> {
        self.owned().unused().sentences
    }

    /// The URL of the sandbox, such as `http://127.0.0.1:41233`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.world().url(), sandbox.url());
    /// # });
    /// ```
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that owns this world.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.world().api_key().starts_with("iluma_development_"));
    /// # });
    /// ```
    pub fn api_key(&self) -> &str {
        self.key.reveal()
    }

    /// The secret that callbacks of this world carry.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (one, other) = (sandbox.world(), sandbox.world());
    /// assert_ne!(one.callback_token(), other.callback_token());
    /// # });
    /// ```
    pub fn callback_token(&self) -> String {
        self.owned().callback_token()
    }

    /// Gives the next call of an endpoint this outcome, for clients that cannot send `x-magic-reply`. The
    /// endpoint is an id or a path.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next("v1.1/bank_account_data_requests", "SERVICE_UNAVAILABLE_ERROR");
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].status, 503);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When there is no such endpoint or outcome, with the nearest name, or when 1000 outcomes are queued.
    #[track_caller]
    pub fn next(&self, endpoint: &str, outcome: &str) {
        self.queue(endpoint, outcome, 1, false);
    }

    /// The same for several calls.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next_times("v1.1/bank_account_data_requests", "SERVICE_UNAVAILABLE_ERROR", 2);
    /// assert_eq!(world.end().await.queued, 2); // nobody asked
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::next`], and when `times` is 0.
    #[track_caller]
    pub fn next_times(&self, endpoint: &str, outcome: &str, times: u32) {
        self.queue(endpoint, outcome, times, false);
    }

    /// Gives the next GET of a record of an endpoint this error.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next_read("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests/any", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # client.get(bank).basic_auth(world.api_key(), Some("")).send().await.unwrap();
    /// // … the code under test reads a record back, then:
    /// assert_eq!(world.requests()[0].status, 500);
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::next`], and when the outcome is no error, or the endpoint keeps no records.
    #[track_caller]
    pub fn next_read(&self, endpoint: &str, error: &str) {
        self.queue(endpoint, error, 1, true);
    }

    #[track_caller]
    fn queue(&self, endpoint: &str, outcome: &str, times: u32, reads: bool) {
        assert!(times > 0, "`times` must be at least 1");
        let catalogue = self.context.engine.catalogue();
        let next = NextOutcome::of(&catalogue, endpoint, outcome, reads);
        match next.and_then(|next| next.queue(&self.owned(), times)) {
            Ok(()) => {}
            Err(Unqueueable::OnlyReads(id)) => {
                panic!("`{id}` only reads: `next_read` queues for that")
            }
            Err(
                Unqueueable::UnknownEndpoint(sentence)
                | Unqueueable::UnknownOutcome(sentence)
                | Unqueueable::Other(sentence),
            ) => panic!("{sentence}"),
        }
    }

    /// Breaks the answers for a time, as `PUT /__sandbox/faults` does. The faults replace those set before.
    /// They end after `ttl`, which is 5 minutes by default.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use serde_json::json;
    ///
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// let reset = json!({"endpoint": "v1.1/bank_account_data_requests", "fault": "reset"});
    /// world.set_faults(json!({"faults": [reset, {"delay": "20ms"}], "ttl": "1m"}));
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.header("x-magic-reply", "COMPLETED_FOUND").send().await.unwrap_err();
    /// // … the code under test asks and gets no answer:
    /// assert_eq!(world.requests()[0].fault.as_deref(), Some("reset"));
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the faults are invalid, with the reason.
    #[track_caller]
    pub fn set_faults(&self, faults: Value) {
        if let Err(sentence) = control::set_faults(&self.context, &self.owned(), faults) {
            panic!("{sentence}");
        }
    }

    /// Ends all faults of [`World::set_faults`] at once.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.set_faults(serde_json::json!({"faults": [{"fault": "hang"}]}));
    /// world.heal();
    /// assert_eq!(world.end().await.faults, 0);
    /// # });
    /// ```
    pub fn heal(&self) {
        control::heal(&self.owned());
    }

    /// Explains why a request of this world was answered as it was, as `GET /__sandbox/explain/{trace}` does.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.header("x-magic-reply", "COMPLETED_FOUND").send().await.unwrap();
    /// // … the code under test asks with `x-magic-reply: COMPLETED_FOUND`, then:
    /// let why = world.explain(&world.requests()[0].trace());
    /// assert_eq!(why["chosen_by"], "magic");
    /// # });
    /// ```
    ///
    /// # Panics
    /// When this world keeps no such exchange, with the reason.
    #[track_caller]
    pub fn explain(&self, trace: &str) -> Value {
        let tag = &self.owned().tag;
        match self.context.explain_trace(trace, |world| world.tag == *tag) {
            Ok(explanation) => json!(explanation),
            Err((_, sentence)) => panic!("{sentence}"),
        }
    }

    /// Empties the world: records, counters, queue, faults, journal, callback URLs, clock. Returns the number
    /// of cancelled callbacks, once nothing of the world is under way. A receiver may still read what had
    /// been sent to it by then; to avoid that, wait for [`World::idle`] before.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// assert_eq!(world.reset().await, 0);
    /// assert_eq!(world.end().await.queued, 0);
    /// # });
    /// ```
    pub async fn reset(&self) -> usize {
        self.owned().reset().await
    }

    /// Ends the world, as `DELETE /__sandbox/worlds` does, and returns what was still pending, once nothing
    /// of the world is under way. The next request of its key, or the next call on this value, uses a fresh
    /// world.
    ///
    /// # Panics
    /// After [`World::fail_on_unused`], when something is unused.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// // … at the end of a test: whatever it queued was taken, and no callback is left.
    /// assert_eq!(world.end().await, iluma_sandbox::Unfinished::default());
    /// # });
    /// ```
    pub async fn end(&self) -> Unfinished {
        let failure = self.end.take_failure();
        let unfinished = self
            .context
            .engine
            .worlds
            .end(&self.key, Instant::now())
            .await;
        if let Some(failure) = failure {
            panic!("{failure}");
        }
        Unfinished {
            callbacks: unfinished.callbacks.iter().map(Callback::of).collect(),
            more_callbacks: unfinished.more_callbacks,
            queued: unfinished.queued,
            faults: unfinished.faults,
        }
    }
}
