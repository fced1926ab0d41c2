//! What a test has queued: the outcomes of the next calls, for clients that cannot send the header.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::HashMap;

use crate::endpoint::Endpoint;

/// Over all endpoints of a world.
pub(crate) const ENTRIES_MAX: usize = 1000;
/// What an entry holds in memory, about.
pub(crate) const ENTRY_BYTES: usize = 150;
pub(crate) const TIMES_MAX: u32 = 1_000_000;

/// The outcomes that are queued in a world, by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Next {
    by_endpoint: HashMap<Asked, VecDeque<Queued>>,
}

/// Which calls an outcome is queued for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Asked {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// Reading a record back, instead of asking for a new one.
    pub reads: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub outcome: Arc<str>,
    pub times: u32,
}

impl Asked {
    pub(crate) fn new(endpoint: &Endpoint, reads: bool) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            reads,
        }
    }
}

impl Next {
    /// False when the queue is full.
    pub(crate) fn push(&mut self, asked: Asked, queued: Queued) -> bool {
        if self.len() >= ENTRIES_MAX {
            return false;
        }
        self.by_endpoint.entry(asked).or_default().push_back(queued);
        true
    }

    /// The name of the outcome whose turn it is, which is used up by that.
    pub(crate) fn take(&mut self, asked: &Asked) -> Option<Arc<str>> {
        let queue = self.by_endpoint.get_mut(asked)?;
        let first = queue.front_mut()?;
        let outcome = first.outcome.clone();
        first.times -= 1;
        if first.times == 0 {
            queue.pop_front();
        }
        if queue.is_empty() {
            self.by_endpoint.remove(asked);
        }
        Some(outcome)
    }

    /// Puts one back in front: the call that took it got no answer of the endpoint's.
    pub(crate) fn put_back(&mut self, asked: Asked, outcome: Arc<str>) {
        let queue = self.by_endpoint.entry(asked).or_default();
        match queue.front_mut() {
            Some(first) if first.outcome == outcome => first.times += 1,
            _ => queue.push_front(Queued { outcome, times: 1 }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_endpoint.values().map(VecDeque::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_endpoint.is_empty()
    }

    /// All that waits, by endpoint, in the order in which it will be used.
    pub(crate) fn waiting(&self) -> Vec<(&Asked, &VecDeque<Queued>)> {
        let mut waiting: Vec<_> = self.by_endpoint.iter().collect();
        waiting.sort_by_key(|(asked, _)| *asked);
        waiting
    }

    /// Empties the queue of these calls, or all; returns how many outcomes that were.
    pub(crate) fn clear(&mut self, asked: Option<&Asked>) -> u64 {
        let count =
            |queue: &VecDeque<Queued>| queue.iter().map(|one| u64::from(one.times)).sum::<u64>();
        match asked {
            Some(asked) => self.by_endpoint.remove(asked).as_ref().map_or(0, count),
            None => self
                .by_endpoint
                .drain()
                .map(|(_, queue)| count(&queue))
                .sum(),
        }
    }
}
