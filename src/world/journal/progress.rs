//! How much of an expectation has been fulfilled, and the message when it is not.

use std::fmt::Write;

use super::exchange::Exchange;
use super::expectation::{
    Excerpt, Expectation, ExpectedCalls, NEAR_MISSES_MAX, NearMiss, NotVerified, Verified,
};
use super::journal::JOURNAL_ENTRIES_MAX;
use super::query::{Judgement, Query};
use super::query_reading::Reading;

/// How many requests are compared with all of a query, to find the nearest: their bodies must be read for that.
const COMPARED_MAX: usize = 100;

/// How much of an expectation the requests have fulfilled.
#[derive(Debug)]
pub(crate) struct Progress {
    expectation: Expectation,
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

impl Progress {
    pub(crate) fn new(expectation: &Expectation) -> Self {
        Self {
            expectation: expectation.clone(),
            matched: SeenRequests::default(),
            unknown: SeenRequests::default(),
            early: None,
            dropped_until: 0,
        }
    }

    /// Takes the next requests into account.
    pub(crate) fn see(&mut self, excerpt: &Excerpt) {
        self.see_dropped(excerpt);
        for exchange in &excerpt.exchanges {
            self.see_one(&Reading::of(exchange));
        }
    }

    pub(super) fn expectation(&self) -> &Expectation {
        &self.expectation
    }

    pub(super) fn see_dropped(&mut self, excerpt: &Excerpt) {
        self.dropped_until = excerpt.dropped_until;
    }

