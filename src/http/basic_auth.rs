//! API keys and HTTP Basic authentication: the key as user name, no password.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, Engine};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
#[cfg(feature = "cli")]
use hyper::header::HeaderValue;

use super::error::ApiError;
use super::single_headers::{RepeatedHeader, single_header};
use crate::base::ApiKey;

/// Room for the longest key, a colon, and a password, so that the answer can complain about the password.
const CREDENTIALS_BYTES_MAX: usize = 512;

/// The value of an `authorization` header with this key.
#[cfg(feature = "cli")]
pub(crate) fn basic(key: &ApiKey) -> HeaderValue {
    let credentials = STANDARD.encode(format!("{}:", key.reveal()));
    HeaderValue::try_from(format!("Basic {credentials}")).expect("base64 is plain")
}

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
    // A prefix has an underscore, and base64 has none.
    if credentials.contains('_') && credentials.parse::<ApiKey>().is_ok() {
        return Err(refuse(
            "The API key is not encoded: it stands behind Basic as it is.",
        ));
    }
    let mut buffer = [0; CREDENTIALS_BYTES_MAX];
    let length = match STANDARD.decode_slice(credentials, &mut buffer) {
        Ok(length) => length,
        Err(DecodeSliceError::DecodeError(_)) if is_broken_base64(credentials) => {
            return Err(refuse(
                "What follows Basic has a blank in it: `base64` breaks long lines, so write `base64 -w 0`.",
            ));
        }
        Err(DecodeSliceError::DecodeError(_)) => {
            return Err(refuse("What follows Basic is not base64."));
        }
        Err(DecodeSliceError::OutputSliceTooSmall) => {
            return Err(refuse("What follows Basic is longer than any API key."));
        }
    };
    let decoded = std::str::from_utf8(&buffer[..length])
        .map_err(|_| refuse("What follows Basic does not decode to text."))?;
    if let [0, ..] | [_, 0, ..] = decoded.as_bytes() {
        return Err(refuse(
            "What follows Basic was encoded from UTF-16: encode it from UTF-8.",
        ));
    }
    let (key, password) = decoded
        .split_once(':')
        .ok_or_else(|| refuse("The decoded credentials have no colon behind the API key."))?;
    check_password(key, password).map_err(refuse)?;
    if key.ends_with(['\n', '\r']) {
        return Err(refuse(
            "The API key ends with a line break: remove it before the colon is added.",
        ));
    }
    key.parse()
        .map_err(|reason: String| refuse(&format!("The API key is not well-formed: {reason}.")))
}

/// Whether blanks alone keep a text from being base64.
fn is_broken_base64(text: &str) -> bool {
    let joined: String = text.split_whitespace().collect();
    joined != text && STANDARD.decode(joined).is_ok()
}

fn check_password(user: &str, password: &str) -> Result<(), &'static str> {
    if password.is_empty() {
        return Ok(());
    }
    if password.contains(['\n', '\r']) && password.trim().is_empty() {
        return Err(
            "The password is a line break, as `echo` writes one: write `printf '%s:' \"$KEY\" | base64 -w 0`.",
        );
    }
    if user.is_empty() && password.parse::<ApiKey>().is_ok() {
        return Err("The API key is the password: send it as the user name.");
    }
    Err("The password is not empty.")
}
