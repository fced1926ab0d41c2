//! API keys: which keys are well-formed, and the public key.

use std::fmt;
use std::str::FromStr;

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
pub struct ApiKey {
    /// The text, and zeros behind it. A key without an allocation: every request makes one.
    bytes: [u8; BYTES_MAX],
    length: u8,
}

pub(crate) const PREFIXES: [&str; 3] = ["iluma_development_", "iluma_live_", "iluma_production_"];
pub(crate) const SECRET_CHARS: std::ops::RangeInclusive<usize> = 30..=80;

/// The longest prefix and the longest secret.
const BYTES_MAX: usize = PREFIXES[0].len() + *SECRET_CHARS.end();

impl ApiKey {
    /// The whole key. Send it, but never log it.
    ///
    /// ```
    /// use iluma_sandbox::{ApiKey, PUBLIC_KEY};
    ///
    /// let key: ApiKey = PUBLIC_KEY.parse().unwrap();
    /// assert_eq!(key.reveal(), PUBLIC_KEY);
    /// ```
    pub fn reveal(&self) -> &str {
        let bytes = &self.bytes[..self.length.into()];
        str::from_utf8(bytes).unwrap_or_default() // it is ASCII
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
        !self.reveal().starts_with("iluma_development_")
    }

    /// The key's environment as the API writes it.
    pub(crate) fn environment(&self) -> &'static str {
        if self.is_live() { "LIVE" } else { "TEST" }
    }
}

impl FromStr for ApiKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let secret = secret_of(text).ok_or(
            "an API key begins with `iluma_development_`, `iluma_live_` or `iluma_production_`",
        )?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'=' | b'+');
        if !SECRET_CHARS.contains(&secret.len()) || !secret.bytes().all(plain) {
            return Err(format!(
                "after its beginning an API key has {} to {} letters, digits, `/`, `=` or `+`",
                SECRET_CHARS.start(),
                SECRET_CHARS.end()
            ));
        }
        let mut bytes = [0; BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).expect("no key is so long");
        Ok(Self { bytes, length })
    }
}

/// What follows the prefix of a key.
fn secret_of(text: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix))
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
            .find(|prefix| self.reveal().starts_with(*prefix))
            .expect("a key begins with a known prefix");
        write!(f, "{prefix}…")
    }
}
