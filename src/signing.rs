//! Signatures as the Standard Webhooks specification has them, beside the callback token.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::Sha256;

/// Adds `webhook-id`, which stays the same over retries, `webhook-timestamp` and `webhook-signature`.
pub(crate) fn sign(headers: &mut HeaderMap, id: &str, secret: &[u8], body: &[u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = now.map_or(0, |now| now.as_secs()).to_string();
    let signature = signature(id, &timestamp, secret, body);
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ] {
        let value = HeaderValue::try_from(value).expect("digits, letters and punctuation");
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, with dots between them.
fn signature(id: &str, timestamp: &str, secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// How a secret is written for receivers: `whsec_` and its base64.
pub(crate) fn written_secret(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specification_s_example_does() {
        let secret = STANDARD
            .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .expect("base64");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", &secret, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
