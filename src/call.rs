//! One request as the sandbox sees it: read to its end, not yet understood.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::error::ApiError;

/// A request and its body.
pub(crate) struct Call {
    pub head: Parts,
    pub body: Body,
}

/// What came with a request.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// A multipart form: each part's text, or the facts of its file.
    Parts(Value),
    /// It could not be read; complained about when its turn comes, so that a missing key comes first.
    Unreadable(ApiError),
}

impl Call {
    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The query's pairs, decoded; of a repeated name the last counts.
    pub(crate) fn query(&self) -> HashMap<String, String> {
        let query = self.head.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The content type without its parameters, in lower case; empty where there is none.
    pub(crate) fn content_type(&self) -> String {
        content_type(self.headers())
    }
}

pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let header = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = header.unwrap_or_default().split(';').next();
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// An answer before it is written: what `answer` decided.
pub(crate) struct Reply {
    pub status: hyper::StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    /// `x-sandbox-outcome`, on every reply of a product.
    pub outcome: Option<HeaderValue>,
}
