//! The control API under `/__sandbox/`: what the sandbox says of itself, and what tests tell it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ask::{
    ControlReply, ControlRequest, JSON, LINES, TEXT, bad_request, refuse_others, written,
};
use super::context::Context;
use super::routes::{self, ControlRoute, Handler, Unmasked};
use crate::answer::{known_world, own_key};
use crate::http::{
    self, ApiError, Body, CONTROL_PREFIX, Call, NO_MEMORY, PageRequest, Refusal, ReplyBody,
    WARNING_HEADER,
};
use crate::world::{Mask, WORLD_DROPPED, World};

/// Lines are sent in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// Whether a path is the sandbox's own.
pub(crate) fn is_control_path(path: &str) -> bool {
    path.starts_with(CONTROL_PREFIX) || path == CONTROL_PREFIX.trim_end_matches('/')
}

/// Everything that the control API writes leaves here, and the mask hides the secrets in it. The stream of events
/// leaves later, and a page of requests is masked one request at a time: they have the same mask.
pub(crate) async fn respond(context: &Arc<Context>, call: &Call) -> Response<ReplyBody> {
    if let Body::Unreadable(error) = &call.body
        && error.by_sandbox == Some(NO_MEMORY)
    {
        return no_memory_reply(error);
    }
    context.engine.panics.reached("control");
    let refused = |Refusal(status, error, message)| {
        let body = json!({"error": error, "message": message});
        let reply = ControlReply::Whole((status, body));
        (Unmasked::Nothing, context.mask(), reply)
    };
    let decided = decide(context, call).await;
    let is_told = decided.is_ok() && was_dropped(context, call);
    let (unmasked, mask, reply) = decided.unwrap_or_else(refused);
    let mut response = masked(context, unmasked, mask, reply).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = routes::allow(own_path(&call.path()));
        response.headers_mut().insert(ALLOW, allow);
    }
    if is_told {
        let warning = HeaderValue::from_static(WORLD_DROPPED);
        response.headers_mut().insert(WARNING_HEADER, warning);
    }
    response
}

/// Hides secrets in a reply.
async fn masked(
    context: &Arc<Context>,
    unmasked: Unmasked,
    mask: Mask,
    reply: ControlReply,
) -> Response<ReplyBody> {
    let (status, kind, body) = match reply {
        ControlReply::Response(response) => return response,
        ControlReply::Masked(kind, document) => (StatusCode::OK, kind, ReplyBody::new(document)),
        ControlReply::Document(kind, document) => (
            StatusCode::OK,
            kind,
            ReplyBody::new(masked_document(context, unmasked, &mask, document).await),
        ),
        ControlReply::Lines(lines) => {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(send_lines(context.clone(), lines, mask, sender));
            (StatusCode::OK, LINES, ReplyBody::pieces(receiver))
        }
        ControlReply::Whole((status, Value::String(text))) => {
            let text = masked_document(context, Unmasked::Nothing, &mask, text.into()).await;
            (status, TEXT, ReplyBody::new(text))
        }
        ControlReply::Whole((status, body)) => {
            let text = masked_json(context, body, unmasked, &mask).await;
            (status, JSON, ReplyBody::new(text))
        }
    };
    written(status, kind, body)
}

/// The text of a reply without its secrets. A list may be long, so it takes turns with other calculations, and its items
/// are dropped as soon as they are written.
async fn masked_json(context: &Context, body: Value, unmasked: Unmasked, mask: &Mask) -> String {
    let fields = match body {
        Value::Object(fields) => fields,
        mut other => {
            mask.hide(&mut other);
            return other.to_string();
        }
    };
    let shown = match unmasked {
        Unmasked::Fields(shown) => shown,
        Unmasked::Nothing | Unmasked::Scenarios | Unmasked::TokenHeader | Unmasked::All => &[],
    };
    let mut turn = context.turns.brief();
    let mut text = String::new();
    for (name, value) in fields {
        text.push(if text.is_empty() { '{' } else { ',' });
        text += &Value::from(name.as_str()).to_string();
        text.push(':');
        match value {
            _ if shown.contains(&name.as_str()) => text += &value.to_string(),
            Value::Array(items) => {
                text.push('[');
                for (at, item) in items.into_iter().enumerate() {
                    turn.pause().await;
                    if at > 0 {
                        text.push(',');
                    }
                    text += &masked_item(context, item, mask).await;
                }
                text.push(']');
            }
            value => text += &masked_item(context, value, mask).await,
        }
    }
    if text.is_empty() {
        text.push('{');
    }
    text.push('}');
    text
}

/// The text of an item without its secrets. To look through a large one takes too long for a turn.
async fn masked_item(context: &Context, item: Value, mask: &Mask) -> String {
    let (mut item, mask) = (item, mask.clone());
    let text = context.turns.aside(text_bytes(&item), move || {
        mask.hide(&mut item);
        item.to_string()
    });
    text.await.unwrap_or_default()
}

