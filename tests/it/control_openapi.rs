//! Compares the description of the control API with its behaviour.

use std::collections::{BTreeMap, BTreeSet};

use iluma_sandbox::Sandbox;
use regex::Regex;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::stage::{BANK, TYPE, key};

const DOCUMENT: &str = include_str!("../../src/control/openapi.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

/// Every operation with its route.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let route = format!("{} {}", method.to_uppercase(), &path[1..]);
            operations.push((route, operation));
        }
    }
    operations
}

fn routes(document: &Value) -> BTreeSet<String> {
    let routes = operations(document).into_iter();
    routes.map(|(route, _)| route).collect()
}

/// The target of a `$ref`.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        None => value,
        Some(to) => {
            let pointer = to.strip_prefix('#').expect("a reference within");
            document
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{to} leads nowhere"))
        }
    }
}

/// The answer lists the rows of `src/control/routes.rs`.
#[tokio::test]
async fn an_unknown_route_is_told_all_that_are_described_and_nothing_else() {
    let client = Client::start().await;
    let told = client.get("/__sandbox/nothing").await.message();
    let (_, listed) = told
        .split_once("Known below /__sandbox/ are ")
        .expect("a list");
    let listed: BTreeSet<_> = listed
        .split("; ")
        .flat_map(|group| {
            let (method, paths) = group.split_once(' ').expect("a method");
            paths
                .split(", ")
                .map(move |path| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(listed, routes(&document()));
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_told_those_it_does() {
    let client = Client::start().await;
    for (method, path, allowed, told) in [
        (
            "PATCH",
            "next",
            "GET, POST, DELETE",
            "`GET`, `POST` and `DELETE`",
        ),
        ("GET", "deliveries/d-1/redeliver", "POST", "`POST`"),
        (
            "PUT",
            "inbox/mine",
            "GET, POST, DELETE",
            "`GET`, `POST` and `DELETE`",
        ),
        ("DELETE", "docs", "GET", "`GET`"),
        ("POST", "", "GET", "`GET`"),
    ] {
        let path = format!("/__sandbox/{path}");
        let answer = Answer::of(client.request(method, &path)).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allowed))
        );
        let message = format!("{path} takes {told}, and not `{method}`");
        assert_eq!(
            answer.json(),
            json!({"error": "method_not_allowed", "message": message})
        );
    }
    for nothing in ["inbox/", "next/next", "inspector/"] {
        let path = format!("/__sandbox/{nothing}");
        let answer = Answer::of(client.request("PUT", &path)).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (404, None),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_empty_name_in_a_path_is_refused_by_the_route_that_needs_it() {
    let client = Client::start().await;
    for (method, path, status, error) in [
        ("GET", "inbox/", 400, "bad_request"),
        ("GET", "explain/", 404, "unknown_trace"),
        ("POST", "deliveries//redeliver", 404, "unknown_delivery"),
    ] {
        let answer = Answer::of(client.request(method, &format!("/__sandbox/{path}"))).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["error"], error, "{method} {path}");
    }
}

#[tokio::test]
async fn it_is_served_as_it_is_written() {
    let client = Client::start().await;
    let served = Answer::of(client.bare("GET", "/__sandbox/openapi.json")).await;
    assert_eq!((served.status, served.text.as_str()), (200, DOCUMENT));
    assert_eq!(
        served.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[test]
fn it_is_sound_in_itself() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    each_reference(&document, &document);
    let tags: Vec<_> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let mut ids = BTreeSet::new();
    let named = Regex::new(r"\{[a-z]+\}").expect("a pattern");
    for (route, operation) in operations(&document) {
        assert!(
            ids.insert(operation["operationId"].as_str().expect("an id")),
            "{route}: its id is taken"
        );
        assert!(operation["summary"].is_string(), "{route} has no summary");
        assert!(
            tags.contains(&&operation["tags"][0]),
            "{route} has no known tag"
        );
        assert!(
            operation["security"].is_array(),
            "{route} says nothing of keys"
        );
        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{route} never succeeds"
        );
        for (status, response) in responses {
            assert!(
                resolved(&document, response)["description"].is_string(),
                "{route}: {status}"
            );
        }
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let parameters: Vec<_> = parameters
            .iter()
            .map(|one| resolved(&document, one).clone())
            .collect();
        let in_path: BTreeSet<_> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .map(|one| format!("{{{}}}", one["name"].as_str().expect("a name")))
            .collect();
        let wanted: BTreeSet<_> = named
            .find_iter(&route)
            .map(|found| found.as_str().to_owned())
            .collect();
        assert_eq!(in_path, wanted, "{route}");
        for one in &parameters {
            assert!(
                one["description"].is_string() && one["schema"].is_object(),
                "{route}: {one}"
            );
        }
    }
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        let validator = validator(&document, schema);
        if let Some(example) = schema.get("example") {
            assert!(validator.is_valid(example), "the example of {name}");
        }
        assert!(
            DOCUMENT.contains(&format!("schemas/{name}\"")),
            "{name} is used nowhere"
        );
    }
}

fn each_reference(document: &Value, value: &Value) {
    match value {
        Value::Object(map) => {
            resolved(document, value);
            map.values()
                .for_each(|value| each_reference(document, value));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| each_reference(document, value)),
        _ => {}
    }
}

/// A validator for a schema of the document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::draft202012::new(&whole).expect("a sound schema")
}

