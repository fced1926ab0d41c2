//! The outcomes that a test queues for the next calls, for clients that cannot send the header.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::HashMap;

use crate::catalogue::Endpoint;

/// Limit for all endpoints of a world together.
pub(crate) const QUEUED_MAX: usize = 1000;

/// Approximate memory of one entry.
const ENTRY_BYTES: usize = 150;

pub(crate) const TIMES_MAX: u32 = 1_000_000;

/// The outcomes that are queued in a world, by endpoint.
#[derive(Debug, Default)]
pub(crate) struct QueuedOutcomes {
    by_endpoint: HashMap<CallKind, VecDeque<Queued>>,
}

/// Which calls an outcome is queued for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallKind {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// True for reading a record back, false for a new request.
    pub reads: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub outcome: Arc<str>,
    pub times: u32,
}

impl CallKind {
    pub(crate) fn new(endpoint: &Endpoint, reads: bool) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            reads,
        }
    }
}

impl QueuedOutcomes {
    /// False when the queue is full.
    pub(crate) fn push(&mut self, calls: CallKind, queued: Queued) -> bool {
        if self.len() >= QUEUED_MAX {
            return false;
        }
        self.by_endpoint.entry(calls).or_default().push_back(queued);
        true
    }

    /// Takes the name of the next outcome and uses it up once.
    pub(crate) fn take(&mut self, calls: &CallKind) -> Option<Arc<str>> {
        let queue = self.by_endpoint.get_mut(calls)?;
        let first = queue.front_mut()?;
        let outcome = first.outcome.clone();
        first.times -= 1;
        if first.times == 0 {
            queue.pop_front();
        }
        if queue.is_empty() {
            self.by_endpoint.remove(calls);
        }
        Some(outcome)
    }

    /// Puts an outcome back in front, because the call that took it was not answered by the endpoint.
    pub(crate) fn put_back(&mut self, calls: CallKind, outcome: Arc<str>) {
        let queue = self.by_endpoint.entry(calls).or_default();
        match queue.front_mut() {
            Some(first) if first.outcome == outcome => first.times += 1,
            _ => queue.push_front(Queued { outcome, times: 1 }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_endpoint.values().map(VecDeque::len).sum()
    }

    /// The number of calls that the queue still answers.
    pub(crate) fn answers(&self) -> u64 {
        self.by_endpoint.values().map(answers).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.len() * ENTRY_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_endpoint.is_empty()
    }

    /// All queued outcomes by endpoint, in the order of their use.
    pub(crate) fn waiting(&self) -> Vec<(&CallKind, &VecDeque<Queued>)> {
        let mut waiting: Vec<_> = self.by_endpoint.iter().collect();
        waiting.sort_by_key(|(calls, _)| *calls);
        waiting
    }

    /// Empties the queue of these calls, or all queues. Returns the number of outcomes removed.
    pub(crate) fn clear(&mut self, calls: Option<&CallKind>) -> u64 {
        match calls {
            Some(calls) => self.by_endpoint.remove(calls).as_ref().map_or(0, answers),
            None => self
                .by_endpoint
                .drain()
                .map(|(_, queue)| answers(&queue))
                .sum(),
        }
    }
}

fn answers(queue: &VecDeque<Queued>) -> u64 {
    queue.iter().map(|one| u64::from(one.times)).sum()
}
