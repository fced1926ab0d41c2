//! The catalogue as lists and pages show it.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::fields::{self, ListedField};
use crate::base::{self, Behaviour, short};
use crate::catalogue::{
    Answer, Catalogue, ContentType, Endpoint, Outcome, OutcomeFaults, Then, Verb,
    requestable_errors,
};
use crate::reference::curl::Curl;
use crate::scenario::Source;

/// The body of `GET /__sandbox/catalog`.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    pub endpoints: Vec<ListedEndpoint>,
    /// The errors that every endpoint takes as `x-magic-reply`.
    pub errors: Vec<ListedOutcome>,
    /// Routes outside the products.
    pub account: &'static [AccountRoute],
    /// The values that may follow `callback=` in `x-magic-reply`.
    pub callback_behaviours: Vec<&'static str>,
    /// The values that may follow `fault=`. A value in brackets is an example.
    pub faults: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListedEndpoint {
    pub id: String,
    pub name: String,
    pub source: Source,
    pub method: &'static str,
    pub path: String,
    /// None for an endpoint that only reads. Its path is the path for reading.
    pub content_type: Option<&'static str>,
    pub read_back: Option<ReadBack>,
    pub fields: Vec<ListedField>,
    pub outcomes: Vec<ListedOutcome>,
    pub callback_type: Option<String>,
    /// A request with the sample of its documentation.
    pub curl: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReadBack {
    pub path: String,
    pub source: Source,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListedOutcome {
    pub name: String,
    pub source: Source,
    pub status: u16,
    pub description: Option<String>,
    /// True for the outcome that answers when nothing else decides.
    #[serde(rename = "default")]
    pub is_default: bool,
    pub aliases: Vec<String>,
    pub error_code: Option<String>,
    /// The message of an error.
    pub message: Option<String>,
    /// The behaviour of its callback: `normal` if nothing is wrong with it, none if it sends no callback.
    pub callback: Option<String>,
    /// The later outcomes of its record, change by change.
    pub then: Vec<ListedThen>,
    /// The outcomes that answer one after the other.
    pub sequence: Vec<String>,
    /// True when the first of the sequence follows the last again.
    pub cycle: bool,
    /// One of these outcomes is drawn. The numbers are weights.
    pub weighted: IndexMap<String, u32>,
    /// The requests that it answers by a rule. Each entry is an alternative with its conditions.
    pub when: Vec<IndexMap<String, Value>>,
    /// The priority of its `when` among others.
    pub priority: i64,
    /// The faults, delays and limits of its replies: `delay 3s`, `fault truncate`, `at most 5 in 1s`.
    pub breaks: Vec<String>,
    /// Where a user's file has it. None for a shipped outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<ListedPlace>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListedPlace {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListedThen {
    pub after: String,
    pub outcome: String,
}

impl ListedThen {
    fn of(then: &Then) -> Self {
        Self {
            after: format!("{:?}", then.after),
            outcome: then.outcome.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct AccountRoute {
    pub method: &'static str,
    pub path: &'static str,
    pub source: Source,
    pub description: &'static str,
    #[serde(skip)]
    pub needs_key: bool,
}

/// Only the paths of these routes are known. Their bodies are the sandbox's choice.
pub(crate) const ACCOUNT_ROUTES: [AccountRoute; 6] = [
    AccountRoute {
        method: "GET",
        path: "/health",
        source: Source::Documented,
        description: "Checks whether the service is up. It needs no key. The body of the response is decided.",
        needs_key: false,
    },
    AccountRoute {
        method: "GET",
        path: "/businesses/{business_id}/api_keys?token={token}",
        source: Source::Documented,
        description: "Returns the API keys of a business, for a token that works once. The body of the response is decided.",
        needs_key: false,
    },
    AccountRoute {
        method: "GET",
        path: "/v1/callback/authentication_tokens",
        source: Source::Documented,
        description: "Returns the token of callbacks. The body of the response is decided.",
        needs_key: true,
    },
    AccountRoute {
        method: "GET",
        path: "/v1/callback/urls",
        source: Source::Observed,
        description: "Lists the callback URLs by type. The body of the response is decided.",
        needs_key: true,
    },
    AccountRoute {
        method: "POST",
        path: "/v1/callback/urls",
        source: Source::Observed,
        description: "Registers a URL for a type, after a test. The body of the response is decided.",
        needs_key: true,
    },
    AccountRoute {
        method: "PATCH",
        path: "/v1/callback/urls",
        source: Source::Observed,
        description: "Changes the URL of one type, or of all that have one. The body of the response is decided.",
        needs_key: true,
    },
];

impl Listing {
    pub(crate) fn of(catalogue: &Catalogue, curl: &Curl) -> Self {
        Self::of_endpoints(catalogue, catalogue.endpoints(), curl)
    }

    /// The listing of one endpoint, by its id. If there is none, the error names the nearest.
    pub(crate) fn of_one(catalogue: &Catalogue, id: &str, curl: &Curl) -> Result<Self, String> {
        let endpoint = endpoint_named(catalogue, id)?;
        Ok(Self::of_endpoints(
            catalogue,
            std::iter::once(endpoint),
            curl,
        ))
    }

    fn of_endpoints<'c>(
        catalogue: &'c Catalogue,
        endpoints: impl Iterator<Item = &'c Endpoint>,
        curl: &Curl,
    ) -> Self {
        let errors = requestable_errors(&catalogue.shared_errors);
        Self {
            endpoints: endpoints
                .map(|endpoint| ListedEndpoint::of(catalogue, endpoint, curl))
                .collect(),
            errors: errors
                .map(|(_, error)| ListedOutcome::of(error, None))
                .collect(),
            account: &ACCOUNT_ROUTES,
            callback_behaviours: base::behaviours(),
            faults: base::faults(),
        }
    }
}

/// The endpoint with this id. If there is none, the error is a sentence that names the nearest.
pub(crate) fn endpoint_named<'c>(
    catalogue: &'c Catalogue,
    id: &str,
) -> Result<&'c Endpoint, String> {
    catalogue.endpoint(id).ok_or_else(|| {
        catalogue.unknown_endpoint(&short(id), || {
            let known: Vec<_> = catalogue.endpoints().map(|known| &*known.id).collect();
            format!(": known are {}", known.join(", "))
        })
    })
}

impl ListedEndpoint {
    fn of(catalogue: &Catalogue, endpoint: &Endpoint, curl: &Curl) -> Self {
        let read_path = || format!("{}/{{id}}", endpoint.path);
        let is_asked = endpoint.creation.is_some();
        let verb = if is_asked { endpoint.verb } else { Verb::Get };
        let read_back = (is_asked && endpoint.reads_back()).then(|| ReadBack {
            path: read_path(),
            source: endpoint.read_source,
        });
        let own = endpoint.outcomes.values();
        let own = own.filter(|outcome| !outcome.is_shared);
        Self {
            id: endpoint.id.to_string(),
            name: endpoint.name.clone(),
            source: endpoint.source,
            method: verb.name(),
            path: if is_asked {
                endpoint.path.clone()
            } else {
                read_path()
            },
            content_type: match (verb, endpoint.content_type) {
                (Verb::Get, _) => None,
                (Verb::Post, ContentType::Json) => Some("application/json"),
                (Verb::Post, ContentType::Multipart) => Some("multipart/form-data"),
            },
            read_back,
            fields: fields::of(endpoint),
            outcomes: own
                .map(|outcome| ListedOutcome::of(outcome, Some(endpoint)))
                .collect(),
            callback_type: endpoint.callback_type.clone(),
            curl: curl.sample(catalogue, endpoint),
        }
    }
}

impl ListedOutcome {
    pub(crate) fn of(outcome: &Outcome, endpoint: Option<&Endpoint>) -> Self {
        let default = endpoint.and_then(|endpoint| endpoint.creation.as_ref());
        let error = match &outcome.answer {
            Answer::Error { code, message } => Some((code, message)),
            Answer::Body { .. } | Answer::Sequence { .. } | Answer::Weighted(_) => None,
        };
        let aliases = endpoint.into_iter().flat_map(|endpoint| &endpoint.aliases);
        let rule = default.and_then(|creation| {
            let mut rules = creation.rules.iter();
            rules.find(|rule| rule.outcome.name == outcome.name)
        });
        Self {
            name: outcome.name.clone(),
            source: outcome.source,
            status: outcome.status.as_u16(),
            description: outcome.description.clone(),
            is_default: default.is_some_and(|creation| creation.default.name == outcome.name),
            aliases: aliases
                .filter(|(_, name)| **name == outcome.name)
                .map(|(alias, _)| alias.clone())
                .collect(),
            error_code: error.map(|(code, _)| code.clone()),
            message: error.map(|(_, message)| message.clone()),
            callback: outcome.callback.map(Behaviour::words),
            then: outcome.then.iter().map(ListedThen::of).collect(),
            sequence: match &outcome.answer {
                Answer::Sequence { names, .. } => names.clone(),
                Answer::Body { .. } | Answer::Error { .. } | Answer::Weighted(_) => Vec::new(),
            },
            when: rule.map_or(Vec::new(), |rule| rule.when.shown()),
            priority: rule.map_or(0, |rule| rule.priority),
            breaks: outcome
                .faults
                .as_deref()
                .map_or(Vec::new(), OutcomeFaults::words),
            place: (!outcome.origin.file.shipped).then(|| ListedPlace {
                file: outcome.origin.file.name.clone(),
                line: outcome.origin.line(),
            }),
            cycle: matches!(outcome.answer, Answer::Sequence { cycle: true, .. }),
            weighted: match &outcome.answer {
                Answer::Weighted(weights) => weights.iter().cloned().collect(),
                Answer::Body { .. } | Answer::Error { .. } | Answer::Sequence { .. } => {
                    IndexMap::new()
                }
            },
        }
    }
}
