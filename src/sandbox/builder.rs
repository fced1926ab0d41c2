//! How a sandbox is set up and started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::assembly::assemble;
use super::loaded::Loaded;
#[cfg(feature = "cli")]
use super::options::Commands;
use super::options::{Options, StartError};
use super::sandbox::Sandbox;
use crate::answer::DefaultUrls;
use crate::base::{ApiKey, Clock, Panics};
use crate::catalogue::FolderWatcher;
use crate::control;
use crate::http::ControlToken;
use crate::scenario::{DateForm, LoadErrors, fingerprint};
use crate::server::{self, Ports, Serving};

/// How a sandbox is set up. Every setting has a default.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Clock, Sandbox};
///
/// let builder = Sandbox::builder().seed(7).clock(Clock::System);
/// let (one, other) = (builder.clone().start().await.unwrap(), builder.start().await.unwrap());
/// assert_eq!(one.callback_token(), other.callback_token());
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) address: SocketAddr,
    pub(super) both_loopbacks: bool,
    pub(super) options: Options,
}

impl Sandbox {
    /// Starts on a free port of the loopback interface, with the shipped scenarios.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// assert!(sandbox.url().starts_with("http://127.0.0.1:"));
    /// # });
    /// ```
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A sandbox that is set up before it starts.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::builder().seed(7).start().await.unwrap();
    /// assert!(sandbox.requests().is_empty());
    /// # });
    /// ```
    pub fn builder() -> Builder {
        Builder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            both_loopbacks: false,
            options: Options::default(),
        }
    }
}

