//! What a kept exchange says: the parts of its request, and its body as JSON.

use std::sync::Arc;

use serde_json::Value;

use super::journal::{Exchange, KeptBody};
use crate::answer::By;
use crate::catalogue::Outcome;
use crate::http::{self, MediaType, looks_like_json};

/// What a body says, as far as it is kept.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// The fields of a form, of which every value is text; of files the facts.
    Fields(Value),
    /// Neither JSON nor a form.
    Text(String),
    /// Only the beginning is kept: as text, for nothing can be told of its fields.
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

    /// `/v0/individual_cft_peps`, as it was sent.
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

    /// What followed the question mark, as it was sent; empty where there was none.
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

    /// What a header said; several of the same name are joined by commas.
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

    /// The request's body as JSON: also the fields of a form, and of a file its facts. None where there
    /// is none, where it is no JSON, or where only a part of it is kept.
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

    /// The id of the endpoint that was asked, such as `v0/individual_cft_peps`; none where there is no such
    /// route, or where it is no product.
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
        self.why.endpoint.as_deref()
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
        let tag = self.outcome.as_ref()?.to_str().ok()?;
        Some(tag.rsplit_once('/').map_or(tag, |(_, name)| name))
    }

    /// What `x-sandbox-trace` of the reply said: the world, and the number in it.
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

    /// Eight hex digits that stand for the world; zeros where there is none.
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

    /// What the body says it is.
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
        let json = || serde_json::from_slice(&kept.bytes).ok();
        let text = || Content::Text(kept.text());
        match self.media_type() {
            // How the facts of a multipart form are kept.
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

impl KeptBody {
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes.len() == self.whole_bytes
    }

    /// What is kept of it as JSON; `null` where it is none, or where only a part is kept.
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
    /// assert_eq!(world.requests()[0].reply.json()["status"], "COMPLETED");
    /// # });
    /// ```
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// What is kept of it, with signs of replacement for what is not UTF-8.
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
    /// assert_eq!(
    ///     world.requests()[0].request.text(),
    ///     r#"{"bank_account_number":"1","bank_code":"BCA"}"#
    /// );
    /// # });
    /// ```
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// What cannot be worked out again from the request alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Why {
    /// The endpoint that was asked, also where the request was refused.
    pub endpoint: Option<Arc<str>>,
    /// The catalogue that answered.
    pub generation: u64,
    pub by: By,
    /// The outcome that was chosen; another may have answered where it is a sequence.
    pub chosen: Option<Arc<Outcome>>,
    /// The how-many-th turn of a sequence, the how-many-th draw of a weighted one; 0 for others.
    pub turn: u32,
    /// The how-many-th call of its endpoint this was, where a rule counts them.
    pub nth: u64,
    /// What was chosen did not answer: the request was refused for a reason of its own.
    pub is_refused: bool,
    /// The record that was made or read.
    pub record: Option<Arc<str>>,
}
