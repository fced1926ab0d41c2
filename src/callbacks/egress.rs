//! The one way out: every ping, callback, retry and redelivery leaves through [`Egress::send`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, LOCATION, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{HeaderMap, Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::connect::connect;
use super::reach::{Reach, judge};
use super::resolver::Resolver;
use super::written::{WatchedBody, WatchedIo, watched};
use crate::base::Commit;
use crate::base::{Host, HttpUrl, ReceiverUrl, Stamp, plain_line};
use crate::world::{Attempt, Contact};

/// A receiver cannot delay its callback by more than a day.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

const ANSWER_BYTES_MAX: usize = 64 << 10;

/// How much of an answer the delivery log keeps.
const ANSWER_KEPT_CHARS: usize = 1000;

/// The hosts that callbacks may go to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Egress {
    /// Public hosts that may be called.
    pub allowed: Vec<Host>,
    /// Hosts that are replaced by others, such as `localhost` by `host.docker.internal`.
    pub host_map: Vec<(Host, Host)>,
    pub resolver: Resolver,
    /// The trust that https receivers are verified with.
    #[cfg(feature = "tls")]
    pub trust: super::trust::Trust,
}

/// The result of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct AttemptResult {
    /// Whether a connection was made, whatever happened to it later.
    pub reached: bool,
    /// None when no answer came.
    pub status: Option<StatusCode>,
    /// The status line, the headers and the beginning of the body.
    pub answer: String,
    /// The error in plain words, such as `connection refused`. None when the receiver accepted it.
    pub error: Option<String>,
    /// The delay that the receiver's `retry-after` asks for, with a status that allows it.
    pub retry_after: Option<Duration>,
    pub took: Duration,
    /// How the receiver was reached, and the gist of its answer.
    pub contact: Contact,
}

impl Egress {
    /// POSTs a body and reads the answer, all within `limit`. `until_written` is dropped when the request is
    /// written, or when the attempt has failed.
    pub(crate) async fn send<T: Send + Unpin>(
        &self,
        url: &ReceiverUrl,
        headers: HeaderMap,
        body: Bytes,
        limit: Duration,
        until_written: T,
    ) -> AttemptResult {
        if cfg!(any(test, fuzzing)) {
            return AttemptResult::failed("connection refused".to_owned()); // a fuzzer would call any host it finds
        }
        let started = Instant::now();
        let url = &url.http;
        let (mut reached, mut contact) = (false, Contact::default());
        let exchange = async {
            let addresses = self.allowed_addresses(url, &mut contact).await?;
            let socket = connect(addresses, &mut contact.addresses).await?;
            reached = true;
            #[cfg(feature = "tls")]
            if url.is_https() {
                let stream = super::trust::connect_tls(&self.trust, url.host(), socket).await?;
                let (io, body) = watched(stream, body, until_written);
                return Self::exchange(io, url, headers, body).await;
            }
            let (io, body) = watched(socket, body, until_written);
            Self::exchange(io, url, headers, body).await
        };
        let mut sent = match tokio::time::timeout(limit, exchange).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => AttemptResult::failed(error),
            Err(_) => AttemptResult::failed(format!("timed out after {limit:?}")),
        };
        if !reached {
            let unanswered = contact
                .addresses
                .iter_mut()
                .filter(|one| one.error.is_none());
            unanswered.for_each(|one| one.error.clone_from(&sent.error));
        }
        sent.contact.host_map = contact.host_map;
        sent.contact.addresses = contact.addresses;
        sent.reached = reached;
        sent.took = started.elapsed();
        sent
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Send + Unpin, T: Send + Unpin>(
        io: WatchedIo<S, T>,
        url: &HttpUrl,
        mut headers: HeaderMap,
        body: WatchedBody,
    ) -> Result<AttemptResult, String> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .map_err(|error| plain_reason(&error))?;
        let host =
            HeaderValue::try_from(url.authority()).map_err(|_| "the host is no plain text")?;
        headers.insert(HOST, host);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("iluma-sandbox"));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url
            .target()
            .parse()
            .map_err(|_| "the path cannot be sent")?;
        *request.headers_mut() = headers;
        // The connection is driven together with the exchange, and dropped with it.
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| plain_reason(&error))?;
            let (head, mut body) = response.into_parts();
            let says_its_end = [CONTENT_LENGTH, TRANSFER_ENCODING];
            let ends_by_closing = !says_its_end
                .iter()
                .any(|name| head.headers.contains_key(name));
            let mut read = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let frame = match frame {
                    Err(error) if ends_by_closing && has_just_closed(&error) => break,
                    frame => frame.map_err(|error| plain_reason(&error))?,
                };
                if let Ok(data) = frame.into_data() {
                    read.extend_from_slice(&data[..data.len().min(ANSWER_BYTES_MAX - read.len())]);
                }
                if read.len() == ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok(AttemptResult::answered(&head, &read))
        };
        tokio::pin!(connection, answer);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            _ = &mut connection => answer.await,
        }
    }

    /// Resolves a name once and returns the addresses that may be called. The list is never empty, and no other
    /// address is connected to.
    async fn allowed_addresses(
        &self,
        url: &HttpUrl,
        contact: &mut Contact,
    ) -> Result<Vec<SocketAddr>, String> {
        let mapped = self
            .host_map
            .iter()
            .find(|(from, _)| from.is_same_as(url.host()));
        contact.host_map = mapped.map(|(from, to)| format!("{from}={to}").into());
        let host = mapped.map_or(url.host(), |(_, to)| to);
        let allowed_by_name = self.allowed.iter().any(|name| name.is_same_as(host));
        let mut refused = format!("the host `{host}` has no address");
        let mut allowed = Vec::new();
        for address in self.resolver.resolve(host).await? {
            match judge(address) {
                Reach::Never => refused = format!("{address} is an address that is never called"),
                Reach::Public if !allowed_by_name => {
                    refused =
                        format!("{host} is a public host: allow it with --allow-egress {host}");
                }
                Reach::Near | Reach::Public => allowed.push(SocketAddr::new(address, url.port())),
            }
        }
        if allowed.is_empty() {
            return Err(refused);
        }
        Ok(allowed)
    }

    /// Adds an entry to the host map. An error is a sentence: the entry could never have an effect.
    pub(crate) fn map_host(&mut self, from: &str, to: &str) -> Result<(), String> {
        let from = Host::parse(from)?;
        if self
            .host_map
            .iter()
            .any(|(other, _)| other.is_same_as(&from))
        {
            return Err(format!("the host `{from}` is mapped twice"));
        }
        self.host_map.push((from, callable_host(to)?));
        Ok(())
    }

    /// Allows a public host. An error is a sentence: the host could never be called.
    pub(crate) fn allow(&mut self, host: &str) -> Result<(), String> {
        self.allowed.push(callable_host(host)?);
        Ok(())
    }
}

