//! The scenario file format: what a TOML file may say, read with every mistake reported at its place.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::format_dummy::DummyPart;
use super::format_faults::{DelayPart, FaultPart, RateLimitPart};
use super::mistake::{LoadError, SourceFile};
use super::reader::Reader;
use super::source::Source;
use super::tree::{Spanned, Tree};

/// One scenario file. Everything is optional here; what a whole endpoint needs is checked when the
/// files of all folders have been laid over each other.
#[derive(Debug)]
pub(crate) struct ScenarioFile {
    pub source_file: Arc<SourceFile>,
    /// Merge over this file instead of standing alone.
    pub extends: Option<Spanned<String>>,
    /// What a reader sees in lists; the file's id says the rest.
    pub name: Option<Spanned<String>>,
    /// `POST` (the default) or `GET`.
    pub method: Option<Spanned<String>>,
    /// Where it answers; `GET {path}/{id}` reads back. A GET's path may have segments: `{digits}`.
    pub path: Option<Spanned<String>>,
    /// How a record's id is written: text around one of `{uuid}` and `{hex24}`. Without it nothing is
    /// kept and nothing read back.
    pub id: Option<Spanned<String>>,
    pub source: Option<Source>,
    /// How well it is known that `GET {path}/{id}` reads back, where that is not as well as the rest.
    pub read_source: Option<Source>,
    /// `application/json` (forms too, the default) or `multipart/form-data`.
    pub content_type: Option<Spanned<String>>,
    /// JSON Schema of the input.
    pub request: Option<Spanned<Tree>>,
    pub reply: Option<ReplyPart>,
    pub callback: Option<CallbackPart>,
    /// Fields whose values may name an outcome.
    pub magic: Option<Spanned<Tree>>,
    /// Which dummy data decides when neither a header nor a rule does.
    pub lookup: Option<Spanned<Tree>>,
    /// Objects in the reply that can be read by their own id.
    pub keep: Option<KeepPart>,
    /// Other endpoints whose records this path reads back too.
    pub reads: Vec<Spanned<String>>,
    /// Where an endpoint that only reads finds its records.
    pub listings: Option<Spanned<String>>,
    pub outcomes: Vec<(Spanned<String>, OutcomePart)>,
    pub records: Vec<Spanned<RecordPart>>,
    /// Something in it could not be read: what seems to be missing may only be misspelt.
    pub is_faulty: bool,
    /// It answers no requests of its own.
    pub is_only_data: bool,
    dummy: OnceLock<DummyPart>,
    /// The whole file, where this is only its top.
    whole: Option<OnceLock<Arc<ScenarioFile>>>,
}

/// The shipped files below this hold dummy data and nothing else.
const SHIPPED_DATA: &str = "dummy/";

/// What every outcome shares.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyPart {
    /// An outcome's `body` merges over it, table by table; arrays and holes replace what is below them.
    pub body: Option<Spanned<Tree>>,
    /// The time between `created` and `updated` of a reply that is finished at once, such as `800ms`. It is drawn
    /// between 700 and 900 ms where it is left out.
    pub processing_time: Option<Spanned<String>>,
}

/// The callbacks of this product.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackPart {
    /// The type under which a URL for them is registered, such as `NAME_VALIDATOR_REQUEST`.
    #[serde(rename = "type")]
    pub callback_type: Spanned<String>,
    /// This product's sample is what a URL of this type is tested with, where several products have it.
    #[serde(default)]
    pub test: bool,
}

/// Parts of a reply that can be read by ids of their own.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepPart {
    /// The key of an array in the body; every object in it has an `id`.
    pub from: Spanned<String>,
    /// The id of the endpoint that reads them, such as `v0/cft_pep_listings`.
    pub at: Spanned<String>,
}

