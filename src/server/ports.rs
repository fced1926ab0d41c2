//! The ports of the sandbox: which protocol is spoken there, and whether requests are answered.

use std::io;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::log::log_refusing_port;
#[cfg(feature = "tls")]
use super::tls::TlsOptions;
use crate::http::ReplyBody;
use crate::http::Secure;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// The protocol of a port.
#[derive(Clone, Debug)]
pub(crate) enum Port {
    Plain,
    /// Plain HTTP where every request is refused. The number is the port that speaks HTTPS.
    Refusing(u16),
    #[cfg(feature = "tls")]
    Tls(Arc<super::tls::Acceptor>),
}

/// One or two listening sockets.
pub(crate) struct Ports {
    pub first: (TcpListener, Port),
    pub second: Option<(TcpListener, Port)>,
}

impl Port {
    /// Notes whether the request came by TLS. Returns the refusal where the port refuses every request.
    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "only a request by TLS is marked")
    )]
    pub(crate) fn take(&self, request: &mut Request<Incoming>) -> Option<Response<ReplyBody>> {
        match self {
            Self::Plain => None,
            Self::Refusing(secured) => {
                let refusal = refusal(*secured);
                log_refusing_port(request.method(), request.uri(), refusal.status());
                Some(refusal)
            }
            #[cfg(feature = "tls")]
            Self::Tls(_) => {
                request.extensions_mut().insert(Secure);
                None
            }
        }
    }
}

impl Ports {
    /// Accepts the next connection of either port.
    pub(crate) async fn accept(&self) -> std::io::Result<(TcpStream, Port)> {
        let ((socket, _), port) = match &self.second {
            None => (self.first.0.accept().await?, &self.first.1),
            Some(second) => tokio::select! {
                accepted = self.first.0.accept() => (accepted?, &self.first.1),
                accepted = second.0.accept() => (accepted?, &second.1),
            },
        };
        Ok((socket, port.clone()))
    }
}

/// Why a port cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The address cannot be listened on.
    Bind {
        address: SocketAddr,
        error: io::Error,
    },
    /// TLS cannot be set up.
    #[cfg(feature = "tls")]
    Tls(String),
}

/// How the sandbox is reached with TLS.
#[derive(Debug, Default)]
pub(crate) struct Secured {
    /// The address that speaks TLS.
    pub address: Option<SocketAddr>,
    /// No other address answers.
    pub alone: bool,
    pub authority_pem: Option<String>,
}

impl Ports {
    /// Refuses one port for both plain HTTP and HTTPS, before anything is opened or made.
    #[cfg(feature = "tls")]
    pub(crate) fn check(address: SocketAddr, tls: &TlsOptions) -> Result<(), OpenError> {
        let port = tls
            .port
            .filter(|port| *port != 0 && *port == address.port());
        port.map_or(Ok(()), |port| {
            Err(OpenError::Tls(format!(
                "plain HTTP and HTTPS cannot use the same port, {port}: choose another with --tls-port, or serve \
                 HTTPS alone with --tls"
            )))
        })
    }

    /// Decides what is spoken at the port of `listener`. Opens a second port where `--tls-port` names one.
    #[cfg(feature = "tls")]
    pub(crate) fn open(
        listener: TcpListener,
        address: SocketAddr,
        tls: &TlsOptions,
    ) -> Result<(Self, Secured), OpenError> {
        if !tls.is_wanted() {
            return Ok((Self::plain(listener), Secured::default()));
        }
        let acceptor = super::tls::Acceptor::new(tls, address.ip()).map_err(OpenError::Tls)?;
        let authority_pem = acceptor.authority_pem.clone();
        let secured = Port::Tls(Arc::new(acceptor));
        let Some(port) = tls.port else {
            let ports = Self {
                first: (listener, secured),
                second: None,
            };
            let secured = Secured {
                address: Some(address),
                alone: true,
                authority_pem,
            };
            return Ok((ports, secured));
        };
        let address = SocketAddr::new(address.ip(), port);
        let bind = |error| OpenError::Bind { address, error };
        let second = listen(address).map_err(bind)?;
        let address = second.local_addr().map_err(bind)?;
        let plain = if tls.only {
            Port::Refusing(address.port())
        } else {
            Port::Plain
        };
        let ports = Self {
            first: (listener, plain),
            second: Some((second, secured)),
        };
        let secured = Secured {
            address: Some(address),
            alone: tls.only,
            authority_pem,
        };
        Ok((ports, secured))
    }

    /// Plain HTTP at one port.
    pub(crate) fn plain(listener: TcpListener) -> Self {
        Self {
            first: (listener, Port::Plain),
            second: None,
        }
    }
}

/// The answer to calls over plain HTTP. Iluma documents that they fail but not how, so the form is decided here.
fn refusal(secured: u16) -> Response<ReplyBody> {
    let body = format!(
        r#"{{"error_code":"HTTPS_REQUIRED","message":"Calls over plain HTTP fail: use https and the port {secured}."}}"#
    );
    let mut response = Response::new(ReplyBody::new(body));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Listens, with room for many clients that connect at once. With the 128 places of the system, a client
/// without a place would try again only after a second.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)] // elsewhere it would let two processes listen at one port
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
