//! An exchange as the journal keeps it: the parts of its request, and its body as JSON.

use std::time::{Duration, SystemTime};

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;

use super::decision::Decision;
use super::kept_body::KeptBody;
use crate::base::Commit;
use crate::base::{looks_like_json, read_exact_json};
use crate::catalogue::OutcomeId;
use crate::http::{self, CONTROL_TOKEN_HEADER, MediaType};

/// Stands for the world in the trace of a request that belongs to no world.
pub(crate) const NO_WORLD: [u8; 8] = *b"00000000";

pub(crate) const HEAD_KEPT_BYTES_MAX: usize = 8 << 10;
pub(super) const ENTRY_OVERHEAD_BYTES: usize = 410;
const REPLY_HEADER_BYTES: usize = 100;

/// The content of a body, as far as it is kept.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// The fields of a form. Every value is text; a file is represented by its facts.
    Fields(Value),
    /// Neither JSON nor a form.
    Text(String),
    /// Only the beginning is kept. It is text, because its fields cannot be read.
    Beginning(String),
}

impl Exchange {
    /// `POST`
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].method(), "POST");
    /// # });
    /// ```
    pub fn method(&self) -> &str {
        self.request_line().0
    }

    /// The path as it was sent, such as `/v0/individual_cft_peps`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].path(), "/v1.1/identity/bank_account_data_requests");
    /// # });
    /// ```
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The query after the question mark, as it was sent. Empty when there was none.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.get(format!("{}/v1/callback/urls?page=2", world.url()));
    /// # ask.basic_auth(world.api_key(), Some("")).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].query(), "page=2");
    /// # });
    /// ```
    pub fn query(&self) -> &str {
        self.target().split_once('?').map_or("", |(_, query)| query)
    }

    /// The headers as they came, names in lower case. The API key is left out of `authorization`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let asked = &world.requests()[0];
    /// assert!(asked.headers().any(|(name, value)| (name, value) == ("content-type", "application/json")));
    /// # });
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.head.lines().skip(1);
        lines.filter_map(|line| line.split_once(": "))
    }

    /// The value of a header. Several headers of the same name are joined by commas.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let asked = &world.requests()[0];
    /// assert_eq!(asked.header("Content-Type").as_deref(), Some("application/json"));
    /// assert_eq!(asked.header("authorization").as_deref(), Some("…"));
    /// # });
    /// ```
    pub fn header(&self, name: &str) -> Option<String> {
        let same = self
            .headers()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.to_owned())
            .reduce(|all, value| all + ", " + &value)
    }

    /// The request's body as JSON. This includes the fields of a form, with the facts of files. None when there
    /// is no body, when it is not JSON, or when only a part of it is kept.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].body().unwrap()["bank_code"], "BCA");
    /// # });
    /// ```
    pub fn body(&self) -> Option<Value> {
        match self.content() {
            Content::Json(value) | Content::Fields(value) => Some(value),
            Content::Empty | Content::Text(_) | Content::Beginning(_) => None,
        }
    }

    /// The id of the endpoint, such as `v0/individual_cft_peps`. None when there is no such route, or when the
    /// route is not a product's.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].endpoint(), Some("v1.1/bank_account_data_requests"));
    /// # });
    /// ```
    pub fn endpoint(&self) -> Option<&str> {
        self.decision.endpoint.as_deref()
    }

    /// `x-sandbox-outcome` of the reply: the outcome with its endpoint. None when no product answered.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let answered = Some("v1.1/bank_account_data_requests/COMPLETED_FOUND");
    /// assert_eq!(world.requests()[0].outcome(), answered);
    /// # });
    /// ```
    pub fn outcome(&self) -> Option<&str> {
        self.decision.reply.outcome().map(OutcomeId::shown)
    }

    /// The outcome without its endpoint, such as `COMPLETED_FOUND`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].outcome_name(), Some("COMPLETED_FOUND"));
    /// # });
    /// ```
    pub fn outcome_name(&self) -> Option<&str> {
        self.decision.reply.outcome().map(OutcomeId::name)
    }

    /// The value of the reply's `x-sandbox-trace`: the world and the number of the request in it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// let asked = &world.requests()[0];
    /// assert_eq!(asked.trace(), format!("{}-1", asked.world()));
    /// # });
    /// ```
    pub fn trace(&self) -> String {
        format!("{}-{}", self.world(), self.seq)
    }

    /// Eight hex digits that stand for the world. Zeros when there is no world.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].world().len(), 8);
    /// # });
    /// ```
    pub fn world(&self) -> &str {
        std::str::from_utf8(&self.tag).unwrap_or_default() // hex digits always are
    }

    fn request_line(&self) -> (&str, &str) {
        let line = self.head.lines().next().unwrap_or_default();
        line.split_once(' ').unwrap_or(("GET", "/"))
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.request_line().1
    }

    /// Whether some headers were too long to be kept.
    pub(crate) fn lacks_headers(&self) -> bool {
        self.head.ends_with("\n…")
    }

    /// The media type that the request's `content-type` names.
    pub(crate) fn media_type(&self) -> MediaType {
        let content_type = self.headers().find(|(name, _)| *name == "content-type");
        MediaType::named(content_type.map_or("", |(_, value)| value))
    }

    pub(crate) fn content(&self) -> Content {
        let kept = &self.request;
        if kept.whole_bytes == 0 {
            return Content::Empty;
        }
        if !kept.is_whole() {
            return Content::Beginning(kept.text());
        }
        let json = || read_exact_json(&kept.bytes);
        let text = || Content::Text(kept.text());
        match self.media_type() {
            // The facts of a multipart form are kept as JSON.
            MediaType::Multipart => json().map_or_else(text, Content::Fields),
            MediaType::Form if !looks_like_json(&kept.bytes) => {
                http::parse_form(&kept.bytes).map_or_else(|_| text(), Content::Fields)
            }
            MediaType::Json | MediaType::Form | MediaType::Other => {
                json().map_or_else(text, Content::Json)
            }
        }
    }
}

