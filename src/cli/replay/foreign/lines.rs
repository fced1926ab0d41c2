//! Writes the entries of another tool as the lines of an export.

use std::time::Duration;

use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::entry::{Entry, Headers};
use super::sent_body::LineBody;
use crate::base::{ApiKey, Clock, PUBLIC_KEY, read_exact_json};
use crate::catalogue::{Catalogue, Route};
use crate::http::{self, CONTROL_PREFIX};
use crate::world::{Mask, WorldDigest};

/// The control calls that change a world, below the prefix of the control API.
const CHANGES: [&str; 7] = [
    "callback_urls",
    "next",
    "faults",
    "reset",
    "clock",
    "trigger",
    "snapshot",
];

/// Headers that say how a request travelled, not what it asks for. A browser's headers about its page count only where a
/// sandbox answered.
const OF_THE_WAY: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const OF_THE_PAGE: [&str; 4] = ["host", "origin", "referer", "user-agent"];

/// Names of fields whose texts are secrets.
const SECRET_ENDINGS: [&str; 4] = ["token", "secret", "password", "api_key"];

/// The lines, the first one apart.
pub(super) struct Lines {
    pub head: Value,
    pub events: Vec<Value>,
    /// How many requests have no key and were refused for that.
    pub without_key: usize,
}

/// What is known of a world besides its lines.
struct WorldSoFar {
    digest: WorldDigest,
    environment: &'static str,
    advanced: Duration,
}

/// Whether an entry is a request to a product, or a control call that changes a world.
pub(super) fn concerns(catalogue: &Catalogue, method: &str, target: &str) -> bool {
    is_change(method, target) || is_product(catalogue, method, target)
}

fn is_product(catalogue: &Catalogue, method: &str, target: &str) -> bool {
    let Ok(method) = method.parse::<Method>() else {
        return false;
    };
    let path = http::normal_path(path_of(target));
    // Every service has a `/health`.
    (catalogue.route(&method, &path)).is_some_and(|route| !matches!(route, Route::Health))
}

