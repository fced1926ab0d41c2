//! The sandbox as a fixture of Rust tests: worlds of their own, outcomes queued, requests verified,
//! callbacks waited for. Misuse panics with the nearest thing that there is; so does what was expected
//! and did not come, with the closest request.

mod blocking;
mod receiver;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

pub use self::blocking::BlockingSandbox;
pub use self::receiver::{ReceivedCallback, Receiver};
use crate::auth::ApiKey;
use crate::callback_options::CallbackUrl;
use crate::courier::{self, Advance, Registered};
use crate::delivery::{Delivery, DeliveryState};
use crate::endpoint::Endpoint;
use crate::excerpt::{Kept, Wait};
use crate::journal::Exchange;
use crate::load_error::nearest;
use crate::next::{Calls, Queued};
use crate::query::Query;
use crate::sample;
use crate::sandbox::{Sandbox, Shared};
use crate::verify::{Expectation, NotVerified};
use crate::world;

/// How long `wait_for` waits unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// One world of a sandbox: everything that one API key owns. Worlds never see each other, so tests that
/// each have their own can share a sandbox and run side by side.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let (one, other) = (sandbox.world(), sandbox.world());
/// assert_ne!(one.api_key(), other.api_key());
/// assert_eq!(one.requests().len(), 0);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct World {
    shared: Arc<Shared>,
    world: Arc<world::World>,
    url: String,
}

/// A callback as the delivery log of a world has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Counts the world's callbacks from 1; never repeats.
    pub seq: u64,
    /// Such as `NAME_VALIDATOR_REQUEST`.
    pub callback_type: String,
    /// The id of the record that it shows.
    pub record: Option<String>,
    /// Such as `v1.1/bank_account_data_requests/COMPLETED_FOUND`.
    pub outcome: String,
    pub url: String,
    pub body: String,
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: usize,
    /// Why the last try failed, or why it was never sent.
    pub error: Option<String>,
    /// What was asked to go wrong with it.
    pub on_purpose: Option<String>,
}

impl Callback {
    fn of(delivery: &Delivery) -> Self {
        let last = delivery.attempts.last();
        Self {
            seq: delivery.seq,
            callback_type: delivery.callback_type.to_string(),
            record: delivery.record.as_deref().map(str::to_owned),
            outcome: delivery.outcome.to_string(),
            url: delivery.url.as_str().to_owned(),
            body: String::from_utf8_lossy(&delivery.body).into_owned(),
            state: delivery.state,
            attempts: delivery.attempts.len(),
            error: last
                .and_then(|last| last.error.clone())
                .or(delivery.reason.clone()),
            on_purpose: delivery.on_purpose.clone(),
        }
    }

    /// The body as JSON; `null` where it is none, on purpose.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// All of this speaks of the world of [`Sandbox::api_key`]. Tests that run side by side on one sandbox
/// take a [`Sandbox::world`] each.
impl Sandbox {
    /// A fresh world with a key of its own, which is the same in every run for the same order of calls.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// assert!(world.api_key().starts_with("iluma_development_"));
    /// # });
    /// ```
    ///
    /// # Panics
    /// When 10,000 worlds are in use.
    pub fn world(&self) -> World {
        let minted = self.shared().worlds.mint_next(Instant::now());
        let (world, _) = minted.unwrap_or_else(|error| {
            panic!("no more worlds: {}", error.message.unwrap_or_default())
        });
        self.own(world)
    }

    /// The world of a name: the same key in every run, whatever else is made. Made when it is new; two
    /// tests with the same name share it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let again = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let key = sandbox.world_named("my test").api_key().to_owned();
    /// assert_eq!(key, again.world_named("my test").api_key());
    /// # });
    /// ```
    ///
    /// # Panics
    /// When 10,000 worlds are in use.
    pub fn world_named(&self, name: &str) -> World {
        let minted = self.shared().worlds.mint(name, Instant::now());
        let (world, _) = minted.unwrap_or_else(|error| {
            panic!("no more worlds: {}", error.message.unwrap_or_default())
        });
        self.own(world)
    }

    fn own(&self, world: Arc<world::World>) -> World {
        self.shared().issued.mint(&world.key);
        self.handle(world)
    }

    /// The world of [`Sandbox::api_key`].
    ///
    /// # Panics
    /// When 10,000 worlds are in use.
    pub fn default_world(&self) -> World {
        self.entered(&self.shared().default_key())
    }

    /// The world of a key that a test has made up.
    ///
    /// # Panics
    /// When it is no well-formed key, or 10,000 worlds are in use.
    #[track_caller]
    pub fn world_of(&self, api_key: &str) -> World {
        let key = api_key
            .parse()
            .unwrap_or_else(|sentence| panic!("{sentence}"));
        self.entered(&key)
    }

