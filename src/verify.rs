//! Holds what was asked against what was expected, and says what came closest where it differs.

use std::fmt;

use serde::Serialize;

use crate::excerpt::Excerpt;
use crate::journal::{ENTRIES_MAX, Exchange};
use crate::query::{Difference, Judgement, Query};

/// So many of the requests that came closest are told of.
const NEAR_MISSES_MAX: usize = 5;

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
#[derive(Clone, Debug)]
pub struct Expectation {
    what: What,
    after_seq: u64,
}

#[derive(Clone, Debug)]
enum What {
    Times {
        query: Query,
        at_least: u64,
        at_most: Option<u64>,
    },
    InOrder(Vec<Query>),
}

impl Expectation {
    /// Neither more nor less often.
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

    /// So often, or more often.
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

    /// So often, or less often, or not at all.
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

    /// So often at least, and so often at most.
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

    /// One after the other; others may come between them.
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
        Self::of(What::InOrder(queries.into_iter().collect()))
    }

    /// Looks at nothing up to a number: what came before does not count.
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
    #[must_use]
    pub fn after(mut self, seq: u64) -> Self {
        self.after_seq = seq;
        self
    }

    fn times(at_least: u64, at_most: Option<u64>, query: Query) -> Self {
        Self::of(What::Times {
            query,
            at_least,
            at_most,
        })
    }

    fn of(what: What) -> Self {
        Self { what, after_seq: 0 }
    }

    /// The same of other queries.
    pub(crate) fn map_queries(mut self, mut map: impl FnMut(Query) -> Query) -> Self {
        self.what = match self.what {
            What::Times {
                query,
                at_least,
                at_most,
            } => What::Times {
                query: map(query),
                at_least,
                at_most,
            },
            What::InOrder(queries) => What::InOrder(queries.into_iter().map(map).collect()),
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
            What::Times {
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
            What::InOrder(queries) => {
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
    /// The traces of the requests that were meant, oldest first.
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
    /// What is wrong, in a sentence.
    pub message: String,
    pub expected: String,
    pub matched: u64,
    /// The traces of the requests that were meant, oldest first.
    pub requests: Vec<String>,
    /// What came instead, nearest first.
    pub near_misses: Vec<NearMiss>,
    /// Whether requests to come could still make it hold.
    #[serde(skip)]
    pub(crate) is_open: bool,
}

/// A request that nearly was one of those that were meant.
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
    /// `POST /v0/individual_cft_peps`, and what it was answered.
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

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            expected,
            received,
            note,
        } = self;
        write!(f, "{field}: expected {expected}, ")?;
        match note {
            Some(note) => f.write_str(note),
            None if received.is_null() => f.write_str("received nothing"),
            None => write!(f, "received {received}"),
        }
    }
}

/// Holds what was asked against what was expected. The exchanges are given oldest first.
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
        progress.see_one(exchange);
    }
    progress.verdict(exchanges)
}

/// How far requests have come to what is expected.
#[derive(Debug)]
pub(crate) struct Progress<'e> {
    expectation: &'e Expectation,
    matched: Seen,
    /// Those of which too little is kept to tell.
    unknown: Seen,
    /// One that is not the next to be awaited in an order, but a later one.
    early: Option<(usize, String)>,
    /// The number of the latest that the journal has dropped.
    dropped_until: u64,
}

/// Requests that were seen: their traces, as far as a journal keeps so many.
#[derive(Debug, Default)]
struct Seen {
    count: u64,
    traces: Vec<String>,
    last_seq: u64,
}

/// How an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Holds,
    /// Requests to come may make it hold.
    Open,
    Failed,
}

impl Seen {
    fn add(&mut self, exchange: &Exchange) {
        self.count += 1;
        self.last_seq = exchange.seq;
        if self.traces.len() < ENTRIES_MAX {
            self.traces.push(exchange.trace());
        }
    }
}

impl<'e> Progress<'e> {
    pub(crate) fn new(expectation: &'e Expectation) -> Self {
        Self {
            expectation,
            matched: Seen::default(),
            unknown: Seen::default(),
            early: None,
            dropped_until: 0,
        }
    }

    /// Takes into account what came next.
    pub(crate) fn see(&mut self, excerpt: &Excerpt) {
        self.dropped_until = excerpt.dropped_until;
        for exchange in &excerpt.exchanges {
            self.see_one(exchange);
        }
    }

    fn see_one(&mut self, exchange: &Exchange) {
        if exchange.seq <= self.expectation.after_seq {
            return;
        }
        match &self.expectation.what {
            What::Times { query, .. } => match query.judge(exchange) {
                Judgement::Meant => self.matched.add(exchange),
                Judgement::Unknown => self.unknown.add(exchange),
                Judgement::Other => {}
            },
            What::InOrder(queries) => {
                let mut awaited = queries.iter().enumerate().skip(self.step());
                let is_meant = |query: &Query| query.judge(exchange) == Judgement::Meant;
                let Some((_, next)) = awaited.next() else {
                    return;
                };
                if is_meant(next) {
                    self.matched.add(exchange);
                } else if let Some((later, _)) = awaited.find(|(_, later)| is_meant(later)) {
                    self.early = Some((later, exchange.trace()));
                }
            }
        }
    }

