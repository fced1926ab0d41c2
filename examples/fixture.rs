//! A test suite with one sandbox for all its tests and a world for each: `cargo test --example fixture`.
//!
//! The sandbox starts with the first test that uses it, in its own thread. Worlds never see each other, so the
//! tests can run at the same time, and their answers are the same in every run.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

/// The code under test: it asks for the holder of an account, and tries once more if the service is unavailable.
struct Payouts {
    iluma_url: String,
    api_key: String,
}

impl Payouts {
    async fn holder(&self, account: &str) -> Result<Option<String>, reqwest::Error> {
        let url = format!(
            "{}/v1.1/identity/bank_account_data_requests",
            self.iluma_url
        );
        let client = reqwest::Client::new();
        let ask = || {
            let request = client.post(&url).basic_auth(&self.api_key, Some(""));
            let account = json!({"bank_account_number": account, "bank_code": "BCA"});
            request.json(&account).send()
        };
        let mut answer = ask().await?;
        if answer.status() == 503 {
            answer = ask().await?;
        }
        let answer: Value = answer.error_for_status()?.json().await?;
        let holder = answer["result"]["account_holder_name"].as_str();
        Ok(holder.map(str::to_owned))
    }
}

/// As a program, it asks for two accounts.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let payouts = Payouts {
        iluma_url: sandbox.url(),
        api_key: sandbox.api_key(),
    };
    for account in ["1234567890", "0000000404"] {
        println!("{account}: {:?}", payouts.holder(account).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use iluma_sandbox::{BlockingSandbox, Expectation, Query, World};

    use super::*;

    const ACCOUNTS: &str = "v1.1/bank_account_data_requests";

    /// One sandbox for all tests, in its own thread.
    static SANDBOX: LazyLock<BlockingSandbox> =
        LazyLock::new(|| Sandbox::start_in_thread().expect("the sandbox starts"));

    /// A world for a test, and the code under test with the key of that world.
    fn world() -> (World, Payouts) {
        let world = SANDBOX.world().fail_on_unused();
        let payouts = Payouts {
            iluma_url: world.url().to_owned(),
            api_key: world.api_key().to_owned(),
        };
        (world, payouts)
    }

    #[tokio::test]
    async fn an_unavailable_service_is_asked_once_more() {
        let (world, payouts) = world();
        world.next(ACCOUNTS, "SERVICE_UNAVAILABLE_ERROR");
        let holder = payouts.holder("1234567890").await.expect("an answer");
        assert_eq!(holder.as_deref(), Some("FIRA DIYANKA"));
        let asked = Query::any().endpoint(ACCOUNTS).body("bank_code", "BCA");
        world.verify(&Expectation::exactly(2, asked.clone()));
        let in_order = [asked.clone().status(503), asked.status(200)];
        world.verify(&Expectation::in_order(in_order));
    }

    #[tokio::test]
    async fn a_callback_that_was_refused_comes_again() {
        let (world, payouts) = world();
        let receiver = SANDBOX.receiver();
        world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
        receiver.refuse(503, 1);
        payouts.holder("1234567890").await.expect("an answer");
        assert_eq!(receiver.next().await.answered, 503);
        world.advance(Duration::from_secs(1)).await; // to the next try, without waiting for it
        let callback = receiver.next().await;
        assert_eq!(callback.token(), Some(world.callback_token().as_str()));
        assert_eq!(callback.json()["status"], "COMPLETED");
    }

    #[tokio::test]
    async fn a_torn_connection_is_an_error() {
        let (world, payouts) = world();
        world.set_faults(json!({"faults": [{"endpoint": ACCOUNTS, "fault": "reset"}]}));
        assert!(payouts.holder("1234567890").await.is_err());
        world.heal();
        assert!(payouts.holder("1234567890").await.is_ok());
    }

    /// In a test that is not async, the blocking sandbox waits.
    #[test]
    fn an_account_that_nobody_has_has_no_holder() {
        let (world, payouts) = world();
        world.next(ACCOUNTS, "COMPLETED_NOT_FOUND");
        let holder = SANDBOX.block_on(payouts.holder("1234567890"));
        assert_eq!(holder.expect("an answer"), None);
        let asked = SANDBOX.wait_for(&world, Query::any().endpoint(ACCOUNTS));
        assert_eq!(asked.outcome_name(), Some("COMPLETED_NOT_FOUND"));
    }
}
