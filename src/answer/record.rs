//! Makes a record: all its versions and the callbacks that they cause, under one lock.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::callbacks::{self, Event};
use super::engine::Engine;
use super::reply::Scheduled;
use super::trace::trace_of;
use crate::base::{Behaviour, Dice, Moment, Spellings, Stamp};
use crate::catalogue::{
    BodyPlan, CallsBack, Catalogue, Creation, Endpoint, Fill, Finding, Outcome, Rendered, Then,
    find_dummy_data, reply_too_large,
};
use crate::http::{ApiError, Call};
use crate::world::{Later, Record, State, Version, World};

/// The largest record: all its states together.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// What a record is made from.
pub(crate) struct NewRecord<'a> {
    pub engine: &'a Engine,
    pub catalogue: &'a Catalogue,
    pub world: &'a World,
    pub endpoint: &'a Endpoint,
    pub creation: &'a Creation,
    pub call: &'a Call,
    pub fields: &'a Map<String, Value>,
    pub spellings: &'a Spellings,
    /// The seed of the id, the times and the fakes.
    pub drawn: u128,
    /// The behaviour that the request wants for its callback.
    pub callback: Option<Behaviour>,
    /// The only change of the record, in place of the changes of its outcome.
    pub then: Option<Then>,
}

/// A new record: the body of the reply, and its callbacks.
pub(crate) struct CreatedRecord {
    pub id: Option<Arc<str>>,
    pub body: Bytes,
    pub planned: Scheduled,
}

/// Most records have one version.
type Versions = SmallVec<[(Duration, Version); 1]>;

/// The versions of a record, each with its delay after the request, and the versions that call back.
struct Stages {
    versions: Versions,
    calls: Vec<(usize, Behaviour)>,
    /// The body of the record before its first version, if `stale` sends it.
    older: Bytes,
}

/// Writes the versions of a record in order.
struct VersionWriter<'a> {
    making: &'a NewRecord<'a>,
    state: &'a mut State,
    id: &'a str,
    /// The first version that needs it looks it up. Later versions use the same.
    finding: Option<Finding>,
    dice: Dice,
    created: Stamp,
    versions: Versions,
    /// The size of all bodies.
    written_bytes: usize,
    /// Bodies with parts that are kept, if no later body is too large.
    parts: SmallVec<[Rendered; 1]>,
}

impl NewRecord<'_> {
    /// Writes the record with all its later versions, so that a reload cannot change them. Keeps it, and puts
    /// its callbacks into the queue.
    pub(crate) fn record(
        &self,
        state: &mut State,
        outcome: &Arc<Outcome>,
        finding: Option<Finding>,
    ) -> Result<CreatedRecord, ApiError> {
        let pattern = self.creation.id_pattern.as_ref();
        let id: Option<Arc<str>> = pattern.map(|pattern| pattern.write(self.drawn));
        let mut stages = self.life(state, outcome, id.as_deref().unwrap_or_default(), finding)?;
        for (at, behaviour) in &stages.calls {
            if *behaviour == Behaviour::Early {
                stages.versions[*at].0 = Duration::ZERO; // the callback overtakes the reply, so the record must too
            }
        }
        let planned = self.plan_callbacks(state, id.as_ref(), &stages);
        let (_, version) = stages.versions.remove(0);
        let body = version.body.clone();
        if let Some(id) = id.clone() {
            let record = Record {
                endpoint: self.endpoint.id.clone(),
                version,
                later: Later::new(
                    self.call.received_at,
                    state.callbacks.advanced,
                    stages.versions.into_vec(),
                ),
            };
            state.records.put(id, record);
        }
        Ok(CreatedRecord { id, body, planned })
    }

    fn life(
        &self,
        state: &mut State,
        outcome: &Arc<Outcome>,
        id: &str,
        finding: Option<Finding>,
    ) -> Result<Stages, ApiError> {
        let mut writing = VersionWriter {
            making: self,
            id,
            finding,
            dice: Dice::new(self.drawn),
            created: self.world.now(state),
            versions: SmallVec::new(),
            written_bytes: 0,
            parts: SmallVec::new(),
            state,
        };
        let mut calls = Vec::new();
        let mut carried = None;
        let mut after = Duration::ZERO;
        let mut current = outcome;
        let mut changes = self
            .then
            .as_ref()
            .map_or(outcome.then.as_slice(), slice::from_ref);
        let mut begins_its_own = true;
        let mut said: Option<CallsBack> = None;
        loop {
            let at = writing.write(current, after)?;
            // A pending outcome sends its callback after its last change.
            let calls_back = if changes.is_empty() {
                match said {
                    Some(CallsBack(said)) => said,
                    None => current.callback.or(carried.take()),
                }
            } else if begins_its_own && said.is_none() {
                carried = current.callback.or(carried.take());
                None
            } else {
                said.map_or(current.callback, |CallsBack(said)| said)
            };
            if let Some(behaviour) = calls_back {
                calls.push((at, self.callback.unwrap_or(behaviour)));
            }
            let Some((change, rest)) = changes.split_first() else {
                let older = if calls.contains(&(0, Behaviour::Stale)) {
                    writing.pending_body()?
                } else {
                    Bytes::new()
                };
                for rendered in &writing.parts {
                    keep_parts(writing.state, self.creation, rendered);
                }
                return Ok(Stages {
                    versions: writing.versions,
                    calls,
                    older,
                });
            };
            after += change.after;
            current = &self.endpoint.outcomes[&change.outcome];
            said = change.callback;
            begins_its_own = rest.is_empty();
            changes = if begins_its_own { &current.then } else { rest };
        }
    }

    /// Puts the callbacks of a record into the world's queue.
    fn plan_callbacks(
        &self,
        state: &mut State,
        id: Option<&Arc<str>>,
        stages: &Stages,
    ) -> Scheduled {
        let mut planned = Scheduled::default();
        let Some(callback_type) = &self.endpoint.callback_type else {
            return planned;
        };
        if stages.calls.is_empty() {
            return planned;
        }
        let url = self
            .engine
            .callback_url(self.catalogue, &state.callbacks, callback_type);
        planned.lacks_url = url.is_none();
        let now = self.world.now(state);
        let since = Moment::new(self.call.received_at, state.callbacks.advanced);
        let trace = trace_of(self.engine, self.world, self.call);
        for (at, behaviour) in &stages.calls {
            let (after, version) = &stages.versions[*at];
            let older = match at.checked_sub(1) {
                Some(before) => stages.versions[before].1.body.clone(),
                None => stages.older.clone(),
            };
            let event = Event {
                callback_type,
                url: url.as_ref(),
                record: id.cloned(),
                outcome: version.outcome.shown(),
                body: version.body.clone(),
                older,
                after: *after,
                behaviour: *behaviour,
                depth: self.call.callback_depth(),
                trace: trace.clone(),
                now,
                since,
            };
            if url.is_none() {
                callbacks::keep_unsent(&mut state.callbacks, &event);
                continue;
            }
            state.exercised.callback(callback_type, *behaviour);
            callbacks::schedule_event(&mut state.callbacks, &event, &mut planned);
        }
        if url.is_none() {
            self.world.changed(); // somebody may wait for the callback, in vain
        }
        planned
    }
}

