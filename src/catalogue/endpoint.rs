//! One compiled endpoint: its request rules, its outcomes, its planted records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::dummy::{Asked, Lookup, Reads};
use super::magic_values::MagicValues;
use super::outcome::{CallsBack, Outcome};
use super::reply_id::OutcomeId;
use super::rules::Rules;
use super::schema::RequestSchema;
use crate::base::{Stamp, nearest_sentence, short};
use crate::scenario::{Origin, Source};

/// A product of the API, compiled from one scenario file and all files that extend it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The file's id, such as `v1.1/bank_account_data_requests`.
    pub id: Arc<str>,
    /// The name for people. It is the id if the file gives no name.
    pub name: String,
    pub verb: Verb,
    /// The path of a GET may have segments such as `{digits}`.
    pub path: String,
    pub source: Source,
    /// How well reading a record back by its id is known.
    pub read_source: Source,
    /// The place of the path in the file.
    pub origin: Origin,
    pub content_type: ContentType,
    pub schema: RequestSchema,
    /// How answers are made. None for an endpoint that only reads.
    pub creation: Option<Creation>,
    /// The outcomes by their names: first the endpoint's own ones, then the errors that all endpoints share.
    pub outcomes: IndexMap<String, Arc<Outcome>>,
    /// The ids of the outcomes, prepared once for all requests.
    pub outcome_ids: foldhash::HashMap<String, OutcomeId>,
    /// Other names of outcomes, with the name of each outcome.
    pub aliases: IndexMap<String, String>,
    pub records: HashMap<String, PlantedRecord>,
    /// The ids of other endpoints whose records this path reads back too.
    pub reads: Vec<String>,
    /// True if the endpoint reads the watchlist's listings by their ids.
    pub reads_listings: bool,
    pub callback_type: Option<String>,
    pub pending_first: PendingFirst,
    /// True if the sample of this endpoint tests the URLs of its callback type.
    pub tests_callbacks: bool,
}

/// Whether the records of an endpoint are pending before they have their outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingFirst {
    /// No file says it. The flag `--async` decides.
    Unwritten,
    Never,
    For(Duration),
}

#[derive(Debug)]
pub(crate) struct Creation {
    /// None if answers are not kept. Then nothing can be read back.
    pub id_pattern: Option<IdPattern>,
    pub default: Arc<Outcome>,
    pub magic: MagicValues,
    pub rules: Rules,
    pub lookup: Option<LookupRule>,
    pub keep: Option<Keep>,
    /// The time between `created` and `updated` of a reply that is finished at once. None if it is drawn.
    pub processing_time: Option<Duration>,
}

/// The endpoint at which the items of the kept array can be read.
#[derive(Debug)]
pub(crate) struct Keep {
    /// The key of the array in the body.
    pub from: String,
    /// The id of that endpoint.
    pub at: Arc<str>,
    /// The outcome of an item that is read.
    pub outcome: OutcomeId,
}

/// The method of a product's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// Forms are accepted too.
    Json,
    Multipart,
}

/// Chooses the outcome by the dummy data.
#[derive(Debug)]
pub(crate) struct LookupRule {
    pub lookup: Lookup,
    pub reads: Reads,
    pub outcomes: Vec<(&'static str, Arc<Outcome>)>,
}

/// A record that exists from the start in every world.
#[derive(Debug)]
pub(crate) struct PlantedRecord {
    /// None if the dummy data decides.
    pub outcome: Option<Arc<Outcome>>,
    pub created: Stamp,
    pub updated: Stamp,
    pub input: Map<String, Value>,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// The prefix of field names in placeholders and conditions: `path` or `input`.
    pub(crate) fn fields_word(self) -> &'static str {
        match self {
            Self::Get => "path",
            Self::Post => "input",
        }
    }
}

impl LookupRule {
    /// The input under the field names of the lookup.
    pub(crate) fn asked<'a>(&'a self, input: &'a Map<String, Value>) -> Asked<'a> {
        Asked {
            input,
            reads: &self.reads,
        }
    }
}

impl Endpoint {
    /// Whether `GET {path}/{id}` answers anything.
    pub(crate) fn reads_back(&self) -> bool {
        let keeps = |creation: &Creation| creation.id_pattern.is_some();
        self.reads_listings || self.creation.as_ref().is_some_and(keeps)
    }

    /// The id of the outcome with this name.
    pub(crate) fn outcome_id(&self, name: &str) -> OutcomeId {
        match self.outcome_ids.get(name) {
            Some(id) => id.clone(),
            None => OutcomeId::new(&self.id, name),
        }
    }

    /// The outcome with this name or alias, in any letter case, as a magic value asks for it.
    pub(crate) fn outcome(&self, name: &str) -> Option<&Arc<Outcome>> {
        if let Some(outcome) = self.outcomes.get(name) {
            return Some(outcome);
        }
        let name = name.to_ascii_uppercase();
        let name = self.aliases.get(&name).unwrap_or(&name);
        self.outcomes.get(name)
    }

    /// The first outcome that writes a pending record. Its body is the earlier state of every other record.
    pub(crate) fn pending_outcome(&self) -> Option<&Arc<Outcome>> {
        self.outcomes
            .values()
            .find(|outcome| outcome.writes_pending())
    }

