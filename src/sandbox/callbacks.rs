//! The callbacks of a world: where they go, what became of them, and moving the clock on for them.

use std::panic::resume_unwind;
use std::time::Duration;

use serde_json::Value;

use super::callback::Callback;
use super::patience::{PATIENCE, deadline};
use super::world::World;
use crate::base::{DURATION_MAX, time_in_words};
use crate::callbacks::{Advance, CallbackUrl};
use crate::world::{Delivery, DeliveryState, Waiting};
use crate::{catalogue, control};

/// How many pending callbacks the message of a panic lists.
const LISTED_MAX: usize = 5;

impl World {
    /// Sends callbacks of a type to this URL, without the test that `POST /v1/callback/urls` makes.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", "http://127.0.0.1:9/callbacks");
    /// let callback = world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(callback.url, "http://127.0.0.1:9/callbacks");
    /// # });
    /// ```
    ///
    /// # Panics
    /// When no product sends callbacks of that type, or the URL cannot be called.
    #[track_caller]
    pub fn register_callback_url(&self, callback_type: &str, url: &str) {
        let catalogue = self.context.engine.catalogue();
        if let Err(sentence) = catalogue::check_callback_type(&catalogue, callback_type) {
            panic!("{sentence}");
        }
        let url: CallbackUrl = match url.parse() {
            Ok(url) => url,
            Err(sentence) => panic!("callbacks cannot go there: {sentence}"),
        };
        let world = self.owned();
        let _sends = self.runtime.enter(); // the test may run in no runtime
        control::set_callback_url(&self.context, &world, callback_type.to_owned(), url.0);
    }

    /// Sends a callback without a request before it, as `POST /__sandbox/trigger` does.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({
    ///     "type": "NAME_VALIDATOR_REQUEST",
    ///     "outcome": "COMPLETED_FOUND",
    ///     "set": {"result.is_found": false},
    /// }));
    /// assert_eq!(receiver.next().await.json()["result"]["is_found"], false);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the request is invalid, with the reason, or when no URL is registered for the type.
    #[track_caller]
    pub fn trigger(&self, callback: Value) -> Callback {
        let world = self.owned();
        let _sends = self.runtime.enter(); // the test may run in no runtime
        let seq = match control::trigger_directly(&self.context, &world, callback) {
            Ok(seq) => seq,
            Err(sentence) => panic!("{sentence}"),
        };
        let state = world.state();
        let delivery = state.callbacks.log.get(seq);
        Callback::of(delivery.expect("what was put into the log just now is there"))
    }

    /// Every callback that is kept, oldest first: all pending ones, and the latest thousand that have ended.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.world().deliveries(), []);
    /// # });
    /// ```
    pub fn deliveries(&self) -> Vec<Callback> {
        self.note_awaited(|_| true);
        self.logged(|_| true)
    }

    fn note_awaited(&self, which: impl Fn(&Delivery) -> bool) {
        self.owned().note_awaited(which);
    }

    fn logged(&self, which: impl Fn(&Delivery) -> bool) -> Vec<Callback> {
        let world = self.owned();
        let state = world.state();
        let newest_first = state.callbacks.log.newest_first();
        let mut callbacks: Vec<_> = newest_first
            .filter(|delivery| which(delivery))
            .map(Callback::of)
            .collect();
        callbacks.reverse();
        callbacks
    }

    /// The callbacks that were not sent because their type had no URL when they were due, oldest first. `deliveries` does
    /// not list them. At most the latest thousand are kept.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.header("x-magic-reply", "COMPLETED_FOUND").send().await.unwrap();
    /// // after a request of a product that sends callbacks
    /// assert_eq!(
    ///     world.callbacks_without_url()[0].to_string(),
    ///     "NAME_VALIDATOR_REQUEST was not sent: no URL is registered for NAME_VALIDATOR_REQUEST"
    /// );
    /// # });
    /// ```
    pub fn callbacks_without_url(&self) -> Vec<Callback> {
        let world = self.owned();
        let unsent = control::unsent_callbacks(&world.state().callbacks);
        unsent.iter().map(Callback::of).collect()
    }

