//! Rate limits: a number of requests in a window of time. The first request opens the window.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use indexmap::IndexMap;
use tokio::time::Instant;

use super::amount::time_in_words;
use super::clock::{Moment, parse_duration};

const LIMIT_MAX: u32 = 1_000_000;
pub(crate) const WINDOW_MAX: Duration = Duration::from_hours(24);

/// At most this many outcomes of a world have windows at the same time. The oldest entry is removed first.
pub(crate) const WINDOWS_MAX: usize = 1000;

/// The estimated memory of an open window.
const WINDOW_BYTES: usize = 100;

/// `rate_limit = { limit = 5, window = "1s" }`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    pub limit: u32,
    pub window: Duration,
}

/// An open window, and how many requests came since the first of them opened it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub since: Moment,
    pub came: u32,
}

/// The state of a limit after a request: what the reply's headers say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateStanding {
    limit: u32,
    remaining: u32,
    /// How long until a new window can open.
    opens_in: Duration,
    pub is_over: bool,
}

impl RateLimit {
    pub(crate) fn new(limit: u32, window: &str) -> Result<Self, String> {
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(format!(
                "the limit {limit} does not lie between 1 and {LIMIT_MAX} requests"
            ));
        }
        let length = parse_duration(window)?;
        if length.is_zero() || length > WINDOW_MAX {
            return Err(format!(
                "the window `{window}` does not lie between 1 ms and {}",
                time_in_words(WINDOW_MAX)
            ));
        }
        Ok(Self {
            limit,
            window: length,
        })
    }

    /// Counts a request, unless it is over the limit.
    pub(crate) fn judge(
        &self,
        open: &mut Option<Window>,
        now: Instant,
        advanced: Duration,
    ) -> RateStanding {
        let still = open
            .as_mut()
            .filter(|window| window.since.passed(now, advanced) < self.window);
        let window = match still {
            Some(window) => window,
            None => open.insert(Window {
                since: Moment::new(now, advanced),
                came: 0,
            }),
        };
        let is_over = window.came >= self.limit;
        window.came += u32::from(!is_over);
        RateStanding {
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.came), // a reload may have lowered it
            opens_in: self
                .window
                .saturating_sub(window.since.passed(now, advanced)),
            is_over,
        }
    }
}

impl RateStanding {
    /// Of two limits, the one that a client reaches first.
    pub(crate) fn tighter(self, other: Option<Self>) -> Self {
        let is_tighter = |other: &Self| !self.is_over && other.remaining < self.remaining;
        other.filter(is_tighter).unwrap_or(self)
    }

    /// The headers of a reply about the limit. Times are in whole seconds, at least one.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let seconds = self.opens_in.as_millis().div_ceil(1000).max(1);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let retry = self.is_over.then_some((RETRY_AFTER, seconds));
        let standing = [
            (HeaderName::from_static("ratelimit-limit"), self.limit),
            (
                HeaderName::from_static("ratelimit-remaining"),
                self.remaining,
            ),
            (HeaderName::from_static("ratelimit-reset"), seconds),
        ];
        let all = standing.into_iter().chain(retry);
        all.map(|(name, number)| (name, HeaderValue::from(number)))
    }
}

/// The windows of a world's limited outcomes, by the hash of their names.
#[derive(Debug, Default)]
pub(crate) struct Windows(pub(crate) IndexMap<u64, Option<Window>>);

impl Windows {
    pub(crate) fn judge(
        &mut self,
        what: u64,
        limit: &RateLimit,
        now: Instant,
        advanced: Duration,
    ) -> RateStanding {
        if self.0.len() >= WINDOWS_MAX && !self.0.contains_key(&what) {
            self.0.shift_remove_index(0);
        }
        limit.judge(self.0.entry(what).or_default(), now, advanced)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len() * WINDOW_BYTES
    }
}
