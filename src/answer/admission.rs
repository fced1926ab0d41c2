//! The API keys that are let in.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

use indexmap::IndexSet;

use crate::base::{ApiKey, PUBLIC_KEY, lock};
use crate::scenario::Settings;

const TOKENS_MAX: usize = 10_000;
const MINTED_MAX: usize = 10_000;

/// The keys that flags or the builder gave, and those that were issued since.
#[derive(Debug)]
pub(crate) struct Admission {
    pub given: Vec<ApiKey>,
    pub issued: IssuedKeys,
}

impl Admission {
    pub(crate) fn new(given: Vec<ApiKey>) -> Self {
        Self {
            given,
            issued: IssuedKeys::default(),
        }
    }

    /// The only keys that are let in: the given ones, else those of the folders. If there are none, all keys
    /// are let in.
    pub(super) fn allowed<'a>(&'a self, settings: &'a Settings) -> &'a [ApiKey] {
        match self.given.as_slice() {
            [] => &settings.api_keys,
            given => given,
        }
    }

    pub(super) fn admits(&self, settings: &Settings, key: &ApiKey) -> bool {
        self.admits_all(settings) || self.is_configured(settings, key) || self.issued.contains(key)
    }

    pub(super) fn is_configured(&self, settings: &Settings, key: &ApiKey) -> bool {
        self.allowed(settings).contains(key)
    }

    pub(super) fn admits_all(&self, settings: &Settings) -> bool {
        self.allowed(settings).is_empty()
    }

    pub(super) fn default(&self, settings: &Settings) -> ApiKey {
        let first = self.allowed(settings).first().cloned();
        first.unwrap_or_else(|| PUBLIC_KEY.parse().expect("the public key is well-formed"))
    }
}

/// The one-time tokens that were used, and the keys that were handed out for tokens or with worlds made by
/// name. They belong to no world. The oldest leave first.
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
        let mut issued = lock(&self.0);
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
        let mut issued = lock(&self.0);
        issued.minted.shift_remove(key); // it is the latest now
        issued.minted.insert(key.clone());
        if issued.minted.len() > MINTED_MAX {
            issued.minted.shift_remove_index(0);
        }
    }

    pub(crate) fn contains(&self, key: &ApiKey) -> bool {
        let issued = lock(&self.0);
        issued.keys.contains(key) || issued.minted.contains(key)
    }
}