    /// How many of an order have come.
    fn step(&self) -> usize {
        usize::try_from(self.matched.count).unwrap_or(usize::MAX)
    }

    pub(crate) fn standing(&self) -> Standing {
        let matched = self.matched.count;
        match &self.expectation.what {
            What::Times {
                at_least, at_most, ..
            } => {
                let most = at_most.unwrap_or(u64::MAX);
                let may_be_more = matched + self.unknown.count > most || self.reaches_back();
                if matched > most || (at_most.is_some() && may_be_more) {
                    Standing::Failed // or nobody can tell
                } else if matched < *at_least {
                    Standing::Open
                } else {
                    Standing::Holds
                }
            }
            What::InOrder(queries) if matched == queries.len() as u64 => Standing::Holds,
            What::InOrder(_) => Standing::Open,
        }
    }

    /// Whether requests that count may have been dropped.
    fn reaches_back(&self) -> bool {
        self.expectation.after_seq < self.dropped_until
    }

    /// How it ended, with what came closest among the exchanges that were seen.
    pub(crate) fn verdict(self, exchanges: &[Exchange]) -> Result<Verified, NotVerified> {
        let standing = self.standing();
        let matched = self.matched.count;
        if standing == Standing::Holds {
            let requests = self.matched.traces;
            return Ok(Verified { matched, requests });
        }
        Err(NotVerified {
            message: self.message(exchanges),
            expected: self.expectation.to_string(),
            near_misses: self.near_misses(exchanges),
            matched,
            requests: self.matched.traces,
            is_open: standing == Standing::Open,
        })
    }

    fn message(&self, exchanges: &[Exchange]) -> String {
        let after = self.expectation.after_seq;
        let count = exchanges.iter().filter(|one| one.seq > after).count();
        let mut message = format!("expected {}, but ", self.expectation);
        message += &match &self.expectation.what {
            _ if count == 0 => "no request came".to_owned(),
            What::Times { .. } => format!("{} of {count} matched", self.matched.count),
            What::InOrder(queries) => self.missing_step(queries, exchanges, count),
        };
        if self.unknown.count > 0 {
            let traces = &self.unknown.traces;
            message += &format!(
                "; of {} too little is kept to tell: {}",
                self.unknown.count,
                traces[..traces.len().min(10)].join(", ")
            );
        }
        if self.reaches_back() {
            message += &format!(
                "; the journal has dropped its requests up to number {0}, which may have matched: \
                 let only those after {0} count",
                self.dropped_until
            );
        }
        message
    }

    fn missing_step(&self, queries: &[Query], exchanges: &[Exchange], count: usize) -> String {
        let step = self.step();
        let mut said = format!("of {count} requests none was the {}", ordinal(step + 1));
        if let Some(last) = self.matched.traces.last() {
            said += &format!(" after {last}");
        }
        let came_early = |query: &Query| {
            let after = self.expectation.after_seq;
            let range = after + 1..self.matched.last_seq;
            let mut earlier = exchanges
                .iter()
                .rev()
                .filter(|one| range.contains(&one.seq));
            earlier.find(|one| {
                query.judge(one) == Judgement::Meant && !self.matched.traces.contains(&one.trace())
            })
        };
        if let Some(early) = queries.get(step).and_then(came_early) {
            said += &format!(": it came before that, as {}", early.trace());
        } else if let Some((later, trace)) = &self.early {
            said += &format!(": the {} came without it, as {trace}", ordinal(later + 1));
        }
        said
    }

    /// What nearly was what is awaited; nothing where there was too much of it.
    fn near_misses(&self, exchanges: &[Exchange]) -> Vec<NearMiss> {
        let after = self.expectation.after_seq;
        let (query, after) = match &self.expectation.what {
            What::Times {
                query, at_least, ..
            } if self.matched.count < *at_least => (query, after),
            What::Times { .. } => return Vec::new(),
            What::InOrder(queries) => match queries.get(self.step()) {
                Some(query) => (query, after.max(self.matched.last_seq)),
                None => return Vec::new(),
            },
        };
        let mut nearest: Vec<(f64, NearMiss)> = Vec::new();
        for exchange in exchanges.iter().rev().filter(|one| one.seq > after) {
            let differences = query.differences(exchange);
            if differences.is_empty() {
                continue; // it is one of those that were meant
            }
            let distance = Query::distance(&differences);
            let at = nearest.partition_point(|(other, _)| *other <= distance);
            if at < NEAR_MISSES_MAX {
                nearest.truncate(NEAR_MISSES_MAX - 1);
                nearest.insert(at, (distance, NearMiss::of(exchange, differences)));
            }
        }
        nearest.into_iter().map(|(_, near)| near).collect()
    }
}

impl NearMiss {
    fn of(exchange: &Exchange, differences: Vec<Difference>) -> Self {
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

fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}
