//! API keys and HTTP Basic authentication: the key as user name, no password.

use std::fmt;
use std::str::FromStr;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, Engine};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::error::ApiError;

/// The key that the provider prints in its documentation. It is no secret.
///
/// ```
/// use iluma_sandbox::{ApiKey, PUBLIC_KEY};
///
/// assert!(PUBLIC_KEY.parse::<ApiKey>().is_ok());
/// ```
pub const PUBLIC_KEY: &str =
    "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw";

/// A well-formed API key. `Debug` and `Display` never show more than its beginning.
///
/// ```
/// use iluma_sandbox::{ApiKey, PUBLIC_KEY};
///
/// let key: ApiKey = PUBLIC_KEY.parse().unwrap();
/// assert_eq!(key.to_string(), "iluma_development_…");
/// assert!("secret".parse::<ApiKey>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiKey(String);

pub(crate) const PREFIXES: [&str; 3] = ["iluma_development_", "iluma_live_", "iluma_production_"];

/// The longest key, a colon, and room for a password to complain about.
const CREDENTIALS_BYTES_MAX: usize = 512;

const SECRET_CHARS: std::ops::RangeInclusive<usize> = 30..=80;

impl ApiKey {
    /// The whole key, to be sent and never to be logged.
    ///
    /// ```
    /// use iluma_sandbox::{ApiKey, PUBLIC_KEY};
    ///
    /// let key: ApiKey = PUBLIC_KEY.parse().unwrap();
    /// assert_eq!(key.reveal(), PUBLIC_KEY);
    /// ```
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A key of the live environment may have reached the sandbox by mistake.
    ///
    /// ```
    /// use iluma_sandbox::{ApiKey, PUBLIC_KEY};
    ///
    /// let key: ApiKey = PUBLIC_KEY.parse().unwrap();
    /// assert!(!key.is_live());
    /// ```
    pub fn is_live(&self) -> bool {
        !self.0.starts_with("iluma_development_")
    }
}

impl FromStr for ApiKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let secret = PREFIXES
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .ok_or(
                "an API key begins with `iluma_development_`, `iluma_live_` or `iluma_production_`",
            )?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'=' | b'+');
        if !SECRET_CHARS.contains(&secret.len()) || !secret.bytes().all(plain) {
            return Err(
                "after its beginning an API key has 30 to 80 letters, digits, `/`, `=` or `+`"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = PREFIXES
            .iter()
            .find(|prefix| self.0.starts_with(*prefix))
            .expect("a key begins with a known prefix");
        write!(f, "{prefix}…")
    }
}

/// Reads the key out of the `authorization` header. Every way to get it wrong has its own sentence.
pub(crate) fn authenticate(headers: &HeaderMap) -> Result<ApiKey, ApiError> {
    const RIGHT: &str = "Send `Authorization: Basic ` and the base64 of your API key with a colon \
                         behind it, as `curl -u <API key>:` does.";
    let refuse = |reason: &str| ApiError::invalid_key(format!("{reason} {RIGHT}"));
    let header = headers
        .get(AUTHORIZATION)
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