/// How long the texts in a value are.
fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(fields) => fields.values().map(text_bytes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The same for a document. No secret has a line break.
async fn masked_document(
    context: &Context,
    unmasked: Unmasked,
    mask: &Mask,
    document: Bytes,
) -> Bytes {
    if matches!(unmasked, Unmasked::All) {
        return document;
    }
    let mut turn = context.turns.brief();
    let mut masked = String::with_capacity(document.len());
    for line in String::from_utf8_lossy(&document).split_inclusive('\n') {
        turn.pause().await;
        masked += &mask.hidden(line);
    }
    masked.into()
}

/// Writes lines of JSON while they are sent. They are masked, and sent in pieces of about the same size.
async fn send_lines(
    context: Arc<Context>,
    mut lines: Box<dyn Iterator<Item = Value> + Send>,
    mask: Mask,
    sender: mpsc::Sender<Bytes>,
) {
    loop {
        let mut piece = String::new();
        let mut turn = context.turns.brief();
        while piece.len() < PIECE_BYTES
            && let Some(line) = lines.next()
        {
            turn.pause().await;
            piece += &masked_item(&context, line, &mask).await;
            piece.push('\n');
        }
        drop(turn);
        if piece.is_empty() || sender.send(piece.into()).await.is_err() {
            return;
        }
    }
}

/// Whether the caller's own world was dropped, and it is told now.
fn was_dropped(context: &Context, call: &Call) -> bool {
    let query = call.query(&[]).unwrap_or_default();
    let key = own_key(&context.engine, call, &query).ok();
    let world = key.and_then(|key| context.engine.worlds.get(&key));
    world.is_some_and(|world| world.take_drop_notice())
}

/// A panic has left no answer.
pub(crate) fn failed_reply() -> Response<ReplyBody> {
    let message = "the sandbox failed while it answered this request; its log says where";
    let body = json!({"error": "server_error", "message": message}).to_string();
    written(
        StatusCode::INTERNAL_SERVER_ERROR,
        JSON,
        ReplyBody::new(body),
    )
}

/// There is no memory for the request or its reply.
pub(crate) fn no_memory_reply(error: &ApiError) -> Response<ReplyBody> {
    let body = json!({"error": NO_MEMORY, "message": error.message}).to_string();
    let mut response = written(StatusCode::SERVICE_UNAVAILABLE, JSON, ReplyBody::new(body));
    let reason = HeaderValue::from_static(NO_MEMORY);
    response.headers_mut().insert("x-sandbox-error", reason);
    response
}

/// Whether a request can wait for something before it is answered.
pub(crate) fn may_wait(call: &Call) -> bool {
    let path = call.path();
    let found = routes::find(routes::routed_method(call.method()), own_path(&path));
    found.is_some_and(|(route, _)| {
        matches!(
            route.handler,
            Handler::PlainAsync(_) | Handler::CustomAsync(_) | Handler::OwnWorldAsync(_)
        )
    })
}

/// A path below `/__sandbox/`, without the prefix.
fn own_path(path: &str) -> &str {
    path.strip_prefix(CONTROL_PREFIX).unwrap_or_default()
}

/// The reply, and how it is masked.
async fn decide(
    context: &Arc<Context>,
    call: &Call,
) -> Result<(Unmasked, Mask, ControlReply), Refusal> {
    let path = call.path();
    let path = own_path(&path);
    let method = routes::routed_method(call.method());
    let parts: Vec<_> = path.split('/').collect();
    let admitted = context.engine.guard.admit(call, method, &parts);
    if admitted.is_err() && PageRequest::of(call).is_some() {
        // The browser hides the refusal from the page.
        tracing::warn!(
            "a web page of another origin called the control API and was refused: call it from a test or from a server"
        );
    }
    admitted?;
    http::check_path(call.sent_path()).map_err(bad_request)?;
    call.check_query_and_headers().map_err(refusal)?;
    let Some((route, path_parameter)) = routes::find(method, path) else {
        return Err(routes::none(context, call, path));
    };
    let request = ControlRequest {
        context,
        call,
        query: &call.query(route.repeatable).map_err(refusal)?,
        path_parameter,
    };
    if let Some(known) = route.parameters {
        refuse_others(request.query, known)?;
    }
    let mask = mask_of(route, request);
    let answer = match route.handler {
        Handler::Page(answer) | Handler::Custom(answer) => {
            return answer(request).map(|reply| (route.unmasked, mask, reply));
        }
        Handler::CustomAsync(answer) => {
            let reply = answer(request).await;
            return reply.map(|reply| (route.unmasked, mask, reply));
        }
        Handler::Plain(answer) => answer(request),
        Handler::PlainAsync(answer) => answer(request).await,
        Handler::OwnWorld(answer) => {
            let world = request.world()?;
            let answer = answer(request, &world);
            tell_of_change(context, route, &world);
            answer
        }
        Handler::OwnWorldAsync(answer) => {
            let world = request.world()?;
            let answer = answer(request, &world).await;
            tell_of_change(context, route, &world);
            answer
        }
    };
    answer.map(|answer| (route.unmasked, mask, ControlReply::Whole(answer)))
}

/// The mask for what a route answers.
fn mask_of(route: &ControlRoute, request: ControlRequest<'_>) -> Mask {
    let ControlRequest {
        context,
        call,
        query,
        ..
    } = request;
    let mask = context.mask();
    match route.unmasked {
        Unmasked::Nothing | Unmasked::Fields(_) | Unmasked::All => mask,
        Unmasked::Scenarios => mask.showing_scenarios(),
        Unmasked::TokenHeader => {
            let own = known_world(&context.engine, call, query);
            mask.showing_token(own.map(|world| world.callback_token()))
        }
    }
}

/// Refuses a request whose head cannot be read.
fn refusal(error: ApiError) -> Refusal {
    bad_request(error.message.unwrap_or_default())
}

/// Tells those who look on that the settings of a world may be others now.
fn tell_of_change(context: &Context, route: &ControlRoute, world: &World) {
    if route.changes_something() {
        context.engine.worlds.live.settings(&world.tag);
    }
}
