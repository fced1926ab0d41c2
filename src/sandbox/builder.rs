//! How a sandbox is set up and started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::assembly::assemble;
use super::options::{Options, StartError};
use super::sandbox::Sandbox;
use crate::base::{ApiKey, Clock, Panics};
use crate::catalogue::Watcher;
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
    pub(crate) options: Options,
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
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            options: Options::default(),
        }
    }
}

impl Builder {
    /// What ids and invented data are derived from. 0 unless said otherwise.
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

    /// What `created` shows. Stands still at 2026-01-01 unless said otherwise.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::{Clock, Sandbox};
    ///
    /// let clock: Clock = "2026-03-01T00:00:00Z".parse().unwrap();
    /// let sandbox = Sandbox::builder().clock(clock).start().await.unwrap();
    /// let (world, receiver) = (sandbox.world(), sandbox.receiver());
    /// world.call_back("NAME_VALIDATOR_REQUEST", &receiver.url());
    /// let callback = world.trigger(serde_json::json!({"type": "NAME_VALIDATOR_REQUEST"}));
    /// assert_eq!(callback.json()["created"], "2026-03-01T00:00:00.000Z");
    /// # });
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = clock;
        self
    }

    /// Lays a folder of scenario files over the shipped ones; several lie over each other in order.
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

    /// Lets only the keys in that are named this way.
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

    /// Where to listen. A free port of the loopback interface unless said otherwise.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let any = "[::1]:0".parse().unwrap();
    /// # let any = if std::net::TcpListener::bind(any).is_ok() { any } else { "127.0.0.1:0".parse().unwrap() };
    /// let sandbox = Sandbox::builder().address(any).start().await.unwrap();
    /// assert_eq!(sandbox.address().ip(), any.ip());
    /// assert_ne!(sandbox.address().port(), 0);
    /// # });
    /// ```
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Which port to listen on; 0 takes any free one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().port(0).start().await.unwrap();
    /// let taken = sandbox.address().port();
    /// let error = Sandbox::builder().port(taken).start().await.unwrap_err();
    /// assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"));
    /// # });
    /// ```
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// How the watchlist's dates are written, whatever a `sandbox.toml` says.
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

    /// Calls the sandbox unready, by 503, while a reload is broken.
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

    /// Hides personal fields in what the control API, the inspector and [`World::explain`](crate::World::explain)
    /// show of requests and callbacks, and refuses snapshots. Answers and callbacks are whole, and so is what
    /// [`World::requests`](crate::World::requests) gives to the test itself.
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

    /// Refuses endpoints and outcomes that are merely decided or inferred, by 501: a green test then
    /// proves only what is documented or observed.
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

    /// Whether uploads are drawn small for those who have the inspector open, which is so unless it is turned off. Where
    /// nobody looks on, none is made; the bytes of an upload are not kept in either case.
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
    pub fn thumbnails(mut self, drawn: bool) -> Self {
        self.options.no_thumbnails = !drawn;
        self
    }

    /// What the control API asks for in `x-sandbox-control-token`. On a loopback address nothing unless said
    /// otherwise; on any other one is made up.
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

    /// Listens, loads the scenarios, serves on the caller's runtime.
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
        let address = self.address;
        let bind = |error| StartError::Bind { address, error };
        #[cfg(feature = "tls")]
        Ports::check(address, &self.options.tls)?;
        let listener = server::listen(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        #[cfg(feature = "tls")]
        let (ports, secure) = Ports::open(listener, address, &self.options.tls)?;
        #[cfg(not(feature = "tls"))]
        let (ports, secure) = (Ports::plain(listener), crate::server::Secured::default());
        // Its own inbox, and another sandbox of this machine, speak by it.
        #[cfg(feature = "tls")]
        let options = match &secure.authority_pem {
            Some(pem) => self.callback_ca(pem).map_err(StartError::Tls)?.options,
            None => self.options,
        };
        #[cfg(not(feature = "tls"))]
        let options = self.options;
        let before = fingerprint(&options.scenarios);
        let scenarios = options.load()?;
        let serving = Arc::new(assemble(options, scenarios, address, true));
        let engine = &serving.control.engine;
        engine.urls.check(&engine.catalogue())?;
        let watcher = Watcher::start(&engine.scenarios, before);
        let server = tokio::spawn(server::serve(ports, serving.clone()));
        Ok(Sandbox {
            serving,
            address,
            secure,
            server: Some(server),
            runtime: tokio::runtime::Handle::current(),
            _watcher: watcher,
        })
    }
}

impl Builder {
    /// Names the commands of the binary in its own documents.
    #[cfg(feature = "cli")]
    pub(crate) fn commands(mut self, commands: fn() -> Vec<(String, String)>) -> Self {
        self.options.commands = commands;
        self
    }

    /// Panics where requests say so: for the tests of what a panic costs.
    #[cfg(feature = "cli")]
    pub(crate) fn test_panics(mut self) -> Self {
        self.options.test_panics = Panics::by_request();
        self
    }

    /// Loads the scenarios without listening: for what needs a sandbox's parts and no server.
    pub(crate) fn unserved(self) -> Result<Arc<Serving>, LoadErrors> {
        let scenarios = self.options.load()?;
        Ok(Arc::new(assemble(
            self.options,
            scenarios,
            self.address,
            false,
        )))
    }
}
