//! Compares requests with an expectation, and reports the closest ones when it does not hold.

use std::fmt;

use super::condition::Difference;
use super::exchange::Exchange;
use super::expectation::{Expectation, NotVerified, Verified};
use super::progress::Progress;
use super::query_reading::Reading;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            expected,
            received,
            note,
            look_alike,
        } = self;
        write!(f, "{field}: expected {expected}, ")?;
        match note {
            Some(note) => f.write_str(note),
            None if received.is_null() => f.write_str("received nothing"),
            None => write!(f, "received {received}"),
        }?;
        match look_alike {
            Some(look_alike) => write!(f, " (they look alike: {look_alike})"),
            None => Ok(()),
        }
    }
}

/// Compares requests with an expectation. The exchanges are given oldest first.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Expectation, Query, verify};
///
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
/// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
/// // … the code under test asks, then:
/// let requests = world.requests();
/// assert!(verify(&requests, &Expectation::exactly(1, Query::any().status(200))).is_ok());
/// assert!(verify(&requests, &Expectation::never(Query::any())).is_err());
/// # });
/// ```
pub fn verify(exchanges: &[Exchange], expectation: &Expectation) -> Result<Verified, NotVerified> {
    let mut progress = Progress::new(expectation);
    for exchange in exchanges {
        progress.see_one(&Reading::of(exchange));
    }
    progress.verdict(exchanges)
}
