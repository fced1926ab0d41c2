//! The counts: what was answered, by what answered it. A world has its own, and the run those of no world.

use foldhash::HashMap;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde::Deserialize;

use crate::callback::Behaviour;

/// Different replies that are told apart. There are some hundred, unless scenario files change all the time.
const REPLIES_MAX: usize = 10_000;
const REPLY_BYTES: usize = 120;

/// What was exercised, and how often.
#[derive(Debug, Default)]
pub(crate) struct Exercised {
    /// By `x-sandbox-outcome`, or the bare name of an error where no product answered.
    pub(super) replies: HashMap<HeaderValue, u64>,
    pub(super) behaviours: HashMap<&'static str, u64>,
    /// Replies beyond the limit.
    pub(super) uncounted: u64,
}

impl Exercised {
    /// Counts a reply, by `x-sandbox-outcome` where it has one.
    pub(crate) fn reply(&mut self, outcome: Option<&HeaderValue>, status: StatusCode, body: &[u8]) {
        match outcome {
            Some(outcome) => self.count(outcome, 1),
            None => self.error(status, body),
        }
    }

    /// A reply of what is no product: its envelope names the error.
    fn error(&mut self, status: StatusCode, body: &[u8]) {
        #[derive(Deserialize)]
        struct Envelope {
            error_code: String,
        }
        if status.is_client_error() || status.is_server_error() {
            let envelope = serde_json::from_slice::<Envelope>(body).ok();
            let name = envelope.and_then(|envelope| envelope.error_code.try_into().ok());
            if let Some(name) = name {
                self.count(&name, 1);
            }
        }
    }

    pub(crate) fn behaviour(&mut self, behaviour: Behaviour) {
        *self.behaviours.entry(behaviour.kind()).or_default() += 1;
    }

    fn count(&mut self, outcome: &HeaderValue, times: u64) {
        if let Some(count) = self.replies.get_mut(outcome) {
            *count += times;
        } else if self.replies.len() < REPLIES_MAX {
            self.replies.insert(outcome.clone(), times);
        } else {
            self.uncounted += times;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (outcome, times) in &other.replies {
            self.count(outcome, *times);
        }
        for (behaviour, times) in &other.behaviours {
            *self.behaviours.entry(behaviour).or_default() += times;
        }
        self.uncounted += other.uncounted;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.replies.len() * REPLY_BYTES
    }

    pub(super) fn times(&self, tag: &[u8]) -> u64 {
        let tag = HeaderValue::from_bytes(tag).ok();
        tag.and_then(|tag| self.replies.get(&tag).copied())
            .unwrap_or(0)
    }
}