    #[track_caller]
    fn entered(&self, key: &ApiKey) -> World {
        let entered = self.shared().worlds.enter(key, Instant::now());
        let world = entered.unwrap_or_else(|error| {
            panic!("no more worlds: {}", error.message.unwrap_or_default())
        });
        self.handle(world)
    }

    fn handle(&self, world: Arc<world::World>) -> World {
        World {
            shared: self.shared().clone(),
            world,
            url: self.url(),
        }
    }

    /// As [`World::next`].
    pub fn next(&self, endpoint: &str, outcome: &str) {
        self.default_world().next(endpoint, outcome);
    }

    /// As [`World::requests`].
    pub fn requests(&self) -> Vec<Exchange> {
        self.default_world().requests()
    }

    /// As [`World::deliveries`].
    pub fn deliveries(&self) -> Vec<Callback> {
        self.default_world().deliveries()
    }

    /// As [`World::wait_for`].
    pub async fn wait_for(&self, query: Query) -> Exchange {
        self.default_world().wait_for(query).await
    }

    /// As [`World::verify`].
    #[track_caller]
    pub fn verify(&self, expectation: &Expectation) {
        self.default_world().verify(expectation);
    }

    /// As [`World::advance`].
    pub async fn advance(&self, by: Duration) -> Vec<Callback> {
        self.default_world().advance(by).await
    }

    /// Starts a receiver of callbacks on a free port of this machine.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let receiver = sandbox.receiver().await;
    /// sandbox.default_world().call_back("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// # });
    /// ```
    ///
    /// # Panics
    /// When no port is free.
    pub async fn receiver(&self) -> Receiver {
        Receiver::start().await
    }
}

impl World {
    /// `http://127.0.0.1:41233`, the sandbox's.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that owns this world.
    pub fn api_key(&self) -> &str {
        self.world.key.reveal()
    }

    /// The secret that callbacks of this world carry.
    pub fn callback_token(&self) -> String {
        self.world.callback_token()
    }

    /// The next call of an endpoint, by its id or path, gets this outcome, for clients that cannot send
    /// `x-magic-reply`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.next("v1.1/bank_account_data_requests", "SERVICE_UNAVAILABLE_ERROR");
    /// world.next("/v1.1/identity/bank_account_data_requests", "COMPLETED_NOT_FOUND");
    /// # });
    /// ```
    ///
    /// # Panics
    /// When there is no such endpoint or outcome, with the nearest there is; when 1000 are queued.
    #[track_caller]
    pub fn next(&self, endpoint: &str, outcome: &str) {
        self.next_times(endpoint, outcome, 1);
    }

    /// The same for several calls.
    ///
    /// # Panics
    /// As [`World::next`], and when `times` is 0.
    #[track_caller]
    pub fn next_times(&self, endpoint: &str, outcome: &str, times: u32) {
        assert!(times > 0, "an outcome is queued at least once");
        let catalogue = self.shared.catalogue();
        let found = catalogue.endpoint_named(endpoint);
        let Some(found) = found.filter(|found| found.creation.is_some()) else {
            let known = catalogue.endpoints().map(|known| &*known.id);
            let near = nearest(endpoint, known)
                .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
            panic!("there is no endpoint `{endpoint}`{near}");
        };
        let Some(outcome) = found.outcome(outcome) else {
            panic!("{}", Endpoint::unknown_outcome(found, outcome, false));
        };
        let queued = Queued {
            outcome: outcome.name.as_str().into(),
            times,
        };
        let has_room = self.world.queue(Calls::new(found, false), queued);
        assert!(has_room, "1000 outcomes are queued, and more are not taken");
    }

    /// Sends callbacks of a type to this URL, without the test that `POST /v1/callback/urls` makes.
    ///
    /// # Panics
    /// When no product sends callbacks of that type, or the URL is none that can be called.
    #[track_caller]
    pub fn call_back(&self, callback_type: &str, url: &str) {
        let known = self.shared.catalogue();
        let known = sample::callback_types(&known);
        assert!(
            known.contains(&callback_type),
            "no product sends callbacks of the type `{callback_type}`: there are {}",
            known.join(", ")
        );
        let url: CallbackUrl = url
            .parse()
            .unwrap_or_else(|error| panic!("`{url}` cannot be called: {error}"));
        let mut state = self.world.state();
        let now = self.world.now(&state);
        let registered = Registered {
            url: url.0,
            created: now,
            updated: now,
        };
        state
            .callbacks
            .urls
            .insert(callback_type.to_owned(), registered);
    }

