//! Where a request goes: the routes that are no product, and what the router leads to.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Map, Value};

use super::endpoint::Endpoint;

/// The routes that are no product, for lists and for finding the nearest.
pub(super) const ACCOUNT_ROUTES: [(&str, &str, Place); 4] = [
    ("GET", "/health", Place::Health),
    ("GET", "/businesses/{business_id}/api_keys", Place::ApiKeys),
    (
        "GET",
        "/v1/callback/authentication_tokens",
        Place::CallbackToken,
    ),
    ("POST", "/v1/callback/urls", Place::CallbackUrls),
];

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    Health,
    ApiKeys {
        business_id: &'a str,
    },
    CallbackToken,
    ListCallbackUrls,
    /// For one type, or with a PATCH for all.
    SetCallbackUrl {
        may_be_all: bool,
    },
    /// A product, and what its path brings when it is asked with a GET.
    Ask(&'a Endpoint, Map<String, Value>),
    Read(&'a Endpoint, &'a str),
}

impl Route<'_> {
    /// What a log may show: unlike the path it holds nothing of the client's.
    pub(crate) fn shown(&self) -> Arc<str> {
        match self {
            Self::Health => "health".into(),
            Self::ApiKeys { .. } => "api_keys".into(),
            Self::CallbackToken => "callback_token".into(),
            Self::ListCallbackUrls | Self::SetCallbackUrl { .. } => "callback_urls".into(),
            Self::Ask(endpoint, _) | Self::Read(endpoint, _) => endpoint.id.clone(),
        }
    }
}

/// A route as a client asked for it. The path is the client's own words: taken only as far as it is short and plain.
pub(crate) fn asked_route(method: &Method, path: &str) -> String {
    let path: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    format!("{method} {path}")
}

/// What a path belongs to, whatever the method.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Health,
    ApiKeys,
    CallbackToken,
    CallbackUrls,
    Endpoint(usize),
    Record(usize),
}
