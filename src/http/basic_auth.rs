//! API keys and HTTP Basic authentication: the key as user name, no password.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, Engine};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::error::ApiError;
use super::single_headers::{RepeatedHeader, single_header};
use crate::base::ApiKey;

/// Room for the longest key, a colon, and a password, so that the answer can complain about the password.
const CREDENTIALS_BYTES_MAX: usize = 512;

/// Reads the API key from the `authorization` header. Every mistake has its own message.
pub(crate) fn authenticate(headers: &HeaderMap) -> Result<ApiKey, ApiError> {
    const RIGHT: &str = "Send `Authorization: Basic ` and the base64 of your API key with a colon \
                         behind it, as `curl -u <API key>:` does.";
    let refuse = |reason: &str| ApiError::invalid_key(format!("{reason} {RIGHT}"));
    let header = single_header(headers, AUTHORIZATION)
        .map_err(|RepeatedHeader| {
            refuse("The Authorization header came more than once, with different values.")
        })?
        .ok_or_else(|| refuse("There is no Authorization header."))?;
    let header = header
        .to_str()
        .map_err(|_| refuse("The Authorization header is not plain text."))?
        .trim();
    let (scheme, credentials) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refuse(
            "The Authorization header does not use the Basic scheme.",
        ));
    }
    let credentials = credentials.trim();
    if credentials.parse::<ApiKey>().is_ok() {
        return Err(refuse(
            "The API key is not encoded: it stands behind Basic as it is.",
        ));
    }
    let mut buffer = [0; CREDENTIALS_BYTES_MAX];
    let length = match STANDARD.decode_slice(credentials, &mut buffer) {
        Ok(length) => length,
        Err(DecodeSliceError::DecodeError(_)) => {
            return Err(refuse("What follows Basic is not base64."));
        }
        Err(DecodeSliceError::OutputSliceTooSmall) => {
            return Err(refuse("What follows Basic is longer than any API key."));
        }
    };
    let decoded = std::str::from_utf8(&buffer[..length])
        .map_err(|_| refuse("What follows Basic does not decode to text."))?;
    let (key, password) = decoded
        .split_once(':')
        .ok_or_else(|| refuse("The decoded credentials have no colon behind the API key."))?;
    if !password.is_empty() {
        return Err(refuse("The password is not empty."));
    }
    key.parse()
        .map_err(|reason: String| refuse(&format!("The API key is not well-formed: {reason}.")))
}