/// A sandbox and its answers, to be compared with their descriptions.
struct Held {
    client: Client,
    document: Value,
    answered: BTreeMap<String, BTreeSet<u16>>,
}

impl Held {
    /// Sends a request and fails if the answer is not described. `route` is the path with the names of its parameters.
    async fn ask(&mut self, route: &str, path: &str, body: Option<Value>) -> Answer {
        let (method, _) = route.split_once(' ').expect("a method");
        let mut request = self.client.request(method, &format!("/__sandbox/{path}"));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = Answer::of(request).await;
        let operations = operations(&self.document);
        let (_, operation) = operations
            .iter()
            .find(|(described, _)| described == route)
            .unwrap_or_else(|| panic!("{route} is not described"));
        if let (Some(body), 200..300) = (&body, answer.status) {
            let content = operation["requestBody"]["content"]
                .as_object()
                .expect("a body");
            let taken = content
                .get("application/json")
                .or(content.get("*/*"))
                .expect("a body");
            assert_fits(
                &self.document,
                &taken["schema"],
                body,
                &format!("the body of {route}"),
            );
        }
        let responses = &operation["responses"];
        let status = answer.status.to_string();
        let response = responses.get(&status).or(responses.get("default"));
        let response = response.unwrap_or_else(|| {
            panic!("{route} {path}: {status} is not described: {}", answer.text)
        });
        let content = resolved(&self.document, response)["content"]
            .as_object()
            .expect("content");
        let kind = answer
            .header("content-type")
            .expect("a type")
            .split(';')
            .next()
            .expect("a type");
        let described = content
            .get(kind)
            .unwrap_or_else(|| panic!("{route}: {kind} is not described"));
        let lines = answer
            .text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let values: Vec<Value> = match kind {
            "application/json" => vec![answer.json()],
            "application/x-ndjson" => lines.collect(),
            _ => vec![answer.text.as_str().into()],
        };
        for value in values {
            assert_fits(
                &self.document,
                &described["schema"],
                &value,
                &format!("{route} {status}"),
            );
        }
        self.answered
            .entry(route.to_owned())
            .or_default()
            .insert(answer.status);
        answer
    }
}

