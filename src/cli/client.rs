//! The HTTP client that commands use to call a running sandbox: one request per connection, the API key as
//! Basic auth.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::base::{ApiKey, HttpUrl};
use crate::callbacks::{self, Trust};
use crate::http::{CONTROL_TOKEN_HEADER, ControlToken};
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

    /// Asks for a path below `/__sandbox/`. An error is a sentence that says what went wrong.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        waits: Duration,
    ) -> Result<(StatusCode, Value), String> {
        let url = self.shown_url();
        let (status, body) = self.fetch(method, path, body, waits).await?;
        match serde_json::from_slice(&body) {
            Ok(json) => Ok((status, json)),
            Err(_) if body == server::PLAIN_WORDS => Err(format!(
                "the server at {url} uses HTTPS: write its URL as {}",
                self.url().replacen("http", "https", 1)
            )),
            Err(_) => Err(format!(
                "the server at {url} is not a sandbox: its answer to {path} is not JSON (status {})",
                status.as_u16()
            )),
        }
    }

    /// Asks as `ask` does, for an answer of any type.
    pub(super) async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        waits: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        let exchange = self.exchange(method, path, body);
        let answered = tokio::time::timeout(waits + ANSWER_TIME, exchange).await;
        let answered = answered.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        answered.map_err(|reason| {
            let url = self.shown_url();
            format!(
                "cannot reach a sandbox at {url}: {reason}; start one, or give its URL with --url"
            )
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), String> {
        let socket = callbacks::connect_to_host(&self.url).await?;
        if self.url.is_https() {
            let stream = callbacks::connect_tls(&self.trust, self.url.host(), socket).await?;
            return self.exchange_over(stream, method, path, body).await;
        }
        self.exchange_over(socket, method, path, body).await
    }

    async fn exchange_over<S: AsyncRead + AsyncWrite + Send + Unpin>(
        &self,
        socket: S,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), String> {
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
            .uri(format!(
                "{}/__sandbox/{path}",
                self.url.target().trim_end_matches('/')
            ))
            .header(HOST, self.url.authority())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(
                body.map_or(String::new(), Value::to_string),
            )))
            .map_err(|error| error.to_string())?;
        let answer = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            Ok((status, body))
        };
        tokio::pin!(connection, answer);
        let answered: Result<_, hyper::Error> = tokio::select! {
            biased;
            answered = &mut answer => answered,
            _ = &mut connection => answer.await,
        };
        answered.map_err(|error| error.to_string())
    }
}

/// Reads the URL of a sandbox, such as `http://127.0.0.1:4586`. It refuses a query: it would be lost.
pub(super) fn sandbox_url(text: &str) -> Result<HttpUrl, String> {
    let wrong = |reason: &str| {
        let text = HttpUrl::shown(text);
        format!("`{text}` is not the URL of a sandbox, such as http://127.0.0.1:4586: {reason}")
    };
    let url = HttpUrl::parse(text).map_err(|reason| wrong(&reason))?;
    if url.target().contains('?') {
        return Err(wrong("it has a query"));
    }
    Ok(url)
}
