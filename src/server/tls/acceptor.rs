//! TLS at a port of the sandbox: its options, its certificate, and the handshake.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::authority::{Authority, HostName};
use super::authority_folder::AUTHORITY_FILE;
use super::handshake::{Presented, log_failed, log_other_name};
use super::{identity, plain};
use crate::callbacks::provider;
use crate::server::protocol::Protocol;

/// How TLS is set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// TLS at the main port, unless `port` names another.
    pub on: bool,
    pub port: Option<u16>,
    /// Plain HTTP is refused.
    pub only: bool,
    /// More names and addresses for the certificate, besides those of this machine.
    pub hosts: Vec<HostName>,
    /// The folder of the authority. Without one, the authority is in memory only.
    pub folder: Option<PathBuf>,
    /// The operator's own certificate and its key, instead of a certificate by the authority.
    pub files: Option<(PathBuf, PathBuf)>,
}

impl TlsOptions {
    /// The file with the certificate that clients have to trust. None where the certificate is the operator's
    /// own, or the authority is in memory only.
    pub(crate) fn authority_file(&self) -> Option<PathBuf> {
        let folder = self.folder.as_ref().filter(|_| self.files.is_none())?;
        let path = folder.join(AUTHORITY_FILE);
        Some(std::path::absolute(&path).unwrap_or(path))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.on || self.only || self.port.is_some()
    }
}

/// Accepts TLS connections.
pub(crate) struct Acceptor {
    tls: Arc<ServerConfig>,
    presented: Presented,
    /// The certificate that clients have to trust. None where the certificate is the operator's own.
    pub authority_pem: Option<String>,
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor(…)") // it holds a key
    }
}

impl Acceptor {
    /// An error is a sentence.
    pub(crate) fn new(options: &TlsOptions, address: std::net::IpAddr) -> Result<Self, String> {
        let (identity, authority_pem) = if let Some((certificate, key)) = &options.files {
            (identity::read(certificate, key)?, None)
        } else {
            let authority = match &options.folder {
                Some(folder) => Authority::kept_in(folder)?,
                None => Authority::new()?,
            };
            let identity = authority.identity(&options.hosts, address)?;
            (identity, Some(authority.pem().to_owned()))
        };
        let certificate = identity
            .end_entity_cert()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            presented: Presented {
                certificate: certificate.clone().into_owned(),
                is_own_authority: authority_pem.is_some(),
            },
            tls: config(identity)?,
            authority_pem,
        })
    }

    /// Makes the handshake. The result holds the protocol that was agreed on, if the client asked for one.
    /// None if the client speaks no TLS.
    pub(crate) async fn accept(
        self: Arc<Self>,
        mut socket: TcpStream,
    ) -> Option<(TlsStream<TcpStream>, Option<Protocol>)> {
        let mut first = [0; plain::FIRST_BYTES];
        let came = socket.peek(&mut first).await.ok()?;
        let first = &first[..came];
        if first.first()?.is_ascii_alphabetic() {
            plain::answer(&mut socket, first).await;
            return None;
        }
        let beginning = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await;
        let hello = beginning
            .inspect_err(|error| log_failed(error, None))
            .ok()?;
        let lacks_name = self.presented.lacks_name_of(&hello.client_hello());
        let accepted = hello.into_stream(self.tls.clone()).await;
        let stream = accepted
            .inspect_err(|error| log_failed(error, lacks_name.as_deref()))
            .ok()?;
        if let Some(lacks_name) = lacks_name {
            log_other_name(&lacks_name);
        }
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Some(Protocol::Http2),
            Some(_) => Some(Protocol::Http1),
            None => None,
        };
        Some((stream, protocol))
    }
}

fn config(identity: CertifiedKey) -> Result<Arc<ServerConfig>, String> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up TLS: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
