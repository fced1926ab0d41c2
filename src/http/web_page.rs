//! Requests of web pages. A browser shows a page only replies of its own origin, unless a reply allows more (CORS). The
//! emulated API allows nothing, because its key is a secret.

use hyper::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method};

use super::call::Call;
use super::guard::is_own_origin;

/// A request that a browser sends for a page of another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageRequest {
    /// Asks whether the page may send its real request.
    Preflight,
    /// The real request. Browsers send some of these without a preflight.
    Sent,
}

impl PageRequest {
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let headers = call.headers();
        if call.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return Some(Self::Preflight);
        }
        comes_from_another_origin(call).then_some(Self::Sent)
    }

    /// The cause and the remedy, without a full stop at the end.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Preflight => {
                "a browser asks whether a web page of another origin may send its request (CORS preflight). No page may, \
                 because the API key is a secret. Call the API from your server, or in development through a proxy on \
                 the page's own origin"
            }
            Self::Sent => {
                "a web page of another origin sent this request. The page cannot read the response, because the API key is \
                 a secret and no response has CORS headers. Call the API from your server, or in development through a \
                 proxy on the page's own origin"
            }
        }
    }
}

/// A proxy passes `origin` on, but there `sec-fetch-site` says that the page has called its own origin.
fn comes_from_another_origin(call: &Call) -> bool {
    let headers = call.headers();
    if text(headers, "sec-fetch-mode") == Some("navigate") {
        return false; // the browser shows the reply itself
    }
    match text(headers, "sec-fetch-site") {
        Some("cross-site" | "same-site") => true,
        Some(_) => false,
        None => text(headers, ORIGIN.as_str()).is_some_and(|origin| {
            let by_target = call.head.uri.authority().map(Authority::as_str);
            let host = by_target.or_else(|| text(headers, HOST.as_str()));
            !is_own_origin(origin, host)
        }),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
