//! Says in the log why bytes could not be read as HTTP. Such a request has no method, no path and no trace, and its
//! bytes may hold secrets. So the reason alone is written.

use std::error::Error;

use super::head::{HEAD_BYTES_MAX, HEADERS_MAX};
use crate::base::size_in_words;

/// The start of every TLS handshake: a record of the type `handshake`, of a version of TLS.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// What a client most likely did wrong, by the start of the parser's description.
const HINTS: [(&str, &str); 4] = [
    (
        "invalid HTTP method",
        "a request begins with a method such as GET or POST",
    ),
    (
        "invalid URI",
        "a character of the path or query must be percent-encoded, such as a quote, a bracket or a blank",
    ),
    (
        "invalid HTTP version",
        "a request line is `METHOD PATH HTTP/1.1`, and a blank in the path or query must be percent-encoded (%20)",
    ),
    (
        "invalid HTTP header",
        "a header is `name: value`, without control characters and without a blank before the colon",
    ),
];

/// How the parser's description starts if a head is too large.
const TOO_LARGE: [&str; 2] = ["message head is too large", "URI too long"];

pub(super) fn is_tls_handshake(first: &[u8]) -> bool {
    first.starts_with(&TLS_HANDSHAKE)
}

/// Logs a connection of HTTP/1.1 that the parser refused. A client that went away is no news.
pub(super) fn log_http1(error: &hyper::Error, is_tls_handshake: bool) {
    if !error.is_parse() {
        return;
    }
    if is_tls_handshake {
        tracing::warn!(
            "a client began a TLS handshake on a port of plain HTTP: write http:// in its URL, or serve HTTPS with --tls"
        );
        return;
    }
    let reason = error.to_string();
    let hint = hint(&reason).map_or(String::new(), |hint| format!(" ({hint})"));
    tracing::warn!("a request could not be read as HTTP/1.1: {reason}{hint}");
}

fn hint(reason: &str) -> Option<String> {
    if TOO_LARGE.iter().any(|start| reason.starts_with(start)) {
        let most = size_in_words(HEAD_BYTES_MAX);
        return Some(format!(
            "a head has at most {most} and {HEADERS_MAX} headers"
        ));
    }
    let hint = HINTS.iter().find(|(start, _)| reason.starts_with(start));
    hint.map(|(_, hint)| (*hint).to_owned())
}

/// Logs a connection of HTTP/2 that ended because its client broke the protocol.
pub(super) fn log_http2(error: &hyper::Error) {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<h2::Error>());
    if let Some(cause) = cause.filter(|cause| cause.is_library())
        && let Some(reason) = cause.reason()
    {
        tracing::warn!(
            "a connection of HTTP/2 was ended, because its client broke the protocol: {reason}"
        );
    }
}

/// Logs a connection that was cut within a handshake.
#[cfg(feature = "tls")]
pub(super) fn log_late_handshake() {
    tracing::warn!("a TLS handshake failed: it was not complete within its time");
}

/// Logs a connection that was cut within a head.
pub(super) fn log_late_head() {
    tracing::warn!("a connection was cut: the head of a request did not arrive within its time");
}
