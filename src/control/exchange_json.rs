//! How the control API writes an exchange.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ask::JSON;
use super::context::Context;
use super::gathered::gathered;
use crate::base::Commit;
use crate::base::{microseconds, milliseconds, read_exact_json};
use crate::http;
use crate::world::{self, Content, DecidedBy, Exchange, KeptBody};

/// A request with its reply, as the control API writes it.
pub(in crate::control) fn exchange_json(context: &Context, exchange: &Exchange) -> Value {
    let query = http::shown_pairs(exchange.query().as_bytes());
    let mut json = json!({
        "seq": exchange.seq,
        "trace": exchange.trace(),
        "at": time(exchange.at),
        "world": exchange.world(),
        "method": exchange.method(),
        "path": exchange.path(),
        "query": gathered(query),
        "headers": gathered(exchange.headers()),
        "body": request(exchange),
        "body_bytes": exchange.request.whole_bytes,
        "endpoint": exchange.endpoint(),
        "outcome": exchange.outcome(),
        "status": exchange.status.as_u16(),
        "reply": reply(&exchange.reply),
        "reply_headers": reply_headers(exchange),
        "reply_bytes": exchange.reply.whole_bytes,
        "duration_us": microseconds(exchange.duration),
        "delay_ms": milliseconds(exchange.delay),
        "fault": exchange.fault,
    });
    // Hashes of bodies that are kept only in part.
    if let Some(sha256) = &exchange.request.sha256 {
        json["body_sha256"] = (&**sha256).into();
    }
    if let Some(sha256) = &exchange.reply.sha256 {
        json["reply_sha256"] = (&**sha256).into();
    }
    if context.redacts {
        let personal = &context.engine.catalogue().personal;
        let has_magic = exchange.decision.by == DecidedBy::Magic;
        world::redact_exchange(&mut json, has_magic, personal);
    }
    json
}

/// The place of an answer or a change in the order of its world.
pub(in crate::control) fn commit_fields(commit: &Commit) -> [(String, Value); 3] {
    let ns = |time: Duration| Value::from(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    [
        ("commit".to_owned(), commit.number.into()),
        ("elapsed_ns".to_owned(), ns(commit.elapsed)),
        ("advanced_ns".to_owned(), ns(commit.advanced)),
    ]
}

/// The bodies as texts where their JSON does not give the same bytes again. A body that is not UTF-8 has no text.
pub(in crate::control) fn exact_texts(
    exchange: &Exchange,
) -> impl Iterator<Item = (String, Value)> {
    let text = |name: &str, kept: &KeptBody, shown: Value| {
        let is_same = kept.whole_bytes == 0 || shown.to_string().as_bytes() == &*kept.bytes;
        let text = str::from_utf8(&kept.bytes).ok();
        let text = text.filter(|_| kept.is_whole() && !is_same)?;
        Some((name.to_owned(), text.into()))
    };
    let request = text("body_text", &exchange.request, request(exchange));
    let reply = text("reply_text", &exchange.reply, reply(&exchange.reply));
    request.into_iter().chain(reply)
}

fn request(exchange: &Exchange) -> Value {
    match exchange.content() {
        Content::Empty => Value::Null,
        Content::Json(value) | Content::Fields(value) => value,
        Content::Text(text) | Content::Beginning(text) => text.into(),
    }
}

/// The headers of the reply besides its length and date. If a name was given twice, the later one counts.
fn reply_headers(exchange: &Exchange) -> Value {
    let mut headers = Map::new();
    let mut put = |name: &str, value: &[u8]| {
        headers.insert(name.to_owned(), String::from_utf8_lossy(value).into());
    };
    put("content-type", JSON.as_bytes());
    for (name, value) in &exchange.reply_headers {
        put(name.as_str(), value.as_bytes());
    }
    if let Some(outcome) = exchange.decision.reply.header() {
        put("x-sandbox-outcome", outcome.as_bytes());
    }
    put("x-sandbox-trace", exchange.trace().as_bytes());
    Value::Object(headers)
}

fn reply(kept: &KeptBody) -> Value {
    if kept.whole_bytes == 0 {
        return Value::Null;
    }
    let json = kept.is_whole().then(|| read_exact_json(&kept.bytes));
    json.flatten().unwrap_or_else(|| kept.text().into())
}

pub(in crate::control) fn time(at: SystemTime) -> Value {
    Timestamp::try_from(at).map_or(Value::Null, |at| format!("{at:.6}").into())
}
