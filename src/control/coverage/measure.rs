//! Measures what a run has exercised: the outcomes, errors and callbacks that were answered at least once. Each that was
//! not has a curl.
//!
//! What counts: every endpoint's own outcomes, except sequences, which only name others; every shared error once, wherever
//! it was answered, if a request can provoke it without a magic reply; one normal callback of every type. Under `--strict`
//! refused outcomes do not count.

use foldhash::{HashMap, HashSet};

use super::counted::CountedKinds;
use super::report::{Coverage, Part};
use crate::base::{Behaviour, BehaviourKind};
use crate::catalogue::{
    self, Answer, Catalogue, Endpoint, LISTED, Outcome, ReplyId, requestable_errors,
};
use crate::reference::{Curl, ErrorSources};
use crate::world::Exercised;

/// What a coverage is made from.
pub(super) struct Measure<'a> {
    pub catalogue: &'a Catalogue,
    /// The endpoints to measure.
    pub endpoints: Vec<&'a Endpoint>,
    /// True if the request named these endpoints. Then errors outside of the endpoints do not count.
    pub names_endpoints: bool,
    pub kinds: CountedKinds,
    pub exercised: Exercised,
    /// True if these are the counts of one world. Requests without a world are not in them.
    pub is_of_world: bool,
    pub strict: bool,
    pub curl: Curl,
    /// Whether callbacks of a type have a URL in the world that the curls ask.
    pub has_url: &'a dyn Fn(&str) -> bool,
}

impl Measure<'_> {
    pub(super) fn coverage(&self, of: String) -> Coverage {
        let chosen: Vec<_> = self
            .endpoints
            .iter()
            .copied()
            .filter(|endpoint| !self.strict || endpoint.source.is_public())
            .collect();
        let (mut endpoints, mut errors, mut callbacks) =
            (Vec::new(), Part::named("errors"), Part::named("callbacks"));
        match self.kinds {
            CountedKinds::Usual => {
                endpoints.extend(chosen.iter().map(|endpoint| self.endpoint(endpoint)));
                self.provokable_errors(&chosen, &mut errors);
                self.normal_callbacks(&chosen, &mut callbacks);
            }
            CountedKinds::Errors => self.all_errors(&chosen, &mut errors),
            CountedKinds::Callbacks => {
                self.normal_callbacks(&chosen, &mut callbacks);
                self.misbehaviours(&chosen, &mut callbacks);
            }
        }
        let mut coverage = Coverage::of_parts(of, endpoints, errors, callbacks);
        coverage.uncounted = self.exercised.uncounted;
        coverage
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

    /// The errors that a request provokes without a magic reply.
    fn provokable_errors(&self, chosen: &[&Endpoint], part: &mut Part) {
        let counts = self.error_counts();
        for (name, _) in self.shared_errors(chosen) {
            if let Some(curl) = self.provoking(chosen, name) {
                part.put(name, count_of(&counts, name), || curl);
            }
        }
    }

    fn all_errors(&self, chosen: &[&Endpoint], part: &mut Part) {
        let counts = self.error_counts();
        for (name, endpoint) in self.shared_errors(chosen) {
            let curl = || {
                let provoking = self.provoking(chosen, name);
                provoking.unwrap_or_else(|| self.curl.magic(endpoint, name))
            };
            part.put(name, count_of(&counts, name), curl);
        }
    }

    fn provoking(&self, chosen: &[&Endpoint], name: &str) -> Option<String> {
        let sources = ErrorSources {
            catalogue: self.catalogue,
            endpoints: chosen,
            has_endpoints_only: self.names_endpoints,
            has_world: self.is_of_world,
        };
        self.curl.provoking(name, &sources)
    }

    /// The shared errors, each with an endpoint that answers it.
    fn shared_errors<'a>(
        &'a self,
        chosen: &'a [&Endpoint],
    ) -> impl Iterator<Item = (&'a str, &'a Endpoint)> {
        let errors = requestable_errors(&self.catalogue.shared_errors);
        let errors = errors.filter(|(_, error)| !self.strict || error.source.is_public());
        errors.filter_map(|(name, _)| {
            let shares = |endpoint: &&&Endpoint| {
                let known = endpoint.outcomes.get(name);
                known.is_some_and(|known| known.is_shared)
            };
            let endpoint = chosen.iter().find(shares)?;
            Some((name.as_str(), *endpoint))
        })
    }

    /// How often each shared error was answered, by any endpoint or by none.
    fn error_counts(&self) -> HashMap<&str, u64> {
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
        counts
    }

    fn normal_callbacks(&self, chosen: &[&Endpoint], part: &mut Part) {
        let mut types = Vec::new();
        for endpoint in chosen {
            let Some((outcome, callback_type)) = self.callback_of(endpoint) else {
                continue;
            };
            if types.contains(&callback_type) {
                continue;
            }
            types.push(callback_type);
            let count = self
                .exercised
                .callbacks(BehaviourKind::Normal, |other| other == callback_type);
            let name = format!("{callback_type}/{}", BehaviourKind::Normal.written());
            let magic = || self.calling(endpoint, callback_type, &outcome.name);
            part.put(&name, count, magic);
        }
    }

    /// Every misbehaviour counts once, whichever type of callback had it.
    fn misbehaviours(&self, chosen: &[&Endpoint], part: &mut Part) {
        let calling = |endpoint: &&&Endpoint| self.callback_of(endpoint).is_some();
        let preferred = chosen
            .iter()
            .find(|endpoint| endpoint.tests_callbacks && calling(endpoint))
            .or_else(|| chosen.iter().find(calling));
        let Some((endpoint, (outcome, callback_type))) =
            preferred.and_then(|endpoint| Some((endpoint, self.callback_of(endpoint)?)))
        else {
            return; // none of these endpoints calls back
        };
        for behaviour in BehaviourKind::on_purpose() {
            let count = self.exercised.callbacks(behaviour, |_| true);
            let how = behaviour.written();
            let magic = format!("{}; callback={how}", outcome.name);
            part.put(how, count, || self.calling(endpoint, callback_type, &magic));
        }
    }

    /// A curl after which a callback follows.
    fn calling(&self, endpoint: &Endpoint, callback_type: &str, magic: &str) -> String {
        let ask = self.curl.magic(endpoint, magic);
        if (self.has_url)(callback_type) {
            return ask;
        }
        format!("{} && {ask}", self.curl.register(callback_type))
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

fn count_of(counts: &HashMap<&str, u64>, name: &str) -> u64 {
    counts.get(name).copied().unwrap_or(0)
}
