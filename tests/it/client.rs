//! A sandbox and a client that calls it as an integrator's code would.

use iluma_sandbox::{Builder, PUBLIC_KEY, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::of(Sandbox::builder()).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let sandbox = builder.start().await.expect("the sandbox starts");
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        Self { sandbox, http }
    }

    /// A request without a key.
    pub(crate) fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.http
            .request(method, format!("{}{path}", self.sandbox.url()))
    }

    /// A request with the documentation's key.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).basic_auth(PUBLIC_KEY, Some(""))
    }

    /// A request with another key, and so in another world.
    pub(crate) fn as_key(&self, key: &str, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).basic_auth(key, Some(""))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request("POST", path).json(body)).await
    }

    /// A POST without a body that selects an outcome.
    pub(crate) async fn magic(&self, path: &str, outcome: &str) -> Answer {
        Answer::of(self.request("POST", path).header("x-magic-reply", outcome)).await
    }
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The `message` of the error body.
    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }
}

/// A PNG of exactly that many bytes: a real header, then padding. Only the header is ever read.
pub(crate) fn png(width: u32, height: u32, bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend([8, 2, 0, 0, 0]);
    png.resize(bytes, 0);
    png
}
