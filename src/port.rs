//! One of the sandbox's ports: what is spoken there, and whether anything is answered.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};

use crate::effect::ReplyBody;

/// What is spoken at a port.
#[derive(Clone, Debug)]
pub(crate) enum Port {
    Plain,
    /// Plain HTTP, all of which is refused.
    Refusing,
    #[cfg(feature = "tls")]
    Tls(std::sync::Arc<crate::tls::Acceptor>),
}

/// Says of a request that it came by TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure;

/// One or two sockets that are listened on.
pub(crate) struct Ports {
    pub first: (TcpListener, Port),
    pub second: Option<(TcpListener, Port)>,
}

impl Port {
    /// Notes how the request came. Some where that is all there is to it.
    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "it came by no other way")
    )]
    pub(crate) fn take(&self, request: &mut Request<Incoming>) -> Option<Response<ReplyBody>> {
        match self {
            Self::Plain => None,
            Self::Refusing => Some(refusal()),
            #[cfg(feature = "tls")]
            Self::Tls(_) => {
                request.extensions_mut().insert(Secure);
                None
            }
        }
    }
}

impl Ports {
    /// The next connection, of whichever port.
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

/// That calls over plain HTTP fail is documented; how they do is not, so that it is decided here.
fn refusal() -> Response<ReplyBody> {
    const BODY: &[u8] = br#"{"error_code":"HTTPS_REQUIRED","message":"Calls over plain HTTP fail: use https, and the port that --tls-port names."}"#;
    let mut response = Response::new(ReplyBody::new(Bytes::from_static(BODY), None));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
