//! A running sandbox. Dropping it stops it.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::catalogue::FolderWatcher;
use crate::http::ControlToken;
use crate::server::{Place, Secured, Serving};

/// A sandbox that serves on a socket of its own until it is dropped.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// assert!(sandbox.url().starts_with("http://127.0.0.1:"));
/// # });
/// ```
#[derive(Debug)]
pub struct Sandbox {
    pub(super) serving: Arc<Serving>,
    pub(super) place: Place,
    pub(super) secure: Secured,
    pub(super) server: Option<tokio::task::JoinHandle<()>>,
    /// The task that writes the state file.
    pub(super) state: Option<tokio::task::JoinHandle<Result<(), String>>>,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) _watcher: Option<FolderWatcher>,
}

impl Sandbox {
    /// The address to use instead of `https://api.iluma.ai`, such as `http://127.0.0.1:41233`. If the sandbox listens on
    /// all addresses, this is a loopback address.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.url(), format!("http://{}", sandbox.address()));
    /// # });
    /// ```
    pub fn url(&self) -> String {
        self.urls().swap_remove(0)
    }

    /// All URLs with which a client on this machine can reach the sandbox, with the protocol of [`Sandbox::url`].
    /// That one is the first.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.urls(), [sandbox.url()]);
    /// # });
    /// ```
    pub fn urls(&self) -> Vec<String> {
        match &self.secure.place {
            Some(place) if self.secure.alone => place.urls("https"),
            _ => self.place.urls("http"),
        }
    }

    /// Its https URL. None without TLS.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.tls_url(), None);
    /// # });
    /// ```
    pub fn tls_url(&self) -> Option<String> {
        Some(self.secure.place?.urls("https").swap_remove(0))
    }

    /// The certificate authority that clients have to trust, in PEM. None without TLS, and none if the
    /// certificate is the operator's own.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.ca_pem(), None);
    /// # });
    /// ```
    pub fn ca_pem(&self) -> Option<&str> {
        self.secure.authority_pem.as_deref()
    }

    /// The address that it listens on. With [`Builder::both_loopbacks`](crate::Builder::both_loopbacks) it is that of
    /// IPv4.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.address().ip().is_loopback());
    /// # });
    /// ```
    pub fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// A key that this sandbox lets in: the first one that was set, or else the documentation's.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.api_key(), iluma_sandbox::PUBLIC_KEY);
    /// # });
    /// ```
    pub fn api_key(&self) -> String {
        self.serving
            .control
            .engine
            .default_key()
            .reveal()
            .to_owned()
    }

    /// The secret that callbacks to the owner of [`Sandbox::api_key`] carry.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert_eq!(sandbox.callback_token(), sandbox.default_world().callback_token());
    /// assert_eq!(sandbox.callback_token().len(), 64);
    /// # });
    /// ```
    pub fn callback_token(&self) -> String {
        self.default_world().callback_token()
    }

    /// The token that the control API asks for. None if the address is a loopback address and no token was set.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.control_token().is_none());
    /// # });
    /// ```
    pub fn control_token(&self) -> Option<&ControlToken> {
        self.serving.control.engine.guard.token()
    }

    pub(crate) fn serving(&self) -> &Arc<Serving> {
        &self.serving
    }

    /// The runtime of the sandbox.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }

    /// Waits until the scenario folders have been read again more than `count` times, successfully or not.
    /// Returns how often they have been read again. If no folder changes, it waits for ever.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let folder = tempfile::tempdir().unwrap();
    /// let sandbox = iluma_sandbox::Sandbox::builder().scenarios(folder.path()).start().await.unwrap();
    /// std::fs::write(folder.path().join("sandbox.toml"), "strict = true").unwrap();
    /// assert!(sandbox.reloaded(0).await >= 1);
    /// # });
    /// ```
    pub async fn reloaded(&self, count: u64) -> u64 {
        let mut reloads = self.serving.control.engine.scenarios.reloads();
        let reload = reloads.wait_for(|reload| reload.count > count).await;
        reload.map_or(count, |reload| reload.count)
    }

    /// Stops taking requests, lets those in flight finish (5 s at most), and returns when everything has ended. Whoever
    /// waits for something in a world, over HTTP or with a method of [`World`](crate::World), gets the reply of a wait
    /// whose time is over. With [`Builder::state`](crate::Builder::state), the state file is written.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let address = sandbox.address();
    /// sandbox.stop().await;
    /// assert!(std::net::TcpStream::connect(address).is_err());
    /// # });
    /// ```
    pub async fn stop(self) {
        self.stop_and_save().await.ok(); // the log has the reason
    }

    /// The same. An error says why the state file was not written.
    pub(crate) async fn stop_and_save(mut self) -> Result<(), String> {
        self.serving.stop();
        if let Some(server) = self.server.take() {
            server.await.ok();
        }
        self.serving.control.courier.stop();
        self.end_recording();
        let Some((keeper, keeping)) = self.serving.state.as_ref().zip(self.state.take()) else {
            return Ok(());
        };
        keeper.end();
        let kept = keeping.await;
        kept.unwrap_or_else(|_| Err("the sandbox failed; its log says where".to_owned()))
    }

    /// Writes the rest of the recording.
    fn end_recording(&self) {
        if let Some(recording) = &self.serving.recording {
            for world in self.serving.control.engine.worlds.all() {
                world.record_end();
            }
            recording.end();
        }
    }
}

impl Drop for Sandbox {
    /// The requests in flight still get their replies, as far as the runtime goes on.
    fn drop(&mut self) {
        self.serving.stop();
        self.serving.control.courier.stop();
        self.end_recording();
        if let Some(keeper) = &self.serving.state {
            keeper.end();
        }
    }
}