    /// Waits until this many callbacks were delivered since the last reset, at most 10 s. It returns them, oldest first.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(world.delivered(1).await[0].attempts, 1);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When they do not come. If none can come because no URL is registered, it panics at once and says so.
    pub async fn delivered(&self, count: usize) -> Vec<Callback> {
        let world = self.owned();
        let mut waiting = Waiting::in_world(deadline(PATIENCE), &self.context.stop, &world);
        let mut changes = world.changes();
        let mut is_over = false;
        loop {
            changes.mark_unchanged();
            let delivered = self.logged(|one| one.state == DeliveryState::Delivered);
            if delivered.len() >= count {
                self.note_awaited(|one| one.state == DeliveryState::Delivered);
                return delivered;
            }
            let so_far = format!("{} of {count} callbacks were delivered", delivered.len());
            let (in_vain, next_due) = {
                let callbacks = &world.state().callbacks;
                let in_vain = control::in_vain(&self.context, callbacks);
                (in_vain, control::next_unsent_due(callbacks))
            };
            if let Some(reasons) = in_vain {
                panic!("{so_far}, and no other can come: {}", reasons.join(", "));
            }
            assert!(!is_over, "waited {PATIENCE:?}: {so_far}");
            is_over = !waiting.change_or(&mut changes, next_due).await;
        }
    }

    /// Moves the world's clock on. Callbacks and retries that fall due on the way are sent, and those that
    /// were tried are returned. A receiver that does not answer holds this up for 30 s a try.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// let retries = "1h,1h".parse().unwrap();
    /// let sandbox = iluma_sandbox::Sandbox::builder().retries(&retries).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// receiver.refuse(503, 2);
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// receiver.next().await;
    /// let tried = world.advance(Duration::from_hours(2)).await; // both retries fall due
    /// assert_eq!(tried[0].attempts, 3);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When `by` is more than 366 days, when a frozen clock would pass the end of the year 9999, or when the runtime of
    /// the sandbox has ended.
    pub async fn advance(&self, by: Duration) -> Vec<Callback> {
        assert!(
            by <= DURATION_MAX,
            "a clock is moved on by {} at most, and this is {by:?}",
            time_in_words(DURATION_MAX)
        );
        let world = self.owned();
        if let Err(sentence) = world.check_advance(by) {
            panic!("{sentence}");
        }
        let advance = self.context.courier.clone().advance(
            world.clone(),
            Advance::By(by),
            self.context.stop.clone(),
        );
        // Spawned on the runtime of the sandbox: a test that gives up, or whose own runtime ends, must not
        // leave it half done.
        let tried = match self.runtime.spawn(advance).await {
            Ok(tried) => tried,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(cancelled) => panic!("the runtime of the sandbox has ended: {cancelled}"),
            },
        };
        self.note_awaited(|one| tried.contains(&one.seq));
        let state = world.state();
        let log = &state.callbacks.log;
        let tried = tried.into_iter().filter_map(|seq| log.get(seq));
        tried.map(Callback::of).collect()
    }

    /// Waits until no callback is pending any more, at most 10 s. It does not move the clock.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// world.idle().await;
    /// assert_eq!(receiver.received().len(), 1);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When a callback is still pending, for example until its next try, or was dropped because too many of all worlds were
    /// pending. The message lists them.
    pub async fn idle(&self) {
        if let Err(pending) = self.idle_within(PATIENCE).await {
            let mut lines: Vec<_> = pending
                .iter()
                .take(LISTED_MAX)
                .map(ToString::to_string)
                .collect();
            if pending.len() > LISTED_MAX {
                lines.push(format!("and {} more", pending.len() - LISTED_MAX));
            }
            let lines = lines.join("\n  ");
            assert!(
                pending.iter().any(|one| one.state.is_pending()),
                "callbacks were dropped, because too many of all worlds were pending:\n  {lines}"
            );
            panic!(
                "waited {PATIENCE:?}: callbacks are still pending; `advance` moves the clock forward to them:\n  {lines}"
            );
        }
    }

    /// The same with another time limit. It returns the pending callbacks instead of a panic, or the callbacks that were
    /// dropped because too many of all worlds were pending.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.world().idle_within(Duration::from_secs(1)).await, Ok(()));
    /// # });
    /// ```
    pub async fn idle_within(&self, patience: Duration) -> Result<(), Vec<Callback>> {
        let until = deadline(patience);
        let world = self.owned();
        let mut waiting = Waiting::in_world(until, &self.context.stop, &world);
        let mut changes = world.changes();
        let mut is_over = false;
        loop {
            changes.mark_unchanged();
            let (pending, dropped) = {
                let callbacks = &world.state().callbacks;
                (callbacks.pending(), callbacks.dropped)
            };
            if pending == 0 && dropped == 0 {
                self.note_awaited(|_| true);
                return Ok(());
            }
            if pending == 0 {
                return Err(self.logged(|delivery| delivery.state == DeliveryState::Dropped));
            }
            if is_over {
                return Err(self.logged(|delivery| delivery.state.is_pending()));
            }
            is_over = !waiting.change(&mut changes).await;
        }
    }
}
