//! The digest of a world: it stands for the API key in ids, draws and traces, and does not reveal the key.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::{ApiKey, short};

/// 128 bits: the beginning of HMAC-SHA-256. The HMAC's key is the seed in decimal digits, its message is the API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WorldDigest(pub(super) u128);

impl WorldDigest {
    pub(crate) fn new(seed: u64, key: &ApiKey) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(seed.to_string().as_bytes())
            .expect("an HMAC takes keys of every length");
        mac.update(key.reveal().as_bytes());
        let bytes = mac.finalize().into_bytes();
        let first = bytes.first_chunk().expect("SHA-256 has 32 bytes");
        Self(u128::from_be_bytes(*first))
    }

    /// Its first eight hex digits. They name the world in traces.
    pub(crate) fn tag(self) -> String {
        format!("{:08x}", self.0 >> 96)
    }
}

impl FromStr for WorldDigest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digest = u128::from_str_radix(text, 16).map(Self);
        digest
            .ok()
            .filter(|digest| digest.to_string() == text)
            .ok_or_else(|| format!("`{}` is no digest of 32 hex digits", short(text)))
    }
}

/// All of it: 32 hex digits.
impl fmt::Display for WorldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
