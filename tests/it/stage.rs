//! A sandbox, a receiver for its callbacks, and a paused clock: the set-up for tests of callbacks.

use iluma_sandbox::{Builder, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::{Receiver, StandingClock};

pub(crate) const BANK: &str = "/v1.1/identity/bank_account_data_requests";
pub(crate) const TYPE: &str = "NAME_VALIDATOR_REQUEST";
pub(crate) const URLS: &str = "/v1/callback/urls";

pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) receiver: Receiver,
    pub(crate) still: StandingClock,
}

impl Stage {
    /// The receiver gets the callbacks of the bank validator.
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(more: impl FnOnce(Builder) -> Builder) -> Self {
        let still = StandingClock::hold();
        let receiver = Receiver::start().await;
        let builder = Sandbox::builder().callback(TYPE, receiver.url());
        Self {
            client: Client::of(more(builder)).await,
            receiver,
            still,
        }
    }

    /// Requests an outcome of the bank validator, without a body.
    pub(crate) async fn ask(&self, magic: &str) -> Answer {
        let answer = self.client.magic(BANK, magic).await;
        assert_eq!(answer.status, 200, "{magic}: {}", answer.text);
        answer
    }

    /// The same, from another world.
    pub(crate) async fn ask_as(&self, key: &str, magic: &str) -> Answer {
        let request = self.client.as_key(key, "POST", BANK);
        let answer = Answer::of(request.header("x-magic-reply", magic)).await;
        assert_eq!(answer.status, 200, "{magic}: {}", answer.text);
        answer
    }

    /// The current bytes of the record of an answer.
    pub(crate) async fn read(&self, record: &Value) -> String {
        let id = record["id"].as_str().expect("an id");
        self.client.get(&format!("{BANK}/{id}")).await.text
    }

    /// A request to the control API.
    pub(crate) async fn control(&self, path: &str) -> Value {
        let answer = self.client.get(&format!("/__sandbox/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Answer {
        self.client.post(&format!("/__sandbox/{path}"), body).await
    }

    /// Moves the world's clock forward. Returns the deliveries that were tried.
    pub(crate) async fn advance(&self, by: &str) -> Vec<Value> {
        let answer = self.tell("clock/advance", &json!({"by": by})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        list(answer.json()["deliveries"].take())
    }

    /// The delivery log as it is now, oldest first.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let mut log = list(self.control("deliveries?limit=1000").await["deliveries"].take());
        log.reverse();
        log
    }

    /// The delivery log after nothing is pending any more, oldest first.
    pub(crate) async fn ended(&self) -> Vec<Value> {
        self.control("idle?wait=1m").await;
        self.log().await
    }

    /// The first delivery, after this many tries or after its end.
    pub(crate) async fn tried(&self, times: usize) -> Value {
        for _ in 0..10_000 {
            let first = self.log().await.swap_remove(0);
            if attempts(&first).len() == times && first["state"] != "sending" {
                return first;
            }
        }
        panic!("it is not tried {times} times: {:?}", self.log().await);
    }
}

pub(crate) fn attempts(delivery: &Value) -> &[Value] {
    delivery["attempts"].as_array().expect("attempts")
}

/// The value of this name in each entry, such as `state`.
pub(crate) fn each<'a>(deliveries: &'a [Value], name: &str) -> Vec<&'a Value> {
    deliveries.iter().map(|one| &one[name]).collect()
}

pub(crate) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("{other} is no list"),
    }
}

/// A well-formed key that no other test uses.
pub(crate) fn key(letter: char) -> String {
    format!("iluma_development_{}", letter.to_string().repeat(40))
}
