//! The settings for callbacks.

use super::builder::Builder;
use crate::callbacks::{CallbackUrl, Retries};

impl Builder {
    /// Sends callbacks of a type to this URL, in every world that registers no other.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let url = "http://127.0.0.1:8080/callbacks".parse().unwrap();
    /// let builder = Sandbox::builder().callback("NAME_VALIDATOR_REQUEST", url);
    /// let sandbox = builder.start().await.unwrap();
    /// let callback = sandbox.world().trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(callback.url, "http://127.0.0.1:8080/callbacks");
    /// # });
    /// ```
    #[must_use]
    pub fn callback(mut self, callback_type: impl Into<String>, url: CallbackUrl) -> Self {
        self.options
            .callbacks
            .urls
            .push((callback_type.into(), url.0));
        self
    }

    /// When a callback that failed is tried again.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{DeliveryState, Retries, Sandbox};
    ///
    /// let once = Retries::After(vec![]);
    /// let sandbox = Sandbox::builder().retries(&once).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// receiver.refuse(500, 1);
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// world.idle().await;
    /// assert_eq!(world.deliveries()[0].state, DeliveryState::Failed);
    /// # });
    /// ```
    #[must_use]
    pub fn retries(mut self, retries: &Retries) -> Self {
        self.options.callbacks.retries = retries.delays();
        self
    }

    /// Signs callbacks as the Standard Webhooks specification says. The token is sent as well.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().sign_callbacks(true).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert!(receiver.next().await.headers.contains_key("webhook-signature"));
    /// # });
    /// ```
    #[must_use]
    pub fn sign_callbacks(mut self, sign: bool) -> Self {
        self.options.callbacks.signing = sign;
        self
    }

    /// Sends the token in `x-iluma-callback-token` as well.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().second_token_header(true).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// let callback = receiver.next().await;
    /// assert_eq!(callback.headers["x-iluma-callback-token"], callback.token().unwrap());
    /// # });
    /// ```
    #[must_use]
    pub fn second_token_header(mut self, send: bool) -> Self {
        self.options.callbacks.second_token_header = send;
        self
    }

    /// Calls the host `to` where the URL of a callback has the host `from`, such as `localhost` or
    /// `host.docker.internal`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().callback_host("receiver.test", "127.0.0.1").start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// let written = receiver.url().replace("127.0.0.1", "receiver.test");
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &written);
    /// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(receiver.next().await.headers["host"], written.split('/').nth(2).unwrap());
    /// # });
    /// ```
    #[must_use]
    pub fn callback_host(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let (from, to) = (from.into(), to.into());
        let callbacks = &mut self.options.callbacks;
        if let Err(sentence) = callbacks.egress.map_host(&from, &to) {
            let wrong = || format!("`{from}={to}` in the host map has no effect: {sentence}");
            callbacks.wrong_host.get_or_insert_with(wrong);
        }
        self
    }

    /// Lets callbacks go to this public host. A host that could never be called is an error of the start.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().allow_egress("hooks.example.com").start().await.unwrap();
    /// let world = sandbox.world();
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", "http://hooks.example.com/iluma");
    /// assert_eq!(world.deliveries(), []); // nothing has gone there yet
    /// # });
    /// ```
    #[must_use]
    pub fn allow_egress(mut self, host: impl Into<String>) -> Self {
        let callbacks = &mut self.options.callbacks;
        if let Err(sentence) = callbacks.egress.allow(&host.into()) {
            callbacks.wrong_host.get_or_insert(sentence);
        }
        self
    }
}
