//! Requests of web pages. A browser shows a page only replies of its own origin, unless a reply allows more (CORS). The
//! emulated API allows nothing, because its key is a secret.

use hyper::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method};

use super::call::Call;
use super::guard::{Guard, is_own_origin};
use crate::base::short;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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

/// Refuses a product request of a web page that the sandbox has not served. The error says what sent it.
pub(crate) fn refuse_foreign_page(guard: &Guard, call: &Call) -> Result<(), String> {
    let headers = call.headers();
    let is_sent_by_browser = headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE);
    if !is_sent_by_browser {
        return Ok(());
    }
    if let Some(host) = guard.foreign_host(call) {
        let host = short(&host);
        return Err(format!(
            "A page of the Host `{host}`, which is no name of this machine"
        ));
    }
    foreign_page(call).map_or(Ok(()), Err)
}

fn comes_from_another_origin(call: &Call) -> bool {
    let is_navigation = text(call.headers(), SEC_FETCH_MODE) == Some("navigate");
    !is_navigation && foreign_page(call).is_some() // the browser shows the reply of a navigation itself
}

/// The page of another origin that a browser sends this request for, in words. None for programs and own pages. A proxy
/// passes `origin` on, but there `sec-fetch-site` says that the page has called its own origin.
fn foreign_page(call: &Call) -> Option<String> {
    let headers = call.headers();
    match text(headers, SEC_FETCH_SITE) {
        Some("cross-site") => return Some("A page of another site".to_owned()),
        Some("same-site") => return Some("A page of another origin of this site".to_owned()),
        Some("same-origin" | "none") => return None,
        Some(_) | None => {}
    }
    let by_target = call.head.uri.authority().map(Authority::as_str);
    let host = by_target.or_else(|| text(headers, HOST));
    let mut origins = headers.get_all(ORIGIN).into_iter();
    let foreign = origins.find_map(|origin| {
        let origin = origin.to_str().unwrap_or("?");
        (!is_own_origin(origin, host)).then(|| short(origin))
    })?;
    Some(format!("A page of the origin `{foreign}`"))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