fn assert_fits(document: &Value, schema: &Value, value: &Value, what: &str) {
    let validator = validator(document, schema);
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?} in {value:#}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one call for each operation")]
async fn every_operation_answers_as_it_is_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut held = Held {
        client: Client::of(Sandbox::builder().state(folder.path().join("state"))).await,
        document: document(),
        answered: BTreeMap::new(),
    };
    let url = format!("{}/__sandbox/inbox/mine", held.client.sandbox.url());
    let register = json!({"type": TYPE, "url": url});
    assert_eq!(
        held.client
            .post("/v1/callback/urls", &register)
            .await
            .status,
        200
    );
    let made = held.client.magic(BANK, "COMPLETED_FOUND").await;
    let trace = made.header("x-sandbox-trace").expect("a trace").to_owned();
    held.client
        .magic(BANK, "PENDING_THEN_COMPLETED_FOUND")
        .await;
    held.client.post(BANK, &json!({"bank_code": 5})).await;

    for (route, path) in [
        ("GET livez", "livez"),
        ("GET readyz", "readyz"),
        ("GET metrics", "metrics"),
        ("GET openapi.json", "openapi.json"),
        ("GET callback_urls", "callback_urls"),
        (
            "GET schema",
            "schema?endpoint=v1.1/bank_account_data_requests",
        ),
        ("GET setup", "setup"),
        ("GET inbox", "inbox"),
        ("GET events", "events?backlog=many"),
        ("GET catalog", "catalog"),
        ("GET catalog", "catalog?format=markdown"),
        ("GET catalog", "catalog?format=text"),
        ("GET catalog", "catalog?format=poem"),
        ("GET coverage", "coverage"),
        ("GET coverage", "coverage?world=own&format=text"),
        ("GET fidelity", "fidelity"),
        ("GET explain/{trace}", &format!("explain/{trace}")),
        ("GET explain/{trace}", "explain/nothing"),
        ("GET worlds", "worlds"),
        ("GET world", "world"),
        ("GET requests", "requests"),
        ("GET requests", "requests?world=all"),
        (
            "GET requests/{trace}/uploads",
            "requests/none/uploads?at=/selfie",
        ),
        ("GET requests/{trace}/uploads", "requests/none/uploads"),
        ("GET requests", "requests?world=strangers"),
        ("GET requests", "requests?status=500&wait=1ms"),
        ("GET requests", "requests?nothing=1"),
        ("GET idle", "idle"),
        ("GET deliveries", "deliveries"),
        ("GET deliveries", "deliveries?state=failed&wait=1ms"),
        ("GET export", "export?world=all"),
        ("GET snapshot", "snapshot"),
        ("GET next", "next"),
        ("GET faults", "faults"),
        ("GET clock", "clock"),
        (
            "POST deliveries/{id}/redeliver",
            "deliveries/dlv_1/redeliver",
        ),
        (
            "POST deliveries/{id}/redeliver",
            "deliveries/dlv_0/redeliver",
        ),
        ("GET inbox/{name}", "inbox/mine"),
        ("GET inbox/{name}", "inbox/none?wait=1ms"),
    ] {
        held.ask(route, path, None).await;
    }
    let snapshot = held.client.get("/__sandbox/snapshot").await.json();
    let mut foreign = snapshot.clone();
    foreign["seed"] = json!(7);
    let verify = "POST verify";
    let faults = json!({"ttl": "1m", "faults": [
        {"endpoint": "v1.1/bank_account_data_requests", "fault": "slow(1kb/s)", "delay": {"uniform": ["1ms", "2ms"]}, "probability": 0.5},
        {"rate_limit": {"limit": 3, "window": "1s"}},
    ]});
    for (route, path, body) in [
        ("POST worlds", "worlds", json!({"name": "a"})),
        ("POST worlds", "worlds", json!({"name": "a"})),
        ("POST worlds", "worlds", json!({"name": "a", "reset": true})),
        ("POST worlds", "worlds", json!({"named": "a"})),
        (
            verify,
            "verify",
            json!({"request": {"endpoint": BANK, "body.bank_code": 5}, "exactly": 1}),
        ),
        (
            verify,
            "verify",
            json!({"request": {"header.x": null}, "at_least": 99, "wait": "1ms"}),
        ),
        (verify, "verify", json!({"in_order": [{}, {"status": 400}]})),
        (
            verify,
            "verify",
            json!({"request": {"status": 503}, "never_within": "1ms", "after_seq": 1}),
        ),
        (verify, "verify", json!({"exactly": 1, "at_least": 2})),
        (
            "POST next",
            "next",
            json!({"endpoint": BANK, "outcome": "SERVER_ERROR", "times": 2}),
        ),
        (
            "POST next",
            "next",
            json!({"endpoint": BANK, "outcome": "NOTHING"}),
        ),
        ("PUT faults", "faults", faults),
        ("PUT faults", "faults", json!({"faults": [{}]})),
        (
            "PUT callback_urls",
            "callback_urls",
            json!({"type": TYPE, "url": "http://127.0.0.1:1/"}),
        ),
        (
            "PUT callback_urls",
            "callback_urls",
            json!({"type": "NONE", "url": "http://127.0.0.1:1/"}),
        ),
        (
            "POST trigger",
            "trigger",
            json!({"type": TYPE, "set": {"status": "NEW"}}),
        ),
        ("POST trigger", "trigger", json!({"type": "NONE"})),
        (
            "POST dummy_values",
            "dummy_values",
            json!({"values": ["Eko Hadi Salim", "nobody"]}),
        ),
        ("POST dummy_values", "dummy_values", json!({})),
        (
            "POST clock",
            "clock",
            json!({"now": "2026-02-01T00:00:00Z"}),
        ),
        (
            "POST clock",
            "clock",
            json!({"now": "2025-01-01T00:00:00Z"}),
        ),
        ("POST clock/advance", "clock/advance", json!({"by": "1h"})),
        ("POST clock/advance", "clock/advance", json!({"by": "soon"})),
        ("PUT snapshot", "snapshot", snapshot),
        ("PUT snapshot", "snapshot", foreign),
        ("PUT snapshot", "snapshot", json!({})),
        ("POST inbox/{name}", "inbox/mine", json!({})),
        ("POST inbox/{name}", "inbox/mine?status=503", json!({})),
    ] {
        held.ask(route, path, Some(body)).await;
    }
    for (route, path) in [
        ("GET snapshot", "snapshot"),
        ("GET faults", "faults"),
        ("GET next", "next"),
        ("GET unused", "unused"),
        ("GET summary", "summary"),
        (
            "DELETE next",
            "next?endpoint=v1.1/bank_account_data_requests",
        ),
        ("DELETE next", "next?endpoint=nothing"),
        ("DELETE faults", "faults"),
        ("DELETE inbox/{name}", "inbox/mine"),
        ("DELETE inbox/{name}", "inbox/a%20b"),
        ("POST state", "state"),
        ("POST state", "state"),
        ("GET readyz", "readyz"),
        ("POST state", "state?nothing=1"),
        ("POST reset", "reset"),
        ("GET unused", "unused"),
        ("DELETE worlds", "worlds"),
    ] {
        held.ask(route, path, None).await;
    }
    let asked: BTreeSet<_> = held.answered.keys().cloned().collect();
    assert_eq!(asked, routes(&held.document), "all of them are asked here");
}