/// Reads a host. One that is never called is an error, which is a sentence.
pub(crate) fn callable_host(host: &str) -> Result<Host, String> {
    let host = Host::parse(host)?;
    match host {
        Host::Address(address) if judge(address) == Reach::Never => {
            Err(format!("{address} is an address that is never called"))
        }
        Host::Address(_) | Host::Name(_) => Ok(host),
    }
}

impl AttemptResult {
    pub(crate) fn failed(error: String) -> Self {
        Self {
            reached: false, // the caller knows this and the addresses
            status: None,
            answer: String::new(),
            error: Some(error),
            retry_after: None,
            took: Duration::ZERO,
            contact: Contact::default(),
        }
    }

    /// How a recorded attempt ended.
    #[cfg(feature = "cli")]
    pub(crate) fn recorded(
        status: Option<StatusCode>,
        answer: String,
        error: Option<String>,
    ) -> Self {
        Self {
            reached: status.is_some(),
            status,
            answer,
            error,
            retry_after: None,
            took: Duration::ZERO,
            contact: Contact::default(),
        }
    }

    fn answered(head: &hyper::http::response::Parts, body: &[u8]) -> Self {
        let mut answer = format!("{:?} {}", head.version, head.status);
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            answer.extend(["\n", name.as_str(), ": ", &*value]);
        }
        answer.push_str("\n\n");
        answer.push_str(&String::from_utf8_lossy(body));
        let status = head.status;
        let error = if status.is_success() {
            None
        } else if status.is_redirection() {
            Some(format!("redirect refused (status {})", status.as_u16()))
        } else {
            Some(format!("status {}", status.as_u16()))
        };
        let location = head.headers.get(LOCATION);
        let location = location.filter(|_| status.is_redirection());
        let location =
            location.and_then(|url| plain_line(&String::from_utf8_lossy(url.as_bytes())));
        let may_ask = matches!(status.as_u16(), 429 | 503);
        let asked = head.headers.get("retry-after").filter(|_| may_ask);
        let asked = asked.and_then(|value| retry_delay(value.to_str().ok()?.trim()));
        Self {
            reached: true,
            status: Some(status),
            answer: answer.chars().take(ANSWER_KEPT_CHARS).collect(),
            error,
            retry_after: asked.map(|delay| delay.min(RETRY_AFTER_MAX)),
            took: Duration::ZERO,
            contact: Contact {
                location: location.map(Into::into),
                answer_line: plain_line(&String::from_utf8_lossy(body)).map(Into::into),
                ..Contact::default()
            },
        }
    }

    /// The attempt as the log of deliveries keeps it.
    pub(crate) fn into_attempt(self, at: Stamp, request_head: Arc<str>, commit: Commit) -> Attempt {
        let now = SystemTime::now();
        Attempt {
            at,
            sent_at: now.checked_sub(self.took).unwrap_or(now),
            request_head,
            status: self.status,
            answer: self.answer.into(),
            error: self.error,
            took: self.took,
            contact: self.contact,
            commit,
        }
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

/// Whether the receiver closed the connection without the closing message of TLS. Many servers end an answer
/// without a length this way.
fn has_just_closed(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof) {
            return true;
        }
        source = error.source();
    }
    false
}

fn plain_reason(error: &hyper::Error) -> String {
    use std::error::Error;
    if error.is_incomplete_message() {
        return "the connection was closed without an answer".to_owned();
    }
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return crate::base::reason(io);
        }
        source = inner.source();
    }
    if error.is_parse() {
        return "the answer is not HTTP".to_owned();
    }
    error.to_string()
}

/// `retry-after`: seconds, or an instant such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn retry_delay(written: &str) -> Option<Duration> {
    if let Ok(seconds) = written.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(written).ok()?.timestamp();
    let now = jiff::Timestamp::try_from(SystemTime::now()).ok()?; // the machine's clock may show any time
    let delay = at.duration_since(now);
    Some(Duration::try_from(delay).unwrap_or_default()) // a moment in the past means now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_put_off_by_seconds_or_until_an_instant() {
        assert_eq!(retry_delay("120"), Some(Duration::from_mins(2)));
        assert_eq!(
            retry_delay("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::ZERO)
        );
        assert!(
            retry_delay("Tue, 31 Dec 2999 23:59:59 GMT")
                .is_some_and(|delay| delay > RETRY_AFTER_MAX)
        );
        assert_eq!(retry_delay("soon"), None);
    }
}
