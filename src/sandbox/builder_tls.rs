//! The settings for TLS.

use std::path::PathBuf;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::builder::Builder;

impl Builder {
    /// Speaks HTTPS only. A new certificate authority signs its certificate and is kept only in memory: see
    /// [`Sandbox::ca_pem`](crate::Sandbox::ca_pem).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().tls(true).start().await.unwrap();
    /// assert!(sandbox.url().starts_with("https://127.0.0.1:"));
    /// assert!(sandbox.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    /// # });
    /// ```
    #[must_use]
    pub fn tls(mut self, on: bool) -> Self {
        self.options.tls.on = on;
        self
    }

    /// Speaks HTTPS at a separate port, besides plain HTTP; 0 takes any free one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().tls_port(0).start().await.unwrap();
    /// assert!(sandbox.url().starts_with("http://"));
    /// assert!(sandbox.tls_url().unwrap().starts_with("https://"));
    /// # });
    /// ```
    #[must_use]
    pub fn tls_port(mut self, port: u16) -> Self {
        self.options.tls.port = Some(port);
        self
    }

    /// Refuses requests over plain HTTP, as the real service does.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let sandbox = Sandbox::builder().tls_port(0).https_only(true).start().await.unwrap();
    /// let plain = reqwest::get(format!("http://{}/v1/callback/urls", sandbox.address())).await.unwrap();
    /// assert_eq!(plain.status(), 403);
    /// # });
    /// ```
    #[must_use]
    pub fn https_only(mut self, only: bool) -> Self {
        self.options.tls.only = only;
        self
    }

    /// Adds a name or an address to the certificate, besides those of this machine.
    ///
    /// # Errors
    /// If it is neither. The error is a sentence.
    ///
    /// ```
    /// use iluma_sandbox::Sandbox;
    ///
    /// assert!(Sandbox::builder().tls_host("kyc.test").is_ok());
    /// assert!(Sandbox::builder().tls_host("https://kyc.test").is_err());
    /// ```
    pub fn tls_host(mut self, host: &str) -> Result<Self, String> {
        self.options.tls.hosts.push(host.parse()?);
        Ok(self)
    }

    /// Keeps the certificate authority in this folder. The next sandbox uses the same one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let builder = Sandbox::builder().tls(true).ca_folder(folder.path());
    /// let (one, other) = (builder.clone().start().await.unwrap(), builder.start().await.unwrap());
    /// assert_eq!(one.ca_pem(), other.ca_pem());
    /// # });
    /// ```
    #[must_use]
    pub fn ca_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.tls.folder = Some(folder.into());
        self
    }

    /// Uses this certificate, with its chain, instead of one that the authority signs. Both files are PEM.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let error = Sandbox::builder().tls(true).tls_files("none.pem", "none.pem").start().await.unwrap_err();
    /// assert_eq!(error.to_string(), "cannot read none.pem: no such file or directory");
    /// # });
    /// ```
    #[must_use]
    pub fn tls_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.options.tls.files = Some((certificate.into(), key.into()));
        self
    }

    /// Trusts receivers of callbacks whose certificates these authorities have signed, or that have exactly one of
    /// these certificates, besides those that the authorities of the system have signed.
    ///
    /// # Errors
    /// If the text holds no certificate in PEM. The error is a sentence.
    ///
    /// ```
    /// use iluma_sandbox::Sandbox;
    ///
    /// let error = Sandbox::builder().callback_ca("no PEM").unwrap_err();
    /// assert_eq!(error, "there is no certificate in PEM (`-----BEGIN CERTIFICATE-----`)");
    /// ```
    pub fn callback_ca(self, pem: &str) -> Result<Self, String> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let authorities = read.map_err(|_| "the certificate is broken PEM".to_owned())?;
        if authorities.is_empty() {
            return Err(
                "there is no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned(),
            );
        }
        Ok(self.callback_authorities(authorities))
    }

    /// Trusts receivers whose certificates these authorities have signed.
    pub(crate) fn callback_authorities(
        mut self,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Self {
        self.options.callbacks.egress.trust.add(authorities);
        self
    }
}
