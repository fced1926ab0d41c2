//! A reply of the server as a line of an export, from which `--learn` learns.

use hyper::header::HeaderName;
use serde_json::{Value, json};

use super::followed_ids::FollowedIds;
use super::planned_request::PlannedRequest;
use super::remote::RemoteReply;
use crate::base::read_exact_json;
use crate::http::MAGIC_HEADER;

const TRACE: HeaderName = HeaderName::from_static("x-sandbox-trace");

/// The request as it was sent, with the reply of the server.
pub(super) fn observed_line(
    request: &PlannedRequest,
    ids: &FollowedIds,
    reply: &RemoteReply,
) -> Value {
    let text = |value: Option<&hyper::header::HeaderValue>| {
        let value = value.and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let target = ids.target(&request.target);
    let mut body = request.body.values().cloned().unwrap_or_default();
    ids.put_into(&mut body);
    json!({
        "trace": request.name,
        "method": request.method.as_str(),
        "path": target.split('?').next(),
        "headers": {MAGIC_HEADER.as_str(): text(request.headers.get(MAGIC_HEADER))},
        "body": body,
        "status": reply.status.as_u16(),
        "reply": read_exact_json(&reply.body),
        "reply_headers": {TRACE.as_str(): text(reply.headers.get(TRACE))},
    })
}
