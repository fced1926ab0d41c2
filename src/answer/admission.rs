//! Which API keys are let in.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use indexmap::IndexSet;

use crate::base::ApiKey;

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
    pub(super) fn issue(&self, token: u128, keys: [ApiKey; 2]) -> bool {
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
