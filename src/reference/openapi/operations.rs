//! The operations of one product: asking it, and reading back its answers.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::about::About;
use super::names::ComponentNames;
use super::replies::{Replies, example};
use super::yields::Yields;
use super::{callbacks, examples, requests};
use crate::catalogue::{
    self, Answer, Creation, Endpoint, ListingKind, Outcome, Profile, Template, Verb,
    requestable_errors,
};
use crate::http;
use crate::reference::listing::ListedOutcome;

/// The parts of the document that are written already.
#[derive(Default)]
pub(super) struct WrittenOperation {
    pub paths: Map<String, Value>,
    pub components: Map<String, Value>,
}

impl WrittenOperation {
    pub(super) fn operation(&mut self, path: &str, method: &str, operation: Value) {
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        item[method] = operation;
    }

    pub(super) fn component(&mut self, name: &str, schema: Value) -> Value {
        self.components.insert(name.to_owned(), schema);
        reference(name)
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Writes one endpoint into the document.
pub(super) struct Product<'a> {
    about: About<'a>,
    names: &'a ComponentNames,
    endpoint: &'a Endpoint,
    /// The name of the component with its request schema.
    request: String,
}

impl<'a> Product<'a> {
    pub(super) fn new(about: About<'a>, names: &'a ComponentNames, endpoint: &'a Endpoint) -> Self {
        let request = format!("{}.request", names.component(endpoint));
        Self {
            about,
            names,
            endpoint,
            request,
        }
    }

    pub(super) fn write(&self, written: &mut WrittenOperation) {
        let endpoint = self.endpoint;
        if let Some(creation) = &endpoint.creation {
            self.write_bodies(creation, written);
            let operation = self.ask(creation, written);
            let method = endpoint.verb.name().to_lowercase();
            written.operation(&endpoint.path, &method, operation);
        }
        let is_shown = !self.about.is_strict || endpoint.read_source.is_public();
        if endpoint.reads_back() && is_shown {
            let operation = self.read(written);
            written.operation(&format!("{}/{{id}}", endpoint.path), "get", operation);
        }
    }

    /// The endpoint's own outcomes that may be asked for.
    fn outcomes(&self) -> impl Iterator<Item = &'a Outcome> {
        let (endpoint, is_strict) = (self.endpoint, self.about.is_strict);
        let own = endpoint.outcomes.values().map(|outcome| &**outcome);
        own.filter(|outcome| !outcome.is_shared)
            .filter(move |outcome| {
                !is_strict || catalogue::weakest_stage(endpoint, outcome).is_none()
            })
    }

