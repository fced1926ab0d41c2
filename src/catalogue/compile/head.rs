//! Status and headers of an outcome: the part of a reply before its body.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

use crate::scenario::{LoadError, OutcomePart, SourceFile, Tree};

pub(super) fn status(
    part: &OutcomePart,
    fallback: StatusCode,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> StatusCode {
    let Some(written) = &part.status else {
        return fallback;
    };
    let status = StatusCode::from_u16(*written.as_ref()).unwrap_or(StatusCode::CONTINUE);
    let wrong = match status.as_u16() {
        204 | 205 | 304 => {
            "a response with the status 204, 205 or 304 cannot have a body: use another status"
        }
        200..600 => return status,
        _ => "a status must be between 200 and 599",
    };
    errors.push(file.error(written.span(), wrong));
    fallback
}

pub(super) fn headers(
    part: &OutcomePart,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> Vec<(HeaderName, HeaderValue)> {
    let Some(written) = &part.headers else {
        return Vec::new();
    };
    let Tree::Table(entries) = written.as_ref() else {
        errors.push(file.error(written.span(), "`headers` must be a table of texts"));
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, value) in entries {
        let parsed_name = HeaderName::try_from(name.as_ref().as_str());
        let parsed_value = match value.as_ref() {
            Tree::Text(text) => HeaderValue::try_from(text.as_str()).ok(),
            Tree::Integer(number) => Some(HeaderValue::from(*number)),
            _ => None,
        };
        match (parsed_name, parsed_value) {
            (Err(_), _) => errors.push(file.error(
                name.span(),
                format!("`{}` is not a valid header name", name.as_ref()),
            )),
            (Ok(name), _) if FRAMING.contains(&name.as_str()) => errors.push(file.error(
                value.span(),
                format!("the server writes the header `{name}`: leave it out"),
            )),
            (_, None) => errors.push(file.error(
                value.span(),
                "the value of a header must be text of visible characters, or a whole number",
            )),
            (Ok(name), Some(value)) => headers.push((name, value)),
        }
    }
    headers
}

/// Headers that frame the body. A wrong one would break the connection, which is not what the file's author wants.
pub(crate) const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
