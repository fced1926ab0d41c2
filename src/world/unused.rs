//! What a test has prepared or caused in a world without making use of it: queued outcomes, faults, callbacks.

use super::outbox::Delivery;
use super::queued::{CallKind, Queued};
use super::standing_faults::WorldFault;
use super::state::State;

/// How many unused things are named. The others are counted.
const UNUSED_SHOWN_MAX: usize = 20;

/// The unused things of a world.
#[derive(Debug, Default)]
pub(crate) struct Unused {
    /// How many calls the queue would still have answered.
    pub queued: u64,
    /// How many faults have never struck.
    pub faults: usize,
    /// How many callbacks nobody has waited for.
    pub callbacks: usize,
    /// A sentence about each of the first ones, and one that counts the others.
    pub sentences: Vec<String>,
    /// How many of the sentences are about the queue and the faults. They come first.
    about_setup: usize,
}

impl Unused {
    pub(super) fn of(state: &State) -> Self {
        let waiting = state.next.waiting();
        let queued = waiting
            .iter()
            .flat_map(|(calls, queue)| queue.iter().map(|queued| never_requested(calls, queued)));
        let faults: Vec<_> = state.faults.unused().collect();
        let newest_first = state.callbacks.log.newest_first();
        let mut callbacks: Vec<_> = newest_first.filter(|one| one.is_unused()).collect();
        callbacks.reverse();
        let setup_count = state.next.len() + faults.len();
        let mut sentences: Vec<_> = queued
            .chain(faults.iter().map(|fault| never_struck(fault)))
            .chain(callbacks.iter().map(|callback| never_awaited(callback)))
            .take(UNUSED_SHOWN_MAX)
            .collect();
        let about_setup = setup_count.min(sentences.len());
        let more = setup_count + callbacks.len() - sentences.len();
        if more > 0 {
            sentences.push(format!("and {more} more"));
        }
        Self {
            queued: state.next.answers(),
            faults: faults.len(),
            callbacks: callbacks.len(),
            sentences,
            about_setup,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// The sentences about the queue and the faults.
    pub(crate) fn setup(&self) -> &[String] {
        &self.sentences[..self.about_setup]
    }

    /// The first line of a failure, before the sentences.
    pub(crate) fn message(&self) -> String {
        let Self {
            queued,
            faults,
            callbacks,
            ..
        } = self;
        format!(
            "the test left things unused: {}, {} and {}",
            counted(*queued, "queued outcome"),
            counted(*faults as u64, "fault"),
            counted(*callbacks as u64, "callback")
        )
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn never_requested(calls: &CallKind, queued: &Queued) -> String {
    let CallKind { endpoint, reads } = calls;
    let Queued { outcome, times } = queued;
    let requests = if *reads { "GET" } else { "request" };
    let never_came = match times {
        1 => format!("the {requests} for it never came"),
        times => format!("{times} {requests}s for it never came"),
    };
    format!("outcome {outcome} is queued for {endpoint}, and {never_came}")
}

fn never_struck(fault: &WorldFault) -> String {
    let endpoint = match &fault.endpoint {
        Some(endpoint) => format!("to {endpoint}"),
        None => "to products".to_owned(),
    };
    let what = match (&fault.fault, &fault.delay, &fault.rate_limit) {
        (Some(fault), ..) => format!("fault {fault}"),
        (None, Some(delay), _) => format!("delay {delay}"),
        (None, None, _) => "rate limit".to_owned(),
    };
    match fault.seen {
        0 => format!("{what} never struck: no request {endpoint} came"),
        seen => format!(
            "{what} never struck: {} {endpoint} came, and the probability is {}",
            counted(seen, "request"),
            fault.probability.get()
        ),
    }
}

fn never_awaited(callback: &Delivery) -> String {
    let (id, kind, standing) = (callback.id(), &callback.callback_type, callback.standing());
    format!("callback {id} of type {kind} was never awaited: it {standing}")
}
