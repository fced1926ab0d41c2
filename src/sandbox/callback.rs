//! One callback, as a test sees it.

use std::fmt;

use serde_json::Value;

use crate::world::{Delivery, DeliveryState};

/// A callback as it stands in the delivery log of a world. `Display` describes its state in one line.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{DeliveryState, Sandbox};
///
/// let sandbox = Sandbox::start().await.unwrap();
/// let (world, receiver) = (sandbox.world(), sandbox.receiver());
/// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
/// world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
/// world.idle().await;
/// let callback = &world.deliveries()[0];
/// assert_eq!((callback.state, callback.attempts), (DeliveryState::Delivered, 1));
/// assert_eq!(
///     callback.to_string(),
///     format!("NAME_VALIDATOR_REQUEST to {} was delivered", receiver.url())
/// );
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Counts the world's callbacks from 1; never repeats.
    pub seq: u64,
    /// Such as `NAME_VALIDATOR_REQUEST`.
    pub callback_type: String,
    /// The id of the record that the callback shows.
    pub record: Option<String>,
    /// Such as `v1.1/bank_account_data_requests/COMPLETED_FOUND`.
    pub outcome: String,
    /// Where it went last, or will go. Empty if no URL is registered for its type.
    pub url: String,
    pub body: String,
    pub state: DeliveryState,
    /// The state in words, with the time of the next try: `is tried again at … after: connection refused`.
    pub standing: String,
    /// How often it was tried.
    pub attempts: usize,
    /// Why the last try failed, or why the callback was never sent.
    pub error: Option<String>,
    /// The fault that was requested for this callback.
    pub on_purpose: Option<String>,
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.url.is_empty() {
            return write!(f, "{} {}", self.callback_type, self.standing);
        }
        write!(
            f,
            "{} to {} {}",
            self.callback_type, self.url, self.standing
        )
    }
}

impl Callback {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let last = delivery.attempts.last();
        Self {
            seq: delivery.seq,
            callback_type: delivery.callback_type.to_string(),
            record: delivery.record.as_deref().map(str::to_owned),
            outcome: delivery.outcome.to_string(),
            url: (delivery.url.as_ref()).map_or_else(String::new, |url| url.as_str().to_owned()),
            body: String::from_utf8_lossy(&delivery.body).into_owned(),
            state: delivery.state,
            standing: delivery.standing(),
            attempts: delivery.attempts.len(),
            error: last
                .and_then(|last| last.error.clone())
                .or(delivery.reason.clone()),
            on_purpose: delivery.on_purpose.clone(),
        }
    }

    /// The body as JSON; `null` where it is none, on purpose.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// let callback = world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(callback.json()["status"], "COMPLETED");
    /// # });
    /// ```
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
