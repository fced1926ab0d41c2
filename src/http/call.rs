//! One request as the sandbox sees it: completely read, but not interpreted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use serde_json::Value;
use tokio::time::Instant;

use super::error::ApiError;
use super::headers::{CONTROL_TOKEN_HEADER, DEFAULT_HOST, DEPTH_HEADER};
use super::single_headers::check_single_headers;
use super::url_text::{normal_path, pairs};

/// The headers that are read in a request to the control API that waits.
const WAITING: [HeaderName; 9] = [
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    CONTROL_TOKEN_HEADER,
    DEPTH_HEADER,
    HOST,
    ORIGIN,
    SEC_FETCH_MODE,
    SEC_FETCH_SITE,
];

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request and its body.
pub(crate) struct Call {
    /// When the head of the request was read.
    pub received_at: Instant,
    /// The same moment by the machine's clock.
    pub at: SystemTime,
    pub head: Parts,
    pub body: Body,
    /// True for a recorded request: the texts of files in its JSON are their SHA-256 in hex.
    pub files_are_hashes: bool,
}

/// The body of a request.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// A multipart form: each part's text, or the facts of its file.
    Parts(Value),
    /// The body could not be read. The error is reported after the earlier checks, such as a missing API key.
    Unreadable(ApiError),
}

impl Call {
    /// Whether the texts of files in its body are their hashes. Without a body a sample may stand in, which has whole files.
    pub(crate) fn has_hashes_for_files(&self) -> bool {
        self.files_are_hashes && !matches!(self.body, Body::Empty)
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path that routes the request, in its normal form.
    pub(crate) fn path(&self) -> Cow<'_, str> {
        normal_path(self.sent_path())
    }

    /// The path as the client sent it, for the journal and for messages.
    pub(crate) fn sent_path(&self) -> &str {
        self.head.uri.path()
    }

    pub(crate) fn raw_query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Forgets the headers that nobody reads in a request that waits, and copies the others: each value keeps the whole
    /// head in memory. Returns how many bytes of the head are left.
    pub(crate) fn forget_unread_headers(&mut self) -> usize {
        let read = self
            .head
            .headers
            .iter()
            .filter(|(name, _)| WAITING.contains(name));
        let copied = read.map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes());
            (name.clone(), value.expect("it was the value of a header"))
        });
        let headers: HeaderMap = copied.collect();
        self.head.headers = headers;
        let uri = self.head.uri.to_string();
        self.head.uri = uri.try_into().expect("it was the target of a request");
        head_bytes(&self.head.uri, &self.head.headers)
    }

    /// The sandbox's address as the client called it: `http://127.0.0.1:4586`.
    pub(crate) fn base_url(&self) -> String {
        let host = self.headers().get(HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}", host.unwrap_or(DEFAULT_HOST))
    }

    /// Whether the request came over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.head.extensions.get::<Secure>().is_some()
    }

    /// Refuses a query that is not UTF-8, and a header that may not be repeated with different values.
    pub(crate) fn check_query_and_headers(&self) -> Result<(), ApiError> {
        check_single_headers(self.headers()).map_err(ApiError::broken_header)?;
        let broken = pairs(self.raw_query().as_bytes()).find_map(Result::err);
        broken.map_or(Ok(()), |reason| Err(ApiError::broken_query(&reason)))
    }

    /// The decoded parameters of the query. A parameter that is repeated with different values is refused, except
    /// those in `repeatable`, of which the last value is returned.
    pub(crate) fn query(&self, repeatable: &[&str]) -> Result<HashMap<String, String>, ApiError> {
        let mut query = HashMap::new();
        for pair in pairs(self.raw_query().as_bytes()) {
            let (name, value) = pair.map_err(|reason| ApiError::broken_query(&reason))?;
            let is_single = !repeatable.contains(&&*name);
            match query.insert(name.to_string(), value.to_string()) {
                Some(other) if is_single && other != value => {
                    return Err(ApiError::repeated_parameter(&name));
                }
                Some(_) | None => {}
            }
        }
        Ok(query)
    }

    /// How many callbacks in a chain have come back into the sandbox before this request.
    pub(crate) fn callback_depth(&self) -> u32 {
        let header = self.headers().get(DEPTH_HEADER);
        let depth = header.and_then(|value| value.to_str().ok()?.parse().ok());
        depth.unwrap_or(0)
    }

    pub(crate) fn media_type(&self) -> MediaType {
        MediaType::of(self.headers())
    }
}

/// How many bytes a head holds.
pub(crate) fn head_bytes(uri: &Uri, headers: &HeaderMap) -> usize {
    let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    let target = uri.path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    target + headers.iter().map(header).sum::<usize>()
}

/// The media type that a request gives its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// Also for a body without a media type.
    Json,
    Form,
    Multipart,
    Other,
}

impl MediaType {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let header = headers
            .get(CONTENT_TYPE)
            .map_or(Ok(""), |value| value.to_str());
        Self::named(header.unwrap_or("?"))
    }

    /// The media type of a `content-type` header.
    pub(crate) fn named(content_type: &str) -> Self {
        if content_type == "application/json" {
            return Self::Json; // the usual case
        }
        let essence = content_type.split([';', ',']).next();
        let essence = essence.unwrap_or_default().trim();
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        let is_json_kind = || {
            let essence = essence.to_ascii_lowercase();
            essence.starts_with("application/") && essence.ends_with("+json")
        };
        if essence.is_empty() || is("application/json") {
            Self::Json
        } else if is("application/x-www-form-urlencoded") {
            Self::Form
        } else if is("multipart/form-data") {
            Self::Multipart
        } else if is_json_kind() {
            Self::Json
        } else {
            Self::Other
        }
    }
}

/// Marks a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure;