impl VersionWriter<'_> {
    /// Writes the version for an outcome and returns its number.
    fn write(&mut self, outcome: &Outcome, after: Duration) -> Result<usize, ApiError> {
        let plan = self.prepared(outcome);
        let updated = self.updated(outcome, after);
        let rendered = self.render(&outcome.name, plan, updated)?;
        let version = Version {
            body: rendered.body.clone(),
            outcome: self.making.endpoint.outcome_id(&outcome.name),
        };
        if !rendered.kept.is_empty() {
            self.parts.push(rendered);
        }
        self.versions.push((after, version));
        Ok(self.versions.len() - 1)
    }

    /// The body that the record would have if it were still pending. Empty where no outcome is pending.
    fn pending_body(&mut self) -> Result<Bytes, ApiError> {
        let Some(pending) = self.making.endpoint.pending_outcome() else {
            return Ok(Bytes::new());
        };
        let plan = self.prepared(pending);
        let rendered = self.render(&pending.name, plan, self.created)?;
        Ok(rendered.body)
    }

    /// The body's plan, after the lookup that it needs.
    fn prepared<'o>(&mut self, outcome: &'o Outcome) -> &'o BodyPlan {
        let making = self.making;
        let (plan, asks_lookup) =
            (outcome.plan()).expect("errors and sequences are resolved before anything is written");
        if asks_lookup && self.finding.is_none() {
            let seed = making.engine.seed;
            self.finding = find_dummy_data(
                seed,
                making.catalogue,
                making.creation,
                making.fields,
                &mut self.dice,
            );
        }
        plan
    }

    fn render(
        &mut self,
        outcome: &str,
        plan: &BodyPlan,
        updated: Stamp,
    ) -> Result<Rendered, ApiError> {
        let mut fill = Fill {
            input: self.making.fields,
            spellings: self.making.spellings,
            id: self.id,
            created: self.created,
            updated,
            finding: self.finding.as_ref(),
            drawn: self.making.drawn,
        };
        let rendered = plan.render(&mut fill, &mut self.state.scratch);
        let rendered = rendered.map_err(|_| reply_too_large(outcome))?;
        self.written_bytes += rendered.body.len();
        if self.written_bytes > RECORD_BYTES_MAX {
            return Err(ApiError::reply_too_large(outcome, RECORD_BYTES_MAX));
        }
        Ok(rendered)
    }

    fn updated(&mut self, outcome: &Outcome, after: Duration) -> Stamp {
        if !self.versions.is_empty() {
            self.created.after(after)
        } else if outcome.pending {
            self.created
        } else {
            let decided = self.making.creation.processing_time;
            let lasts = decided.unwrap_or_else(|| drawn_processing_time(&mut self.dice));
            self.created.after(lasts)
        }
    }
}

/// The documentation's examples of screenings show about 0.8 s between `created` and `updated`.
fn drawn_processing_time(dice: &mut Dice) -> Duration {
    Duration::from_millis(dice.between(700..900).into())
}

/// Keeps those parts of a reply that can be read by their own ids.
fn keep_parts(state: &mut State, creation: &Creation, rendered: &Rendered) {
    let Some(keep) = &creation.keep else {
        return;
    };
    for (id, range) in &rendered.kept {
        let record = Record {
            endpoint: keep.at.clone(),
            version: Version {
                body: rendered.body.slice(range.clone()),
                outcome: keep.outcome.clone(),
            },
            later: None,
        };
        state.records.put(id.clone(), record);
    }
}
