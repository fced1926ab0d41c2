//! The routes that are no product: health, API keys, the callback token.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hyper::StatusCode;
use indexmap::IndexSet;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::engine::Shared;
use crate::base::{ApiKey, Mix};
use crate::http::{ApiError, Call, Effect, Reply};
use crate::world::World;

const TOKENS_MAX: usize = 10_000;
const MINTED_MAX: usize = 10_000;

/// Which one-time tokens have been used, and which keys were handed out: for them, and with worlds that
/// were made by name. They belong to no world; the oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct IssuedKeys(Mutex<Issued>);

#[derive(Debug, Default)]
struct Issued {
    used: HashSet<u128>,
    oldest_first: VecDeque<(u128, [ApiKey; 2])>,
    keys: HashSet<ApiKey>,
    minted: IndexSet<ApiKey>,
}

impl IssuedKeys {
    /// False when this business has used this token before.
    fn issue(&self, token: u128, keys: [ApiKey; 2]) -> bool {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !issued.used.insert(token) {
            return false;
        }
        issued.keys.extend(keys.clone());
        issued.oldest_first.push_back((token, keys));
        if issued.oldest_first.len() > TOKENS_MAX
            && let Some((oldest, keys)) = issued.oldest_first.pop_front()
        {
            issued.used.remove(&oldest);
            let still_held = |key: &ApiKey| {
                issued
                    .oldest_first
                    .iter()
                    .any(|(_, held)| held.contains(key))
            };
            let gone: Vec<_> = keys.into_iter().filter(|key| !still_held(key)).collect();
            for key in gone {
                issued.keys.remove(&key);
            }
        }
        true
    }

    /// Remembers the key of a world that was made by name.
    pub(crate) fn mint(&self, key: &ApiKey) {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.minted.shift_remove(key); // it is the latest now
        issued.minted.insert(key.clone());
        if issued.minted.len() > MINTED_MAX {
            issued.minted.shift_remove_index(0);
        }
    }

    pub(crate) fn contains(&self, key: &ApiKey) -> bool {
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.keys.contains(key) || issued.minted.contains(key)
    }
}

pub(crate) fn health() -> Reply {
    ok(&json!({"status": "ok"}))
}

/// `GET /businesses/{business_id}/api_keys?token={token}`: a token works once.
pub(crate) fn api_keys(
    sandbox: &Shared,
    call: &Call,
    business_id: &str,
) -> Result<Reply, ApiError> {
    let business_id = &*percent_decode_str(business_id).decode_utf8_lossy();
    let token = call.query().remove("token").unwrap_or_default();
    if token.is_empty() {
        return Err(ApiError::missing_token());
    }
    let mut used = Mix::new(sandbox.seed, "one-time token");
    used.text(business_id);
    used.text(&token);
    let test = derived_key(sandbox.seed, "iluma_development_", business_id);
    let live = derived_key(sandbox.seed, "iluma_live_", business_id);
    if !sandbox
        .issued
        .issue(used.finish(), [test.clone(), live.clone()])
    {
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

pub(crate) fn ok(body: &Value) -> Reply {
    Reply {
        status: StatusCode::OK,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
        outcome: None,
        effect: Effect::None,
        breaking: None,
    }
}
