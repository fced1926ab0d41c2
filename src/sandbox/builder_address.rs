//! The settings for the address.

use std::net::SocketAddr;

use super::builder::Builder;

impl Builder {
    /// The address to listen on. The default is a free port of the loopback interface.
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

    /// Listens at 127.0.0.1 and at `::1`, instead of the IP address of [`Builder::address`]. Both have the same port.
    /// For some clients, `localhost` is `::1`. If the port cannot be opened at `::1`, the log says so.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().both_loopbacks(true).start().await.unwrap();
    /// let port = sandbox.address().port();
    /// assert_eq!(sandbox.url(), format!("http://127.0.0.1:{port}"));
    /// # if std::net::TcpListener::bind("[::1]:0").is_err() { return }
    /// assert_eq!(sandbox.urls()[1], format!("http://[::1]:{port}"));
    /// # });
    /// ```
    #[must_use]
    pub fn both_loopbacks(mut self, both: bool) -> Self {
        self.both_loopbacks = both;
        self
    }

    /// The port to listen on; 0 takes any free one.
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
}
