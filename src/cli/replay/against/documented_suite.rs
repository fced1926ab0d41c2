//! `--suite documented`: each documented endpoint, outcome and error once, as this release answers it.

use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::plan::Step;
use super::planned_request::PlannedRequest;
use crate::answer::answer;
use crate::base::ApiKey;
use crate::catalogue::{
    Catalogue, ContentType, Endpoint, Outcome, Verb, requestable_errors, weakest_stage,
};
use crate::control::exchange_line;
use crate::http::{Body, Call, FILE_NAME, MAGIC_HEADER, basic};
use crate::reference::{ACCOUNT_ROUTES, asked_path, public_key};
use crate::scenario::Source;
use crate::server::{RecordedRequest, Serving, answer_again};
use crate::world::{KeptBody, World, WorldDigest, head_text};

/// A file of the suite has no hash that anybody compares.
const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

struct Suite<'s> {
    serving: &'s Serving,
    catalogue: &'s Catalogue,
    key: ApiKey,
    world: std::sync::Arc<World>,
    steps: Vec<Step>,
}

/// A request of the suite.
struct Wanted<'w> {
    name: String,
    method: Method,
    target: String,
    magic: Option<&'w str>,
    /// The endpoint whose sample is the body.
    sample_of: Option<&'w Endpoint>,
}

/// The requests, with the replies of a sandbox that has answered nothing yet. An error is a sentence.
pub(super) fn steps(serving: &Serving) -> Result<Vec<Step>, String> {
    let catalogue = serving.control.engine.catalogue();
    let key = public_key();
    let digest: WorldDigest = HASH[..32].parse()?;
    let world = serving.control.engine.worlds.stand_in(&key, digest);
    let mut suite = Suite {
        serving,
        catalogue: &catalogue,
        key,
        world: world.map_err(|error| error.message.unwrap_or_default())?,
        steps: Vec::new(),
    };
    suite.health()?;
    suite.account()?;
    let documented = |endpoint: &&Endpoint| endpoint.source == Source::Documented;
    for endpoint in catalogue.endpoints().filter(documented) {
        suite.endpoint(endpoint)?;
    }
    let mut endpoints = catalogue.endpoints().filter(documented);
    let with_body = endpoints
        .find(|endpoint| endpoint.creation.is_some() && endpoint.content_type == ContentType::Json);
    if let Some(endpoint) = with_body {
        for (name, error) in requestable_errors(&catalogue.shared_errors) {
            if error.source == Source::Documented {
                suite.outcome(endpoint, name)?;
            }
        }
    }
    Ok(suite.steps)
}

