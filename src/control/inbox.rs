//! `/__sandbox/inbox/{name}`: a receiver for callbacks, so that nobody has to write one first.

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{
    ControlAnswer, ControlRequest, bad_request, only, parameter, unreadable, wait, whole_number,
};
use super::gathered::gathered;
use super::inbox_store::InboxEntry;
use crate::base::lock;
use crate::http::{self, Body, CONTROL_TOKEN_HEADER, Refusal};
use crate::world::{self, Waiting};

/// `GET /__sandbox/inbox`: the names under which something came, the latest last.
pub(super) fn names(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    only(request.query, &[])?;
    let names = lock(&request.context.inbox.names);
    let listed = names.by_name.iter().map(|(name, received)| {
        json!({
            "inbox": name,
            "received": received.entries.len(),
            "last_seq": received.seq,
            "dropped": received.dropped,
        })
    });
    let body = json!({"inboxes": listed.collect::<Vec<_>>()});
    Ok((StatusCode::OK, body))
}

/// `POST`: keeps what came. With `?status=500&times=2` the first two of this name are answered so.
pub(super) fn receive(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let name = name_of(request)?;
    let received = keep(request, name);
    request.context.engine.worlds.live.inbox();
    received
}

fn keep(request: ControlRequest<'_>, name: &str) -> Result<ControlAnswer, Refusal> {
    let ControlRequest { call, query, .. } = request;
    let inbox = &request.context.inbox;
    only(query, &["status", "times"])?;
    let status = parameter(query, "status", |text| {
        let status = text
            .parse()
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.filter(|status| (200..600).contains(&status.as_u16()));
        status.ok_or_else(|| format!("`{text}` is no status between 200 and 599"))
    })?;
    let times = parameter(query, "times", whole_number)?.unwrap_or(u64::MAX);
    let body = match &call.body {
        Body::Bytes(body) => Bytes::copy_from_slice(body),
        Body::Parts(parts) => parts.to_string().into(),
        Body::Empty => Bytes::new(),
        Body::Unreadable(error) => return Err(unreadable(error)),
    };
    let sent = call.headers().iter();
    let headers = sent
        .filter(|(name, _)| *name != CONTROL_TOKEN_HEADER)
        .map(|(name, value)| {
            let value = http::header_text(value).into_owned();
            (name.as_str().to_owned(), value)
        });
    let mut names = lock(&inbox.names);
    let refused = names
        .by_name
        .get(name)
        .map_or(0, |received| received.refused);
    let refusal = status.filter(|_| refused < times);
    let answered = refusal.unwrap_or(StatusCode::OK);
    let seq = names.put(name, headers.collect(), body, answered.as_u16());
    if refusal.is_some()
        && let Some(received) = names.by_name.get_mut(name)
    {
        received.refused += 1;
    }
    drop(names);
    inbox.changes.send_replace(());
    Ok((answered, json!({"inbox": name, "seq": seq})))
}

/// `DELETE`: forgets what came.
pub(super) fn clear(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let name = name_of(request)?;
    let context = request.context;
    let mut names = lock(&context.inbox.names);
    let gone = names.by_name.shift_remove(name).unwrap_or_default();
    names.bytes -= gone
        .entries
        .iter()
        .map(|entry| entry.body.len())
        .sum::<usize>();
    context.engine.worlds.live.inbox();
    Ok((StatusCode::OK, json!({"deleted": gone.entries.len()})))
}

/// `GET`: what came, newest first. With `wait` it answers as soon as there are `count`.
pub(super) async fn list(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let name = name_of(request)?;
    let ControlRequest { context, query, .. } = request;
    only(query, &["wait", "count", "after_seq"])?;
    let wait = wait(query)?;
    let wanted = parameter(query, "count", whole_number)?.unwrap_or(u64::from(wait.is_some()));
    let after_seq = parameter(query, "after_seq", whole_number)?.unwrap_or(0);
    let until = Instant::now() + wait.unwrap_or_default();
    let inbox = &context.inbox;
    let show = |entry: &InboxEntry| {
        let mut json = entry_json(entry);
        if context.redacts {
            world::redact_received(&mut json, &context.engine.catalogue().personal);
        }
        json
    };
    let mut waiting = Waiting::new(until, &context.stop);
    let mut changes = inbox.changes.subscribe();
    let mut is_over = false;
    loop {
        changes.mark_unchanged();
        let (entries, dropped) = {
            let names = lock(&inbox.names);
            let received = names.by_name.get(name);
            let entries: Vec<_> = received
                .map(|received| {
                    let newer = received
                        .entries
                        .iter()
                        .rev()
                        .take_while(|entry| entry.seq > after_seq);
                    newer.map(show).collect()
                })
                .unwrap_or_default();
            (entries, received.map_or(0, |received| received.dropped))
        };
        let body = json!({"inbox": name, "received": entries, "dropped": dropped});
        if entries.len() as u64 >= wanted || wait.is_none() {
            return Ok((StatusCode::OK, body));
        }
        if is_over {
            return Ok((StatusCode::REQUEST_TIMEOUT, body));
        }
        is_over = !waiting.change(&mut changes).await;
    }
}

/// The longest name of an inbox.
const NAME_CHARS_MAX: usize = 100;

/// The name of the inbox that is asked for.
fn name_of(request: ControlRequest<'_>) -> Result<&str, Refusal> {
    let name = request.path_parameter;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(plain) {
        return Err(bad_request(format!(
            "an inbox is named by up to {NAME_CHARS_MAX} letters, digits, `-`, `_` and `.`"
        )));
    }
    Ok(name)
}

fn entry_json(entry: &InboxEntry) -> Value {
    let headers = gathered(entry.headers.iter().map(|(name, value)| (name, value)));
    json!({
        "seq": entry.seq,
        "answered": entry.answered,
        "headers": headers,
        "body": String::from_utf8_lossy(&entry.body),
    })
}
