//! The format of scenario files: the keys that a TOML file may have. Every mistake is reported at its place.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::format_changes::{CallbackRule, PendingRule, ThenRule};
use super::format_dummy::DummyPart;
use super::format_faults::{DelayPart, FaultPart, RateLimitPart};
use super::mistake::LoadError;
use super::reader::Reader;
use super::source::Source;
use super::source_file::SourceFile;
use super::tree::{Spanned, Tree};

/// One scenario file. Every key is optional here. After the files of all folders are merged, the compiler
/// checks that an endpoint has everything it needs.
#[derive(Debug)]
pub(crate) struct ScenarioFile {
    pub source_file: Arc<SourceFile>,
    /// The id of the file that this one extends.
    pub extends: Option<Spanned<String>>,
    /// The name of the endpoint in lists.
    pub name: Option<Spanned<String>>,
    /// `POST` (the default) or `GET`.
    pub method: Option<Spanned<String>>,
    /// The path of the endpoint. `GET {path}/{id}` reads a record. The path of a GET may have parameters: `{digits}`.
    pub path: Option<Spanned<String>>,
    /// The form of a record's id: text around one of `{uuid}` and `{hex24}`. Without it, the endpoint keeps no
    /// records.
    pub id: Option<Spanned<String>>,
    pub source: Option<Source>,
    /// The source of the fact that `GET {path}/{id}` reads a record, if it differs from `source`.
    pub read_source: Option<Source>,
    /// `application/json` (forms too, the default) or `multipart/form-data`.
    pub content_type: Option<Spanned<String>>,
    /// JSON Schema of the input.
    pub request: Option<Spanned<Tree>>,
    pub reply: Option<ReplyPart>,
    pub callback: Option<CallbackPart>,
    /// Whether records are pending first: `true` for a second, or a time.
    pub pending_first: Option<Spanned<PendingRule>>,
    /// Fields whose values can select an outcome.
    pub magic: Option<Spanned<Tree>>,
    /// The dummy data that chooses the outcome if neither a header nor a rule does.
    pub lookup: Option<Spanned<Tree>>,
    /// Objects in the response that can be read by their own id.
    pub keep: Option<KeepPart>,
    /// Other endpoints whose records this path also reads.
    pub reads: Vec<Spanned<String>>,
    /// The collection that an endpoint reads from, if it only reads.
    pub listings: Option<Spanned<String>>,
    pub outcomes: Vec<(Spanned<String>, OutcomePart)>,
    pub records: Vec<Spanned<RecordPart>>,
    /// A part of the file could not be read. A key that seems to be missing may only be misspelt.
    pub is_faulty: bool,
    /// The file has dummy data only and no endpoint.
    pub is_only_data: bool,
    dummy: OnceLock<DummyPart>,
    /// The whole file, if only its top was read.
    whole: Option<OnceLock<Arc<ScenarioFile>>>,
}

/// The shipped files in this folder have dummy data only.
const SHIPPED_DATA: &str = "dummy/";

/// The part of the response that all outcomes share.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyPart {
    /// The shared body. The `body` of an outcome is merged over it: tables are merged, other values replace it.
    pub body: Option<Spanned<Tree>>,
    /// The time between `created` and `updated` of a reply that is finished at once, such as `800ms`.
    /// The default is between 700 and 900 ms.
    pub processing_time: Option<Spanned<String>>,
}

/// The callbacks of this endpoint.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackPart {
    /// The callback type, such as `NAME_VALIDATOR_REQUEST`. A client registers a URL for a type.
    #[serde(rename = "type")]
    pub callback_type: Spanned<String>,
    /// If several endpoints share the type, the sample of this one is sent to test a new URL.
    #[serde(default)]
    pub test: bool,
}

/// Objects of the response that are stored and can be read by their own ids.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepPart {
    /// The key of an array in the body. Every object in the array has an `id`.
    pub from: Spanned<String>,
    /// The id of the endpoint that reads the objects, such as `v0/cft_pep_listings`.
    pub at: Spanned<String>,
}

