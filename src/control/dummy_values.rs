//! `POST /__sandbox/dummy_values`: which values are on the dummy lists. They are not personal.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::ask::{ControlAnswer, ControlRequest, json_body};
use crate::http::Refusal;

/// `{"values": ["Eko Hadi Salim", "1943-03-11"]}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    values: Vec<String>,
}

pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlAnswer, Refusal> {
    let Asked { values } = json_body(request.call)?;
    let listed = request.context.engine.catalogue().dummy.listed(values);
    Ok((StatusCode::OK, json!({"listed": listed})))
}