    /// The pending outcome for a record that becomes `outcome` later: the first one that stays pending by itself, or
    /// else one that becomes this outcome, or else the first pending one.
    pub(crate) fn pending_before(&self, outcome: &Outcome) -> Option<&Arc<Outcome>> {
        let pending = || self.outcomes.values().filter(|one| one.writes_pending());
        let becomes = |one: &&Arc<Outcome>| {
            let last = one.then.last();
            last.is_some_and(|last| last.outcome == outcome.name)
        };
        pending()
            .find(|one| one.then.is_empty())
            .or_else(|| pending().find(becomes))
            .or_else(|| self.pending_outcome())
    }

    /// The keys that lead to a record's id in a reply.
    pub(crate) fn path_to_id(&self) -> Option<Vec<&str>> {
        let mut plans = self.outcomes.values().filter_map(|outcome| outcome.plan());
        plans.find_map(|(plan, _)| plan.template().path_to_id())
    }

    /// The message for a client that asks for an outcome that does not exist.
    pub(crate) fn unknown_outcome(&self, asked: &str, only_errors: bool) -> String {
        let names: Vec<_> = self
            .outcomes
            .values()
            .filter(|outcome| !only_errors || outcome.is_error())
            .map(|outcome| outcome.name.as_str())
            .collect();
        let aliases = self
            .aliases
            .keys()
            .map(String::as_str)
            .filter(|_| !only_errors);
        let asked = short(asked);
        let near = nearest_sentence(&asked, names.iter().copied().chain(aliases));
        let which = if only_errors {
            "a GET; only errors can be asked for there"
        } else {
            "this endpoint"
        };
        format!(
            "`{asked}` is no x-magic-reply of {which}.{near} It knows {}.",
            names.join(", ")
        )
    }
}

/// The names of a path's segments: `digits` in `/v1/{digits}/age`.
pub(crate) fn path_segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The form of ids: text around one drawn part.
#[derive(Clone, Debug)]
pub(crate) struct IdPattern {
    before: String,
    drawn: Drawn,
    after: String,
}

#[derive(Clone, Copy, Debug)]
enum Drawn {
    Uuid,
    Hex24,
}

impl IdPattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let wrong =
            || format!("the id `{pattern}` must hold exactly one of `{{uuid}}` and `{{hex24}}`");
        for (name, drawn) in [("{uuid}", Drawn::Uuid), ("{hex24}", Drawn::Hex24)] {
            if let Some((before, after)) = pattern.split_once(name) {
                if before.contains(['{', '}']) || after.contains(['{', '}']) {
                    return Err(wrong());
                }
                if !(before.bytes().chain(after.bytes()))
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                {
                    return Err(format!(
                        "the id `{pattern}` may hold letters, digits, `_` and `-` only"
                    ));
                }
                return Ok(Self {
                    before: before.to_owned(),
                    drawn,
                    after: after.to_owned(),
                });
            }
        }
        Err(wrong())
    }

    /// A regular expression for the ids.
    pub(crate) fn pattern(&self) -> String {
        let drawn = match self.drawn {
            Drawn::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            Drawn::Hex24 => "[0-9a-f]{24}",
        };
        format!("^{}{drawn}{}$", self.before, self.after)
    }

    pub(crate) fn write(&self, drawn: u128) -> Arc<str> {
        let uuid = uuid::Builder::from_random_bytes(drawn.to_be_bytes()).into_uuid();
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let drawn: &str = match self.drawn {
            Drawn::Uuid => uuid.hyphenated().encode_lower(&mut buffer),
            Drawn::Hex24 => {
                let mut hex = [0; uuid::fmt::Simple::LENGTH];
                let text = uuid::Uuid::from_u128(drawn).simple().encode_lower(&mut hex);
                buffer[..24].copy_from_slice(&text.as_bytes()[..24]);
                std::str::from_utf8(&buffer[..24]).expect("hex digits")
            }
        };
        let mut id = SmallVec::<[u8; 64]>::new();
        for part in [&self.before, drawn, &self.after] {
            id.extend_from_slice(part.as_bytes());
        }
        str::from_utf8(&id).expect("its parts are UTF-8").into()
    }
}

/// Whether the outcome, or an outcome that it becomes, sends a callback.
pub(crate) fn calls_back(endpoint: &Endpoint, outcome: &Outcome) -> bool {
    let (mut changes, last) = (outcome.then.iter(), outcome.then.last());
    outcome.callback.is_some()
        || changes.any(|change| {
            let own = endpoint.outcomes[&change.outcome].callback;
            change.callback.unwrap_or(CallsBack(own)).0.is_some()
        })
        || last.is_some_and(|last| calls_back(endpoint, &endpoint.outcomes[&last.outcome]))
}

/// The first stage of an outcome whose source is not public. The outcome itself is its first stage.
pub(crate) fn weakest_stage<'e>(
    endpoint: &'e Endpoint,
    outcome: &'e Outcome,
) -> Option<&'e Outcome> {
    if !outcome.source.is_public() {
        return Some(outcome);
    }
    let stages = outcome
        .then
        .iter()
        .map(|then| &*endpoint.outcomes[&then.outcome]);
    let mut stages = stages.peekable();
    while let Some(stage) = stages.next() {
        if stages.peek().is_none() {
            return weakest_stage(endpoint, stage); // the last one may have later stages of its own
        }
        if !stage.source.is_public() {
            return Some(stage);
        }
    }
    None
}
