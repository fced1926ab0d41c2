//! How an audit signs: with the receiver's secret, and with others.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;

use crate::callbacks::sign;

/// How old an old timestamp is. Libraries for Standard Webhooks accept five minutes.
const OLD: Duration = Duration::from_hours(1);

/// The secret that the receiver verifies signatures with.
#[derive(Clone)]
pub(super) struct SigningSecret(Vec<u8>);

/// The signatures of a callback.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureSent {
    Right,
    Wrong,
    /// Right, of an hour ago.
    Old,
    RightThenWrong,
    WrongThenRight,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningSecret")
    }
}

impl From<[u8; 24]> for SigningSecret {
    fn from(secret: [u8; 24]) -> Self {
        Self(secret.into())
    }
}

impl FromStr for SigningSecret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let base64 = text.strip_prefix("whsec_").unwrap_or(text);
        match STANDARD.decode(base64) {
            Ok(secret) if !secret.is_empty() => Ok(Self(secret)),
            Ok(_) | Err(_) => {
                Err("write `whsec_` and the base64 of the secret, or the base64 alone".to_owned())
            }
        }
    }
}

impl SigningSecret {
    /// Adds the headers of Standard Webhooks.
    pub(super) fn sign(
        &self,
        headers: &mut HeaderMap,
        id: &str,
        signature: SignatureSent,
        body: &[u8],
    ) {
        let right = &*self.0;
        let wrong: Vec<_> = right.iter().map(|byte| !byte).collect();
        let now = SystemTime::now();
        let (at, secrets) = match signature {
            SignatureSent::Right => (now, vec![right]),
            SignatureSent::Wrong => (now, vec![&*wrong]),
            SignatureSent::Old => (now.checked_sub(OLD).unwrap_or(now), vec![right]),
            SignatureSent::RightThenWrong => (now, vec![right, &wrong]),
            SignatureSent::WrongThenRight => (now, vec![&wrong, right]),
        };
        sign(headers, id, at, &secrets, body);
    }
}
