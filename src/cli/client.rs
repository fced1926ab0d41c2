//! The HTTP client that commands use to call a running sandbox: one request per connection, the API key as
//! Basic auth.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::base::{ApiKey, HttpUrl};
use crate::callbacks::{self, Trust};
use crate::http::{CONTROL_PREFIX, CONTROL_TOKEN_HEADER, ControlToken};
use crate::server;

/// How long a sandbox may take to answer, beyond the time that it was asked to wait.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The control API of a running sandbox, for one key or for none.
pub(super) struct Client {
    url: HttpUrl,
    key: Option<ApiKey>,
    control_token: Option<ControlToken>,
    trust: Trust,
    /// The flags or variables that said where the sandbox is, in words. Empty for the default.
    named_by: String,
}

impl Client {
    pub(super) fn new(
        url: HttpUrl,
        key: Option<ApiKey>,
        control_token: Option<ControlToken>,
        trust: Trust,
    ) -> Self {
        Self {
            url,
            key,
            control_token,
            trust,
            named_by: String::new(),
        }
    }

    /// Errors name these flags and variables.
    pub(super) fn named_by(mut self, sources: &[&str]) -> Self {
        self.named_by = sources.join(" and ");
        self
    }

    /// `http://127.0.0.1:4586`
    pub(super) fn url(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// The URL, and what said it: `http://127.0.0.1:4600 (from ILUMA_SANDBOX_URL)`.
    pub(super) fn shown_url(&self) -> String {
        let url = self.url();
        if self.named_by.is_empty() || self.named_by == "--url" {
            return url;
        }
        format!("{url} (from {})", self.named_by)
    }

    pub(super) fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// The same client with another key.
    pub(super) fn with_key(self, key: ApiKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Asks for a path below `/__sandbox/`. An error is a sentence that says what went wrong.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        waits: Duration,
    ) -> Result<(StatusCode, Value), String> {
        let body = body.map_or(String::new(), Value::to_string);
        let path = format!("{CONTROL_PREFIX}{path}");
        self.ask_json(method, &path, body.into(), waits).await
    }

    /// The same for any path, with any bytes as the body.
    pub(super) async fn ask_json(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        waits: Duration,
    ) -> Result<(StatusCode, Value), String> {
        let (status, body) = self.ask_bytes(method, path, body, waits).await?;
        let json = serde_json::from_slice(&body);
        let json = json.map_err(|_| self.not_json(path, status, &body))?;
        Ok((status, json))
    }

    /// The same. The answer is as it was sent.
    pub(super) async fn ask_bytes(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        waits: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        let exchange = async {
            let response = self.response(method, path, body).await?;
            let status = response.status();
            let body = response.into_body().collect().await;
            let body = body.map_err(|error| error.to_string())?;
            Ok((status, body.to_bytes()))
        };
        let answered = tokio::time::timeout(waits + ANSWER_TIME, exchange).await;
        answered
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
            .map_err(|reason| self.unreachable(&reason))
    }

    /// Asks for a stream below `/__sandbox/`. Its body is read while it comes.
    pub(super) async fn open(&self, path: &str) -> Result<Response<Incoming>, String> {
        let path = format!("{CONTROL_PREFIX}{path}");
        let response = self.response(Method::GET, &path, Bytes::new());
        let answered = tokio::time::timeout(ANSWER_TIME, response).await;
        answered
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
            .map_err(|reason| self.unreachable(&reason))
    }

    fn unreachable(&self, reason: &str) -> String {
        let url = self.shown_url();
        format!("cannot reach a sandbox at {url}: {reason}; start one, or give its URL with --url")
    }

    /// The sentence about an answer that is not JSON.
    pub(super) fn not_json(&self, path: &str, status: StatusCode, body: &[u8]) -> String {
        let url = self.shown_url();
        if body == server::PLAIN_WORDS.as_bytes() {
            return format!(
                "the server at {url} uses HTTPS: write its URL as {}",
                self.url().replacen("http", "https", 1)
            );
        }
        let path = path.strip_prefix(CONTROL_PREFIX).unwrap_or(path);
        let status = status.as_u16();
        format!(
            "the server at {url} is not a sandbox: its answer to {path} is not JSON (status {status})"
        )
    }

    async fn response(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, String> {
        let socket = callbacks::connect_to_host(&self.url).await?;
        if self.url.is_https() {
            let stream = callbacks::connect_tls(&self.trust, self.url.host(), socket).await?;
            return self.response_over(stream, method, path, body).await;
        }
        self.response_over(socket, method, path, body).await
    }

    async fn response_over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        socket: S,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, String> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .map_err(|error| error.to_string())?;
        let mut request = Request::builder();
        if let Some(key) = &self.key {
            let credentials = STANDARD.encode(format!("{}:", key.reveal()));
            request = request.header(AUTHORIZATION, format!("Basic {credentials}"));
        }
        if let Some(token) = &self.control_token {
            request = request.header(CONTROL_TOKEN_HEADER, token.reveal());
        }
        let request = request
            .method(method)
            .uri(format!("{}{path}", self.url.target().trim_end_matches('/')))
            .header(HOST, self.url.authority())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        // It ends when the response was read or dropped. Its error is the response's too.
        tokio::spawn(connection);
        let response = sender.send_request(request).await;
        response.map_err(|error| error.to_string())
    }
}

/// Reads the URL of a sandbox, such as `http://127.0.0.1:4586`. It refuses a query: it would be lost.
pub(super) fn sandbox_url(text: &str) -> Result<HttpUrl, String> {
    server_url(text, "a sandbox")
}

/// Reads the URL of a server that is like a sandbox.
pub(super) fn target_url(text: &str) -> Result<HttpUrl, String> {
    server_url(text, "a server")
}

fn server_url(text: &str, what: &str) -> Result<HttpUrl, String> {
    let wrong = |reason: &str| {
        let text = HttpUrl::shown(text);
        format!("`{text}` is not the URL of {what}, such as http://127.0.0.1:4586: {reason}")
    };
    let url = HttpUrl::parse(text).map_err(|reason| wrong(&reason))?;
    if url.target().contains('?') {
        return Err(wrong("it has a query"));
    }
    Ok(url)
}