#[tokio::test]
async fn what_needs_a_key_is_refused_without_one_and_the_rest_is_not() {
    let client = Client::start().await;
    let document = document();
    for (route, operation) in operations(&document) {
        let (method, path) = route.split_once(' ').expect("a method");
        let path = path
            .replace("{id}", "dlv_1")
            .replace("{name}", "mine")
            .replace("{trace}", "x");
        let answer = Answer::of(client.bare(method, &format!("/__sandbox/{path}"))).await;
        let needs_key = operation["security"][0]["apiKey"].is_array();
        assert_eq!(answer.status == 401, needs_key, "{route}: {}", answer.text);
        if needs_key && route != "GET events" {
            let named = format!("/__sandbox/{path}?key={}", key('k'));
            let answer = Answer::of(client.bare(method, &named)).await;
            assert_ne!(answer.status, 401, "{route}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn the_parameters_that_a_refusal_lists_are_those_that_are_described() {
    let client = Client::start().await;
    let document = document();
    let mut count = 0;
    for (route, operation) in operations(&document) {
        let (method, path) = route.split_once(' ').expect("a method");
        let path = path
            .replace("{id}", "dlv_1")
            .replace("{name}", "mine")
            .replace("{trace}", "x");
        let request = client.request(method, &format!("/__sandbox/{path}?nothing=1"));
        let message = Answer::of(request.json(&json!({}))).await.text;
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let described: BTreeSet<_> = parameters
            .iter()
            .map(|one| resolved(&document, one))
            .filter(|one| one["in"] == "query" && one["name"] != "key")
            .map(|one| one["name"].as_str().expect("a name").to_owned())
            .collect();
        let listed: BTreeSet<_> =
            if let Some((_, known)) = message.split_once("parameter `nothing`: known are ") {
                let known = known.trim_end_matches("\"}").split(", ");
                known.map(str::to_owned).collect()
            } else if message.contains("`nothing`: there are none here") {
                BTreeSet::new()
            } else if route == "GET requests" {
                assert!(message.contains("unknown filter `nothing`"), "{message}");
                continue; // its filters have no end
            } else {
                assert!(
                    ["GET livez", "GET readyz"].contains(&route.as_str()),
                    "{route} takes any parameter: {message}"
                );
                continue; // monitors add parameters to health checks
            };
        count += 1;
        assert_eq!(described, listed, "{route}");
    }
    assert_eq!(count + 3, operations(&document).len());
}

#[tokio::test]
async fn the_fields_that_a_refusal_lists_are_those_that_are_described() {
    let client = Client::start().await;
    let document = document();
    let quoted = Regex::new("`([a-z_]+)`").expect("a pattern");
    let mut count = 0;
    for (route, operation) in operations(&document) {
        let (method, path) = route.split_once(' ').expect("a method");
        if route == "GET events" {
            continue; // takes no body, and never ends
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let request = client.request(method, &format!("/__sandbox/{path}"));
        let answer = Answer::of(request.json(&json!({"nothing": 1}))).await;
        let Some((_, listed)) = answer
            .text
            .split_once("unknown field `nothing`: known are ")
        else {
            continue;
        };
        let listed: BTreeSet<_> = quoted
            .captures_iter(listed)
            .map(|found| found[1].to_owned())
            .collect();
        let described = resolved(&document, schema)["properties"].as_object();
        let described: BTreeSet<_> = described.expect("properties").keys().cloned().collect();
        assert_eq!(described, listed, "{route}");
        count += 1;
    }
    assert_eq!(count, 9, "routes that take an object of known fields");
}
