//! Headers that may appear only once. A header that is repeated with the same value counts as one.

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{AsHeaderName, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue};

use super::headers::DEPTH_HEADER;

/// The headers that are refused with 400. The API key, the control token and `x-sandbox-world` are refused with 401
/// where they are read.
const SINGLE: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_ENCODING, HOST, DEPTH_HEADER];

/// A header came more than once, with different values.
#[derive(Debug)]
pub(crate) struct RepeatedHeader;

/// The value of a header that may appear only once.
pub(crate) fn single_header(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, RepeatedHeader> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.any(|other| Some(other) != first) {
        return Err(RepeatedHeader);
    }
    Ok(first)
}

/// Refuses a request that repeats one of these headers with different values.
pub(super) fn check_single_headers(headers: &HeaderMap) -> Result<(), String> {
    for name in SINGLE {
        if single_header(headers, &name).is_err() {
            return Err(format!(
                "The header {name} came more than once, with different values: send it once."
            ));
        }
    }
    if let Some(depth) = headers.get(DEPTH_HEADER)
        && depth
            .to_str()
            .ok()
            .and_then(|depth| depth.parse::<u32>().ok())
            .is_none()
    {
        return Err(format!("The header {DEPTH_HEADER} must be a whole number."));
    }
    let content_type = headers.get(CONTENT_TYPE).map(header_text);
    if content_type.is_some_and(|text| names_two_types(&text)) {
        return Err("The header content-type names more than one type: send one.".to_owned());
    }
    Ok(())
}

/// Whether a content type is a list of different types. A proxy may join repeated headers to a list.
fn names_two_types(content_type: &str) -> bool {
    if !content_type.contains(',') {
        return false; // the usual case
    }
    let unquoted = without_quoted(content_type);
    let is_type = |part: &&str| {
        let essence = part.split(';').next().unwrap_or_default();
        essence.contains('/') && !essence.contains('=')
    };
    let mut types = unquoted.split(',').map(str::trim).filter(is_type);
    let first = types.next();
    types.any(|other| !first.is_some_and(|first| first.eq_ignore_ascii_case(other)))
}

/// The text without its quoted parts, which may contain anything, such as `boundary="a,b/c"`.
fn without_quoted(text: &str) -> String {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_outside = |c: &char| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return !is_quoted,
        }
        false
    };
    text.chars().filter(is_outside).collect()
}

/// The text of a header. Bytes that are not UTF-8 are Latin-1, the old encoding of HTTP.
pub(crate) fn header_text(value: &HeaderValue) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
