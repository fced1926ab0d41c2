//! Counts of what was answered, by outcome. Each world has its own counts; the run has those of requests
//! without a world.

use std::time::Duration;

use foldhash::HashMap;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde::Deserialize;

use crate::base::Behaviour;

/// Limits of the duration buckets, in microseconds. An answer takes about ten. It takes as long as the receiver
/// when a callback comes before its reply, or when a URL is tested.
pub(crate) const LIMITS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

/// Different replies that are counted apart. There are a few hundred, unless scenario files change all the
/// time.
const REPLIES_MAX: usize = 10_000;

const REPLY_BYTES: usize = 180;

/// The outcomes and behaviours that were exercised, and how often.
#[derive(Debug, Default)]
pub(crate) struct Exercised {
    /// By `x-sandbox-outcome`. An error outside the products has its bare name.
    replies: HashMap<HeaderValue, Statuses>,
    /// Successful replies outside the products.
    unnamed: Statuses,
    pub(crate) behaviours: HashMap<&'static str, u64>,
    /// Replies beyond the limit.
    pub(crate) uncounted: u64,
    pub(crate) durations: Durations,
}

/// How often a reply had each status. A reply has one status, unless it is broken or read back.
#[derive(Clone, Debug, Default)]
struct Statuses(Vec<(StatusCode, u64)>);

impl Statuses {
    fn count(&mut self, status: StatusCode, times: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += times,
            None => self.0.push((status, times)),
        }
    }

    fn add(&mut self, other: &Self) {
        for (status, times) in &other.0 {
            self.count(*status, *times);
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|(_, times)| times).sum()
    }
}

impl Exercised {
    /// Counts a reply, by `x-sandbox-outcome` where it has one.
    pub(crate) fn reply(
        &mut self,
        outcome: Option<&HeaderValue>,
        status: StatusCode,
        body: &[u8],
        duration: Duration,
    ) {
        self.durations.count(duration);
        match outcome {
            Some(outcome) => self.count(outcome, |statuses| statuses.count(status, 1), 1),
            None => self.error(status, body),
        }
    }

    /// Counts a reply outside the products. The envelope of an error names it.
    fn error(&mut self, status: StatusCode, body: &[u8]) {
        #[derive(Deserialize)]
        struct Envelope {
            error_code: String,
        }
        if status.is_client_error() || status.is_server_error() {
            let envelope = serde_json::from_slice::<Envelope>(body).ok();
            let name = envelope.and_then(|envelope| envelope.error_code.try_into().ok());
            if let Some(name) = name {
                return self.count(&name, |statuses| statuses.count(status, 1), 1);
            }
        }
        self.unnamed.count(status, 1);
    }

    pub(crate) fn behaviour(&mut self, behaviour: Behaviour) {
        *self.behaviours.entry(behaviour.kind()).or_default() += 1;
    }

    /// `times` is how much `count` adds.
    fn count(&mut self, outcome: &HeaderValue, count: impl FnOnce(&mut Statuses), times: u64) {
        if let Some(statuses) = self.replies.get_mut(outcome) {
            count(statuses);
        } else if self.replies.len() < REPLIES_MAX {
            count(self.replies.entry(outcome.clone()).or_default());
        } else {
            self.uncounted += times;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (outcome, more) in &other.replies {
            self.count(outcome, |statuses| statuses.add(more), more.total());
        }
        self.unnamed.add(&other.unnamed);
        self.durations.add(&other.durations);
        for (behaviour, times) in &other.behaviours {
            *self.behaviours.entry(behaviour).or_default() += times;
        }
        self.uncounted += other.uncounted;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.replies.len() * REPLY_BYTES
    }

    pub(crate) fn times(&self, tag: &[u8]) -> u64 {
        let tag = HeaderValue::from_bytes(tag).ok();
        tag.and_then(|tag| self.replies.get(&tag))
            .map_or(0, Statuses::total)
    }

    /// The number of replies by outcome and status. The name is empty for replies without an outcome.
    pub(crate) fn by_status(&self) -> impl Iterator<Item = (&str, StatusCode, u64)> {
        let named = self.replies.iter().map(|(tag, statuses)| {
            let tag = std::str::from_utf8(tag.as_bytes()).unwrap_or("other");
            (tag, statuses)
        });
        let all = named.chain([("", &self.unnamed)]);
        all.flat_map(|(tag, statuses)| {
            let each = statuses.0.iter();
            each.map(move |(status, times)| (tag, *status, *times))
        })
    }
}

/// How many replies took how long.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Durations {
    /// One count for each limit: durations up to it and above the one before. The last counts those above all
    /// limits.
    pub counts: [u64; LIMITS_US.len() + 1],
    pub sum: Duration,
}

impl Durations {
    pub(super) fn count(&mut self, duration: Duration) {
        let micros = duration.as_micros();
        let place = LIMITS_US
            .iter()
            .position(|limit| micros <= u128::from(*limit));
        self.counts[place.unwrap_or(LIMITS_US.len())] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}
