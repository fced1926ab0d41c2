//! Restores a world from a snapshot. Everything is checked first; after that nothing can fail.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashSet;
use tokio::time::Instant;

use super::checks::{at_most, each, hash, known_endpoint, stamp};
use super::snapshot::{
    SavedFault, SavedFaults, SavedLater, SavedNext, SavedRecord, SavedUrl, SavedWindow, Snapshot,
    frozen_at,
};
use super::unsent::{self, RestoredEvent};
use super::values::{Ago, Text};
use crate::base::{
    Probability, RateLimit, ReceiverUrl, WINDOWS_MAX, Window, parse_duration, short, time_in_words,
};
use crate::catalogue::{Catalogue, OutcomeId, check_callback_type};
use crate::world::history::ControlCall;
use crate::world::origin::Origin;
use crate::world::outbox::{RegisteredUrl, UNSENT_MAX};
use crate::world::queued::{self, CallKind, Queued};
use crate::world::records::{COUNTERS_MAX, Counters, Later, RECORDS_MAX, Record, Records, Version};
use crate::world::standing_faults::{FAULTS_MAX, TTL_MAX, WorldFault};
use crate::world::state::State;
use crate::world::world::World;

/// Why a snapshot is not restored.
#[derive(Debug)]
pub(crate) enum SnapshotRefused {
    /// The document is broken.
    Broken(String),
    /// It comes from a sandbox with other start options, and would not go on as it did there.
    Foreign(String),
}

impl From<String> for SnapshotRefused {
    fn from(message: String) -> Self {
        Self::Broken(message)
    }
}

/// A snapshot that has passed all checks.
#[derive(Debug)]
pub(crate) struct Restoration {
    advanced: Duration,
    last_request: u64,
    last_delivery: u64,
    last_unsent: u64,
    urls: Vec<(String, RegisteredUrl)>,
    unsent: Vec<RestoredEvent>,
    next: Vec<(CallKind, Queued)>,
    faults: Option<CheckedFaults>,
    limits: Vec<(u64, Option<SavedWindow>)>,
    /// The records and counters as the world will have them: to place them takes no time under its lock.
    records: Records,
    counters: Counters,
    pub record_count: usize,
    /// True when it comes from a world of the same key. Only then does everything go on as it did.
    pub is_own: bool,
}

#[derive(Debug)]
struct CheckedFaults {
    since: Ago,
    ttl: Duration,
    all: Vec<(WorldFault, Option<SavedWindow>)>,
}

impl Snapshot {
    /// Checks every part against this sandbox and this world. A refusal changes nothing. `now` is the time of the
    /// restore.
    pub(crate) fn check(
        self,
        catalogue: &Catalogue,
        origin: &Origin,
        now: Instant,
    ) -> Result<Restoration, SnapshotRefused> {
        if self.seed != origin.seed {
            return Err(SnapshotRefused::Foreign(format!(
                "it was taken with the seed {}, and this sandbox has {}: ids would not go on as they did, so start it with `--seed {0}`",
                self.seed, origin.seed
            )));
        }
        let own = frozen_at(origin.clock);
        if self.clock.frozen_at != own {
            let shown = |clock: Option<&str>| clock.unwrap_or("system").to_owned();
            let taken = shown(self.clock.frozen_at.as_deref());
            return Err(SnapshotRefused::Foreign(format!(
                "it was taken with the clock `{taken}`, and this sandbox has `{}`: start it with `--clock {taken}`",
                shown(own.as_deref()),
            )));
        }
        let is_own = self.world == origin.world;
        at_most("records", self.records.len(), RECORDS_MAX)?;
        at_most("counters", self.counters.len(), COUNTERS_MAX)?;
        at_most("next", self.next.len(), queued::QUEUED_MAX)?;
        at_most("unsent", self.unsent.len(), UNSENT_MAX)?;
        at_most("rate_limits", self.rate_limits.len(), WINDOWS_MAX)?;
        let limits = (self.rate_limits.into_iter())
            .map(|limit| Ok((hash("rate_limits", &limit.of)?, limit.window)))
            .collect::<Result<Vec<_>, String>>()?;
        let faults = self.faults.map(|faults| faults.check(catalogue));
        // Hashes are made with the digest of the key, so they mean nothing under another key.
        let counters = counters(self.counters, self.counters_dropped)?;
        Ok(Restoration {
            advanced: Duration::from_millis(self.clock.advanced_ms),
            last_request: self.last_request,
            last_delivery: self.last_delivery,
            last_unsent: self.last_unsent,
            urls: each(self.callback_urls, "callback_urls", |url| {
                url.check(catalogue)
            })?,
            unsent: unsent::checked(self.unsent, catalogue)?,
            next: each(self.next, "next", |next| next.check(catalogue))?,
            faults: faults.transpose()?,
            record_count: self.records.len(),
            records: records(self.records, self.records_dropped, catalogue, now)?,
            limits: if is_own { limits } else { Vec::new() },
            counters: if is_own {
                counters
            } else {
                Counters::default()
            },
            is_own,
        })
    }
}

impl Restoration {
    /// Empties a world and fills it under one lock. Returns how many callbacks were cancelled.
    pub(crate) async fn restore(self, world: &World, call: ControlCall) -> usize {
        let fill = |state: &mut State| self.fill(state, Instant::now());
        world.refill(fill, call).await
    }

