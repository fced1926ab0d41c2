//! What the server's parts share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::admission::IssuedKeys;
use crate::base::{self, ApiKey, PUBLIC_KEY, Panicked, ReceiverUrl, contained};
use crate::callbacks::Courier;
use crate::catalogue::{self, Catalogue, Reload, log_warnings};
use crate::control::{Inbox, Thumbnails};
use crate::http::{ApiError, Guard};
use crate::sandbox::{Options, StartError};
use crate::scenario::{LoadError, LoadErrors};
use crate::server::SHARES_MAX;
use crate::world::{Callbacks, Exchange, Journal, Live, NO_WORLD, STRANGERS_MAX, Worlds};

/// What the server and its parts share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub seed: u64,
    pub worlds: Worlds,
    pub issued: IssuedKeys,
    /// What large bodies in flight may hold together.
    pub bodies: Arc<Semaphore>,
    pub options: Options,
    catalogue: ArcSwap<Catalogue>,
    /// Changes with every reload, failed ones too, after the catalogue has.
    pub(crate) reloads: watch::Sender<Reload>,
    pub courier: Courier,
    pub inbox: Inbox,
    /// What happens is told here to those who look on.
    pub live: Arc<Live>,
    /// Draws uploads for those who look on.
    pub thumbnails: Arc<Thumbnails>,
    pub guard: Guard,
    /// Told of every connection that ends.
    pub connection_ended: Notify,
    /// Whether what lies in line is sent; not where nobody serves.
    pub sends_by_itself: bool,
    pub(crate) stopping: watch::Sender<bool>,
    /// The requests that belong to no world, as far as they were refused.
    strangers: Mutex<Journal>,
    /// Told of every one of them.
    strangers_recorded: watch::Sender<()>,
    /// One reload at a time: the last to read is the last to be put in place.
    reloading: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(options: Options, address: SocketAddr) -> Result<Self, LoadErrors> {
        let catalogue = Catalogue::load(&options.scenarios, options.dates)?;
        log_warnings(&catalogue);
        Ok(Self::of(Arc::new(catalogue), options, address))
    }

    /// One that has answered nothing yet.
    pub(crate) fn of(catalogue: Arc<Catalogue>, options: Options, address: SocketAddr) -> Self {
        let live = Arc::new(Live::default());
        let draws = !options.no_thumbnails && !options.redact;
        Self {
            seed: options.seed,
            worlds: Worlds::new(options.seed, options.clock, live.clone()),
            issued: IssuedKeys::default(),
            bodies: Arc::new(Semaphore::new(SHARES_MAX)),
            catalogue: ArcSwap::new(catalogue),
            reloads: watch::Sender::default(),
            courier: Courier::new(
                options.callbacks.egress.clone(),
                options.callbacks.retries.clone(),
                options.callbacks.signing,
                options.callbacks.second_token_header,
            ),
            inbox: Inbox::default(),
            thumbnails: Arc::new(Thumbnails::new(draws, live.clone())),
            live,
            guard: Guard::new(address.ip(), options.control_token.clone()),
            connection_ended: Notify::new(),
            sends_by_itself: true,
            stopping: watch::Sender::new(false),
            strangers: Mutex::default(),
            strangers_recorded: watch::Sender::default(),
            reloading: Mutex::default(),
            options,
        }
    }

    /// Refuses a default URL for a type that there is not: it would never be called.
    pub(crate) fn check_callback_types(&self) -> Result<(), StartError> {
        let catalogue = self.catalogue();
        let by_flag = &self.options.callbacks.urls;
        let mut types = by_flag
            .iter()
            .chain(&catalogue.settings.callback_urls)
            .peekable();
        if types.peek().is_none() {
            return Ok(());
        }
        let known = catalogue::callback_types(&catalogue);
        match types.find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((unknown, _)) => Err(StartError::CallbackType {
                unknown: unknown.clone(),
                known: known.into_iter().map(str::to_owned).collect(),
            }),
        }
    }

    /// Panics, where a test wants it here.
    pub(crate) fn panic_if_told(&self, place: &str) {
        if let Some(panics) = &self.options.test_panics {
            panics.reached(place);
        }
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Where callbacks of a type go: as the world registered, else as flags say, else as folders do.
    pub(crate) fn callback_url(
        &self,
        catalogue: &Catalogue,
        callbacks: &Callbacks,
        callback_type: &str,
    ) -> Option<ReceiverUrl> {
        if let Some(registered) = callbacks.urls.get(callback_type) {
            return Some(registered.url.clone());
        }
        let by_flag = self.options.callbacks.urls.iter().rev();
        let by_folder = catalogue.settings.callback_urls.iter().rev();
        let default = by_flag
            .chain(by_folder)
            .find(|(name, _)| name == callback_type);
        default.map(|(_, url)| url.clone())
    }

    /// The catalogue of this moment. A request takes it once.
    pub(crate) fn catalogue(&self) -> arc_swap::Guard<Arc<Catalogue>> {
        self.catalogue.load()
    }

    /// Told of every reload, failed ones too.
    pub(crate) fn reloads(&self) -> watch::Receiver<Reload> {
        self.reloads.subscribe()
    }

    pub(crate) fn last_reload(&self) -> Reload {
        self.reloads.borrow().clone()
    }

    /// The journal of the requests that belong to no world.
    pub(crate) fn strangers(&self) -> MutexGuard<'_, Journal> {
        self.strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a refused request that belongs to no world.
    pub(crate) fn record_stranger(&self, exchange: Exchange) -> u64 {
        let seq = self.strangers().keep(exchange, STRANGERS_MAX);
        self.strangers_recorded.send_replace(());
        self.live.exchange(NO_WORLD, seq);
        seq
    }

    pub(crate) fn strangers_recorded(&self) -> watch::Receiver<()> {
        self.strangers_recorded.subscribe()
    }

    /// Whether every well-formed API key has a world here.
    pub(crate) fn admits_all_keys(&self) -> bool {
        self.options.api_keys.is_empty() && self.catalogue().settings.api_keys.is_empty()
    }

    /// Reads the folders again. A broken file leaves the last good catalogue in place.
    pub(crate) fn reload(&self) {
        let _one_at_a_time = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let loaded = contained(|| {
            self.panic_if_told("reload");
            Catalogue::reload(&self.options.scenarios, self.options.dates)
        });
        let loaded = loaded.unwrap_or_else(|Panicked| {
            base::log_panic("reloading the scenarios");
            let sentence = "the scenario files cannot be read: the sandbox failed over them, and its log says where";
            Err(LoadErrors(vec![LoadError::of_file("scenarios", sentence)]))
        });
        let errors = match loaded {
            Ok(mut catalogue) => {
                catalogue.generation = self.catalogue().generation + 1;
                tracing::info!(generation = catalogue.generation, "scenarios reloaded");
                log_warnings(&catalogue);
                self.catalogue.store(Arc::new(catalogue));
                None
            }
            Err(errors) => {
                tracing::error!("scenarios not reloaded, the last good ones stay:\n{errors}");
                Some(Arc::new(errors))
            }
        };
        self.reloads.send_modify(|reload| {
            reload.count += 1;
            reload.at = Some(Instant::now());
            reload.failed += u64::from(errors.is_some());
            reload.errors = errors;
        });
    }

    /// Refuses a key that is not among the allowed, where only some are.
    pub(crate) fn admit(&self, catalogue: &Catalogue, key: &ApiKey) -> Result<(), ApiError> {
        let allowed = match self.options.api_keys.as_slice() {
            [] => catalogue.settings.api_keys.as_slice(),
            given => given,
        };
        if allowed.is_empty() || allowed.contains(key) || self.issued.contains(key) {
            return Ok(());
        }
        if self.worlds.get(key).is_some_and(|world| world.is_minted()) {
            return Ok(()); // in use, however many were minted since
        }
        Err(ApiError::key_not_allowed())
    }

    pub(crate) fn default_key(&self) -> ApiKey {
        let catalogue = self.catalogue();
        let given = self.options.api_keys.first();
        given
            .or_else(|| catalogue.settings.api_keys.first())
            .cloned()
            .unwrap_or_else(|| PUBLIC_KEY.parse().expect("the public key is well-formed"))
    }
}
