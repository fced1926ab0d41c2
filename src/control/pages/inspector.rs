//! The inspector: a page that shows every request, every callback, and why. Its files are in the binary, and
//! it talks only to the sandbox that served it.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::http::ReplyBody;

/// Scripts and styles come only from the sandbox, nothing is inline, and no page may put this one into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal: $kind:ident),+ $(,)?) => {
        /// Every file: its name, type and bytes.
        const FILES: &[(&str, &str, &[u8])] = &[
            $(($name, $kind, include_bytes!(concat!("inspector/", $name)))),+
        ];
    };
}

files! {
    "index.html": HTML,
    "style.css": CSS,
    "main.js": JAVASCRIPT,
    "api.js": JAVASCRIPT,
    "callbacks.js": JAVASCRIPT,
    "curl.js": JAVASCRIPT,
    "detail.js": JAVASCRIPT,
    "dom.js": JAVASCRIPT,
    "feed.js": JAVASCRIPT,
    "json.js": JAVASCRIPT,
    "keys.js": JAVASCRIPT,
    "machine.js": JAVASCRIPT,
    "mask.js": JAVASCRIPT,
    "numbers.js": JAVASCRIPT,
    "place.js": JAVASCRIPT,
    "powershell.js": JAVASCRIPT,
    "recording.js": JAVASCRIPT,
    "requests.js": JAVASCRIPT,
    "rows.js": JAVASCRIPT,
    "scenarios.js": JAVASCRIPT,
    "store.js": JAVASCRIPT,
    "stream.js": JAVASCRIPT,
    "timeline.js": JAVASCRIPT,
    "trace.js": JAVASCRIPT,
    "tryit.js": JAVASCRIPT,
    "uploads.js": JAVASCRIPT,
    "world.js": JAVASCRIPT,
}

/// The text of a file.
pub(super) fn text(name: &str) -> Option<&'static str> {
    let (.., bytes) = FILES.iter().find(|(known, ..)| *known == name)?;
    std::str::from_utf8(bytes).ok()
}

/// A file below `/__sandbox/inspector/`. An empty name means the page itself.
pub(crate) fn file(name: &str) -> Option<Response<ReplyBody>> {
    let name = if name.is_empty() { "index.html" } else { name };
    let (_, kind, bytes) = FILES.iter().find(|(known, ..)| *known == name)?;
    let mut response = Response::new(ReplyBody::new(Bytes::from_static(bytes)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, *kind),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("content-security-policy"), POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}
