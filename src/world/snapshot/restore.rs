//! Restores a world from a snapshot. Everything is checked first; after that nothing can fail.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashSet;
use tokio::time::Instant;

use super::checks::{at_most, each, hash, known_endpoint, known_type, stamp};
use super::snapshot::{
    SavedFault, SavedFaults, SavedLater, SavedNext, SavedRecord, SavedUrl, SavedWindow, Snapshot,
    frozen_at,
};
use super::unsent::{self, RestoredEvent};
use super::values::{Ago, Text};
use crate::base::{
    Probability, RateLimit, ReceiverUrl, WINDOWS_MAX, Window, parse_duration, short, time_in_words,
};
use crate::catalogue::{Catalogue, OutcomeId};
use crate::world::journal::Journal;
use crate::world::outbox::{RegisteredUrl, UNSENT_MAX};
use crate::world::queued::{self, CallKind, Queued};
use crate::world::records::{COUNTERS_MAX, Later, RECORDS_MAX, Record, Version};
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
    urls: Vec<(String, RegisteredUrl)>,
    unsent: Vec<RestoredEvent>,
    next: Vec<(CallKind, Queued)>,
    faults: Option<CheckedFaults>,
    limits: Vec<(u64, Option<SavedWindow>)>,
    records: Vec<CheckedRecord>,
    records_dropped: u64,
    counters: Vec<(u64, u32, u64)>,
    counters_dropped: u64,
    /// True when it comes from a world of the same key. Only then does everything go on as it did.
    pub is_own: bool,
}

#[derive(Debug)]
struct CheckedFaults {
    since: Ago,
    ttl: Duration,
    all: Vec<(WorldFault, Option<SavedWindow>)>,
}

#[derive(Debug)]
struct CheckedRecord {
    id: Arc<str>,
    endpoint: Arc<str>,
    version: Version,
    becomes: Option<RestoredStages>,
}

#[derive(Debug)]
struct RestoredStages {
    since: Ago,
    versions: Vec<(Duration, Version)>,
}

impl Snapshot {
    /// Checks every part against this sandbox and this world. A refusal changes nothing.
    pub(crate) fn check(
        self,
        catalogue: &Catalogue,
        world: &World,
    ) -> Result<Restoration, SnapshotRefused> {
        if self.seed != world.seed() {
            return Err(SnapshotRefused::Foreign(format!(
                "it was taken with the seed {}, and this sandbox has {}: ids would not go on as they did, so start it with `--seed {0}`",
                self.seed,
                world.seed()
            )));
        }
        let own = frozen_at(world.clock);
        if self.clock.frozen_at != own {
            let shown = |clock: Option<&str>| clock.unwrap_or("system").to_owned();
            let taken = shown(self.clock.frozen_at.as_deref());
            return Err(SnapshotRefused::Foreign(format!(
                "it was taken with the clock `{taken}`, and this sandbox has `{}`: start it with `--clock {taken}`",
                shown(own.as_deref()),
            )));
        }
        let is_own = self.world == world.tag;
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
        let counters = counters(self.counters)?;
        let of_own = |count: usize| if is_own { count } else { 0 };
        Ok(Restoration {
            advanced: Duration::from_millis(self.clock.advanced_ms),
            last_request: self.last_request,
            last_delivery: self.last_delivery,
            urls: each(self.callback_urls, "callback_urls", |url| {
                url.check(catalogue)
            })?,
            unsent: unsent::checked(self.unsent, catalogue)?,
            next: each(self.next, "next", |next| next.check(catalogue))?,
            faults: faults.transpose()?,
            records: each(self.records, "records", |record| record.check(catalogue))?,
            records_dropped: self.records_dropped,
            limits: limits[..of_own(limits.len())].to_vec(),
            counters: counters[..of_own(counters.len())].to_vec(),
            counters_dropped: if is_own { self.counters_dropped } else { 0 },
            is_own,
        })
    }
}

impl Restoration {
    pub(crate) fn records(&self) -> usize {
        self.records.len()
    }

    /// Empties a world and fills it under one lock. Returns how many callbacks were cancelled.
    pub(crate) async fn restore(self, world: &World) -> usize {
        let fill = |state: &mut State| self.fill(state, Instant::now());
        world.refill(fill).await
    }

    /// Fills a world that has been emptied.
    fn fill(self, state: &mut State, now: Instant) {
        state.journal = Journal::starting_after(self.last_request);
        state.callbacks.log.start_after(self.last_delivery);
        state.callbacks.advanced = self.advanced;
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
        for (what, times, epoch) in self.counters {
            state.counters.put(what, times, epoch);
        }
        state.counters.dropped = self.counters_dropped;
        for one in self.records {
            let becomes = one.becomes.map(|next| (next.since.at(now), next.versions));
            let record = Record {
                endpoint: one.endpoint,
                version: one.version,
                later: becomes.and_then(|(since, versions)| Later::since(since, versions)),
            };
            state.records.put(one.id, record);
        }
        state.records.dropped = self.records_dropped;
    }
}

fn counters(saved: Vec<(String, u32, u64)>) -> Result<Vec<(u64, u32, u64)>, String> {
    let mut known = HashSet::default();
    let mut counters = Vec::with_capacity(saved.len());
    for (what, times, epoch) in saved {
        let what = hash("counters", &what)?;
        if !known.insert(what) {
            return Err(format!("`counters`: `{what:016x}` is there twice"));
        }
        counters.push((what, times, epoch));
    }
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
        known_type(catalogue, &self.callback_type)?;
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
    fn check(self, catalogue: &Catalogue) -> Result<CheckedRecord, String> {
        let endpoint = &known_endpoint(catalogue, &self.endpoint)?.id;
        let becomes = self.later.map(|later| later.check(endpoint));
        Ok(CheckedRecord {
            id: self.id.into(),
            endpoint: endpoint.clone(),
            version: version(endpoint, &self.outcome, self.body)?,
            becomes: becomes.transpose()?,
        })
    }
}

impl SavedLater {
    fn check(self, endpoint: &Arc<str>) -> Result<RestoredStages, String> {
        let versions = self.versions.into_iter().map(|later| {
            let after = Duration::from_millis(later.after_ms);
            Ok((after, version(endpoint, &later.outcome, later.body)?))
        });
        Ok(RestoredStages {
            since: self.since,
            versions: versions.collect::<Result<_, String>>()?,
        })
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
