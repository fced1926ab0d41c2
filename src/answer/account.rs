//! The routes outside the products: health, API keys, the callback token.

use serde_json::json;

use super::admission::IssuedKeys;
use super::reply::{Reply, ok};
use crate::base::{ApiKey, Mix};
use crate::http::{ApiError, Call};
use crate::world::World;

pub(crate) fn health() -> Reply {
    ok(&json!({"status": "ok"}))
}

/// `GET /businesses/{business_id}/api_keys?token={token}`: a token works once.
pub(crate) fn api_keys(
    seed: u64,
    issued: &IssuedKeys,
    call: &Call,
    business_id: &str,
) -> Result<Reply, ApiError> {
    let token = call.query(&[])?.remove("token").unwrap_or_default();
    if token.is_empty() {
        return Err(ApiError::missing_token());
    }
    let mut used = Mix::new(seed, "one-time token");
    used.text(business_id);
    used.text(&token);
    let test = derived_key(seed, "iluma_development_", business_id);
    let live = derived_key(seed, "iluma_live_", business_id);
    if !issued.issue(used.finish(), [test.clone(), live.clone()]) {
        return Err(ApiError::token_already_used());
    }
    Ok(ok(&json!({
        "business_id": business_id,
        "api_keys": [
            {"environment": "TEST", "api_key": test.reveal()},
            {"environment": "LIVE", "api_key": live.reveal()},
        ],
    })))
}

pub(crate) fn callback_token(world: &World) -> Reply {
    ok(&json!({"callback_authentication_token": world.callback_token()}))
}

fn derived_key(seed: u64, prefix: &str, business_id: &str) -> ApiKey {
    let half = |which: &str| {
        let mut mix = Mix::new(seed, which);
        mix.text(prefix);
        mix.text(business_id);
        format!("{:032x}", mix.finish())
    };
    let key = [
        prefix,
        &half("API key, first half"),
        &half("API key, second half")[..28],
    ]
    .concat();
    key.parse()
        .expect("60 hex digits behind a known prefix make a key")
}
