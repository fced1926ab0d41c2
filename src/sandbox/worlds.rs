//! The sandbox as a fixture of Rust tests: separate worlds, queued outcomes, verified requests, awaited
//! callbacks. Misuse panics with the nearest name that exists. An expected request that did not come panics
//! with the closest one. A panic names the line of the test, except where the test awaits: callers are not
//! tracked through an await.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::callback::Callback;
use super::patience::room;
use super::receiver::Receiver;
use super::sandbox::Sandbox;
use super::world::World;
use crate::world::{Exchange, Expectation, Query, Verified};

/// Methods without a world of their own use the world of [`Sandbox::api_key`]. Tests that run side by side on
/// one sandbox take a [`Sandbox::world`] each.
impl Sandbox {
    /// A fresh world with a key of its own. The key is the same in every run if the order of calls is the same.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (one, other) = (sandbox.world(), sandbox.world());
    /// assert_ne!(one.api_key(), other.api_key());
    /// # });
    /// ```
    ///
    /// # Panics
    /// When 10,000 worlds have something pending. [`World::end`] frees one.
    #[track_caller]
    pub fn world(&self) -> World {
        let (world, _) = room(
            self.serving()
                .control
                .engine
                .worlds
                .mint_next(Instant::now()),
        );
        self.own(&world)
    }

    /// The world with this name. Its key is the same in every run, whatever other worlds are made. It is made
    /// when it is new; two tests with the same name share it.
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
    /// When 10,000 worlds have something pending.
    #[track_caller]
    pub fn world_named(&self, name: &str) -> World {
        let (world, _) = room(
            self.serving()
                .control
                .engine
                .worlds
                .mint(name, Instant::now()),
        );
        self.own(&world)
    }

    fn own(&self, world: &Arc<crate::world::World>) -> World {
        self.serving().control.engine.keys.issued.mint(&world.key);
        World::new(self, world.key.clone())
    }

    /// The world of [`Sandbox::api_key`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.default_world().api_key(), sandbox.api_key());
    /// # });
    /// ```
    pub fn default_world(&self) -> World {
        World::new(self, self.serving().control.engine.default_key())
    }

    /// The world of a key that a test chose itself.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let key = "iluma_development_KeyOfATestThatMadeItUpItself00";
    /// assert_eq!(sandbox.world_of(key).api_key(), key);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the key is not well-formed, or the sandbox does not let it in.
    #[track_caller]
    pub fn world_of(&self, api_key: &str) -> World {
        let key = match api_key.parse() {
            Ok(key) => key,
            Err(sentence) => panic!("{sentence}"),
        };
        let engine = &self.serving().control.engine;
        if let Err(error) = engine.admit(&engine.catalogue(), &key) {
            panic!("{}", error.message.unwrap_or_default());
        }
        World::new(self, key)
    }

    /// As [`World::next`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// sandbox.next("v1.1/bank_account_data_requests", "SERVER_ERROR");
    /// assert_eq!(sandbox.default_world().end().await.queued, 1);
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::next`].
    #[track_caller]
    pub fn next(&self, endpoint: &str, outcome: &str) {
        self.default_world().next(endpoint, outcome);
    }

    /// As [`World::requests`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.requests().len(), 0);
    /// # });
    /// ```
    pub fn requests(&self) -> Vec<Exchange> {
        self.default_world().requests()
    }

    /// As [`World::deliveries`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.deliveries(), []);
    /// # });
    /// ```
    pub fn deliveries(&self) -> Vec<Callback> {
        self.default_world().deliveries()
    }

    /// As [`World::wait_for`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Query, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await.unwrap();
    /// # let urls = format!("{}/v1/callback/urls", sandbox.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # client.get(urls).basic_auth(sandbox.api_key(), Some("")).send().await.unwrap();
    /// // … the code under test asks where callbacks go, then:
    /// let asked = sandbox.wait_for(Query::any().method("GET")).await;
    /// assert_eq!(asked.path(), "/v1/callback/urls");
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::wait_for`].
    pub async fn wait_for(&self, query: Query) -> Exchange {
        self.default_world().wait_for(query).await
    }

    /// As [`World::verify`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Expectation, Query, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await.unwrap();
    /// let verified = sandbox.verify(&Expectation::never(Query::any()));
    /// assert_eq!(verified.matched, 0);
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::verify`].
    #[track_caller]
    pub fn verify(&self, expectation: &Expectation) -> Verified {
        self.default_world().verify(expectation)
    }

    /// As [`World::advance`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let tried = sandbox.advance(std::time::Duration::from_hours(72)).await;
    /// assert_eq!(tried, []);
    /// # });
    /// ```
    ///
    /// # Panics
    /// As [`World::advance`].
    pub async fn advance(&self, by: Duration) -> Vec<Callback> {
        self.default_world().advance(by).await
    }

    /// Starts a receiver of callbacks on a free port of this machine, on the runtime of the sandbox.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let receiver = sandbox.receiver();
    /// sandbox.default_world().register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// assert!(receiver.received().is_empty());
    /// # });
    /// ```
    ///
    /// # Panics
    /// When no port is free.
    #[track_caller]
    pub fn receiver(&self) -> Receiver {
        Receiver::start(self.runtime())
    }
}
