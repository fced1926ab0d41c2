//! Expected numbers of requests, and the report when they did not come.

use std::fmt;

use serde::Serialize;
use tokio::time::Instant;

use super::condition::Difference;
use super::exchange::Exchange;
use super::mask::Mask;
use super::query::Query;

/// How many of the closest requests are reported.
pub(super) const NEAR_MISSES_MAX: usize = 5;

/// How often, or in which order, requests are expected.
///
/// ```
/// use iluma_sandbox::{Expectation, Query};
///
/// let screening = Query::any().endpoint("v0/individual_cft_peps");
/// let refusal = screening.clone().status(400);
/// assert_eq!(
///     Expectation::exactly(2, screening).to_string(),
///     r#"exactly 2 requests with endpoint "v0/individual_cft_peps""#
/// );
/// assert_eq!(
///     Expectation::never(refusal).to_string(),
///     r#"no request with endpoint "v0/individual_cft_peps", status 400"#
/// );
/// ```
#[must_use = "it checks nothing before `World::verify`"]
#[derive(Clone, Debug)]
pub struct Expectation {
    pub(super) what: ExpectedCalls,
    pub(super) after_seq: u64,
}

#[derive(Clone, Debug)]
pub(super) enum ExpectedCalls {
    Times {
        query: Query,
        at_least: u64,
        at_most: Option<u64>,
    },
    InOrder(Vec<Query>),
}

impl Expectation {
    /// Exactly this often.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let asked = Query::any().status(200);
    /// let expectation = Expectation::exactly(2, asked);
    /// assert_eq!(expectation.to_string(), "exactly 2 requests with status 200");
    /// ```
    pub fn exactly(times: u64, query: Query) -> Self {
        Self::times(times, Some(times), query)
    }

    /// This often, or more often.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let asked = Query::any().status(200);
    /// let expectation = Expectation::at_least(2, asked);
    /// assert_eq!(expectation.to_string(), "at least 2 requests with status 200");
    /// ```
    pub fn at_least(times: u64, query: Query) -> Self {
        Self::times(times, None, query)
    }

    /// This often, less often, or not at all.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let asked = Query::any().status(200);
    /// let expectation = Expectation::at_most(2, asked);
    /// assert_eq!(expectation.to_string(), "at most 2 requests with status 200");
    /// ```
    pub fn at_most(times: u64, query: Query) -> Self {
        Self::times(0, Some(times), query)
    }

    /// At least `at_least` and at most `at_most` times.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let asked = Query::any().status(200);
    /// let expectation = Expectation::between(2, 4, asked);
    /// assert_eq!(expectation.to_string(), "2 to 4 requests with status 200");
    /// ```
    pub fn between(at_least: u64, at_most: u64, query: Query) -> Self {
        Self::times(at_least, Some(at_most), query)
    }

    /// Not at all.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let asked = Query::any().status(200);
    /// let expectation = Expectation::never(asked);
    /// assert_eq!(expectation.to_string(), "no request with status 200");
    /// ```
    pub fn never(query: Query) -> Self {
        Self::times(0, Some(0), query)
    }

    /// One after the other. Other requests may come between them.
    ///
    /// ```
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let (refused, asked) = (Query::any().status(503), Query::any().status(200));
    /// assert_eq!(
    ///     Expectation::in_order([refused, asked]).to_string(),
    ///     "2 requests in order: status 503; then status 200"
    /// );
    /// ```
    pub fn in_order(queries: impl IntoIterator<Item = Query>) -> Self {
        Self::of(ExpectedCalls::InOrder(queries.into_iter().collect()))
    }

    /// Counts only requests with a number above `seq`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Expectation, Query};
    ///
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let before = world.requests().last().unwrap().seq;
    /// // … it does what must not ask again, then:
    /// world.verify(&Expectation::never(Query::any()).after(before));
    /// assert_eq!(before, 1);
    /// # });
    /// ```
    pub fn after(mut self, seq: u64) -> Self {
        self.after_seq = seq;
        self
    }

    fn times(at_least: u64, at_most: Option<u64>, query: Query) -> Self {
        Self::of(ExpectedCalls::Times {
            query,
            at_least,
            at_most,
        })
    }

    fn of(what: ExpectedCalls) -> Self {
        Self { what, after_seq: 0 }
    }

    /// The same expectation with its queries replaced.
    pub(crate) fn map_queries(mut self, mut map: impl FnMut(Query) -> Query) -> Self {
        self.what = match self.what {
            ExpectedCalls::Times {
                query,
                at_least,
                at_most,
            } => ExpectedCalls::Times {
                query: map(query),
                at_least,
                at_most,
            },
            ExpectedCalls::InOrder(queries) => {
                ExpectedCalls::InOrder(queries.into_iter().map(map).collect())
            }
        };
        self
    }

