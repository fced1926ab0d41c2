//! Clients for TLS and HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::raw::basic;

/// The versions and protocols that a client offers.
pub(crate) struct Offer<'a> {
    pub(crate) trusts: &'a str,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) alpn: &'a [&'a str],
}

impl<'a> Offer<'a> {
    pub(crate) fn trusting(pem: &'a str) -> Self {
        Self {
            trusts: pem,
            versions: vec![&TLS13, &TLS12],
            alpn: &["h2", "http/1.1"],
        }
    }

    /// Makes a handshake for this name. An error is that of rustls.
    pub(crate) async fn to(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::pem_slice_iter(self.trusts.as_bytes());
        roots.add_parsable_certificates(trusted.map(|one| one.expect("PEM")));
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&self.versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let socket = TcpStream::connect(address).await.expect("a connection");
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        let shaken = connector.connect(name, socket).await;
        shaken.map_err(|error| error.to_string())
    }
}

/// The address of a URL on this machine.
pub(crate) fn address(url: &str) -> SocketAddr {
    let authority = url.split("://").nth(1).expect("a URL");
    authority.parse().expect("an address")
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Read {
    pub(crate) async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }
}

/// A GET over HTTP/1.1.
pub(crate) async fn get_http1<S>(io: S, host: &str, path: &str) -> Read
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io))
        .await
        .expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, host)
        .header(AUTHORIZATION, basic(PUBLIC_KEY))
        .body(Full::<Bytes>::default())
        .expect("a request");
    Read::of(sender.send_request(request).await.expect("an answer")).await
}

/// An HTTP/2 client for concurrent requests.
#[derive(Clone)]
pub(crate) struct Http2 {
    sender: hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    base: String,
}

impl Http2 {
    pub(crate) async fn over<S>(io: S, base: &str) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io));
        let (sender, connection) = handshake.await.expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            sender,
            base: base.to_owned(),
        }
    }

    /// By prior knowledge, without TLS.
    pub(crate) async fn plain(sandbox: &Sandbox) -> Self {
        let socket = TcpStream::connect(sandbox.address()).await;
        let base = format!("http://{}", sandbox.address());
        Self::over(socket.expect("a connection"), &base).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, basic(PUBLIC_KEY))
    }

    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.clone().send_request(request).await
    }

    /// Returns when the server has ended the connection.
    pub(crate) async fn closed(&self) {
        let mut sender = self.sender.clone();
        while sender.ready().await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Read {
        let request = self.request("GET", path).body(Full::default());
        let response = self.send(request.expect("a request")).await;
        Read::of(response.expect("an answer")).await
    }

    /// A POST without a body that selects an outcome.
    pub(crate) async fn magic(
        &self,
        path: &str,
        asked: &str,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let request = self.request("POST", path).header("x-magic-reply", asked);
        self.send(request.body(Full::default()).expect("a request"))
            .await
    }
}
