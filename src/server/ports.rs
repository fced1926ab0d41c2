//! The ports of the sandbox: which protocol is spoken there, and whether requests are answered.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::task::Poll;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "tls")]
use super::listeners::listen;
use super::listeners::{Listeners, Place, Unopened};
use super::log::log_refusing_port;
#[cfg(feature = "tls")]
use super::tls::TlsOptions;
use crate::http::ReplyBody;
use crate::http::Secure;

/// The protocol of a port.
#[derive(Clone, Debug)]
pub(crate) enum Port {
    Plain,
    /// Plain HTTP where every request is refused. The number is the port that speaks HTTPS.
    Refusing(u16),
    #[cfg(feature = "tls")]
    Tls(Arc<super::tls::Acceptor>),
}

/// The listening sockets.
#[derive(Default)]
pub(crate) struct Ports {
    sockets: Vec<(TcpListener, Port)>,
    unopened: Vec<Unopened>,
}

impl Port {
    /// Notes whether the request came by TLS. Returns the refusal where the port refuses every request.
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
    /// Writes to the log which ports are not open at `::1`.
    pub(crate) fn log_unopened(&self) {
        for unopened in &self.unopened {
            unopened.log();
        }
    }

    /// Accepts the next connection of any socket.
    pub(crate) async fn accept(&mut self) -> io::Result<(TcpStream, Port)> {
        self.sockets.rotate_left(1); // a busy socket must not keep the others waiting
        poll_fn(|context| {
            for (listener, port) in &self.sockets {
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    return Poll::Ready(accepted.map(|(socket, _)| (socket, port.clone())));
                }
            }
            Poll::Pending
        })
        .await
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
    /// Where TLS is spoken.
    pub place: Option<Place>,
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

    /// Decides what is spoken at the port of `listeners`. Opens a second port where `--tls-port` names one.
    #[cfg(feature = "tls")]
    pub(crate) fn open(
        listeners: Listeners,
        both_loopbacks: bool,
        tls: &TlsOptions,
    ) -> Result<(Self, Secured), OpenError> {
        if !tls.is_wanted() {
            return Ok((Self::plain(listeners), Secured::default()));
        }
        let place = listeners.place;
        let ip = place.address.ip();
        let acceptor = super::tls::Acceptor::new(tls, ip).map_err(OpenError::Tls)?;
        let authority_pem = acceptor.authority_pem.clone();
        let secured = Port::Tls(Arc::new(acceptor));
        let Some(port) = tls.port else {
            let ports = Self::default().with(listeners, &secured);
            let secured = Secured {
                place: Some(place),
                alone: true,
                authority_pem,
            };
            return Ok((ports, secured));
        };
        let address = SocketAddr::new(ip, port);
        let second = listen(address, both_loopbacks);
        let second = second.map_err(|error| OpenError::Bind { address, error })?;
        let place = second.place;
        let plain = if tls.only {
            Port::Refusing(place.address.port())
        } else {
            Port::Plain
        };
        let ports = Self::default().with(listeners, &plain);
        let secured_place = Secured {
            place: Some(place),
            alone: tls.only,
            authority_pem,
        };
        Ok((ports.with(second, &secured), secured_place))
    }

    /// Plain HTTP at one port.
    pub(crate) fn plain(listeners: Listeners) -> Self {
        Self::default().with(listeners, &Port::Plain)
    }

    fn with(mut self, listeners: Listeners, port: &Port) -> Self {
        let sockets = listeners.sockets.into_iter();
        self.sockets
            .extend(sockets.map(|socket| (socket, port.clone())));
        self.unopened.extend(listeners.unopened);
        self
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
