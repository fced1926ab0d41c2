//! The requests of a world: listed, waited for, verified.

use std::time::Duration;

use super::patience::{PATIENCE, deadline};
use super::world::World;
use crate::world::{Exchange, Expectation, JournalOf, NotVerified, Query, Verified, Wait};

impl World {
    /// The latest thousand requests with their answers, oldest first.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let asked = &world.requests()[0];
    /// assert_eq!(asked.endpoint(), Some("v1.1/bank_account_data_requests"));
    /// assert_eq!(asked.body().unwrap()["bank_code"], "BCA");
    /// # });
    /// ```
    pub fn requests(&self) -> Vec<Exchange> {
        self.owned().state().journal.entries().cloned().collect()
    }

    /// Waits at most 10 s for a request, and returns the first that matches. A request that has come already
    /// counts.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Query, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # tokio::spawn(ask.header("x-magic-reply", "COMPLETED_FOUND").send());
    /// // … the code under test asks in the background:
    /// let asked = world.wait_for(Query::any().status(200)).await;
    /// assert_eq!(asked.outcome_name(), Some("COMPLETED_FOUND"));
    /// # });
    /// ```
    ///
    /// # Panics
    /// When none comes, with the requests that came closest, or when the query names an unknown endpoint.
    pub async fn wait_for(&self, query: Query) -> Exchange {
        match self.wait_for_within(PATIENCE, query).await {
            Ok(exchange) => exchange,
            Err(not_verified) => panic!("waited {PATIENCE:?}: {not_verified}"),
        }
    }

    /// The same with another time limit, and an error instead of a panic.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let query = iluma_sandbox::Query::any().status(500);
    /// let error = sandbox.world().wait_for_within(Duration::from_millis(1), query).await.unwrap_err();
    /// assert_eq!(error.to_string(), "expected at least 1 request with status 500, but no request came");
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the query names an unknown endpoint or outcome.
    pub async fn wait_for_within(
        &self,
        patience: Duration,
        query: Query,
    ) -> Result<Exchange, NotVerified> {
        let until = Wait::Until(deadline(patience));
        let expectation = self.named(&Expectation::at_least(1, query));
        let world = self.owned();
        let kept = JournalOf::OfWorld(&world);
        loop {
            let verified = kept
                .verify(&expectation, until, &self.context.stop, &self.context.turns)
                .await?;
            let is_first = |one: &Exchange| one.trace() == verified.requests[0];
            let mut requests = kept.excerpt(0).exchanges.into_iter();
            if let Some(first) = requests.find(is_first) {
                return Ok(first); // otherwise the world was emptied just now
            }
        }
    }

    /// Compares the requests that came with what is expected.
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
    /// When the expectation is not met, with the requests that came closest, field by field, or when it names
    /// an unknown endpoint.
    #[track_caller]
    pub fn verify(&self, expectation: &Expectation) -> Verified {
        let expectation = self.named(expectation);
        match JournalOf::OfWorld(&self.owned()).verify_now(&expectation) {
            Ok(verified) => verified,
            Err(not_verified) => panic!("{not_verified}"),
        }
    }

    /// Waits until the expectation is met, for code under test that asks in the background. It stops at once
    /// when the expectation can no longer be met.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use iluma_sandbox::{Expectation, Query, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// let twice = Expectation::exactly(2, Query::any());
    /// let error = world.verify_within(Duration::from_millis(1), &twice).await.unwrap_err();
    /// assert_eq!(error.matched, 0);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the expectation names an unknown endpoint or outcome.
    pub async fn verify_within(
        &self,
        patience: Duration,
        expectation: &Expectation,
    ) -> Result<Verified, NotVerified> {
        let until = Wait::Until(deadline(patience));
        let expectation = self.named(expectation);
        let world = self.owned();
        JournalOf::OfWorld(&world)
            .verify(&expectation, until, &self.context.stop, &self.context.turns)
            .await
    }

    /// Replaces the names of endpoints and outcomes by those that the journal uses.
    #[track_caller]
    fn named(&self, expectation: &Expectation) -> Expectation {
        let catalogue = self.context.engine.catalogue();
        let mut wrong = None;
        let expectation = expectation.clone().map_queries(|mut query| {
            let named = query.name(&catalogue);
            wrong = wrong.take().or(named.err());
            query
        });
        match wrong {
            None => expectation,
            Some(sentence) => panic!("{sentence}"), // not in a closure: that does not know the caller
        }
    }
}
