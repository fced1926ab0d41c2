//! `GET /__sandbox/callback_urls`: where the callbacks of a world go, type by type, and who set each URL.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;

use super::ask::{ControlAnswer, ControlRequest};
use super::context::Context;
use crate::base::ReceiverUrl;
use crate::catalogue;
use crate::world::{self, World};

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
