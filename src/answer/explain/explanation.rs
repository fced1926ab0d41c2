//! The explanation of one reply. `GET /__sandbox/explain/{trace}` writes it as JSON, and the command line reads it.

use std::fmt;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attempt::ExplainedAttempt;
use crate::http::Complaint;
use crate::scenario::Source;
use crate::world::DeliveryState;

/// Why a request was answered as it was.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Explanation {
    /// `x-sandbox-trace` of the reply.
    pub trace: String,
    pub request: RequestedRoute,
    pub status: u16,
    /// `x-sandbox-outcome` of the reply.
    pub outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<RequestedEndpoint>,
    /// Only the nearest rules, where very many were tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<TriedRule>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_tried: Option<usize>,
    #[serde(flatten)]
    pub decision: ExplainedDecision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest_rule: Option<NearestRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dummy_data: Option<LookupVerdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<ChosenOutcome>,
    /// The mistakes that a refusal lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Complaint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_from: Option<AnsweringOutcome>,
    /// The record that the request made or read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<ExplainedRecord>,
    /// The callbacks of the record, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callbacks: Option<Vec<ExplainedCallback>>,
    /// Why a product request sends no callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_callback: Option<String>,
    /// The test of a callback URL that was not registered because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_test: Option<ExplainedAttempt>,
    /// Limits of this explanation, as sentences.
    pub notes: Vec<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct RequestedRoute {
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// `x-request-id`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct RequestedEndpoint {
    pub id: String,
    pub source: Source,
    pub place: FilePlace,
}

/// A line of a scenario file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct FilePlace {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// A rule that was tried.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct TriedRule {
    pub outcome: String,
    pub place: FilePlace,
    pub priority: i64,
    pub held: bool,
    /// The failed conditions of the alternative that is nearest to holding.
    pub failed: Vec<TriedCondition>,
}

/// A condition of a rule, and the value that the request has for it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct TriedCondition {
    pub condition: String,
    /// The test, as a scenario file writes it.
    pub expected: Value,
    /// Null where the request has no such value.
    pub received: Value,
    /// Where the values differ if they look alike: `` `é` U+00E9 against `e` U+0065 U+0301 at character 4 ``.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_alike: Option<String>,
}

/// What chose the outcome.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ExplainedDecision {
    pub chosen_by: ChosenBy,
    /// One or two sentences.
    pub because: String,
    pub decided_by: Option<DecidingValues>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChosenBy {
    #[default]
    Refusal,
    NoRoute,
    /// A path that is no product.
    Account,
    /// The header `x-magic-reply`.
    Magic,
    /// The queue of the world.
    Next,
    MagicValue,
    Rule,
    DummyData,
    /// The default of the endpoint.
    Default,
    Record,
}

/// The values of the request that decided.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum DecidingValues {
    Header {
        header: String,
        received: String,
    },
    MagicValue {
        condition: String,
        received: Value,
        place: FilePlace,
    },
    FileNames {
        /// By the names of their fields.
        file_names: Map<String, Value>,
    },
    /// All conditions of the alternative that held.
    Rule(Vec<TriedCondition>),
}

/// The rule that was nearest to holding.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct NearestRule {
    pub outcome: String,
    pub place: FilePlace,
    /// A sentence that quotes the request.
    pub differs: String,
}

/// The verdict of the dummy data.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct LookupVerdict {
    pub lookup: String,
    /// The fields that the lookup reads.
    pub read: Map<String, Value>,
    pub verdict: String,
    /// The listings with the best scores, if a search of the watchlist found nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Vec<NearListing>>,
}

/// A listing of the watchlist that a search did not find.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct NearListing {
    pub id: String,
    /// The listed name that is most like the searched one.
    pub name: String,
    pub score: u8,
    pub threshold: u64,
    /// The fields of the request that excluded it: `score_threshold`, `scopes`.
    pub excluded_by: Vec<String>,
    /// A sentence.
    pub because: String,
}

/// The outcome that was chosen.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ChosenOutcome {
    pub outcome: String,
    pub place: FilePlace,
    /// The turn of a sequence or the draw of a weighted outcome, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
}

/// The outcome that wrote the reply. It differs from the chosen outcome if that is a sequence.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AnsweringOutcome {
    pub outcome: String,
    pub source: Source,
    pub place: FilePlace,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExplainedRecord {
    pub id: String,
    /// The outcome that the record shows now; none where the world no longer keeps the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<RecordChange>>,
}

/// A change of a pending record.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct RecordChange {
    /// The time since the request, such as `1.5s`.
    pub after: String,
    pub after_ms: u64,
    pub outcome: String,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExplainedCallback {
    pub id: String,
    #[serde(rename = "type")]
    pub callback_type: String,
    pub outcome: String,
    /// None if no URL is registered for the type.
    pub url: Option<String>,
    pub state: DeliveryState,
    /// How many attempts there were.
    pub attempts: usize,
    pub next_try: Option<String>,
    pub on_purpose: Option<String>,
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<ExplainedAttempt>,
}

impl Serialize for ExplainedDecision {
    /// Writes `decided_by` first, but the conditions of a rule last.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            chosen_by,
            because,
            decided_by,
        } = self;
        let is_rule = matches!(decided_by, Some(DecidingValues::Rule(_)));
        let mut map = serializer.serialize_map(None)?;
        if let Some(decided_by) = decided_by
            && !is_rule
        {
            map.serialize_entry("decided_by", decided_by)?;
        }
        map.serialize_entry("chosen_by", chosen_by)?;
        map.serialize_entry("because", because)?;
        if let Some(decided_by) = decided_by
            && is_rule
        {
            map.serialize_entry("decided_by", decided_by)?;
        }
        map.end()
    }
}

impl fmt::Display for FilePlace {
    /// `my.toml:4`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}
