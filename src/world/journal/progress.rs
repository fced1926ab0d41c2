//! How much of an expectation has been fulfilled, and the message when it is not.

use std::fmt::Write;

use super::exchange::Exchange;
use super::expectation::{
    Excerpt, Expectation, ExpectedCalls, NEAR_MISSES_MAX, NearMiss, NotVerified, Verified,
};
use super::journal::JOURNAL_ENTRIES_MAX;
use super::query::{Judgement, Query};

/// How much of an expectation the requests have fulfilled.
#[derive(Debug)]
pub(crate) struct Progress<'e> {
    expectation: &'e Expectation,
    matched: SeenRequests,
    /// Requests that cannot be judged, because too little of them is kept.
    unknown: SeenRequests,
    /// A request that matched a later step of an order before the next step came.
    early: Option<(usize, String)>,
    /// The number of the latest exchange that the journal has dropped.
    dropped_until: u64,
}

/// Requests that were counted. Their traces are kept up to the size of a journal.
#[derive(Debug, Default)]
struct SeenRequests {
    count: u64,
    traces: Vec<String>,
    last_seq: u64,
}

/// Whether an expectation holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStanding {
    Holds,
    /// Later requests may fulfil it.
    Open,
    Failed,
}

impl SeenRequests {
    fn add(&mut self, exchange: &Exchange) {
        self.count += 1;
        self.last_seq = exchange.seq;
        if self.traces.len() < JOURNAL_ENTRIES_MAX {
            self.traces.push(exchange.trace());
        }
    }
}

impl<'e> Progress<'e> {
    pub(crate) fn new(expectation: &'e Expectation) -> Self {
        Self {
            expectation,
            matched: SeenRequests::default(),
            unknown: SeenRequests::default(),
            early: None,
            dropped_until: 0,
        }
    }

    /// Takes the next requests into account.
    pub(crate) fn see(&mut self, excerpt: &Excerpt) {
        self.dropped_until = excerpt.dropped_until;
        for exchange in &excerpt.exchanges {
            self.see_one(exchange);
        }
    }

    pub(super) fn see_one(&mut self, exchange: &Exchange) {
        if exchange.seq <= self.expectation.after_seq {
            return;
        }
        match &self.expectation.what {
            ExpectedCalls::Times { query, .. } => match query.judge(exchange) {
                Judgement::Meant => self.matched.add(exchange),
                Judgement::Unknown => self.unknown.add(exchange),
                Judgement::Other => {}
            },
            ExpectedCalls::InOrder(queries) => {
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

    /// How many steps of an order have come.
    fn step(&self) -> usize {
        usize::try_from(self.matched.count).unwrap_or(usize::MAX)
    }

    pub(crate) fn standing(&self) -> ProgressStanding {
        let matched = self.matched.count;
        match &self.expectation.what {
            ExpectedCalls::Times {
                at_least, at_most, ..
            } => {
                let most = at_most.unwrap_or(u64::MAX);
                let may_be_more = matched + self.unknown.count > most || self.reaches_back();
                if matched > most || (at_most.is_some() && may_be_more) {
                    ProgressStanding::Failed // or nobody can tell
                } else if matched < *at_least {
                    ProgressStanding::Open
                } else {
                    ProgressStanding::Holds
                }
            }
            ExpectedCalls::InOrder(queries) if matched == queries.len() as u64 => {
                ProgressStanding::Holds
            }
            ExpectedCalls::InOrder(_) => ProgressStanding::Open,
        }
    }

    /// Whether requests that would count may have been dropped.
    fn reaches_back(&self) -> bool {
        self.expectation.after_seq < self.dropped_until
    }

    /// The result, with the closest of the given exchanges.
    pub(crate) fn verdict(self, exchanges: &[Exchange]) -> Result<Verified, NotVerified> {
        let standing = self.standing();
        let matched = self.matched.count;
        if standing == ProgressStanding::Holds {
            let requests = self.matched.traces;
            return Ok(Verified { matched, requests });
        }
        Err(NotVerified {
            message: self.message(exchanges),
            expected: self.expectation.to_string(),
            near_misses: self.near_misses(exchanges),
            matched,
            requests: self.matched.traces,
            is_open: standing == ProgressStanding::Open,
        })
    }

    fn message(&self, exchanges: &[Exchange]) -> String {
        let after = self.expectation.after_seq;
        let count = exchanges.iter().filter(|one| one.seq > after).count();
        let came = match &self.expectation.what {
            _ if count == 0 => "no request came".to_owned(),
            ExpectedCalls::Times { .. } => format!("{} of {count} matched", self.matched.count),
            ExpectedCalls::InOrder(queries) => self.missing_step(queries, exchanges, count),
        };
        let mut message = format!("expected {}, but {came}", self.expectation);
        if self.unknown.count > 0 {
            let traces = &self.unknown.traces;
            let some = traces[..traces.len().min(10)].join(", ");
            let count = self.unknown.count;
            write!(message, "; of {count} too little is kept to tell: {some}").ok();
        }
        if self.reaches_back() {
            let until = self.dropped_until;
            write!(
                message,
                "; the journal has dropped its requests up to number {until}, which may have matched: \
                 let only those after {until} count"
            )
            .ok(); // writing to a string never fails
        }
        message
    }

    fn missing_step(&self, queries: &[Query], exchanges: &[Exchange], count: usize) -> String {
        let step = self.step();
        let last = self.matched.traces.last();
        let last = last.map_or(String::new(), |last| format!(" after {last}"));
        let said = format!(
            "of {count} requests none was the {}{last}",
            ordinal(step + 1)
        );
        let came_early = |query: &Query| {
            let range = self.expectation.after_seq + 1..self.matched.last_seq;
            let mut earlier = exchanges
                .iter()
                .rev()
                .filter(|one| range.contains(&one.seq));
            earlier.find(|one| {
                query.judge(one) == Judgement::Meant && !self.matched.traces.contains(&one.trace())
            })
        };
        match (queries.get(step).and_then(came_early), &self.early) {
            (Some(early), _) => format!("{said}: it came before that, as {}", early.trace()),
            (None, Some((later, trace))) => {
                format!(
                    "{said}: the {} came without it, as {trace}",
                    ordinal(later + 1)
                )
            }
            (None, None) => said,
        }
    }

    /// The requests that nearly matched. Empty when too many matched.
    fn near_misses(&self, exchanges: &[Exchange]) -> Vec<NearMiss> {
        let after = self.expectation.after_seq;
        let (query, after) = match &self.expectation.what {
            ExpectedCalls::Times {
                query, at_least, ..
            } if self.matched.count < *at_least => (query, after),
            ExpectedCalls::Times { .. } => return Vec::new(),
            ExpectedCalls::InOrder(queries) => match queries.get(self.step()) {
                Some(query) => (query, after.max(self.matched.last_seq)),
                None => return Vec::new(),
            },
        };
        let mut nearest: Vec<(f64, NearMiss)> = Vec::new();
        for exchange in exchanges.iter().rev().filter(|one| one.seq > after) {
            let (distance, differences) = query.differences(exchange);
            if differences.is_empty() {
                continue; // it matched
            }
            let at = nearest.partition_point(|(other, _)| *other <= distance);
            if at < NEAR_MISSES_MAX {
                nearest.truncate(NEAR_MISSES_MAX - 1);
                nearest.insert(at, (distance, NearMiss::of(exchange, differences)));
            }
        }
        nearest.into_iter().map(|(_, near)| near).collect()
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
