//! The server at the other end of a pipe in memory: the code of a connection over HTTP/1.1, without a port.

use std::error::Error;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::watch;

use super::gone::Gone;
use super::pace::Pace;
use super::respond::{Admitted, respond};
use super::sabotage::Written;
use super::serving::Serving;
use super::socket::PacedIo;

/// One connection. No limit of time ends it.
pub(crate) struct InMemory {
    serving: Arc<Serving>,
    pace: Arc<Pace>,
    /// Without it, delays and hanging replies would end at once.
    _stop: watch::Sender<bool>,
}

impl InMemory {
    pub(crate) fn new(serving: &Arc<Serving>) -> Self {
        let (sender, stop) = watch::channel(false);
        Self {
            serving: serving.clone(),
            pace: Arc::new(Pace::new(stop)),
            _stop: sender,
        }
    }

    /// Serves the client at the other end of the pipe, until it or a fault ends the connection. `answer` calls
    /// [`Self::respond`] and returns the reply as it is to be written. None ends the connection.
    pub(crate) async fn serve<B>(
        &self,
        pipe: DuplexStream,
        http: &http1::Builder,
        answer: impl AsyncFn(Request<Incoming>) -> Option<Response<B>>,
    ) where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    {
        let service =
            service_fn(|request| async { answer(request).await.ok_or_else(Gone::client) });
        let io = PacedIo {
            io: TokioIo::new(pipe),
            pace: self.pace.clone(),
        };
        http.serve_connection(io, service).await.ok(); // a fault ends it by an error
    }

    /// Answers one request. None where it gets no reply.
    pub(crate) async fn respond(&self, request: Request<Incoming>) -> Option<Response<Written>> {
        let admitted = Admitted::request(&self.serving, request);
        respond(&self.serving, admitted, &self.pace).await
    }

    /// Whether a fault ends the connection.
    pub(crate) fn is_ended_by_fault(&self) -> bool {
        self.pace.is_to_end()
    }
}
