//! `/__sandbox/docs`: the page that renders the `OpenAPI` documents. Its files are embedded, and it loads
//! nothing from elsewhere.

use hyper::Response;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};

use super::document::document;
use crate::http::ReplyBody;

/// Path, content type, contents.
const FILES: [(&str, &str, &str); 3] = [
    (
        "/__sandbox/docs",
        "text/html; charset=utf-8",
        include_str!("docs_page/page.html"),
    ),
    (
        "/__sandbox/docs/page.js",
        "text/javascript; charset=utf-8",
        include_str!("docs_page/page.js"),
    ),
    (
        "/__sandbox/docs/page.css",
        "text/css; charset=utf-8",
        include_str!("docs_page/page.css"),
    ),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn answer(path: &str) -> Option<Response<ReplyBody>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (_, content_type, text) = FILES.iter().find(|(at, ..)| *at == path)?;
    Some(guarded(content_type, text))
}

/// A file that loads nothing from elsewhere, and whose type a browser does not guess.
pub(super) fn guarded(content_type: &'static str, text: &'static str) -> Response<ReplyBody> {
    let mut response = document(
        HeaderValue::from_static(content_type),
        text.as_bytes().into(),
    );
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}
