//! What a run has exercised: the outcomes, error codes and callback behaviours that were answered at least
//! once. Each that was not has a curl.
//!
//! What counts: every endpoint's own outcomes, except sequences, which only name others; every shared error
//! once, wherever it was answered; every callback behaviour once. Under `--strict` refused outcomes do not
//! count.

use std::fmt::{self, Write};

use foldhash::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::base::{Behaviour, BehaviourKind};
use crate::catalogue::{
    self, Answer, Catalogue, Endpoint, LISTED, Outcome, ReplyId, requestable_errors,
};
use crate::reference::Curl;
use crate::world::Exercised;

/// How much of everything has been exercised.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Coverage {
    /// `all worlds`, or the tag of one.
    pub of: String,
    pub exercised: usize,
    pub total: usize,
    /// Rounded down, so that 100 means all.
    pub percent: f64,
    pub endpoints: Vec<Part>,
    pub errors: Part,
    pub callback_behaviours: Part,
    /// How many replies were not counted, because there were too many kinds of them.
    pub uncounted: u64,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Part {
    /// The id of the endpoint, or what all items of the part are.
    pub name: String,
    pub exercised: Vec<Done>,
    pub missed: Vec<Missed>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Done {
    pub name: String,
    pub count: u64,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Missed {
    pub name: String,
    /// A curl that exercises it.
    pub curl: String,
}

impl Coverage {
    /// Whether at least `min` percent was exercised.
    pub(crate) fn reaches(&self, min: u8) -> bool {
        self.exercised * 100 >= self.total * usize::from(min)
    }
}

impl Part {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn put(&mut self, name: &str, count: u64, curl: impl FnOnce() -> String) {
        let name = name.to_owned();
        if count > 0 {
            self.exercised.push(Done { name, count });
        } else {
            self.missed.push(Missed { name, curl: curl() });
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.exercised.len() + self.missed.len()
    }
}

/// What a coverage is made from.
pub(crate) struct Measure<'a> {
    pub catalogue: &'a Catalogue,
    /// The endpoints to measure.
    pub endpoints: Vec<&'a Endpoint>,
    pub exercised: Exercised,
    pub strict: bool,
    pub curl: Curl,
    /// Whether callbacks of a type have a URL in the world that the curls ask.
    pub has_url: &'a dyn Fn(&str) -> bool,
}

impl Measure<'_> {
    pub(crate) fn coverage(&self, of: String) -> Coverage {
        let chosen: Vec<_> = self
            .endpoints
            .iter()
            .copied()
            .filter(|endpoint| !self.strict || endpoint.source.is_public())
            .collect();
        let endpoints: Vec<_> = chosen
            .iter()
            .map(|endpoint| self.endpoint(endpoint))
            .collect();
        let errors = self.errors(&chosen);
        let callback_behaviours = self.behaviours(&chosen);
        let parts = || endpoints.iter().chain([&errors, &callback_behaviours]);
        let exercised = parts().map(|part| part.exercised.len()).sum();
        let total = parts().map(Part::total).sum();
        Coverage {
            of,
            exercised,
            total,
            percent: percent(exercised, total),
            endpoints,
            errors,
            callback_behaviours,
            uncounted: self.exercised.uncounted,
        }
    }

    fn endpoint(&self, endpoint: &Endpoint) -> Part {
        let mut part = Part::named(&endpoint.id);
        for outcome in endpoint.outcomes.values() {
            if outcome.is_shared || !self.counts(endpoint, outcome) {
                continue;
            }
            let id = endpoint.outcome_id(&outcome.name);
            let count = self.exercised.times(id);
            let curl = || self.curl.magic(endpoint, &outcome.name);
            part.put(&outcome.name, count, curl);
        }
        if endpoint.reads_listings
            && let Some(listing) = self.catalogue.dummy.any_listing()
        {
            let count = self.exercised.times(endpoint.outcome_id(LISTED));
            part.put(LISTED, count, || self.curl.read(endpoint, &listing.id));
        }
        part
    }

    /// Whether an outcome counts. A sequence does not, because it is no answer of its own.
    fn counts(&self, endpoint: &Endpoint, outcome: &Outcome) -> bool {
        matches!(outcome.answer, Answer::Body { .. } | Answer::Error { .. })
            && !(self.strict && catalogue::weakest_stage(endpoint, outcome).is_some())
    }

    fn errors(&self, chosen: &[&Endpoint]) -> Part {
        let mut part = Part::named("errors");
        let own: HashSet<_> = self
            .catalogue
            .endpoints()
            .flat_map(|endpoint| {
                let own = endpoint.outcomes.values();
                let own = own.filter(|outcome| !outcome.is_shared && outcome.is_error());
                own.map(|outcome| endpoint.outcome_id(&outcome.name))
            })
            .collect();
        let mut counts: HashMap<&str, u64> = HashMap::default();
        for (reply, _, times) in self.exercised.by_status() {
            let name = match reply {
                ReplyId::Outcome(id) if own.contains(id) => continue,
                ReplyId::Outcome(id) => id.name(),
                ReplyId::Error(code) => code,
                ReplyId::Account => continue,
            };
            *counts.entry(name).or_default() += times;
        }
        for (name, error) in requestable_errors(&self.catalogue.shared_errors) {
            let shares = |endpoint: &&&Endpoint| {
                let known = endpoint.outcomes.get(name);
                known.is_some_and(|known| known.is_shared)
            };
            if self.strict && !error.source.is_public() {
                continue;
            }
            if let Some(endpoint) = chosen.iter().find(shares) {
                let count = counts.get(name.as_str()).copied().unwrap_or(0);
                part.put(name, count, || self.curl.magic(endpoint, name));
            }
        }
        part
    }

    fn behaviours(&self, chosen: &[&Endpoint]) -> Part {
        let mut part = Part::named("callback behaviours");
        let calling = |endpoint: &&&Endpoint| self.callback_of(endpoint).is_some();
        let preferred = chosen
            .iter()
            .find(|endpoint| endpoint.tests_callbacks && calling(endpoint))
            .or_else(|| chosen.iter().find(calling));
        let Some((endpoint, (outcome, callback_type))) =
            preferred.and_then(|endpoint| Some((endpoint, self.callback_of(endpoint)?)))
        else {
            return part; // none of these endpoints calls back
        };
        for behaviour in [BehaviourKind::Normal]
            .into_iter()
            .chain(BehaviourKind::on_purpose())
        {
            let count = self.exercised.behaviours.get(&behaviour);
            let how = behaviour.written();
            let curl = || {
                let magic = if behaviour == BehaviourKind::Normal {
                    outcome.name.clone()
                } else {
                    format!("{}; callback={how}", outcome.name)
                };
                let ask = self.curl.magic(endpoint, &magic);
                if (self.has_url)(callback_type) {
                    return ask;
                }
                format!("{} && {ask}", self.curl.register(callback_type))
            };
            part.put(how, count.copied().unwrap_or(0), curl);
        }
        part
    }

    /// An outcome whose callback behaves normally by default, and the type of the callback.
    fn callback_of<'e>(&self, endpoint: &'e Endpoint) -> Option<(&'e Outcome, &'e str)> {
        let callback_type = endpoint.callback_type.as_deref()?;
        endpoint.creation.as_ref()?.id_pattern.as_ref()?; // a URL is tested with a record
        let outcome = endpoint.outcomes.values().find(|outcome| {
            outcome.callback == Some(Behaviour::Normal) && self.counts(endpoint, outcome)
        })?;
        Some((outcome, callback_type))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below the precision of a float"
)]
fn percent(exercised: usize, total: usize) -> f64 {
    match total {
        0 => 100.0,
        _ => (exercised * 1000 / total) as f64 / 10.0,
    }
}

impl Coverage {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        let more = [&self.errors, &self.callback_behaviours];
        let counting = |part: &&Part| part.total() > 0;
        self.endpoints.iter().chain(more).filter(counting)
    }

    fn write_to(&self, text: &mut String) -> fmt::Result {
        for part in self.parts() {
            let (done, total) = (part.exercised.len(), part.total());
            let percent = percent(done, total);
            writeln!(
                text,
                "{percent:5.1} %  {done:3} of {total:3}  {}",
                part.name
            )?;
        }
        writeln!(
            text,
            "{:5.1} %  {:3} of {:3}  in all, over {}",
            self.percent, self.exercised, self.total, self.of
        )?;
        if self.uncounted > 0 {
            writeln!(
                text,
                "{} replies were too many to tell apart",
                self.uncounted
            )?;
        }
        for part in self.parts().filter(|part| !part.missed.is_empty()) {
            writeln!(text, "\nmissed of {}:", part.name)?;
            for missed in &part.missed {
                writeln!(text, "  {}\n    {}", missed.name, missed.curl)?;
            }
        }
        Ok(())
    }
}
