//! The control API under `/__sandbox/`: what the sandbox says of itself, and what tests tell it.

use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::ask::{ControlReply, ControlRequest, JSON, LINES, TEXT, bad_request, written};
use super::context::Context;
use super::routes::{self, ControlRoute, Handler};
use crate::answer::own_key;
use crate::http::{
    self, ApiError, CONTROL_PREFIX, Call, PageRequest, Refusal, ReplyBody, WARNING_HEADER,
};
use crate::world::{WORLD_DROPPED, World};

/// Whether a path is the sandbox's own.
pub(crate) fn is_control_path(path: &str) -> bool {
    path.starts_with(CONTROL_PREFIX) || path == CONTROL_PREFIX.trim_end_matches('/')
}

pub(crate) async fn respond(context: &Arc<Context>, call: &Call) -> Response<ReplyBody> {
    let refused = |Refusal(status, error, message)| {
        ControlReply::Whole((status, json!({"error": error, "message": message})))
    };
    context.engine.panics.reached("control");
    let decided = decide(context, call).await;
    let is_told = decided.is_ok() && was_dropped(context, call);
    let mut response = response(decided.unwrap_or_else(refused));
    if is_told {
        let warning = HeaderValue::from_static(WORLD_DROPPED);
        response.headers_mut().insert(WARNING_HEADER, warning);
    }
    response
}

fn response(said: ControlReply) -> Response<ReplyBody> {
    let (status, kind, body) = match said {
        ControlReply::Response(response) => return response,
        ControlReply::Document(kind, document) => (StatusCode::OK, kind, ReplyBody::new(document)),
        ControlReply::Lines(lines) => (StatusCode::OK, LINES, ReplyBody::pieces(lines)),
        ControlReply::Whole((status, Value::String(text))) => (status, TEXT, ReplyBody::new(text)),
        ControlReply::Whole((status, body)) => (status, JSON, ReplyBody::new(body.to_string())),
    };
    written(status, kind, body)
}

/// Whether the caller's own world was dropped, and it is told now.
fn was_dropped(context: &Context, call: &Call) -> bool {
    let query = call.query(None).unwrap_or_default();
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

async fn decide(context: &Arc<Context>, call: &Call) -> Result<ControlReply, Refusal> {
    let path = call.path();
    let path = path.strip_prefix(CONTROL_PREFIX).unwrap_or_default();
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
        return routes::none(context, call, path).map(ControlReply::Response);
    };
    let request = ControlRequest {
        context,
        call,
        query: &call.query(route.repeatable).map_err(refusal)?,
        path_parameter,
    };
    let answer = match route.handler {
        Handler::Page(answer) | Handler::Custom(answer) => return answer(request),
        Handler::CustomAsync(answer) => return answer(request).await,
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
    answer.map(ControlReply::Whole)
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