impl Builder {
    /// The seed of ids and invented data. The default is 0.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let seven = Sandbox::builder().seed(7).start().await.unwrap();
    /// let eight = Sandbox::builder().seed(8).start().await.unwrap();
    /// assert_ne!(seven.callback_token(), eight.callback_token());
    /// # });
    /// ```
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// The clock that `created` shows. By default it stands still at 2026-01-01.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Clock, Sandbox};
    ///
    /// let clock: Clock = "2026-03-01T00:00:00Z".parse().unwrap();
    /// let sandbox = Sandbox::builder().clock(clock).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.register_callback_url("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// let callback = world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(callback.json()["created"], "2026-03-01T00:00:00.000Z");
    /// # });
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = clock;
        self
    }

    /// Lays a folder of scenario files over the shipped ones. Several folders are laid over each other in order.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let mine = "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\nbody.status = 'MINE'";
    /// std::fs::write(folder.path().join("mine.toml"), mine).unwrap();
    /// let sandbox = Sandbox::builder().scenarios(folder.path()).start().await.unwrap();
    /// sandbox.next("v1.1/bank_account_data_requests", "MINE");
    /// assert_eq!(sandbox.default_world().end().await.queued, 1);
    /// # });
    /// ```
    #[must_use]
    pub fn scenarios(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.scenarios.push(folder.into());
        self
    }

    /// Lets in this key and no others. Call it once for each key.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let key = "iluma_development_TheOnlyKeyThatIsLetInHere000000";
    /// let sandbox = Sandbox::builder().api_key(key.parse().unwrap()).start().await.unwrap();
    /// assert_eq!(sandbox.api_key(), key);
    /// # });
    /// ```
    #[must_use]
    pub fn api_key(mut self, key: ApiKey) -> Self {
        self.options.api_keys.push(key);
        self
    }

    /// How the watchlist writes dates. This setting takes precedence over a `sandbox.toml`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{DateForm, Sandbox};
    ///
    /// let sandbox = Sandbox::builder().watchlist_dates(DateForm::Objects).start().await.unwrap();
    /// # let peps = format!("{}/v0/identity/individual_cft_peps", sandbox.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(peps).basic_auth(sandbox.api_key(), Some(""));
    /// # let eko = serde_json::json!({"given_names": "Eko Hadi Salim", "user_id": "1", "nationality": "ID", "scopes": ["PEP"]});
    /// # ask.json(&eko).send().await.unwrap();
    /// // … the code under test asks for `Eko Hadi Salim`, then:
    /// let found = &sandbox.requests()[0].reply.json()["results"][0];
    /// assert_eq!(found["dates_of_birth"][0]["y"], 1943);
    /// # });
    /// ```
    #[must_use]
    pub fn watchlist_dates(mut self, dates: DateForm) -> Self {
        self.options.dates = Some(dates);
        self
    }

    /// Makes `readyz` answer 503 while a reload is broken.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let builder = Sandbox::builder().scenarios(folder.path()).strict_reload(true);
    /// let sandbox = builder.start().await.unwrap();
    /// std::fs::write(folder.path().join("mine.toml"), "this is broken").unwrap();
    /// sandbox.reloaded(0).await;
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let get = |path| client.get(format!("{}{path}", sandbox.url())).send();
    /// let ready = get("/__sandbox/readyz").await.unwrap();
    /// assert_eq!(ready.status(), 503);
    /// # });
    /// ```
    #[must_use]
    pub fn strict_reload(mut self, strict: bool) -> Self {
        self.options.strict_reload = strict;
        self
    }

    /// Hides personal fields of requests and callbacks in the control API, the inspector and
    /// [`World::explain`](crate::World::explain), and refuses snapshots. Answers and callbacks stay whole,
    /// and so does the result of [`World::requests`](crate::World::requests).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().redact(true).start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let input = serde_json::json!({"bank_account_number": "7000000001", "bank_code": "BCA"});
    /// # client.post(bank).basic_auth(world.api_key(), Some("")).json(&input).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let url = format!("{}/__sandbox/requests?key={}", sandbox.url(), world.api_key());
    /// # let listed = client.get(url).send().await.unwrap().text().await.unwrap();
    /// # let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    /// let body = &listed["requests"][0]["body"];
    /// assert_eq!(body, &serde_json::json!({"bank_account_number": "…", "bank_code": "BCA"}));
    /// # });
    /// ```
    #[must_use]
    pub fn redact(mut self, redact: bool) -> Self {
        self.options.redact = redact;
        self
    }

    /// Answers 501 for endpoints and outcomes that are merely decided or inferred. A green test then proves
    /// only what is documented or observed.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().strict(true).start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.header("x-magic-reply", "PENDING_THEN_COMPLETED_FOUND").send().await.unwrap();
    /// // … the code under test asks for `PENDING_THEN_COMPLETED_FOUND`, which no document knows:
    /// assert_eq!(world.requests()[0].status, 501);
    /// # });
    /// ```
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.options.strict = strict;
        self
    }

    /// Makes every product that has a pending outcome asynchronous: the response is pending, and a second later the
    /// record has the outcome that the data chose, and its callback is sent. A header or a queue still decides alone.
    /// A scenario file can say `async = false` for an endpoint.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().asynchronous(true).start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let input = serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"});
    /// # client.post(bank).basic_auth(world.api_key(), Some("")).json(&input).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].outcome_name(), Some("PENDING"));
    /// # });
    /// ```
    #[must_use]
    pub fn asynchronous(mut self, on: bool) -> Self {
        self.options.is_async = on;
        self
    }

    /// Whether an open inspector can draw thumbnails of uploads. This is on by default. For this, the bytes of PNG
    /// and JPEG files are kept for at most a minute. If no inspector is open, or if this is off, no bytes of an upload
    /// are kept.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().thumbnails(false).start().await.unwrap();
    /// assert!(sandbox.requests().is_empty());
    /// # });
    /// ```
    #[must_use]
    pub fn thumbnails(mut self, on: bool) -> Self {
        self.options.no_thumbnails = !on;
        self
    }

    /// The token that the control API asks for in `x-sandbox-control-token`. By default a loopback address
    /// needs none, and any other address gets a random one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let builder = Sandbox::builder().control_token("s3cret".parse().unwrap());
    /// let sandbox = builder.start().await.unwrap();
    /// assert_eq!(sandbox.control_token().unwrap().reveal(), "s3cret");
    /// # });
    /// ```
    #[must_use]
    pub fn control_token(mut self, token: ControlToken) -> Self {
        self.options.control_token = Some(token);
        self
    }

    /// Loads the scenarios, listens, and serves on the caller's runtime.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let one = Sandbox::builder().start().await.unwrap();
    /// let other = Sandbox::builder().start().await.unwrap();
    /// assert_ne!(one.address(), other.address());
    /// # });
    /// ```
    #[expect(clippy::unused_async, reason = "it needs a runtime")]
    pub async fn start(self) -> Result<Sandbox, StartError> {
        if let Some(sentence) = &self.options.callbacks.wrong_host {
            return Err(StartError::CallbackHost(sentence.clone()));
        }
        let mut address = self.address;
        if self.both_loopbacks {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        #[cfg(feature = "tls")]
        Ports::check(address, &self.options.tls)?;
        // Mistakes in files are reported before a port that is taken.
        let before = fingerprint(&self.options.scenarios);
        let loaded = Loaded::read(&self.options)?;
        DefaultUrls(self.options.callbacks.urls.clone()).check(&loaded.scenarios.catalogue())?;
        let listeners = server::listen(address, self.both_loopbacks);
        let listeners = listeners.map_err(|error| StartError::Bind { address, error })?;
        let place = listeners.place;
        #[cfg(feature = "tls")]
        let (ports, secure) = Ports::open(listeners, self.both_loopbacks, &self.options.tls)?;
        #[cfg(not(feature = "tls"))]
        let (ports, secure) = (Ports::plain(listeners), crate::server::Secured::default());
        // Callbacks to its own inbox, and to another sandbox of this machine, need this authority.
        #[cfg(feature = "tls")]
        let options = match &secure.authority_pem {
            Some(pem) => self.callback_ca(pem).map_err(StartError::Tls)?.options,
            None => self.options,
        };
        #[cfg(not(feature = "tls"))]
        let options = self.options;
        let serving = Arc::new(assemble(options, loaded, place.address, true));
        let engine = &serving.control.engine;
        engine.wake_known_worlds();
        let watcher = FolderWatcher::start(&engine.scenarios, before);
        let server = tokio::spawn(server::serve(ports, serving.clone()));
        tokio::spawn(control::schedule_after_reloads(serving.control.clone()));
        let state =
            (serving.state.clone()).map(|state| tokio::spawn(state.keep(serving.stopping())));
        Ok(Sandbox {
            serving,
            state,
            place,
            secure,
            server: Some(server),
            runtime: tokio::runtime::Handle::current(),
            _watcher: watcher,
        })
    }
}

impl Builder {
    /// Sets the commands of the binary, which its own documents list.
    #[cfg(feature = "cli")]
    pub(crate) fn commands(mut self, commands: Commands) -> Self {
        self.options.commands = Some(commands);
        self
    }

    /// Makes requests panic that ask for it, for tests of what a panic costs.
    #[cfg(feature = "cli")]
    pub(crate) fn test_panics(mut self) -> Self {
        self.options.test_panics = Panics::by_request();
        self
    }

    /// Why an entry of the host map, or an allowed host, has no effect. `start` reports this.
    #[cfg(feature = "cli")]
    pub(crate) fn wrong_host(&self) -> Option<&str> {
        self.options.callbacks.wrong_host.as_deref()
    }

    /// Loads the scenarios without listening, for code that needs the parts of a sandbox but no server.
    pub(crate) fn unserved(self) -> Result<Arc<Serving>, LoadErrors> {
        let loaded = Loaded::without_state(&self.options, self.options.load()?);
        Ok(Arc::new(assemble(
            self.options,
            loaded,
            self.address,
            false,
        )))
    }
}