    /// Fills a world that has been emptied.
    pub(in crate::world) fn fill(self, state: &mut State, now: Instant) {
        state.journal = state.journal.restarted_after(self.last_request);
        state.history.was_filled = true;
        state.callbacks.log.start_after(self.last_delivery);
        state.callbacks.advanced = self.advanced;
        state.callbacks.unsent.start_after(self.last_unsent);
        state.callbacks.urls = self.urls.into_iter().collect();
        for event in self.unsent {
            let unsent = event.at(now);
            state.callbacks.unsent.restore(unsent);
        }
        for (calls, queued) in self.next {
            state.next.push(calls, queued);
        }
        if let Some(CheckedFaults { since, ttl, all }) = self.faults {
            let faults = all.into_iter().map(|(mut fault, window)| {
                fault.open = window.map(|window| window.at(now));
                fault
            });
            state.faults.set(faults.collect(), ttl, since.at(now));
        }
        for (of, window) in self.limits {
            let window = window.map(|window| window.at(now));
            state.windows.0.insert(of, window);
        }
        state.counters = self.counters;
        state.records = self.records;
    }
}

fn records(
    saved: Vec<SavedRecord>,
    dropped: u64,
    catalogue: &Catalogue,
    now: Instant,
) -> Result<Records, String> {
    let mut records = Records::default();
    for (id, record) in each(saved, "records", |record| record.check(catalogue, now))? {
        records.put(id, record);
    }
    records.dropped = dropped;
    Ok(records)
}

fn counters(saved: Vec<(String, u32, u64)>, dropped: u64) -> Result<Counters, String> {
    let mut known = HashSet::default();
    let mut counters = Counters::default();
    for (what, times, epoch) in saved {
        let what = hash("counters", &what)?;
        if !known.insert(what) {
            return Err(format!("`counters`: `{what:016x}` is there twice"));
        }
        counters.put(what, times, epoch);
    }
    counters.dropped = dropped;
    Ok(counters)
}

impl SavedWindow {
    fn at(self, now: Instant) -> Window {
        Window {
            since: self.since.at(now),
            came: self.came,
        }
    }
}

impl SavedUrl {
    fn check(self, catalogue: &Catalogue) -> Result<(String, RegisteredUrl), String> {
        check_callback_type(catalogue, &self.callback_type)?;
        let registered = RegisteredUrl {
            url: ReceiverUrl::parse(&self.url)?,
            created: stamp("created", &self.created)?,
            updated: stamp("updated", &self.updated)?,
        };
        Ok((self.callback_type, registered))
    }
}

impl SavedNext {
    fn check(self, catalogue: &Catalogue) -> Result<(CallKind, Queued), String> {
        let endpoint = known_endpoint(catalogue, &self.endpoint)?;
        let Some(outcome) = endpoint.outcome(&self.outcome) else {
            return Err(endpoint.unknown_outcome(&self.outcome, self.reads));
        };
        if !(1..=queued::TIMES_MAX).contains(&self.times) {
            return Err(format!("`times`: between 1 and {}", queued::TIMES_MAX));
        }
        let queued = Queued {
            outcome: outcome.name.as_str().into(),
            times: self.times,
        };
        Ok((CallKind::new(endpoint, self.reads), queued))
    }
}

impl SavedFaults {
    fn check(self, catalogue: &Catalogue) -> Result<CheckedFaults, String> {
        at_most("faults", self.faults.len(), FAULTS_MAX)?;
        let ttl = parse_duration(&self.ttl).map_err(|message| format!("`ttl`: {message}"))?;
        if ttl > TTL_MAX {
            return Err(format!(
                "`ttl`: `{}` is longer than {}",
                self.ttl,
                time_in_words(TTL_MAX)
            ));
        }
        Ok(CheckedFaults {
            since: self.since,
            ttl,
            all: each(self.faults, "faults", |fault| fault.check(catalogue))?,
        })
    }
}

impl SavedFault {
    fn check(self, catalogue: &Catalogue) -> Result<(WorldFault, Option<SavedWindow>), String> {
        let endpoint = match &self.endpoint {
            None => None,
            Some(id) => Some(known_endpoint(catalogue, id)?.id.clone()),
        };
        let delay = self.delay.map(|delay| delay.parse()).transpose()?;
        let fault = self.fault.map(|fault| fault.parse()).transpose()?;
        let rate = self
            .rate_limit
            .map(|rate| RateLimit::new(rate.limit, &rate.window))
            .transpose()?;
        let probability = Probability::new(self.probability)?;
        let mut fault = WorldFault::new(endpoint, delay, fault, probability, rate);
        (fault.seen, fault.struck) = (self.seen, self.struck);
        Ok((fault, self.window))
    }
}

impl SavedRecord {
    fn check(self, catalogue: &Catalogue, now: Instant) -> Result<(Arc<str>, Record), String> {
        let endpoint = &known_endpoint(catalogue, &self.endpoint)?.id;
        let later = self.later.map(|later| later.check(endpoint, now));
        let record = Record {
            endpoint: endpoint.clone(),
            version: version(endpoint, &self.outcome, self.body)?,
            later: later.transpose()?.flatten(),
        };
        Ok((self.id.into(), record))
    }
}

impl SavedLater {
    fn check(self, endpoint: &Arc<str>, now: Instant) -> Result<Option<Box<Later>>, String> {
        let versions = self.versions.into_iter().map(|later| {
            let after = Duration::from_millis(later.after_ms);
            Ok((after, version(endpoint, &later.outcome, later.body)?))
        });
        let versions = versions.collect::<Result<_, String>>()?;
        Ok(Later::since(self.since.at(now), versions))
    }
}

fn version(endpoint: &Arc<str>, outcome: &str, body: Text) -> Result<Version, String> {
    let outcome = OutcomeId::saved(endpoint, outcome)
        .map_err(|_| format!("`outcome`: `{}` is none", short(outcome)))?;
    Ok(Version {
        body: body.0,
        outcome,
    })
}
