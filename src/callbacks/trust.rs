//! What a server must prove before anything is sent to it.

use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use super::verifier::{Accepted, Verifier};
use crate::base::Host;

/// The system's certificate authorities and the given ones. They are read when they are first needed, because
/// that takes time and memory.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// The flag that adds authorities. Error messages name it.
    flag: &'static str,
    /// True when any certificate is accepted.
    anybody: bool,
    given: Vec<CertificateDer<'static>>,
    loaded: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            flag: "--callback-ca",
            anybody: false,
            given: Vec::new(),
            loaded: Arc::default(),
        }
    }
}

impl Trust {
    /// The trust of the sandbox's own commands.
    #[cfg(feature = "cli")]
    pub(crate) fn of_commands(given: Vec<CertificateDer<'static>>) -> Self {
        Self {
            flag: "--ca-file",
            given,
            ..Self::default()
        }
    }

    /// Accepts any certificate. Only for the question whether a sandbox is ready: it holds no secret, and
    /// nothing relies on the answer. The certificate may be for another name than that of this machine.
    #[cfg(feature = "cli")]
    pub(crate) fn anybody() -> Self {
        Self {
            anybody: true,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, given: impl IntoIterator<Item = CertificateDer<'static>>) {
        self.given.extend(given);
        self.loaded = Arc::default();
    }

    async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.loaded.get() {
            return Ok(config.clone());
        }
        let trust = self.clone();
        let loading =
            tokio::task::spawn_blocking(move || trust.loaded.get_or_init(|| trust.load()).clone());
        loading
            .await
            .map_err(|_| "the system's certificate authorities cannot be read".to_owned())
    }

    fn load(&self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3");
        let verifier = Verifier {
            accepted: self.accepted(),
            provider: provider(),
        };
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn accepted(&self) -> Accepted {
        if self.anybody {
            return Accepted::Any;
        }
        let mut authorities = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!("an authority of the system cannot be read: {error}");
        }
        authorities.add_parsable_certificates(system.certs);
        authorities.add_parsable_certificates(self.given.iter().cloned());
        Accepted::Trusted {
            authorities,
            given: self.given.clone(),
        }
    }
}

/// Starts TLS with the server that the URL names, whatever address it is reached by. An error is a sentence.
pub(crate) async fn connect_tls(
    trust: &Trust,
    host: &Host,
    socket: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.certificate_name())
        .map_err(|_| format!("`{host}` is no name that a certificate can be for"))?;
    let connector = TlsConnector::from(trust.config().await?);
    let connected = connector.connect(name, socket).await;
    connected.map_err(|error| plain_reason(host, trust.flag, &error))
}

fn plain_reason(host: &Host, flag: &str, error: &std::io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    let why = match tls {
        Some(Error::InvalidCertificate(wrong)) => why_not_trusted(host, flag, wrong),
        Some(Error::InvalidMessage(_)) => {
            "what it says is no TLS: is it an http receiver?".to_owned()
        }
        Some(Error::AlertReceived(alert)) => format!("it refused the handshake ({alert:?})"),
        Some(Error::PeerIncompatible(_)) => "it speaks neither TLS 1.2 nor 1.3".to_owned(),
        Some(other) => other.to_string(),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it closed the connection in the handshake".to_owned()
        }
        None => crate::base::reason(error),
    };
    format!("TLS with {host} failed: {why}")
}

fn why_not_trusted(host: &Host, flag: &str, wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::UnknownIssuer => {
            format!(
                "its certificate is signed by nobody that is trusted: give its authority with {flag}"
            )
        }
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            format!(
                "its certificate is that of an authority and no server's: make one with basicConstraints=CA:FALSE, \
                 or give this certificate itself with {flag}"
            )
        }
        CertificateError::BadSignature => {
            "its certificate names an authority that is trusted and is not signed by it".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName => format!("its certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented
                .iter()
                .take(5)
                .map(|name| plain_name(name))
                .collect();
            format!(
                "its certificate is for {}, not for {host}",
                names.join(", ")
            )
        }
        other => format!("its certificate is refused: {other}"),
    }
}

/// Takes `kyc.test` out of `DnsName("kyc.test")`.
fn plain_name(presented: &str) -> String {
    let inner = presented
        .split_once('(')
        .and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"').to_owned()
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(crypto::ring::default_provider())
}
