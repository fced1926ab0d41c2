//! One connection: HTTP/1.1 or HTTP/2, with a time limit for every step of the client.

use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Interval, MissedTickBehavior};

use super::begun::Begun;
use super::head::HEAD_BYTES_MAX;
use super::unreadable::{self, is_tls_handshake};
use crate::server::gone::Gone;
use crate::server::pace::{ANNOUNCED_IDLE_TIME, Pace, PaceVerdict, Phase, TICK};
use crate::server::ports::Port;
use crate::server::protocol::Protocol;
use crate::server::respond::{Admitted, respond};
use crate::server::sabotage::{self, Written};
use crate::server::serving::Serving;
use crate::server::socket::{PacedIo, Socket};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// How many ticks a client may take to read the end of a stream when the sandbox stops.
const STREAM_TICKS_MAX: u32 = 1;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

impl Socket for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

#[cfg(feature = "tls")]
impl Socket for tokio_rustls::server::TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What serves a connection and watches it: its port, its pace, its ticks.
pub(super) struct Watched {
    pub(super) port: Port,
    pub(super) serving: Arc<Serving>,
    pub(super) pace: Arc<Pace>,
    pub(super) ticks: Interval,
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    socket: TcpStream,
    port: Port,
    serving: Arc<Serving>,
    stop: watch::Receiver<bool>,
) {
    socket.set_nodelay(true).ok();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_mut, reason = "only a handshake needs it")
    )]
    let mut watched = Watched {
        pace: Arc::new(Pace::new(stop)),
        port,
        serving,
        ticks,
    };
    #[cfg(feature = "tls")]
    if let Port::Tls(tls) = &watched.port {
        let handshake = Box::pin(tls.clone().accept(socket));
        match watched.in_time(handshake).await {
            Some(Some((stream, protocol))) => {
                watched.pace.enter(Phase::Head);
                Box::pin(watched.serve_as(stream, protocol)).await;
            }
            Some(None) => {}
            None if watched.pace.is_stopping() => {}
            None => unreadable::log_late_handshake(),
        }
        return;
    }
    watched.serve_as(socket, None).await;
}

impl Watched {
    /// Speaks the protocol that TLS agreed on. Without one, the first bytes of the client decide.
    async fn serve_as<S: Socket>(mut self, io: S, agreed: Option<Protocol>) {
        let begun = match agreed {
            Some(protocol) => Some((Begun::just(io), protocol)),
            None => self.in_time(Begun::of(io)).await.and_then(Result::ok),
        };
        match begun {
            Some((io, Protocol::Http1)) => self.http1(io).await,
            Some((io, Protocol::Http2)) => Box::pin(self.http2(io)).await,
            None => {}
        }
    }

    /// Awaits what comes before the first request. It gets no more time than a head. None where it takes
    /// longer, or the sandbox stops.
    async fn in_time<T>(&mut self, beginning: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(beginning);
        let mut stopped = pin!(self.pace.stopped());
        loop {
            tokio::select! {
                biased;
                begun = &mut beginning => return Some(begun),
                () = &mut stopped => return None,
                _ = self.ticks.tick() => if matches!(self.pace.tick(), PaceVerdict::TooSlow) {
                    return None;
                }
            }
        }
    }

    async fn http1<S: Socket>(self, io: Begun<S>) {
        let Self {
            port,
            serving,
            pace,
            mut ticks,
        } = self;
        let (serving, pace) = (&serving, &pace);
        let service = service_fn(|mut request: Request<Incoming>| {
            let came_with_another = pace.is_idle();
            pace.enter(Phase::Body);
            let refusal = port.take(&mut request);
            let keeps_alive = keeps_alive(&request);
            let admitted = Admitted::request(serving, request);
            async move {
                if came_with_another {
                    yield_now().await; // a pipeline is one client: after each request the others get a turn
                }
                let response = match refusal {
                    None => respond(serving, admitted, pace).await,
                    Some(refusal) => Some(refusal.map(|body| Written::new(body, pace))),
                };
                pace.answered();
                let mut response = response.ok_or_else(Gone::client)?;
                announce_future(&mut response, keeps_alive, pace);
                Ok::<_, Gone>(response)
            }
        });
        let is_tls_handshake = is_tls_handshake(io.first_bytes());
        let io = PacedIo {
            io: TokioIo::new(io),
            pace: pace.clone(),
        };
        let mut connection = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(io, service);
        let mut stopped = pin!(pace.stopped());
        let mut stopping = false;
        let mut stream_ticks = 0;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        unreadable::log_http1(&error, is_tls_handshake);
                    }
                    break;
                }
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                _ = ticks.tick() => match pace.tick() {
                    // Its client does not read the end of a stream.
                    _ if stream_ticks > STREAM_TICKS_MAX => return,
                    PaceVerdict::Fine if stopping && pace.is_streaming() => stream_ticks += 1,
                    PaceVerdict::Fine => {}
                    PaceVerdict::Idle => Pin::new(&mut connection).graceful_shutdown(),
                    PaceVerdict::TooSlow => {
                        if pace.is_in_head() {
                            unreadable::log_late_head();
                        }
                        return;
                    }
                },
            }
        }
        if let Some(ending) = pace.ending() {
            let io = connection.into_parts().io.io.into_inner();
            Box::pin(sabotage::end(io.into_inner(), ending, pace)).await;
        }
    }
}

/// Tells the client whether the connection stays open after this reply, and for how long.
fn announce_future(response: &mut Response<Written>, keeps_alive: bool, pace: &Arc<Pace>) {
    if pace.closes_after_reply() {
        response.headers_mut().insert(CONNECTION, CLOSE);
        response.body_mut().close_after(pace);
    } else if keeps_alive && !pace.is_stopping() {
        let headers = response.headers_mut();
        headers.insert(KEEP_ALIVE, ANNOUNCED_IDLE_TIME);
    }
}

/// Whether the client keeps its connection after this request.
fn keeps_alive(request: &Request<Incoming>) -> bool {
    let connection = request.headers().get_all(CONNECTION).iter();
    let closes = connection
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("close"))
        });
    request.version() == Version::HTTP_11 && !closes
}
