//! Puts the parts of a sandbox together.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::loaded::Loaded;
use super::options::Options;
use crate::answer::{Admission, DefaultUrls, Engine};
use crate::base::{InFlight, Turns};
use crate::callbacks::{Courier, DefaultUrl};
use crate::control::{Context, Inbox, UploadStore, own_route, own_routes};
use crate::http::Guard;
use crate::server::{Serving, StateKeeper};
use crate::world::{Strangers, Warnings};

/// Makes a sandbox that has answered nothing yet. `sends_by_itself` says whether callbacks are sent when they
/// are due.
pub(crate) fn assemble(
    options: Options,
    loaded: Loaded,
    address: SocketAddr,
    sends_by_itself: bool,
) -> Serving {
    let Loaded {
        scenarios,
        worlds,
        state,
        recording,
    } = loaded;
    let (memory, live) = (worlds.memory(), worlds.live.clone());
    let keeps_uploads = !options.no_thumbnails && !options.redact;
    let (stop, stopped) = watch::channel(false);
    #[cfg(feature = "tls")]
    let authority_file = options.tls.authority_file();
    #[cfg(not(feature = "tls"))]
    let authority_file = None;
    let callbacks = options.callbacks;
    let panics = options.test_panics.clone();
    let engine = Arc::new(Engine {
        seed: options.seed,
        strict: options.strict,
        is_async: options.is_async,
        redacts: options.redact,
        scenarios: Arc::new(scenarios),
        worlds,
        strangers: Strangers::new(memory.strangers(), live.clone()),
        warnings: Warnings::default(),
        keys: Admission::new(options.api_keys),
        urls: DefaultUrls(callbacks.urls.clone()),
        guard: Guard::new(address.ip(), options.control_token),
        panics: options.test_panics,
        own_route,
        own_routes,
    });
    let state = state.map(|file| StateKeeper::new(file, engine.clone()));
    let of_engine = engine.clone();
    let default_url = DefaultUrl(Box::new(move |kind| of_engine.default_url(kind)));
    let courier = Courier::new(&callbacks, default_url, sends_by_itself, panics);
    let control = Context {
        engine,
        courier: Arc::new(courier),
        inbox: Inbox::new(memory.inboxes()),
        uploads: UploadStore::new(keeps_uploads, memory.uploads(), live),
        in_flight: InFlight::new(memory.in_flight()),
        page_bytes_max: memory.page(),
        state: state.as_ref().map(StateKeeper::access),
        recording: recording.is_some().then(Arc::default),
        redacts: options.redact,
        strict_reload: options.strict_reload,
        authority_file,
        commands: options.commands.unwrap_or(Vec::new),
        stop: stopped,
        turns: Turns::default(),
    };
    Serving::new(control, memory, state, recording, stop)
}