/// One request with its reply.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
/// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
/// // … the code under test asks, then:
/// let asked = &world.requests()[0];
/// assert_eq!((asked.method(), asked.status.as_u16()), ("POST", 200));
/// assert_eq!(asked.body().unwrap()["bank_code"], "BCA");
/// assert_eq!(asked.reply.json()["status"], "COMPLETED");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts the world's requests from 1. Only a restored snapshot makes a number repeat.
    pub seq: u64,
    /// When the request's head had been read.
    pub at: SystemTime,
    /// The request line, such as `POST /v0/…`, and the header lines. The API key is left out.
    pub head: Box<str>,
    pub request: KeptBody,
    pub status: StatusCode,
    /// The reply's body. A reply with a `fault` may have been sent in part, or not at all.
    pub reply: KeptBody,
    /// The headers that not every reply has.
    pub(crate) reply_headers: Vec<(HeaderName, HeaderValue)>,
    /// How long it took to make the answer, without the delay.
    pub duration: Duration,
    /// How long the reply was delayed on purpose.
    pub delay: Duration,
    /// The fault that broke the reply on purpose, such as `truncate`.
    pub fault: Option<Box<str>>,
    pub(crate) decision: Decision,
    /// Its place in the order of its world.
    pub(crate) commit: Commit,
    /// The world's tag, or `NO_WORLD`.
    pub(crate) tag: [u8; 8],
}

/// The request line and the headers as text, as far as they are kept. A part that was cut ends in `…`. The API
/// key and the control token are not kept.
pub(crate) fn head_text(method: &str, target: &str, headers: &HeaderMap) -> Box<str> {
    let is_hidden = |name: &HeaderName| name == AUTHORIZATION || name == CONTROL_TOKEN_HEADER;
    let headers_bytes = headers.iter().map(|(name, value)| {
        let value_bytes = if is_hidden(name) {
            "…".len()
        } else {
            value.len()
        };
        name.as_str().len() + value_bytes + 3
    });
    let whole_bytes = method.len() + 1 + target.len() + headers_bytes.sum::<usize>();
    let mut text = String::with_capacity(whole_bytes.min(HEAD_KEPT_BYTES_MAX + 8));
    push_within(&mut text, method);
    text.push(' ');
    push_within(&mut text, target);
    for (name, value) in headers {
        if text.len() + name.as_str().len() + 3 > HEAD_KEPT_BYTES_MAX {
            text.push_str("\n…");
            break;
        }
        text.push('\n');
        text.push_str(name.as_str());
        text.push_str(": ");
        if is_hidden(name) {
            text.push('…');
        } else {
            push_within(&mut text, &http::header_text(value));
        }
    }
    text.into_boxed_str()
}

/// Adds as much of a piece as fits.
fn push_within(text: &mut String, piece: &str) {
    let room = HEAD_KEPT_BYTES_MAX.saturating_sub(text.len());
    if piece.len() <= room {
        text.push_str(piece);
    } else {
        text.push_str(&piece[..piece.floor_char_boundary(room)]);
        text.push('…');
    }
}

pub(super) fn bytes(exchange: &Exchange) -> usize {
    exchange.head.len()
        + exchange.request.bytes.len()
        + exchange.reply.bytes.len()
        + exchange.fault.as_ref().map_or(0, |fault| fault.len())
        + (exchange.decision.failed_test.as_ref()).map_or(0, |test| test.bytes())
        + exchange.reply_headers.len() * REPLY_HEADER_BYTES
        + ENTRY_OVERHEAD_BYTES
}