fn is_change(method: &str, target: &str) -> bool {
    let Some(below) = path_of(target).strip_prefix(CONTROL_PREFIX) else {
        return false;
    };
    let below = below.trim_start_matches('/');
    let first = below.split('/').next().unwrap_or_default();
    let is_known = CHANGES.contains(&first) || below.ends_with("/redeliver");
    is_known && !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// Whether the request needs no key, so that it belongs to no world.
fn is_without_world(catalogue: &Catalogue, entry: &Entry) -> bool {
    let method: Option<Method> = entry.request.method.parse().ok();
    let path = http::normal_path(path_of(&entry.request.target));
    let route = method.and_then(|method| catalogue.route(&method, &path));
    matches!(route, Some(Route::ApiKeys { .. }))
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// The lines of entries, in the order of their times. Their worlds have the digests of their keys.
pub(super) fn lines(
    catalogue: &Catalogue,
    origin: &str,
    seed: u64,
    mut entries: Vec<Entry>,
) -> Lines {
    let mut latest = None;
    for entry in &mut entries {
        entry.at = entry.at.or(latest);
        latest = entry.at;
    }
    entries.sort_by_key(|entry| entry.at);
    let began = entries.iter().find_map(|entry| entry.at);
    let mut worlds: IndexMap<String, WorldSoFar> = IndexMap::new();
    let mut lines = Vec::new();
    let mut without_key = 0;
    let usual: ApiKey = PUBLIC_KEY.parse().expect("the public key is well-formed");
    for (at, entry) in entries.iter().enumerate() {
        if is_without_world(catalogue, entry) {
            without_key += 1;
            continue;
        }
        let key = match key_of(&entry.request.headers) {
            Some(key) => key,
            // Browsers leave keys out of what they save, and some tools mask them.
            None if entry.status != 401 => usual.clone(),
            None => {
                without_key += 1;
                continue;
            }
        };
        let digest = WorldDigest::new(seed, &key);
        let tag = digest.tag();
        let world = worlds.entry(tag.clone()).or_insert(WorldSoFar {
            digest,
            environment: key.environment(),
            advanced: Duration::ZERO,
        });
        let elapsed = since(began, entry.at);
        let mut line = if is_change(&entry.request.method, &entry.request.target) {
            if entry.status >= 300 {
                continue; // it changed nothing
            }
            control_line(entry, world)
        } else {
            exchange_line(catalogue, entry)
        };
        hide_secrets(&mut line);
        line["world"] = tag.into();
        line["at"] = entry.at.map(|at| format!("{at:.6}")).into();
        line["commit"] = (at + 1).into();
        line["elapsed_ns"] = nanoseconds(elapsed);
        line["advanced_ns"] = nanoseconds(world.advanced);
        lines.push(line);
    }
    let worlds = worlds.iter().map(|(tag, world)| {
        json!({
            "world": tag,
            "digest": world.digest.to_string(),
            "environment": world.environment,
            "missing": null,
        })
    });
    Lines {
        head: head(origin, seed, &worlds.collect::<Vec<_>>()),
        events: lines,
        without_key,
    }
}

/// The first line for a sandbox with the usual settings.
fn head(origin: &str, seed: u64, worlds: &[Value]) -> Value {
    json!({
        "type": "export",
        "version": 2,
        "sandbox": origin,
        "seed": seed,
        "clock": Clock::DEFAULT.now().to_string(),
        "options": {
            "strict": false,
            "async": false,
            "dates": null,
            "callback_retries": [],
            "callback_signing": false,
            "second_token_header": false,
            "callback_urls": [],
        },
        "redacted": false,
        "generation": 0,
        "worlds": worlds,
    })
}

fn key_of(headers: &Headers) -> Option<ApiKey> {
    let value = HeaderValue::from_str(headers.get("authorization")?).ok()?;
    http::authenticate(&HeaderMap::from_iter([(AUTHORIZATION, value)])).ok()
}

fn since(began: Option<Timestamp>, at: Option<Timestamp>) -> Duration {
    let (Some(began), Some(at)) = (began, at) else {
        return Duration::ZERO;
    };
    Duration::try_from(at.duration_since(began)).unwrap_or_default()
}

fn nanoseconds(time: Duration) -> Value {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).into()
}

fn control_line(entry: &Entry, world: &mut WorldSoFar) -> Value {
    let path = path_of(&entry.request.target);
    let reply: Value = serde_json::from_slice(&entry.reply).unwrap_or_default();
    if path.ends_with("/reset") {
        world.advanced = Duration::ZERO;
    } else if let Some(advanced) = reply["advanced_ms"].as_u64() {
        world.advanced = Duration::from_millis(advanced);
    }
    let body = LineBody::of(&entry.request.body, &entry.request.headers, None);
    json!({
        "type": "control",
        "method": entry.request.method,
        "path": entry.request.target,
        "body": body.value,
    })
}

fn exchange_line(catalogue: &Catalogue, entry: &Entry) -> Value {
    let request = &entry.request;
    let method: Option<Method> = request.method.parse().ok();
    let path = http::normal_path(path_of(&request.target));
    let endpoint = method.and_then(|method| catalogue.route(&method, &path)?.endpoint());
    let shape = endpoint.map(|endpoint| &endpoint.schema.shape);
    let mut body = LineBody::of(&request.body, &request.headers, shape);
    let is_of_sandbox = entry.reply_headers.get("x-sandbox-trace").is_some();
    let mut headers = sent_headers(&request.headers, is_of_sandbox);
    if let super::entry::SentBody::Fields { media_type, .. } = &request.body
        && !headers.contains_key("content-type")
    {
        headers.insert("content-type".to_owned(), media_type.as_str().into());
    }
    let mask = Mask::default();
    let target = Value::from(request.target.as_str());
    let lacks = [
        ("target", mask.hides_in(&target)),
        ("headers", mask.hides_in(&Value::Object(headers.clone()))),
        ("body", !body.is_whole || mask.hides_in(&body.value)),
    ];
    let lacks = lacks.iter().filter(|(_, lacks)| *lacks);
    let lacks: Vec<_> = lacks.map(|(name, _)| *name).collect();
    let reply = reply(&entry.reply);
    let mut line = json!({
        "type": "exchange",
        "trace": entry.place,
        "method": request.method,
        "path": path_of(&request.target),
        "target": target,
        "headers": headers,
        "body": body.value.take(),
        "body_bytes": body.bytes,
        "endpoint": endpoint.map(|endpoint| &*endpoint.id),
        "outcome": entry.reply_headers.get("x-sandbox-outcome"),
        "status": entry.status,
        "reply_headers": {
            "content-type": entry.reply_headers.get("content-type"),
            "x-sandbox-trace": entry.reply_headers.get("x-sandbox-trace"),
            "x-sandbox-error": entry.reply_headers.get("x-sandbox-error"),
            "date": entry.reply_headers.get("date"),
        },
        "generation": 0,
    });
    if reply["error_code"] == "CALLBACK_TEST_FAILED_ERROR" {
        line["callback_test"] = json!({"error": "it failed"});
    }
    line["reply"] = reply;
    if let Some(text) = body.text {
        line["body_text"] = text.into();
    }
    if !lacks.is_empty() {
        line["lacks"] = lacks.into();
    }
    line
}

fn sent_headers(headers: &Headers, is_of_sandbox: bool) -> Map<String, Value> {
    let mut sent = Map::new();
    for (name, value) in &headers.0 {
        let name = name.to_ascii_lowercase();
        let is_of_page = OF_THE_PAGE.contains(&&*name) || name.starts_with("sec-");
        if OF_THE_WAY.contains(&&*name) || (is_of_page && !is_of_sandbox) {
            continue;
        }
        match sent.get_mut(&name) {
            None => drop(sent.insert(name, value.as_str().into())),
            Some(Value::Array(values)) => values.push(value.as_str().into()),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    sent
}

fn reply(bytes: &[u8]) -> Value {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.is_empty() {
        return Value::Null;
    }
    read_exact_json(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into())
}

/// Hides keys and signing secrets, and texts whose names say that they are secrets.
fn hide_secrets(line: &mut Value) {
    Mask::default().hide(line);
    if let Some(reply) = line.get_mut("reply") {
        hide_named(reply);
    }
}

fn hide_named(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = crate::base::snake_case(name);
                let is_secret = SECRET_ENDINGS.iter().any(|end| name.ends_with(end));
                match value {
                    Value::String(text) if is_secret => "…".clone_into(text),
                    value => hide_named(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_named),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
