//! Where a request goes: the routes without a product, and the targets of the router.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use crate::base::shortened;

pub(super) const CALLBACK_URLS: &str = "/v1/callback/urls";

/// The routes without a product, for lists and for the search of the nearest route.
pub(super) const ACCOUNT_ROUTES: [(&str, &str, RouteTarget); 4] = [
    ("GET", "/health", RouteTarget::Health),
    (
        "GET",
        "/businesses/{business_id}/api_keys",
        RouteTarget::ApiKeys,
    ),
    (
        "GET",
        "/v1/callback/authentication_tokens",
        RouteTarget::CallbackToken,
    ),
    ("POST", CALLBACK_URLS, RouteTarget::CallbackUrls),
];

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    Health,
    ApiKeys {
        business_id: String,
    },
    CallbackToken,
    ListCallbackUrls,
    /// Sets the URL of one callback type. A PATCH may set that of all types that have one.
    SetCallbackUrl {
        may_be_all: bool,
    },
    /// A request to a product. For a GET the map has the segments of its path.
    Ask(&'a Endpoint, Map<String, Value>),
    /// Reads the record of an id.
    Read(&'a Endpoint, String),
}

impl<'a> Route<'a> {
    /// The endpoint of a product. None for the routes outside the products.
    pub(crate) fn endpoint(&self) -> Option<&'a Endpoint> {
        match self {
            Self::Ask(endpoint, _) | Self::Read(endpoint, _) => Some(endpoint),
            Self::Health
            | Self::ApiKeys { .. }
            | Self::CallbackToken
            | Self::ListCallbackUrls
            | Self::SetCallbackUrl { .. } => None,
        }
    }

    /// The route as logs may show it. Unlike the path, it holds nothing that the client sent.
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

/// How much of a path is shown.
const PATH_CHARS_MAX: usize = 200;

/// The route as the client sent it, with a path that can be shown.
pub(crate) fn asked_route(method: &Method, path: &str) -> String {
    format!("{method} {}", shown_path(path))
}

/// The path, cut if it is long, without control characters.
pub(crate) fn shown_path(path: &str) -> String {
    shortened(path, PATH_CHARS_MAX)
}

/// The target of a path, for any method.
#[derive(Clone, Copy, Debug)]
pub(super) enum RouteTarget {
    Health,
    ApiKeys,
    CallbackToken,
    CallbackUrls,
    Endpoint(usize),
    Record(usize),
}
