//! `/__sandbox/inbox/{name}`: a receiver for callbacks, so that nobody has to write one first.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{
    ControlAnswer, ControlRequest, bad_request, parameter, unreadable, wait, whole_number,
};
use super::context::Context;
use super::gathered::gathered;
use super::inbox_store::{Inbox, InboxEntry, kept_headers};
use super::unsent;
use crate::answer::known_world;
use crate::base::lock;
use crate::http::{Body, Refusal};
use crate::world::{self, DeliveryState, Waiting};

/// `GET /__sandbox/inbox`: the names under which something came, the latest last.
pub(super) async fn names(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let context = request.context;
    let summaries = lock(&context.inbox.names).summaries();
    let mut turn = context.turns.brief();
    let mut listed = Vec::new();
    for one in summaries {
        turn.pause().await;
        listed.push(json!({
            "inbox": one.name,
            "received": one.received,
            "last_seq": one.seq,
            "dropped": one.dropped,
        }));
    }
    Ok((StatusCode::OK, json!({"inboxes": listed})))
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
    let headers = kept_headers(call.headers());
    let mut names = lock(&inbox.names);
    let refused = names
        .by_name
        .get(name)
        .map_or(0, |received| received.refused);
    let refusal = status.filter(|_| refused < times);
    let answered = refusal.unwrap_or(StatusCode::OK);
    let seq = names.put(name, headers, body, answered.as_u16());
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
    let deleted = lock(&context.inbox.names).remove(name);
    context.engine.worlds.live.inbox();
    Ok((StatusCode::OK, json!({"deleted": deleted})))
}

/// `GET`: what came, newest first. With `wait` it answers as soon as there are `count`.
pub(super) async fn list(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let name = name_of(request)?;
    let ControlRequest { context, query, .. } = request;
    let wait = wait(query)?;
    let wanted = parameter(query, "count", whole_number)?.unwrap_or(u64::from(wait.is_some()));
    let after_seq = parameter(query, "after_seq", whole_number)?.unwrap_or(0);
    let until = Instant::now() + wait.unwrap_or_default();
    let inbox = &context.inbox;
    lock(&inbox.names).touch(name);
    let mut waiting = Waiting::new(until, &context.stop);
    let mut changes = inbox.changes.subscribe();
    let mut is_over = false;
    loop {
        changes.mark_unchanged();
        let found = newest_first(inbox, name, after_seq);
        if found.0.len() as u64 >= wanted || wait.is_none() {
            note_awaited(request, name);
            return Ok((StatusCode::OK, page(context, name, found).await));
        }
        let in_vain = InVain::of(request, name);
        if is_over || in_vain.at_once {
            let mut page = page(context, name, found).await;
            page["why"] = json!(in_vain.why);
            return Ok((StatusCode::REQUEST_TIMEOUT, page));
        }
        is_over = !waiting.change(&mut changes).await;
    }
}

/// Why the caller's world sends nothing: it has caused callbacks, and none has a URL.
#[derive(Default)]
struct InVain {
    why: Vec<String>,
    /// The inbox has the tag of the world in its name, so nobody else sends to it.
    at_once: bool,
}

impl InVain {
    fn of(request: ControlRequest<'_>, name: &str) -> Self {
        let ControlRequest { context, .. } = request;
        let Some(world) = known_world(&context.engine, request.call, request.query) else {
            return Self::default();
        };
        let why = unsent::in_vain(context, &world.state().callbacks).unwrap_or_default();
        let is_own = (name.strip_prefix(&world.tag)).is_some_and(|rest| rest.starts_with('-'));
        Self {
            at_once: is_own && !why.is_empty(),
            why,
        }
    }
}

/// Notes that the callbacks of the caller's world that came to an inbox were looked at.
fn note_awaited(request: ControlRequest<'_>, name: &str) {
    let ControlRequest {
        context,
        call,
        query,
        ..
    } = request;
    let Some(world) = known_world(&context.engine, call, query) else {
        return;
    };
    let log = &mut world.state().callbacks.log;
    log.note_awaited(|one| one.inbox() == Some(name) && one.state != DeliveryState::Scheduled);
}

/// The callbacks in an inbox with larger numbers, and how many of its callbacks were dropped.
fn newest_first(inbox: &Inbox, name: &str, after_seq: u64) -> (Vec<Arc<InboxEntry>>, u64) {
    let names = lock(&inbox.names);
    let Some(received) = names.by_name.get(name) else {
        return (Vec::new(), 0);
    };
    let entries = received.entries.iter().rev();
    let newer = entries.take_while(|entry| entry.seq > after_seq).cloned();
    (newer.collect(), received.dropped)
}

async fn page(
    context: &Context,
    name: &str,
    (entries, dropped): (Vec<Arc<InboxEntry>>, u64),
) -> Value {
    let mut turn = context.turns.first().await;
    let mut received = Vec::new();
    for entry in entries {
        turn.pause().await;
        received.push(shown(context, &entry));
    }
    json!({"inbox": name, "received": received, "dropped": dropped})
}

fn shown(context: &Context, entry: &InboxEntry) -> Value {
    let mut json = entry_json(entry);
    if context.redacts {
        world::redact_received(&mut json, &context.engine.catalogue().personal);
    }
    json
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