    /// What was asked and answered, oldest first: the latest thousand.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// reqwest::Client::new()
    ///     .post(format!("{}/v1.1/identity/bank_account_data_requests", world.url()))
    ///     .basic_auth(world.api_key(), Some(""))
    ///     .header("x-magic-reply", "COMPLETED_FOUND")
    ///     .send()
    ///     .await
    ///     .unwrap();
    /// let requests = world.requests();
    /// assert_eq!(requests[0].path(), "/v1.1/identity/bank_account_data_requests");
    /// assert_eq!(requests[0].status, 200);
    /// # });
    /// ```
    pub fn requests(&self) -> Vec<Exchange> {
        self.world.state().journal.entries().cloned().collect()
    }

    /// Every callback that is kept, oldest first.
    pub fn deliveries(&self) -> Vec<Callback> {
        let state = self.world.state();
        let mut callbacks: Vec<_> = state
            .callbacks
            .log
            .newest_first()
            .map(Callback::of)
            .collect();
        callbacks.reverse();
        callbacks
    }

    /// Waits for a request, 10 s at most, and returns the first that is meant; one that has come already
    /// counts.
    ///
    /// # Panics
    /// When none comes, with those that came closest.
    pub async fn wait_for(&self, query: Query) -> Exchange {
        match self.wait_for_within(PATIENCE, query).await {
            Ok(exchange) => exchange,
            Err(not_verified) => panic!("waited {PATIENCE:?}: {not_verified}"),
        }
    }

    /// The same with another patience, and an error instead of a panic.
    pub async fn wait_for_within(
        &self,
        patience: Duration,
        query: Query,
    ) -> Result<Exchange, NotVerified> {
        let until = Wait::Until(Instant::now() + patience);
        let expectation = Expectation::at_least(1, self.named(query));
        let kept = Kept::OfWorld(&self.world);
        loop {
            let verified = kept.verify(&expectation, until).await?;
            let is_first = |one: &Exchange| one.trace() == verified.requests[0];
            if let Some(first) = self.requests().into_iter().find(is_first) {
                return Ok(first); // else the world was emptied just now
            }
        }
    }

    /// Holds what was asked against what is expected.
    ///
    /// ```should_panic
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Expectation, Query, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// let screened = Query::any().endpoint("v0/individual_cft_peps");
    /// world.verify(&Expectation::never(screened.clone()));
    /// world.verify(&Expectation::at_least(1, screened)); // panics: nobody asked
    /// # });
    /// ```
    ///
    /// # Panics
    /// When it does not hold, with the requests that came closest, field by field.
    #[track_caller]
    pub fn verify(&self, expectation: &Expectation) {
        let expectation = expectation.clone().map_queries(|query| self.named(query));
        if let Err(not_verified) = Kept::OfWorld(&self.world).verify_now(&expectation) {
            panic!("{not_verified}");
        }
    }

    /// Gives endpoints that were named by their paths their ids.
    #[track_caller]
    fn named(&self, mut query: Query) -> Query {
        let catalogue = self.shared.catalogue();
        let named = query.name_endpoints(|name| {
            let found = catalogue.endpoint_named(name);
            found.map(|found| found.id.to_string()).ok_or_else(|| {
                let known = catalogue.endpoints().map(|known| &*known.id);
                let near = nearest(name, known)
                    .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                format!("there is no endpoint `{name}`{near}")
            })
        });
        if let Err(sentence) = named {
            panic!("{sentence}");
        }
        query
    }

    /// Moves the world's clock on, through every callback and retry that falls due on the way, and
    /// returns those that were tried.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let tried = sandbox.world().advance(std::time::Duration::from_hours(72)).await;
    /// assert_eq!(tried, []);
    /// # });
    /// ```
    pub async fn advance(&self, by: Duration) -> Vec<Callback> {
        let advance = courier::advance(self.shared.clone(), self.world.clone(), Advance::By(by));
        let tried = advance.await;
        let state = self.world.state();
        let log = &state.callbacks.log;
        tried
            .into_iter()
            .filter_map(|seq| log.get(seq))
            .map(Callback::of)
            .collect()
    }

    /// Waits until no callback is pending any more.
    pub async fn idle(&self) {
        let mut changes = self.world.changes();
        loop {
            changes.mark_unchanged();
            if self.world.state().callbacks.pending() == 0 {
                return;
            }
            changes.changed().await.ok();
        }
    }

    /// Empties the world: records, counters, queue, faults, journal, clock. Returns when it is quiet, with
    /// the number of callbacks that were cancelled.
    pub async fn reset(&self) -> usize {
        self.world.reset(&self.shared.courier).await
    }
}