    pub(super) fn see_one(&mut self, reading: &Reading<'_>) {
        let exchange = reading.exchange;
        if exchange.seq <= self.expectation.after_seq {
            return;
        }
        match &self.expectation.what {
            ExpectedCalls::Times { query, .. } => match query.judge_reading(reading) {
                Judgement::Meant => self.matched.add(exchange),
                Judgement::Unknown => self.unknown.add(exchange),
                Judgement::Other => {}
            },
            ExpectedCalls::InOrder(queries) => {
                let mut awaited = queries.iter().enumerate().skip(self.step());
                let is_meant = |query: &Query| query.judge_reading(reading) == Judgement::Meant;
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
        let mut search = self.search();
        for exchange in exchanges.iter().rev() {
            search.look_at(exchange);
        }
        for candidate in &search.candidates() {
            search.compare(candidate);
        }
        self.verdict_of(&search)
    }

    /// Looks for what explains that the expectation does not hold.
    pub(super) fn search(&self) -> Search<'_> {
        let after = self.expectation.after_seq;
        let mut search = Search {
            after,
            count: 0,
            missing: None,
            early: None,
            early_until: self.matched.last_seq,
            matched: &self.matched.traces,
            came_early: None,
            candidates: Vec::new(),
            nearest: Vec::new(),
        };
        if self.standing() == ProgressStanding::Holds {
            return search;
        }
        match &self.expectation.what {
            ExpectedCalls::Times {
                query, at_least, ..
            } if self.matched.count < *at_least => search.missing = Some((query, after)),
            ExpectedCalls::Times { .. } => {} // too many matched
            ExpectedCalls::InOrder(queries) => {
                search.early = queries.get(self.step());
                let after = after.max(self.matched.last_seq);
                search.missing = search.early.map(|query| (query, after));
            }
        }
        search
    }

    /// The result, after a search that has looked at all exchanges.
    pub(super) fn verdict_of(&self, search: &Search<'_>) -> Result<Verified, NotVerified> {
        let standing = self.standing();
        let matched = self.matched.count;
        if standing == ProgressStanding::Holds {
            let requests = self.matched.traces.clone();
            return Ok(Verified { matched, requests });
        }
        Err(NotVerified {
            message: self.message(search),
            expected: self.expectation.to_string(),
            near_misses: search
                .nearest
                .iter()
                .map(|(_, near)| near.clone())
                .collect(),
            matched,
            requests: self.matched.traces.clone(),
        })
    }

    fn message(&self, search: &Search<'_>) -> String {
        let count = search.count;
        let came = match &self.expectation.what {
            _ if count == 0 => "no request came".to_owned(),
            ExpectedCalls::Times { .. } => format!("{} of {count} matched", self.matched.count),
            ExpectedCalls::InOrder(_) => self.missing_step(search),
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

    fn missing_step(&self, search: &Search<'_>) -> String {
        let (step, count) = (self.step(), search.count);
        let last = self.matched.traces.last();
        let last = last.map_or(String::new(), |last| format!(" after {last}"));
        let missing = format!(
            "of {count} requests none was the {}{last}",
            ordinal(step + 1)
        );
        match (&search.came_early, &self.early) {
            (Some(early), _) => format!("{missing}: it came before that, as {early}"),
            (None, Some((later, trace))) => {
                format!(
                    "{missing}: the {} came without it, as {trace}",
                    ordinal(later + 1)
                )
            }
            (None, None) => missing,
        }
    }
}

/// What explains that an expectation does not hold: the closest requests, and a step that came too early.
pub(super) struct Search<'e> {
    after: u64,
    /// How many requests count.
    count: usize,
    /// The query that is not matched, and the number after which requests count for it.
    missing: Option<(&'e Query, u64)>,
    /// The step that is missing, and the number before which it may have come.
    early: Option<&'e Query>,
    early_until: u64,
    /// The traces of the steps that have come.
    matched: &'e [String],
    came_early: Option<String>,
    /// The requests that may be close.
    candidates: Vec<Candidate<'e>>,
    nearest: Vec<(f64, NearMiss)>,
}

/// A request that may be close, and how far away it is without its body.
pub(super) struct Candidate<'e> {
    distance: f64,
    exchange: &'e Exchange,
}

impl<'e> Search<'e> {
    /// Takes the next exchange into account. The newest comes first.
    pub(super) fn look_at(&mut self, exchange: &'e Exchange) {
        if exchange.seq <= self.after {
            return;
        }
        self.count += 1;
        if let Some(step) = self.early
            && self.came_early.is_none()
            && exchange.seq < self.early_until
            && step.judge(exchange) == Judgement::Meant
            && !self.matched.contains(&exchange.trace())
        {
            self.came_early = Some(exchange.trace());
        }
        if let Some((query, after)) = self.missing
            && exchange.seq > after
        {
            self.candidates.push(Candidate {
                distance: query.distance_without_body(exchange),
                exchange,
            });
        }
    }

    /// The requests that may be close, the nearest first. Of those that are equally near, the newest come first.
    pub(super) fn candidates(&mut self) -> Vec<Candidate<'e>> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.sort_by(|one, other| one.distance.total_cmp(&other.distance));
        candidates.truncate(COMPARED_MAX);
        candidates
    }

    /// Keeps a candidate if it is among the nearest. Of requests that are equally far away, the newest are nearer.
    pub(super) fn compare(&mut self, candidate: &Candidate<'e>) {
        let Some((query, _)) = self.missing else {
            return;
        };
        let farthest = self.nearest.get(NEAR_MISSES_MAX - 1);
        let limit = farthest.map_or(f64::INFINITY, |(distance, _)| *distance);
        if candidate.distance > limit {
            return;
        }
        let exchange = candidate.exchange;
        let reading = Reading::of(exchange);
        let Some(distance) = query.distance(&reading, limit) else {
            return;
        };
        if distance <= 0.0 || !query.is_near(&reading) {
            return; // it matched, or it was something else
        }
        let at = (self.nearest).partition_point(|(other, near)| {
            *other < distance || (*other <= distance && near.seq > exchange.seq)
        });
        if at < NEAR_MISSES_MAX {
            self.nearest.truncate(NEAR_MISSES_MAX - 1);
            let near = NearMiss::of(exchange, query.differences(&reading));
            self.nearest.insert(at, (distance, near));
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