/// One answer, which `x-magic-reply: NAME`, a `when` or the dummy data can choose.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OutcomePart {
    /// The answer when nothing else decides.
    pub default: bool,
    /// What it is for, for the reader of the file.
    pub description: Option<Spanned<String>>,
    /// How well it is known; that of the file where it is left out.
    pub source: Option<Source>,
    /// Other names of the same outcome.
    pub aliases: Vec<Spanned<String>>,
    /// The HTTP status: 200 where it is left out, of an `error` 500.
    pub status: Option<Spanned<u16>>,
    /// More headers of the reply: text or whole numbers by their names.
    pub headers: Option<Spanned<Tree>>,
    /// What it answers, with holes such as `{{input.name}}`; merges over the file's `[reply] body`.
    pub body: Option<Spanned<Tree>>,
    /// Answers Iluma's error envelope; the request's body is not looked at.
    pub error: Option<Spanned<ErrorPart>>,
    /// Not finished yet: `updated` equals `created`. The body of the file's first pending outcome is the older
    /// state that a `stale` callback sends.
    pub pending: bool,
    /// A callback follows: `true`, or how it misbehaves. Where there is a `then`, it follows when that
    /// has come.
    pub callback: Option<Spanned<CallbackRule>>,
    /// What the record becomes later: one change, or a list of them in their order.
    pub then: Option<Spanned<ThenRule>>,
    /// Answers these outcomes in turn, call by call, then the last one for ever.
    pub sequence: Option<Spanned<Vec<Spanned<String>>>>,
    /// After the last of a `sequence` the first comes again.
    pub cycle: Option<Spanned<bool>>,
    /// Answers one of these outcomes, drawn by its weight: `{ COMPLETED_FOUND = 3, FAILED = 1 }`.
    pub weighted: Option<Spanned<Tree>>,
    /// Chooses this outcome when the request fits. All conditions of a table must hold.
    pub when: Option<Spanned<Tree>>,
    /// Among outcomes whose `when` fits the highest wins; 0 unless said otherwise.
    pub priority: Option<Spanned<i64>>,
    /// The reply comes so much later.
    pub delay: Option<Spanned<DelayPart>>,
    /// The reply is broken on its way; what it says has happened all the same.
    pub fault: Option<Spanned<FaultPart>>,
    /// Answers only so often, then `RATE_LIMIT_EXCEEDED` until the window is over.
    pub rate_limit: Option<Spanned<RateLimitPart>>,
}

/// Whether a callback follows, and how.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "must be true, false, or how the callback misbehaves"
)]
pub(crate) enum CallbackRule {
    Follows(bool),
    Behaves(String),
}

/// Iluma's error envelope: the message, or code and message where the code is not the outcome's name.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "must be a message, or a table of `code` and `message`"
)]
pub(crate) enum ErrorPart {
    Message(String),
    Full { code: String, message: String },
}

/// `then = { after = "1s", outcome = "COMPLETED_FOUND" }`, or a list of such tables.
#[derive(Debug)]
pub(crate) struct ThenRule(pub Vec<ThenPart>);

/// What a record becomes, and when.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ThenPart {
    /// How long after the reply, or after the change before: `250ms`, `10s`, `5m`, `2h` or `3d`.
    pub after: Spanned<String>,
    /// The outcome whose body it has from then on.
    pub outcome: Spanned<String>,
    /// Whether a callback follows on this change, and how, whatever its outcome says.
    pub callback: Option<Spanned<CallbackRule>>,
}

impl<'de> Deserialize<'de> for ThenRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ThenVisitor;

        impl<'de> Visitor<'de> for ThenVisitor {
            type Value = ThenRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of `after` and `outcome`, or a list of such tables")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ThenRule, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = items.next_element()? {
                    parts.push(part);
                }
                Ok(ThenRule(parts))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<ThenRule, A::Error> {
                let part = ThenPart::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(ThenRule(vec![part]))
            }
        }

        deserializer.deserialize_any(ThenVisitor)
    }
}

/// A record that exists from the start in every world.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordPart {
    /// The last segment of the path that reads it.
    pub id: Spanned<String>,
    /// The outcome that made it; without it the dummy data decides.
    pub outcome: Option<Spanned<String>>,
    /// Such as `2022-02-10T18:55:02.061Z`.
    pub created: Spanned<String>,
    /// Such as `2022-02-10T18:55:02.061Z`.
    pub updated: Spanned<String>,
    /// What was sent to make it; checked like a request.
    pub input: Spanned<Tree>,
    /// How well it is known; for the reader of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

const KEYS: [&str; 24] = [
    "extends",
    "name",
    "method",
    "path",
    "id",
    "source",
    "read_source",
    "content_type",
    "request",
    "reply",
    "callback",
    "magic",
    "lookup",
    "keep",
    "reads",
    "listings",
    "outcomes",
    "records",
    "individuals",
    "entities",
    "people",
    "missing",
    "bank_accounts",
    "description",
];

