//! The replies of an operation by status: the schema and an example of each outcome.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::examples;
use crate::catalogue::{Answer, Catalogue, Endpoint, Outcome};
use crate::http::ErrorCode;

/// Collects the possible replies of an operation.
pub(super) struct Replies<'c> {
    catalogue: &'c Catalogue,
    endpoint: Option<&'c Endpoint>,
    by_status: BTreeMap<u16, OfStatus>,
}

/// All replies of one status.
#[derive(Default)]
struct OfStatus {
    schemas: Vec<Value>,
    codes: Vec<String>,
    examples: Map<String, Value>,
    headers: Map<String, Value>,
}

impl<'c> Replies<'c> {
    pub(super) fn new(catalogue: &'c Catalogue, endpoint: Option<&'c Endpoint>) -> Self {
        Self {
            catalogue,
            endpoint,
            by_status: BTreeMap::new(),
        }
    }

    /// Adds the schema of a possible body.
    pub(super) fn schema(&mut self, status: StatusCode, schema: Value) {
        let of_status = self.of(status);
        if !of_status.schemas.contains(&schema) {
            of_status.schemas.push(schema);
        }
    }

    /// Adds an example under a name. The first example of a name stays.
    pub(super) fn example(&mut self, status: StatusCode, name: &str, example: Value) {
        self.of(status).examples.entry(name).or_insert(example);
    }

    pub(super) fn headers(&mut self, status: StatusCode, headers: &[(HeaderName, HeaderValue)]) {
        let of_status = self.of(status);
        for (name, value) in headers {
            let mut header = json!({"schema": {"type": "string"}});
            if let Ok(value) = value.to_str() {
                header["example"] = value.into();
            }
            of_status.headers.entry(name.as_str()).or_insert(header);
        }
    }

    /// Adds an error by its name: the endpoint's own and the shared one.
    pub(super) fn error(&mut self, name: &str) {
        let own = self
            .endpoint
            .and_then(|endpoint| endpoint.outcomes.get(name));
        let both = [own, self.catalogue.shared_errors.get(name)];
        // The sandbox's own refusals are the shared error. An error that is asked for is the endpoint's.
        for outcome in both.into_iter().flatten().cloned().collect::<Vec<_>>() {
            let Answer::Error { code, .. } = &outcome.answer else {
                continue;
            };
            let of_status = self.of(outcome.status);
            if !of_status.codes.contains(code) {
                of_status.codes.push(code.clone());
            }
            let value = examples::error(self.catalogue, self.endpoint, name);
            self.example(outcome.status, name, example(&outcome, &value));
            self.headers(outcome.status, &outcome.headers);
        }
    }

    /// Adds every error that all endpoints share.
    pub(super) fn shared_errors(&mut self, is_strict: bool) {
        let names = self.catalogue.shared_errors.keys();
        let names = names.filter(|name| is_strict || *name != ErrorCode::StrictMode.name());
        for name in names.cloned().collect::<Vec<_>>() {
            self.error(&name);
        }
    }

    fn of(&mut self, status: StatusCode) -> &mut OfStatus {
        self.by_status.entry(status.as_u16()).or_default()
    }

    /// The replies as `OpenAPI` writes them.
    pub(super) fn written(self) -> Value {
        let has_outcomes = self.endpoint.is_some();
        let written = self.by_status.into_iter();
        let written = written.map(|(status, of_status)| {
            (status.to_string(), of_status.written(status, has_outcomes))
        });
        written.collect::<Map<_, _>>().into()
    }
}

impl OfStatus {
    fn written(mut self, status: u16, has_outcomes: bool) -> Value {
        if !self.codes.is_empty() {
            self.schemas.push(json!({
                "$ref": "#/components/schemas/Error",
                "properties": {"error_code": {"enum": self.codes}},
            }));
        }
        let schema = match self.schemas.len() {
            1 => self.schemas.remove(0),
            _ => json!({"anyOf": self.schemas}),
        };
        let reason = StatusCode::from_u16(status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let names: Vec<_> = self
            .examples
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        let reason = reason.unwrap_or("An answer");
        let description = match names.as_slice() {
            [] => format!("{reason}."),
            names => format!("{reason}: {}.", names.join(", ")),
        };
        let mut headers = Map::new();
        let mut ours = |name: &str| {
            let reference = json!({"$ref": format!("#/components/headers/{name}")});
            headers.insert(name.to_owned(), reference);
        };
        ours("x-sandbox-trace");
        if has_outcomes {
            ours("x-sandbox-outcome");
        }
        headers.extend(self.headers);
        let mut media = json!({"schema": schema});
        if !self.examples.is_empty() {
            media["examples"] = self.examples.into();
        }
        json!({
            "description": description,
            "headers": headers,
            "content": {"application/json": media},
        })
    }
}

/// An example with the source and the description of its outcome.
pub(super) fn example(outcome: &Outcome, value: &Value) -> Value {
    let mut example = json!({"value": value, "x-source": outcome.source});
    if let Some(description) = &outcome.description {
        example["summary"] = description.as_str().into();
    }
    example
}
