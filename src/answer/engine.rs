//! Everything that decides an answer. No socket, no task.

use std::sync::Arc;

use arc_swap::Guard as Snapshot;
use hyper::Method;
use tokio::time::Instant;

use super::admission::Admission;
use super::callbacks;
use super::default_urls::DefaultUrls;
use crate::base::{ApiKey, Panics, ReceiverUrl};
use crate::catalogue::{Catalogue, Current};
use crate::http::{ApiError, Guard};
use crate::world::{Callbacks, State, Strangers, Warnings, Worlds};

#[derive(Debug)]
pub(crate) struct Engine {
    pub seed: u64,
    /// Answers only with what is documented or observed, even when the folders are not strict.
    pub strict: bool,
    /// Records of all endpoints with a pending outcome are pending first, unless a file says otherwise.
    pub is_async: bool,
    /// Whether personal values are hidden.
    pub redacts: bool,
    pub scenarios: Arc<Current>,
    pub worlds: Worlds,
    pub strangers: Strangers,
    pub warnings: Warnings,
    pub keys: Admission,
    pub urls: DefaultUrls,
    pub guard: Guard,
    pub panics: Panics,
    /// The sandbox's own route that a request without a route probably means.
    pub own_route: fn(&Method, &str) -> Option<String>,
    /// The methods and paths of the control API, among which the nearest route is searched too.
    pub own_routes: fn() -> Vec<(&'static str, String)>,
}

impl Engine {
    /// The current catalogue. A request takes it once.
    pub(crate) fn catalogue(&self) -> Snapshot<Arc<Catalogue>> {
        self.scenarios.catalogue()
    }

    /// Whether the sandbox answers only with what is documented or observed.
    pub(crate) fn is_strict(&self, catalogue: &Catalogue) -> bool {
        self.strict || catalogue.settings.strict
    }

    /// Refuses a key that is not allowed.
    pub(crate) fn admit(&self, catalogue: &Catalogue, key: &ApiKey) -> Result<(), ApiError> {
        if self.keys.admits(&catalogue.settings, key) {
            return Ok(());
        }
        if self.worlds.get(key).is_some_and(|world| world.is_minted()) {
            return Ok(()); // its world is in use, however many keys were minted since
        }
        Err(ApiError::key_not_allowed())
    }

    /// Whether every well-formed API key has a world.
    pub(crate) fn admits_all_keys(&self) -> bool {
        self.keys.admits_all(&self.catalogue().settings)
    }

    /// Whether a flag, the builder or a folder names this key.
    pub(crate) fn is_configured(&self, key: &ApiKey) -> bool {
        (self.keys).is_configured(&self.catalogue().settings, key)
    }

    /// A key that is let in: the first given one, else the documentation's.
    pub(crate) fn default_key(&self) -> ApiKey {
        self.keys.default(&self.catalogue().settings)
    }

    /// Takes the worlds from the state file whose keys are configured. The others wait for their keys.
    pub(crate) fn wake_known_worlds(&self) {
        let catalogue = self.catalogue();
        let configured = self.keys.allowed(&catalogue.settings).iter().cloned();
        for key in configured.chain([self.default_key()]) {
            self.worlds.wake(&key, None, Instant::now());
        }
    }

    /// The URL for callbacks of a type without a registration: a flag's, else a folder's.
    pub(crate) fn default_url(&self, callback_type: &str) -> Option<ReceiverUrl> {
        self.urls.of(&self.catalogue().settings, callback_type)
    }

    /// Puts the events into the queue that are not due yet and whose types have got a URL since they were planned. Call
    /// it when a URL was registered.
    pub(crate) fn schedule_unsent(&self, state: &mut State) {
        let (catalogue, now) = (self.catalogue(), Instant::now());
        let callbacks = &mut state.callbacks;
        let later = callbacks.unsent.newest_first().rev();
        let later: Vec<_> = later
            .filter(|event| !event.is_due(now, callbacks.advanced))
            .filter_map(|event| {
                let url = self.callback_url(&catalogue, callbacks, &event.delivery.callback_type);
                Some((event.delivery.seq, url?))
            })
            .collect();
        for (seq, url) in later {
            if let Some(event) = callbacks.unsent.take(seq) {
                let callback_type = &event.delivery.callback_type;
                state.exercised.callback(callback_type, event.behaviour);
                callbacks::schedule_unsent(callbacks, event, &url);
            }
        }
    }

    /// The URL for callbacks of a type: the world's own, else a flag's, else a folder's.
    pub(crate) fn callback_url(
        &self,
        catalogue: &Catalogue,
        callbacks: &Callbacks,
        callback_type: &str,
    ) -> Option<ReceiverUrl> {
        let registered = callbacks.urls.get(callback_type);
        registered
            .map(|registered| registered.url.clone())
            .or_else(|| self.urls.of(&catalogue.settings, callback_type))
    }
}
