//! A world as a document that can be restored. It holds everything that later answers depend on.

use std::ops::Deref;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::unsent::{self, SavedEvent};
use super::values::{Ago, Text};
use crate::base::{Clock, JsonMistake, duration_text, milliseconds};
use crate::world::origin::Origin;
use crate::world::records::{Record, Version};
use crate::world::standing_faults::WorldFault;
use crate::world::state::State;
use crate::world::world::World;

/// The version of the document's format. Other versions are refused.
const VERSION: u64 = 1;

/// A larger document is neither written nor read.
pub(crate) const SNAPSHOT_BYTES_MAX: usize = 64 << 20;

/// A world at one moment. A restore loses what is left out: pending callbacks, the journal, the delivery log
/// and the counts of what was exercised.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    #[serde(rename = "snapshot")]
    form: u64,
    /// The release of the sandbox that wrote it.
    sandbox: String,
    pub(super) world: String,
    pub(super) seed: u64,
    pub(super) clock: SavedClock,
    /// The numbers of the latest request and the latest delivery. Traces and ids continue from there.
    pub(super) last_request: u64,
    pub(super) last_delivery: u64,
    /// The number of the latest event without a URL.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) last_unsent: u64,
    pub(super) callback_urls: Vec<SavedUrl>,
    /// The events without a URL, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unsent: Vec<SavedEvent>,
    pub(super) next: Vec<SavedNext>,
    pub(super) faults: Option<SavedFaults>,
    pub(super) rate_limits: Vec<SavedLimit>,
    pub(super) records: Vec<SavedRecord>,
    pub(super) records_dropped: u64,
    /// How often each input came, by its hash: `[hash, times, epoch]`, oldest first.
    pub(super) counters: Vec<(String, u32, u64)>,
    pub(super) counters_dropped: u64,
    left_out: LeftOut,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedClock {
    /// Null when it follows the machine's time.
    pub(super) frozen_at: Option<String>,
    pub(super) advanced_ms: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedUrl {
    #[serde(rename = "type")]
    pub(super) callback_type: String,
    pub(super) url: String,
    pub(super) created: String,
    pub(super) updated: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedNext {
    pub(super) endpoint: String,
    pub(super) outcome: String,
    pub(super) times: u32,
    pub(super) reads: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedFaults {
    pub(super) since: Ago,
    pub(super) ttl: String,
    pub(super) faults: Vec<SavedFault>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedFault {
    pub(super) endpoint: Option<String>,
    pub(super) fault: Option<String>,
    pub(super) delay: Option<String>,
    pub(super) probability: f64,
    pub(super) rate_limit: Option<SavedRate>,
    pub(super) window: Option<SavedWindow>,
    pub(super) seen: u64,
    pub(super) struck: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedRate {
    pub(super) limit: u32,
    pub(super) window: String,
}

/// A rate limit's window: when its first request opened it, and how many requests it let through since.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedWindow {
    pub(super) since: Ago,
    pub(super) came: u32,
}

/// The window of an outcome. `of` is the outcome's hash.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedLimit {
    pub(super) of: String,
    pub(super) window: Option<SavedWindow>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedRecord {
    pub(super) id: String,
    pub(super) endpoint: String,
    pub(super) outcome: String,
    pub(super) body: Text,
    /// Its later versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) later: Option<SavedLater>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedLater {
    pub(super) since: Ago,
    pub(super) versions: Vec<LaterVersion>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaterVersion {
    pub(super) after_ms: u64,
    pub(super) outcome: String,
    pub(super) body: Text,
}

/// What a restore does not bring back, counted when the snapshot is taken.
#[derive(Debug, Deserialize, Serialize)]
struct LeftOut {
    pending_callbacks: usize,
    requests: usize,
    deliveries: usize,
}

impl Snapshot {
    /// Takes a snapshot. The large parts are shared under the world's lock, and written after it.
    pub(crate) fn of(world: &World, now: Instant) -> Self {
        Self::of_state(world.origin(), world.state(), now)
    }

    /// The same for a state behind a lock, which is free as soon as the large parts are shared.
    pub(in crate::world) fn of_state(
        origin: Origin,
        state: impl Deref<Target = State>,
        now: Instant,
    ) -> Self {
        let small = Self::without_large_parts(origin, &state, now);
        let records = state.records.oldest_first();
        let records: Vec<_> = records
            .map(|(id, record)| (id.clone(), record.clone()))
            .collect();
        let counters: Vec<_> = state.counters.oldest_first().collect();
        drop(state);
        let saved = |(what, times, epoch)| (format!("{what:016x}"), times, epoch);
        Self {
            records: (records
                .iter()
                .map(|(id, record)| saved_record(id, record, now)))
            .collect(),
            counters: counters.into_iter().map(saved).collect(),
            ..small
        }
    }

    fn without_large_parts(origin: Origin, state: &State, now: Instant) -> Self {
        let callbacks = &state.callbacks;
        Self {
            form: VERSION,
            sandbox: env!("CARGO_PKG_VERSION").to_owned(),
            world: origin.world,
            seed: origin.seed,
            clock: SavedClock {
                frozen_at: frozen_at(origin.clock),
                advanced_ms: milliseconds(callbacks.advanced),
            },
            last_request: state.journal.last_seq(),
            last_delivery: callbacks.log.last_seq(),
            last_unsent: callbacks.unsent.last_seq(),
            callback_urls: urls(state),
            unsent: unsent::saved(state, now),
            next: next(state),
            faults: faults(state, now),
            rate_limits: rate_limits(state, now),
            records: Vec::new(),
            records_dropped: state.records.dropped,
            counters: Vec::new(),
            counters_dropped: state.counters.dropped,
            left_out: LeftOut {
                pending_callbacks: callbacks.pending(),
                requests: state.journal.len(),
                deliveries: callbacks.log.len(),
            },
        }
    }

    /// Reads a document, or says what is wrong with it.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            snapshot: Option<Value>,
        }
        let versioned: Versioned = serde_json::from_slice(document)
            .map_err(|error| format!("it is no snapshot: {}", JsonMistake::of(document, &error)))?;
        match versioned.snapshot {
            Some(version) if version == VERSION => {}
            Some(version) => {
                return Err(format!(
                    "it is of version {version}, and this sandbox reads version {VERSION}"
                ));
            }
            None => return Err("it is no snapshot: `\"snapshot\": 1` is missing".to_owned()),
        }
        serde_json::from_slice(document)
            .map_err(|error| JsonMistake::of(document, &error).to_string())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(super) fn frozen_at(clock: Clock) -> Option<String> {
    match clock {
        Clock::Frozen(stamp) => Some(stamp.to_string()),
        Clock::System => None,
    }
}

fn urls(state: &State) -> Vec<SavedUrl> {
    let urls = state.callbacks.urls.iter();
    let saved = urls.map(|(callback_type, registered)| SavedUrl {
        callback_type: callback_type.clone(),
        url: registered.url.as_str().to_owned(),
        created: registered.created.to_string(),
        updated: registered.updated.to_string(),
    });
    saved.collect()
}

fn next(state: &State) -> Vec<SavedNext> {
    let waiting = state.next.waiting().into_iter();
    let saved = waiting.flat_map(|(calls, queue)| {
        queue.iter().map(|queued| SavedNext {
            endpoint: calls.endpoint.as_ref().to_owned(),
            outcome: queued.outcome.as_ref().to_owned(),
            times: queued.times,
            reads: calls.reads,
        })
    });
    saved.collect()
}

fn faults(state: &State, now: Instant) -> Option<SavedFaults> {
    let (faults, ttl, since) = state.faults.set_of(now, state.callbacks.advanced)?;
    Some(SavedFaults {
        since: Ago::of(since, now),
        ttl: duration_text(ttl),
        faults: faults.iter().map(|fault| saved_fault(fault, now)).collect(),
    })
}

fn saved_fault(fault: &WorldFault, now: Instant) -> SavedFault {
    SavedFault {
        endpoint: fault.endpoint.as_deref().map(str::to_owned),
        fault: fault.fault.map(|fault| fault.to_string()),
        delay: fault.delay.map(|delay| delay.to_string()),
        probability: fault.probability.get(),
        rate_limit: fault.rate_limit.map(|rate| SavedRate {
            limit: rate.limit,
            window: duration_text(rate.window),
        }),
        window: fault.open.map(|window| SavedWindow {
            since: Ago::of(window.since, now),
            came: window.came,
        }),
        seen: fault.seen,
        struck: fault.struck,
    }
}

fn rate_limits(state: &State, now: Instant) -> Vec<SavedLimit> {
    let windows = state.windows.0.iter();
    let saved = windows.map(|(of, window)| SavedLimit {
        of: format!("{of:016x}"),
        window: window.map(|window| SavedWindow {
            since: Ago::of(window.since, now),
            came: window.came,
        }),
    });
    saved.collect()
}

fn saved_record(id: &str, record: &Record, now: Instant) -> SavedRecord {
    SavedRecord {
        id: id.to_owned(),
        endpoint: record.endpoint.as_ref().to_owned(),
        outcome: outcome(&record.version),
        body: Text(record.version.body.clone()),
        later: record.later.as_deref().map(|later| SavedLater {
            since: Ago::of(later.since, now),
            versions: later.versions.iter().map(later_version).collect(),
        }),
    }
}

fn later_version((after, version): &(Duration, Version)) -> LaterVersion {
    LaterVersion {
        after_ms: milliseconds(*after),
        outcome: outcome(version),
        body: Text(version.body.clone()),
    }
}

fn outcome(version: &Version) -> String {
    version.outcome.shown().to_owned()
}
