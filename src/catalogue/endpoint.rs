//! One endpoint, compiled: its request rules, its outcomes, its planted records.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::HeaderValue;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::dummy::{Asked, Lookup, Reads};
use super::magic_values::MagicValues;
use super::outcome::{CallsBack, Outcome};
use super::rules::Rules;
use super::schema::RequestSchema;
use crate::base::{Stamp, nearest};
use crate::scenario::{Origin, Source};

/// A product of the API: what one scenario file, with everything that extends it, has become.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The file's id, such as `v1.1/bank_account_data_requests`.
    pub id: Arc<str>,
    /// What people call it; the id where its file does not say.
    pub name: String,
    pub verb: Verb,
    /// With segments such as `{digits}` where it is a GET's.
    pub path: String,
    pub source: Source,
    /// Of reading back by id.
    pub read_source: Source,
    /// Where it says its path.
    pub origin: Origin,
    pub content_type: ContentType,
    pub schema: RequestSchema,
    /// How answers are made; none for an endpoint that only reads.
    pub creation: Option<Creation>,
    /// The outcomes by their names, the endpoint's own first, then the errors that all share.
    pub outcomes: IndexMap<String, Arc<Outcome>>,
    /// Other names of outcomes.
    pub aliases: IndexMap<String, String>,
    pub records: HashMap<String, PlantedRecord>,
    /// Endpoints whose records this path reads back too, by id.
    pub reads: Vec<String>,
    /// Reads the watchlist's listings by their ids.
    pub reads_listings: bool,
    /// `x-sandbox-outcome` of a listing.
    pub listing_tag: HeaderValue,
    pub callback_type: Option<String>,
    /// Its sample is what a URL of its callback type is tested with.
    pub tests_callbacks: bool,
}

#[derive(Debug)]
pub(crate) struct Creation {
    /// None: nothing is kept of an answer, and nothing read back.
    pub id_pattern: Option<IdPattern>,
    pub default: Arc<Outcome>,
    pub magic: MagicValues,
    pub rules: Rules,
    pub lookup: Option<LookupRule>,
    pub keep: Option<Keep>,
}

/// Where the items of the kept array can be read.
#[derive(Debug)]
pub(crate) struct Keep {
    /// The key of the array in the body.
    pub from: String,
    /// The endpoint's id.
    pub at: Arc<str>,
    /// `x-sandbox-outcome` when they are.
    pub tag: HeaderValue,
}

/// The method that a product is asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// Forms are taken as well.
    Json,
    Multipart,
}

/// Which outcome answers, by what the dummy data says.
#[derive(Debug)]
pub(crate) struct LookupRule {
    pub lookup: Lookup,
    pub reads: Reads,
    pub outcomes: Vec<(&'static str, Arc<Outcome>)>,
}

/// A record that exists from the start in every world.
#[derive(Debug)]
pub(crate) struct PlantedRecord {
    /// None: the dummy data decides.
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

    /// What the names of a request's fields begin with, in holes and conditions.
    pub(crate) fn fields_word(self) -> &'static str {
        match self {
            Self::Get => "path",
            Self::Post => "input",
        }
    }
}

impl LookupRule {
    /// An input as the lookup reads it.
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

    /// The outcome that a magic value asks for, by its name or an alias, in any letter case.
    pub(crate) fn outcome(&self, name: &str) -> Option<&Arc<Outcome>> {
        if let Some(outcome) = self.outcomes.get(name) {
            return Some(outcome);
        }
        let name = name.to_ascii_uppercase();
        let name = self.aliases.get(&name).unwrap_or(&name);
        self.outcomes.get(name)
    }

    /// What a client reads when it asks for an outcome that does not exist.
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
        let asked: String = asked
            .chars()
            .filter(|c| !c.is_control())
            .take(100)
            .collect();
        let near = nearest(&asked, names.iter().copied().chain(aliases))
            .map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
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

/// The names of a path's segments: `digits` of `/v1/{digits}/age`.
pub(crate) fn path_segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// How ids are written: text around one drawn part.
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

    /// The regular expression of its ids.
    pub(crate) fn pattern(&self) -> String {
        let drawn = match self.drawn {
            Drawn::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            Drawn::Hex24 => "[0-9a-f]{24}",
        };
        format!("^{}{drawn}{}$", self.before, self.after)
    }

    pub(crate) fn write(&self, drawn: u128) -> String {
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
        [&self.before, drawn, &self.after].concat()
    }
}

/// Whether the outcome, or what it becomes, sends a callback.
pub(crate) fn calls_back(endpoint: &Endpoint, outcome: &Outcome) -> bool {
    let (mut changes, last) = (outcome.then.iter(), outcome.then.last());
    outcome.callback.is_some()
        || changes.any(|change| {
            let own = endpoint.outcomes[&change.outcome].callback;
            change.callback.unwrap_or(CallsBack(own)).0.is_some()
        })
        || last.is_some_and(|last| calls_back(endpoint, &endpoint.outcomes[&last.outcome]))
}

/// The first stage of an outcome that is not public.
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
            return weakest_stage(endpoint, stage); // the last goes on with what it becomes itself
        }
        if !stage.source.is_public() {
            return Some(stage);
        }
    }
    None
}
