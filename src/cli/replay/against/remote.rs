//! Sends one request to another server. It follows no redirect, and connects to checked addresses only.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::base::{ApiKey, HttpUrl};
use crate::callbacks::{CheckedHost, Trust, connect_tls};
use crate::http::{CONTROL_TOKEN_HEADER, ControlToken, basic};

/// How long a server may take to answer.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// The same for a reply that a fault may hold back for ever.
const FAULTY_ANSWER_TIME: Duration = Duration::from_secs(5);

const ANSWER_BYTES_MAX: usize = 16 << 20;

pub(super) struct Remote {
    pub url: HttpUrl,
    pub host: CheckedHost,
    pub key: ApiKey,
    pub control_token: Option<ControlToken>,
    pub trust: Trust,
}

/// A request as it goes over the wire.
pub(super) struct SentRequest {
    pub method: Method,
    /// Path and query below the URL of the server.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub(super) struct RemoteReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no reply.
pub(super) enum NoReply {
    /// No connection was made.
    Unreachable(String),
    Broken(String),
}

impl Remote {
    /// Asks whether the server is a sandbox. The question has no key.
    pub(super) async fn is_sandbox(&self) -> Result<bool, NoReply> {
        let question = SentRequest {
            method: Method::GET,
            target: "/__sandbox/livez".to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let reply = self.exchange(question, ANSWER_TIME).await?;
        let json: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
        let is_alive = json.is_some_and(|json| json["status"] == "alive");
        Ok(reply.status == StatusCode::OK && is_alive)
    }

    /// Sends a request with the key. The reply of one with a fault may never come.
    pub(super) async fn send(
        &self,
        mut request: SentRequest,
        has_fault: bool,
    ) -> Result<RemoteReply, NoReply> {
        request.headers.insert(AUTHORIZATION, basic(&self.key));
        let limit = if has_fault {
            FAULTY_ANSWER_TIME
        } else {
            ANSWER_TIME
        };
        self.exchange(request, limit).await
    }

    /// Sends a request of the control API with the key, and with the control token if there is one.
    pub(super) async fn send_control(
        &self,
        mut request: SentRequest,
    ) -> Result<RemoteReply, NoReply> {
        if let Some(token) = &self.control_token
            && let Ok(value) = HeaderValue::try_from(token.reveal())
        {
            request.headers.insert(CONTROL_TOKEN_HEADER, value);
        }
        self.send(request, false).await
    }

    async fn exchange(
        &self,
        request: SentRequest,
        limit: Duration,
    ) -> Result<RemoteReply, NoReply> {
        let exchange = async {
            let socket = self.host.connect().await.map_err(NoReply::Unreachable)?;
            if self.url.is_https() {
                let stream = connect_tls(&self.trust, self.url.host(), socket).await;
                return self
                    .over(stream.map_err(NoReply::Unreachable)?, request)
                    .await;
            }
            self.over(socket, request).await
        };
        let answered = tokio::time::timeout(limit, exchange).await;
        answered.unwrap_or_else(|_| Err(NoReply::Broken("no answer in time".to_owned())))
    }

    async fn over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        socket: S,
        request: SentRequest,
    ) -> Result<RemoteReply, NoReply> {
        let broken = |error: &dyn std::fmt::Display| NoReply::Broken(error.to_string());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .map_err(|error| broken(&error))?;
        let host = HeaderValue::try_from(self.url.authority()).map_err(|error| broken(&error))?;
        let base = self.url.target();
        let target = format!("{}{}", base.trim_end_matches('/'), request.target);
        let mut sent = Request::new(Full::new(request.body));
        *sent.method_mut() = request.method;
        *sent.uri_mut() = target.parse().map_err(|error| broken(&error))?;
        *sent.headers_mut() = request.headers;
        sent.headers_mut().insert(HOST, host);
        let agent = HeaderValue::from_static("iluma-sandbox");
        sent.headers_mut().insert(USER_AGENT, agent);
        // It ends when the reply was read or dropped. Its error is the reply's too.
        tokio::spawn(connection);
        let reply = sender.send_request(sent).await;
        let (head, body) = reply.map_err(|error| broken(&error))?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        Ok(RemoteReply {
            status: head.status,
            headers: head.headers,
            body: body.map_err(|error| broken(&error))?.to_bytes(),
        })
    }
}