impl Suite<'_> {
    /// The health check belongs to no world, and no journal has it.
    fn health(&mut self) -> Result<(), String> {
        let (name, target) = ("GET /health", "/health");
        let request = Request::builder().uri(target).body(());
        let (head, ()) = request.map_err(|error| error.to_string())?.into_parts();
        let call = Call {
            received_at: Instant::now(),
            at: SystemTime::now(),
            head,
            body: Body::Empty,
            files_are_hashes: false,
        };
        let reply = answer(&self.serving.control.engine, &call).reply;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let line = json!({
            "trace": name,
            "method": "GET",
            "target": target,
            "headers": {},
            "body_bytes": 0,
            "status": reply.status.as_u16(),
            "reply": body,
            "reply_headers": {"content-type": "application/json"},
        });
        let planned = PlannedRequest::of(self.catalogue, &line);
        let planned = planned.map_err(|reason| format!("{name}: {reason}"))?;
        self.steps.push(Step::Ask(Box::new(planned)));
        Ok(())
    }

    /// The documented paths beside the products that need a key and have no part to fill in.
    fn account(&mut self) -> Result<(), String> {
        let routes = ACCOUNT_ROUTES.iter();
        let asked = routes.filter(|route| {
            route.source == Source::Documented && route.needs_key && !route.path.contains('{')
        });
        for route in asked {
            self.ask(&Wanted {
                name: format!("GET {}", route.path),
                method: Method::GET,
                target: route.path.to_owned(),
                magic: None,
                sample_of: None,
            })?;
        }
        Ok(())
    }

    fn endpoint(&mut self, endpoint: &Endpoint) -> Result<(), String> {
        if endpoint.creation.is_none() {
            let listing = self.catalogue.dummy.any_listing();
            let Some(listing) = listing.filter(|_| endpoint.reads_listings) else {
                return Ok(());
            };
            let id = listing.id.to_string();
            return self.read(endpoint, &id).map(drop);
        }
        let reply = self.ask(&Wanted {
            name: format!("{} sample", endpoint.id),
            method: method(endpoint),
            target: asked_path(endpoint),
            magic: None,
            sample_of: Some(endpoint),
        })?;
        if endpoint.reads_back()
            && endpoint.read_source == Source::Documented
            && let Some(id) = reply["id"].as_str()
        {
            self.read(endpoint, id)?;
        }
        let is_own = |outcome: &&std::sync::Arc<Outcome>| {
            !outcome.is_shared
                && outcome.source == Source::Documented
                && weakest_stage(endpoint, outcome).is_none()
        };
        for outcome in endpoint.outcomes.values().filter(is_own) {
            self.outcome(endpoint, &outcome.name)?;
        }
        Ok(())
    }

    fn outcome(&mut self, endpoint: &Endpoint, name: &str) -> Result<(), String> {
        let wanted = Wanted {
            name: format!("{} {name}", endpoint.id),
            method: method(endpoint),
            target: asked_path(endpoint),
            magic: Some(name),
            sample_of: Some(endpoint),
        };
        self.ask(&wanted).map(drop)
    }

    fn read(&mut self, endpoint: &Endpoint, id: &str) -> Result<(), String> {
        let wanted = Wanted {
            name: format!("{} read", endpoint.id),
            method: Method::GET,
            target: read_path(endpoint, id),
            magic: None,
            sample_of: None,
        };
        self.ask(&wanted).map(drop)
    }

    /// Answers a request here, and plans it. Returns the body of the reply.
    fn ask(&mut self, wanted: &Wanted<'_>) -> Result<Value, String> {
        let before = self.world.state().journal.last_seq();
        answer_again(self.serving, self.request(wanted)?);
        let exchange = {
            let state = self.world.state();
            let newest = state.journal.entries().last();
            newest.filter(|newest| newest.seq > before).cloned()
        };
        let missing = || format!("this release has no answer to {}", wanted.name);
        let exchange = exchange.ok_or_else(missing)?;
        let mut line = exchange_line(&self.serving.control, &exchange);
        line["trace"] = wanted.name.as_str().into();
        let planned = PlannedRequest::of(self.catalogue, &line);
        let planned = planned.map_err(|reason| format!("{}: {reason}", wanted.name))?;
        let reply = planned.recorded.body.clone();
        self.steps.push(Step::Ask(Box::new(planned)));
        Ok(reply)
    }

    fn request(&self, wanted: &Wanted<'_>) -> Result<RecordedRequest, String> {
        let mut request = Request::builder()
            .method(wanted.method.clone())
            .uri(&wanted.target)
            .header(AUTHORIZATION, basic(&self.key));
        if let Some(magic) = wanted.magic {
            request = request.header(MAGIC_HEADER, magic);
        }
        let posted = wanted
            .sample_of
            .filter(|endpoint| endpoint.verb == Verb::Post);
        let (body, kept) = match posted {
            None => (Body::Empty, Vec::new()),
            Some(endpoint) => {
                let mut sample = endpoint
                    .schema
                    .sample()
                    .cloned()
                    .unwrap_or_else(|| json!({}));
                let kind = match endpoint.content_type {
                    ContentType::Json => "application/json",
                    ContentType::Multipart => "multipart/form-data; boundary=suite",
                };
                request = request.header(CONTENT_TYPE, HeaderValue::from_static(kind));
                complete_facts(&mut sample);
                let text = sample.to_string().into_bytes();
                let body = match endpoint.content_type {
                    ContentType::Json => Body::Bytes(Bytes::from(text.clone())),
                    ContentType::Multipart => Body::Parts(sample),
                };
                (body, text)
            }
        };
        let request = request.body(()).map_err(|error| error.to_string())?;
        let (head, ()) = request.into_parts();
        Ok(RecordedRequest {
            head: head_text(wanted.method.as_str(), &wanted.target, &head.headers),
            call: Call {
                received_at: Instant::now(),
                at: SystemTime::now(),
                head,
                body,
                files_are_hashes: true,
            },
            body: KeptBody::copied(&kept),
            failed_test: None,
        })
    }
}

fn method(endpoint: &Endpoint) -> Method {
    match endpoint.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
    }
}

/// The path of a record. The path of an endpoint that only reads may have a segment for the id.
fn read_path(endpoint: &Endpoint, id: &str) -> String {
    match endpoint.path.split_once('{') {
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            format!("{before}{id}{after}")
        }
        None => format!("{}/{id}", endpoint.path),
    }
}

/// Gives the files of a sample what the facts of an upload have too.
fn complete_facts(value: &mut Value) {
    match value {
        Value::Object(facts) if facts.contains_key("bytes") && facts.contains_key("width") => {
            facts.insert("sha256".to_owned(), HASH.into());
            facts.insert(FILE_NAME.to_owned(), "specimen.png".into());
        }
        Value::Object(fields) => fields.values_mut().for_each(complete_facts),
        Value::Array(items) => items.iter_mut().for_each(complete_facts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