    /// The outcomes that may answer, whether asked for or not.
    fn shown(&self) -> impl Iterator<Item = &'a Outcome> {
        let is_strict = self.about.is_strict;
        let all = self.endpoint.outcomes.values().map(|outcome| &**outcome);
        all.filter(move |outcome| !is_strict || outcome.source.is_public())
    }

    fn definitions(&self) -> String {
        format!("#/components/schemas/{}", self.request)
    }

    /// Writes a component for the body of every outcome.
    fn write_bodies(&self, creation: &Creation, written: &mut WrittenOperation) {
        let definitions = self.definitions();
        let dates = self.about.catalogue.dummy.dates();
        let yields = Yields::new(self.endpoint, creation, dates, &definitions);
        for outcome in self.shown() {
            if let Answer::Body { plan, .. } = &outcome.answer {
                let mut schema = yields.of(plan.template(), outcome);
                schema["x-source"] = json!(outcome.source);
                if let Some(description) = &outcome.description {
                    schema["description"] = description.as_str().into();
                }
                written.component(&self.body_name(outcome), schema);
            }
        }
    }

    fn body_name(&self, outcome: &Outcome) -> String {
        format!("{}.{}", self.names.component(self.endpoint), outcome.name)
    }

    fn body(&self, outcome: &Outcome) -> Value {
        reference(&self.body_name(outcome))
    }

    /// Adds the bodies of all outcomes, with examples.
    fn bodies(&self, replies: &mut Replies<'_>, status: impl Fn(&Outcome) -> StatusCode) {
        let Some(creation) = &self.endpoint.creation else {
            return;
        };
        for outcome in self.outcomes() {
            let Some(first) = examples::first_of(self.endpoint, outcome) else {
                continue;
            };
            let catalogue = self.about.catalogue;
            if let Some(body) = examples::body(catalogue, self.endpoint, creation, first) {
                replies.schema(status(first), self.body(first));
                replies.headers(status(first), &first.headers);
                replies.example(status(first), &outcome.name, example(outcome, &body));
            }
        }
        // The results of a sequence or a draw, and outcomes that cannot be asked for by name.
        for outcome in self.shown() {
            if matches!(outcome.answer, Answer::Body { .. }) {
                replies.schema(status(outcome), self.body(outcome));
            }
        }
    }

    fn ask(&self, creation: &Creation, written: &mut WrittenOperation) -> Value {
        let (endpoint, definitions) = (self.endpoint, self.definitions());
        let mut replies = Replies::new(self.about.catalogue, Some(endpoint));
        self.bodies(&mut replies, |outcome| outcome.status);
        self.errors(&mut replies);
        let mut parameters = Vec::new();
        if endpoint.verb == Verb::Get {
            parameters = requests::segments_of(endpoint, &definitions);
        }
        parameters.push(self.magic_reply(false));
        let mut operation = json!({
            "operationId": self.names.operation(endpoint, "ask"),
            "tags": [self.names.tag(endpoint)],
            "summary": endpoint.name,
            "x-source": endpoint.source,
            "x-sandbox-endpoint": endpoint.id.as_ref(),
            "parameters": parameters,
        });
        let schema = requests::schema(endpoint, &definitions);
        if endpoint.verb == Verb::Get && schema.to_string().contains(&definitions) {
            written.component(&self.request, schema);
        } else if endpoint.verb == Verb::Post {
            let reference = written.component(&self.request, schema);
            operation["requestBody"] = requests::body(endpoint, &reference);
        }
        operation["responses"] = replies.written();
        let is_shown = !self.about.is_strict || endpoint.read_source.is_public();
        if endpoint.reads_back() && is_shown {
            self.link(&mut operation["responses"]);
        }
        if let Some(callback_type) = &endpoint.callback_type {
            let sent = callbacks::sent(endpoint, self.outcomes());
            if !sent.is_empty() {
                let schemas: Vec<_> = sent.iter().map(|outcome| self.body(outcome)).collect();
                let catalogue = self.about.catalogue;
                let shown = sent.iter().filter_map(|outcome| {
                    let body = examples::body(catalogue, endpoint, creation, outcome)?;
                    Some((outcome.name.clone(), example(outcome, &body)))
                });
                operation["callbacks"] =
                    callbacks::written(callback_type, &schemas, &shown.collect());
            }
        }
        let outcomes: Vec<_> = self
            .outcomes()
            .map(|outcome| json!(ListedOutcome::of(outcome, Some(endpoint))))
            .collect();
        operation["x-sandbox-outcomes"] = outcomes.into();
        operation
    }

    /// Adds a link from the answer to reading it back.
    fn link(&self, responses: &mut Value) {
        let Some(path) = self.endpoint.path_to_id() else {
            return;
        };
        let pointer = path.iter().fold(String::new(), |pointer, key| {
            pointer + "/" + &key.replace('~', "~0").replace('/', "~1")
        });
        let link = json!({"read": {
            "operationId": self.names.operation(self.endpoint, "read"),
            "parameters": {"id": format!("$response.body#{pointer}")},
        }});
        for (status, response) in responses.as_object_mut().into_iter().flatten() {
            if status.starts_with('2') {
                response["links"] = link.clone();
            }
        }
    }

    fn read(&self, written: &mut WrittenOperation) -> Value {
        let (endpoint, catalogue) = (self.endpoint, self.about.catalogue);
        let mut replies = Replies::new(catalogue, Some(endpoint));
        self.bodies(&mut replies, |_| StatusCode::OK);
        let also = endpoint
            .reads
            .iter()
            .filter_map(|id| catalogue.endpoint(id));
        for place in std::iter::once(endpoint).chain(also) {
            let is_shown = !self.about.is_strict || place.source.is_public();
            if place.id != endpoint.id && is_shown {
                let other = Product::new(self.about, self.names, place);
                other.bodies(&mut replies, |_| StatusCode::OK);
            }
            for schema in self.kept_at(place, written) {
                replies.schema(StatusCode::OK, schema);
            }
            if place.reads_listings
                && let Some(listing) = catalogue.dummy.any_listing()
            {
                let mut body = Vec::new();
                listing.write(&mut body, 100);
                let value: Value = serde_json::from_slice(&body).unwrap_or_default();
                let example = json!({"value": value, "x-source": place.source});
                replies.example(StatusCode::OK, "LISTED", example);
            }
        }
        self.errors(&mut replies);
        // An endpoint that only reads has listings, which have an `id`.
        let path = endpoint
            .path_to_id()
            .map_or("id".to_owned(), |path| path.join("."));
        let id = json!({
            "name": "id",
            "in": "path",
            "required": true,
            "description": format!("What the reply that made it has as `{path}`."),
            "schema": {"type": "string"},
        });
        json!({
            "operationId": self.names.operation(endpoint, "read"),
            "tags": [self.names.tag(endpoint)],
            "summary": format!("{}: read back by id", endpoint.name),
            "x-source": endpoint.read_source,
            "x-sandbox-endpoint": endpoint.id.as_ref(),
            "x-sandbox-reads": if endpoint.creation.is_some() { "record" } else { "listing" },
            "parameters": [id, self.magic_reply(true)],
            "responses": replies.written(),
        })
    }

    /// The schemas of what is read at this endpoint but made by another: listings, and parts of replies that
    /// are kept here.
    fn kept_at(&self, place: &Endpoint, written: &mut WrittenOperation) -> Vec<Value> {
        let catalogue = self.about.catalogue;
        let mut schemas = Vec::new();
        if place.reads_listings {
            let dates = catalogue.dummy.dates();
            for (name, kind) in [
                ("Listing.individual", ListingKind::Individual),
                ("Listing.entity", ListingKind::Entity),
            ] {
                schemas.push(written.component(name, Profile::schema(kind, dates)));
            }
        }
        for other in catalogue.endpoints() {
            let Some(creation) = &other.creation else {
                continue;
            };
            let Some(keep) = creation.keep.as_ref().filter(|keep| keep.at == place.id) else {
                continue;
            };
            let definitions = Product::new(self.about, self.names, other).definitions();
            let yields = Yields::new(other, creation, catalogue.dummy.dates(), &definitions);
            for outcome in other.outcomes.values() {
                let Answer::Body { plan, .. } = &outcome.answer else {
                    continue;
                };
                if let Template::Object(entries) = plan.template()
                    && let Some((_, Template::List(items))) =
                        entries.iter().find(|(key, _)| *key == keep.from)
                {
                    schemas.extend(items.iter().map(|item| yields.of(item, outcome)));
                }
            }
        }
        schemas
    }

    fn errors(&self, replies: &mut Replies<'_>) {
        replies.shared_errors(self.about.is_strict);
        for outcome in self.outcomes().filter(|outcome| outcome.is_error()) {
            replies.error(&outcome.name);
        }
    }

    /// The header that picks an outcome, with all its values for this operation.
    fn magic_reply(&self, only_errors: bool) -> Value {
        let (endpoint, is_strict) = (self.endpoint, self.about.is_strict);
        let own = self.outcomes();
        let shared = requestable_errors(&self.about.catalogue.shared_errors);
        let shared = shared
            .map(|(_, outcome)| &**outcome)
            .filter(|outcome| {
                let own = endpoint.outcomes.get(&outcome.name);
                own.is_none_or(|own| own.is_shared)
            })
            .filter(|outcome| !is_strict || outcome.source.is_public());
        let asked: Vec<_> = own
            .chain(shared)
            .filter(|outcome| !only_errors || outcome.is_error())
            .collect();
        let aliases = endpoint.aliases.iter();
        let aliases =
            aliases.filter(|(_, name)| asked.iter().any(|outcome| outcome.name == **name));
        let names: Vec<_> = asked
            .iter()
            .map(|outcome| outcome.name.as_str())
            .chain(aliases.map(|(alias, _)| alias.as_str()))
            .collect();
        let more = if only_errors {
            "`; delay=3s` and `; fault=truncate` may follow."
        } else {
            "`; delay=3s`, `; fault=truncate` and `; callback=duplicate` may follow."
        };
        json!({
            "name": http::MAGIC_HEADER.as_str(),
            "in": "header",
            "description": format!("The sandbox's own: which outcome to answer. {more}"),
            "schema": {"type": "string", "enum": names},
        })
    }
}