    pub(crate) fn after_seq(&self) -> u64 {
        self.after_seq
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = |times: u64| if times == 1 { "request" } else { "requests" };
        match &self.what {
            ExpectedCalls::Times {
                query,
                at_least,
                at_most,
            } => {
                match (*at_least, *at_most) {
                    (0, Some(0)) => write!(f, "no request")?,
                    (least, Some(most)) if least == most => {
                        write!(f, "exactly {least} {}", requests(least))?;
                    }
                    (0, Some(most)) => write!(f, "at most {most} {}", requests(most))?,
                    (least, None) => write!(f, "at least {least} {}", requests(least))?,
                    (least, Some(most)) => write!(f, "{least} to {most} requests")?,
                }
                write!(f, " with {query}")
            }
            ExpectedCalls::InOrder(queries) => {
                let count = queries.len();
                write!(f, "{count} {} in order:", requests(count as u64))?;
                let mut between = " ";
                for query in queries {
                    write!(f, "{between}{query}")?;
                    between = "; then ";
                }
                Ok(())
            }
        }
    }
}

/// An expectation that holds.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Expectation, Query};
///
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
/// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
/// // … the code under test asks, then:
/// let verified = world.verify(&Expectation::at_least(1, Query::any()));
/// assert_eq!(verified.requests, [world.requests()[0].trace()]);
/// # });
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    pub matched: u64,
    /// The traces of the requests that matched, oldest first.
    pub requests: Vec<String>,
}

/// An expectation that does not hold. `Display` shows the closest requests, field by field.
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
/// let other = Query::any().body("bank_code", "BNI");
/// let error = verify(&world.requests(), &Expectation::at_least(1, other)).unwrap_err();
/// assert_eq!(
///     error.message,
///     r#"expected at least 1 request with body.bank_code "BNI", but 0 of 1 matched"#
/// );
/// # });
/// ```
#[derive(Clone, Debug, Serialize, thiserror::Error)]
pub struct NotVerified {
    /// What is wrong, in one sentence.
    pub message: String,
    pub expected: String,
    pub matched: u64,
    /// The traces of the requests that matched, oldest first.
    pub requests: Vec<String>,
    /// The closest requests that did not match, nearest first.
    pub near_misses: Vec<NearMiss>,
}

/// A request that nearly matched.
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
/// let other = Query::any().body("bank_code", "BNI");
/// let error = verify(&world.requests(), &Expectation::at_least(1, other)).unwrap_err();
/// assert_eq!(
///     error.near_misses[0].request,
///     "POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND"
/// );
/// # });
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct NearMiss {
    pub trace: String,
    pub seq: u64,
    /// The request and its reply: `POST /v0/individual_cft_peps → 200 COMPLETED_FOUND`.
    pub request: String,
    pub differences: Vec<Difference>,
}

impl fmt::Display for NotVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for near in &self.near_misses {
            write!(f, "\n  close was {}, {}:", near.trace, near.request)?;
            for difference in &near.differences {
                write!(f, "\n    {difference}")?;
            }
        }
        Ok(())
    }
}

impl NotVerified {
    /// Hides secrets in what was received.
    pub(crate) fn hiding(mut self, mask: &Mask) -> Self {
        for near in &mut self.near_misses {
            near.request = mask.hidden(&near.request).into_owned();
            for difference in &mut near.differences {
                let received = difference.received.clone();
                mask.hide(&mut difference.received);
                if difference.received != received {
                    difference.look_alike = None; // it would name characters of a secret
                }
            }
        }
        self
    }
}

impl NearMiss {
    pub(super) fn of(exchange: &Exchange, differences: Vec<Difference>) -> Self {
        let answered = exchange.outcome_name().unwrap_or_default();
        let status = exchange.status.as_u16();
        let request = format!(
            "{} {} → {status} {answered}",
            exchange.method(),
            exchange.path()
        );
        Self {
            trace: exchange.trace(),
            seq: exchange.seq,
            request: request.trim_end().to_owned(),
            differences,
        }
    }
}

/// A copy of what the journal keeps at one moment, so that readers do not hold the lock.
#[derive(Debug)]
pub(crate) struct Excerpt {
    /// Oldest first.
    pub exchanges: Vec<Exchange>,
    pub last_seq: u64,
    pub dropped: u64,
    /// The number of the latest exchange that was dropped.
    pub dropped_until: u64,
    /// How often the journal was emptied.
    pub restarts: u64,
}

/// How long an expectation is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is enough that it holds once before this moment.
    Until(Instant),
    /// It must hold until this moment.
    Throughout(Instant),
}