/// One possible response. `x-magic-reply: NAME`, a `when` or the dummy data can choose it.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OutcomePart {
    /// Makes this the outcome when nothing else chooses one.
    pub default: bool,
    /// A note for readers of the file.
    pub description: Option<Spanned<String>>,
    /// Where the knowledge of this outcome comes from. The default is the `source` of the file.
    pub source: Option<Source>,
    /// Other names for this outcome.
    pub aliases: Vec<Spanned<String>>,
    /// The HTTP status. The default is 200, or 500 if there is an `error`.
    pub status: Option<Spanned<u16>>,
    /// Additional headers of the response. Values are text or whole numbers.
    pub headers: Option<Spanned<Tree>>,
    /// The response body, with placeholders such as `{{input.name}}`. It is merged over the `[reply] body` of the file.
    pub body: Option<Spanned<Tree>>,
    /// Answers with Iluma's error body. The body of the request is not checked.
    pub error: Option<Spanned<ErrorPart>>,
    /// The record is not finished: `updated` equals `created`. The body of the first pending outcome in the
    /// file is the older state that a `stale` callback sends.
    pub pending: bool,
    /// Whether a callback is sent: `true`, `false`, or the name of a misbehaviour. Without this key, an outcome of
    /// yours inherits the `[callback]` of its endpoint, except an error, a sequence and one that stays pending. If
    /// there is a `then`, the callback is sent after the last change.
    pub callback: Option<Spanned<CallbackRule>>,
    /// Later changes of the record: one change, or a list of changes in their order.
    pub then: Option<Spanned<ThenRule>>,
    /// Answers with these outcomes one after the other, one per call. Then the last one repeats.
    pub sequence: Option<Spanned<Vec<Spanned<String>>>>,
    /// Restarts a `sequence` after its last outcome, instead of repeating the last one.
    pub cycle: Option<Spanned<bool>>,
    /// Answers with one of these outcomes, chosen at random by weight: `{ COMPLETED_FOUND = 3, FAILED = 1 }`.
    pub weighted: Option<Spanned<Tree>>,
    /// Chooses this outcome if the request matches. All conditions of a table must match.
    pub when: Option<Spanned<Tree>>,
    /// If the `when` of several outcomes matches, the highest priority wins. The default is 0.
    pub priority: Option<Spanned<i64>>,
    /// Delays the response.
    pub delay: Option<Spanned<DelayPart>>,
    /// Breaks the response on its way to the client. The request is still processed.
    pub fault: Option<Spanned<FaultPart>>,
    /// Limits how often the outcome answers. Above the limit, the response is `RATE_LIMIT_EXCEEDED`.
    pub rate_limit: Option<Spanned<RateLimitPart>>,
}

/// Iluma's error body: the message, or code and message if the code is not the name of the outcome.
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

/// A record that exists in every world from the start.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordPart {
    /// The id of the record: the last segment of the path that reads it.
    pub id: Spanned<String>,
    /// The outcome of the record. Without it, the dummy data decides.
    pub outcome: Option<Spanned<String>>,
    /// Such as `2022-02-10T18:55:02.061Z`.
    pub created: Spanned<String>,
    /// Such as `2022-02-10T18:55:02.061Z`.
    pub updated: Spanned<String>,
    /// The input that created the record. It is checked like a request.
    pub input: Spanned<Tree>,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

const KEYS: [&str; 25] = [
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
    "async",
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

/// Reads one file. Returns the parts that could be read, and every mistake. A file that is not TOML returns
/// no parts.
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
            "async" => file.pending_first = reader.decode(value),
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
            pending_first: None,
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

    /// Reads only the top of a shipped file, up to its first table. The top has the path of the endpoint. The
    /// rest is read when it is needed: reading all files at the start would take longer than the rest of it.
    pub(crate) fn of_top(source_file: &Arc<SourceFile>, text: &'static str) -> Self {
        let top = text.find("\n[").map_or(text, |end| &text[..=end]);
        let (id, name) = (source_file.id.clone(), source_file.name.clone());
        let top = Arc::new(SourceFile::shipped(id, name, top));
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

    /// Whether only the top of the file was read.
    pub(crate) fn is_top(&self) -> bool {
        self.whole.is_some()
    }

    /// The whole file.
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
