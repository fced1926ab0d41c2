//! Counts of what was answered, by outcome. Each world has its own counts; the run has those of requests
//! without a world.

use std::time::Duration;

use foldhash::HashMap;
use hyper::StatusCode;

use crate::base::{Behaviour, BehaviourKind};
use crate::catalogue::{OutcomeId, ReplyId};

/// Limits of the duration buckets, in microseconds. An answer takes about ten. It takes as long as the receiver
/// when a callback comes before its reply, or when a URL is tested.
pub(crate) const LIMITS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

/// Different replies, and different callbacks, that are counted apart. There are a few hundred, unless scenario files
/// change all the time.
const REPLIES_MAX: usize = 10_000;

const REPLY_BYTES: usize = 180;

/// The outcomes and behaviours that were exercised, and how often.
#[derive(Debug, Default)]
pub(crate) struct Exercised {
    /// Replies of products, and errors outside the products.
    replies: HashMap<ReplyId, Statuses>,
    /// Successful replies outside the products.
    unnamed: Statuses,
    callbacks: HashMap<CallbackKind, u64>,
    /// Replies beyond the limit.
    pub(crate) uncounted: u64,
    pub(crate) durations: Durations,
}

/// A callback type, and how callbacks of that type behaved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CallbackKind {
    callback_type: Box<str>,
    behaviour: BehaviourKind,
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
    pub(crate) fn reply(&mut self, reply: &ReplyId, status: StatusCode, duration: Duration) {
        self.durations.count(duration);
        match reply {
            ReplyId::Outcome(_) | ReplyId::Error(_) => {
                self.count(reply, |statuses| statuses.count(status, 1), 1);
            }
            ReplyId::Account => self.unnamed.count(status, 1),
        }
    }

    pub(crate) fn callback(&mut self, callback_type: &str, behaviour: Behaviour) {
        let kind = CallbackKind {
            callback_type: callback_type.into(),
            behaviour: behaviour.kind(),
        };
        self.count_callback(kind, 1);
    }

    fn count_callback(&mut self, kind: CallbackKind, times: u64) {
        if let Some(count) = self.callbacks.get_mut(&kind) {
            *count += times;
        } else if self.callbacks.len() < REPLIES_MAX {
            self.callbacks.insert(kind, times);
        } else {
            self.uncounted += times;
        }
    }

    /// `times` is how much `count` adds.
    fn count(&mut self, reply: &ReplyId, count: impl FnOnce(&mut Statuses), times: u64) {
        if let Some(statuses) = self.replies.get_mut(reply) {
            count(statuses);
        } else if self.replies.len() < REPLIES_MAX {
            count(self.replies.entry(reply.clone()).or_default());
        } else {
            self.uncounted += times;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (reply, more) in &other.replies {
            self.count(reply, |statuses| statuses.add(more), more.total());
        }
        self.unnamed.add(&other.unnamed);
        self.durations.add(&other.durations);
        for (kind, times) in &other.callbacks {
            self.count_callback(kind.clone(), *times);
        }
        self.uncounted += other.uncounted;
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.replies.len() + self.callbacks.len()) * REPLY_BYTES
    }

    pub(crate) fn times(&self, outcome: OutcomeId) -> u64 {
        let statuses = self.replies.get(&ReplyId::Outcome(outcome));
        statuses.map_or(0, Statuses::total)
    }

    /// How many callbacks of the types behaved like this.
    pub(crate) fn callbacks(
        &self,
        behaviour: BehaviourKind,
        is_of_type: impl Fn(&str) -> bool,
    ) -> u64 {
        let all = self.callbacks.iter();
        all.filter(|(kind, _)| kind.behaviour == behaviour && is_of_type(&kind.callback_type))
            .map(|(_, times)| times)
            .sum()
    }

    /// The number of replies by their ids and statuses.
    pub(crate) fn by_status(&self) -> impl Iterator<Item = (&ReplyId, StatusCode, u64)> {
        let all = self
            .replies
            .iter()
            .chain([(&ReplyId::Account, &self.unnamed)]);
        all.flat_map(|(reply, statuses)| {
            let each = statuses.0.iter();
            each.map(move |(status, times)| (reply, *status, *times))
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
