//! A request that is to be sent to another server, and what the recording has of its reply.

use std::collections::BTreeSet;
use std::time::Duration;

use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::compared_reply::RecordedReply;
use super::request_body::PlannedBody;
use crate::catalogue::{Catalogue, Route};
use crate::cli::replay::request::headers;
use crate::http::{self, MAGIC_HEADER, MediaType, segment_text};

/// Headers that belong to the recorded connection, tell about a person or a browser, or hold a secret.
const NOT_SENT: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];

const NOT_SENT_PREFIXES: [&str; 4] = ["proxy-", "sec-", "x-forwarded-", "x-sandbox-"];

#[derive(Debug)]
pub(super) struct PlannedRequest {
    /// The trace of the recorded request, or its name in the suite.
    pub name: String,
    /// The id of the endpoint, or method and path where there is none.
    pub place: String,
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: PlannedBody,
    pub recorded: RecordedReply,
    /// `v0/individual_cft_peps/COMPLETED_FOUND`
    pub outcome: Option<String>,
    /// The id of the record that it reads.
    pub reads: Option<String>,
    /// Whether every server may know that record: it is documented, or in the watchlist.
    pub reads_known: bool,
    /// Whether it registers a callback URL.
    pub is_registration: bool,
    /// Whether a fault broke the recorded reply.
    pub has_fault: bool,
    /// The time since the start of the recorded sandbox.
    pub elapsed: Duration,
}

impl PlannedRequest {
    /// The request of a line. An error is the reason why it cannot be sent.
    pub(super) fn of(catalogue: &Catalogue, line: &Value) -> Result<Self, String> {
        if let Some(parts) = line["lacks"].as_array() {
            let parts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
            let parts = parts.join(", ");
            return Err(format!("the recording does not have all of their {parts}"));
        }
        if line["reply_headers"]["x-sandbox-error"].is_string() && line["status"] == 503 {
            return Err("the sandbox had no room for them".to_owned());
        }
        let broken = || "they cannot be read".to_owned();
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let method: Method = text("method")
            .and_then(|method| method.parse().ok())
            .ok_or_else(broken)?;
        let target = text("target").ok_or_else(broken)?;
        let mut headers = headers(&line["headers"]).ok_or_else(broken)?;
        let media_type = MediaType::of(&headers);
        keep_sent(&mut headers);
        let path = target.split('?').next().unwrap_or_default();
        let route = catalogue.route(&method, &http::normal_path(path));
        let endpoint = route.as_ref().and_then(Route::endpoint);
        let (reads, reads_known) = record_read(catalogue, route.as_ref());
        Ok(Self {
            name: text("trace").unwrap_or_default(),
            place: endpoint.map_or_else(|| format!("{method} {path}"), |one| one.id.to_string()),
            body: PlannedBody::of(line, media_type, endpoint)?,
            recorded: RecordedReply {
                status: (line["status"].as_u64())
                    .and_then(|status| u16::try_from(status).ok())
                    .ok_or_else(broken)?,
                headers: line["reply_headers"]
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
                body: line["reply"].clone(),
            },
            outcome: text("outcome"),
            reads,
            reads_known,
            is_registration: matches!(route, Some(Route::SetCallbackUrl { .. })),
            has_fault: !line["fault"].is_null(),
            elapsed: Duration::from_nanos(line["elapsed_ns"].as_u64().unwrap_or_default()),
            method,
            target,
            headers,
        })
    }

    /// The id of the record in the recorded reply.
    pub(super) fn record(&self) -> Option<&str> {
        self.recorded.body["id"].as_str()
    }

    pub(super) fn has_magic(&self) -> bool {
        self.headers.contains_key(MAGIC_HEADER)
    }

    /// The segments of its path and the values of its query, decoded.
    pub(super) fn target_texts(&self) -> BTreeSet<String> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let segments = path.split('/').map(|part| segment_text(part).into_owned());
        let values = http::shown_pairs(query.as_bytes()).map(|(_, value)| value.to_string());
        let texts = segments.chain(values);
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// The id that a request reads, and whether every server may know its record.
fn record_read(catalogue: &Catalogue, route: Option<&Route<'_>>) -> (Option<String>, bool) {
    match route {
        Some(Route::Read(endpoint, id)) => {
            let is_listed = catalogue.dummy.listing(id).is_some();
            let is_known = endpoint.records.contains_key(id) || is_listed;
            (Some(id.clone()), is_known)
        }
        Some(
            Route::Health
            | Route::ApiKeys { .. }
            | Route::CallbackToken
            | Route::ListCallbackUrls
            | Route::SetCallbackUrl { .. }
            | Route::Ask(..),
        )
        | None => (None, false),
    }
}

/// Removes the headers that are not sent.
fn keep_sent(headers: &mut HeaderMap) {
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        let is_left_out = NOT_SENT.contains(&name.as_str())
            || NOT_SENT_PREFIXES
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix));
        if is_left_out {
            headers.remove(&name);
        }
    }
}