/// Reads one file. What could be read is returned beside every mistake that was found; nothing of a
/// file that is no TOML.
pub(crate) fn parse(source_file: &Arc<SourceFile>) -> (Option<ScenarioFile>, Vec<LoadError>) {
    let mut reader = Reader::new(source_file);
    let Some(table) = reader.table() else {
        return (None, reader.errors);
    };
    let mut file = ScenarioFile::empty(source_file);
    let mut dummy = DummyPart::default();
    for (key, value) in table {
        match key.as_ref().as_str() {
            "extends" => file.extends = reader.decode(value),
            "name" => file.name = reader.decode(value),
            "method" => file.method = reader.decode(value),
            "path" => file.path = reader.decode(value),
            "id" => file.id = reader.decode(value),
            "source" => file.source = reader.decode(value),
            "read_source" => file.read_source = reader.decode(value),
            "description" => drop(reader.decode::<String>(value)),
            "content_type" => file.content_type = reader.decode(value),
            "request" => file.request = reader.decode(value),
            "reply" => file.reply = reader.decode(value),
            "callback" => file.callback = reader.decode(value),
            "magic" => file.magic = reader.decode(value),
            "lookup" => file.lookup = reader.decode(value),
            "keep" => file.keep = reader.decode(value),
            "reads" => file.reads = reader.decode(value).unwrap_or_default(),
            "listings" => file.listings = reader.decode(value),
            "outcomes" => file.outcomes = reader.named(value, "[outcomes.NAME]"),
            "records" => file.records = reader.each(value, "[[records]]"),
            "individuals" => dummy.individuals = reader.each(value, "[[individuals]]"),
            "entities" => dummy.entities = reader.each(value, "[[entities]]"),
            "people" => dummy.people = reader.each(value, "[[people]]"),
            "missing" => dummy.missing = reader.each(value, "missing = [{ nik = \"…\" }]"),
            "bank_accounts" => dummy.bank_accounts = reader.each(value, "[[bank_accounts]]"),
            _ => reader.unknown_key(&key, &KEYS),
        }
    }
    file.is_only_data = dummy.has_any()
        && file.path.is_none()
        && file.outcomes.is_empty()
        && file.records.is_empty()
        && file.request.is_none()
        && file.reply.is_none()
        && file.lookup.is_none();
    file.dummy = dummy.into();
    file.is_faulty = !reader.errors.is_empty();
    (Some(file), reader.errors)
}

impl ScenarioFile {
    fn empty(source_file: &Arc<SourceFile>) -> Self {
        Self {
            source_file: source_file.clone(),
            extends: None,
            name: None,
            method: None,
            path: None,
            id: None,
            source: None,
            read_source: None,
            content_type: None,
            request: None,
            reply: None,
            callback: None,
            magic: None,
            lookup: None,
            keep: None,
            reads: Vec::new(),
            listings: None,
            outcomes: Vec::new(),
            records: Vec::new(),
            is_faulty: false,
            is_only_data: false,
            dummy: OnceLock::new(),
            whole: None,
        }
    }

    /// A shipped file of which only the top is read, up to its first table: where it answers. The rest
    /// waits until it is asked for; all of them together would cost more than the rest of the start.
    pub(crate) fn of_top(source_file: &Arc<SourceFile>, text: &'static str) -> Self {
        let top = text.find("\n[").map_or(text, |end| &text[..=end]);
        let top = Arc::new(SourceFile {
            id: source_file.id.clone(),
            name: source_file.name.clone(),
            text: top.into(),
            shipped: true,
        });
        let (file, _) = parse(&top);
        let is_only_data = source_file.id.starts_with(SHIPPED_DATA);
        let dummy = OnceLock::new();
        if !is_only_data {
            dummy.get_or_init(DummyPart::default);
        }
        Self {
            source_file: source_file.clone(),
            is_only_data,
            dummy,
            whole: Some(OnceLock::new()),
            ..file.unwrap_or_else(|| Self::empty(source_file))
        }
    }

    /// Whether there is more to the file than has been read.
    pub(crate) fn is_top(&self) -> bool {
        self.whole.is_some()
    }

    /// The file with all that is in it.
    pub(crate) fn whole(self: &Arc<Self>) -> Arc<Self> {
        let Some(whole) = &self.whole else {
            return self.clone();
        };
        let read = || {
            let (file, _) = parse(&self.source_file);
            Arc::new(file.unwrap_or_else(|| Self::empty(&self.source_file)))
        };
        whole.get_or_init(read).clone()
    }

    pub(crate) fn dummy(&self) -> &DummyPart {
        self.dummy.get_or_init(|| {
            let (file, _) = parse(&self.source_file);
            file.and_then(|file| file.dummy.into_inner())
                .unwrap_or_default()
        })
    }
}
