//! `/__sandbox/callback_urls`: where the callbacks of a world go, type by type, and who set each URL. A URL can be set
//! without the test that a registration with the API needs.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlRequest, bad_request, json_body};
use super::context::Context;
use crate::base::ReceiverUrl;
use crate::catalogue;
use crate::http::Refusal;
use crate::world::{self, ControlCall, World};

fn shown_url(context: &Context, url: &ReceiverUrl) -> String {
    if context.redacts {
        world::redacted_url(url.as_str())
    } else {
        url.as_str().to_owned()
    }
}

/// Lists all types, even those without a URL. `by` is `request` where the world registered the URL, else `default`.
pub(super) fn list(
    ControlRequest { context, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> ControlAnswer {
    let catalogue = context.engine.catalogue();
    let state = world.state();
    let listed = catalogue::callback_types(&catalogue).into_iter().map(|kind| {
        let registered = state.callbacks.urls.get(kind);
        let url = context.engine.callback_url(&catalogue, &state.callbacks, kind);
        json!({
            "type": kind,
            "url": url.as_ref().map(|url| shown_url(context, url)),
            "by": url.as_ref().map(|_| if registered.is_some() { "request" } else { "default" }),
        })
    });
    let body = json!({"callback_urls": listed.collect::<Vec<_>>()});
    (StatusCode::OK, body)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackUrlOf {
    #[serde(rename = "type")]
    callback_type: String,
    url: String,
}

pub(super) fn put(
    request: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let CallbackUrlOf { callback_type, url } = json_body(request.call)?;
    let catalogue = request.context.engine.catalogue();
    catalogue::check_callback_type(&catalogue, &callback_type)
        .map_err(|unknown| bad_request(format!("`type`: {unknown}")))?;
    let url = ReceiverUrl::parse(&url).map_err(|reason| bad_request(format!("`url`: {reason}")))?;
    set_callback_url(request.context, world, callback_type, url);
    Ok(list(request, world))
}

/// Sets the URL of a known type without testing it.
pub(crate) fn set_callback_url(
    context: &Context,
    world: &Arc<World>,
    callback_type: String,
    url: ReceiverUrl,
) {
    let call = ControlCall::new("PUT", "callback_urls");
    let call = call.with_body(&json!({"type": callback_type, "url": url.as_str()}));
    let order = world.commit(Instant::now());
    let mut state = world.state();
    let now = world.now(&state);
    state.callbacks.register(callback_type, url, now);
    world.note_call(&mut state, order.commit, call);
    context.engine.schedule_unsent(&mut state);
    context.courier.wake(world, &mut state);
}
