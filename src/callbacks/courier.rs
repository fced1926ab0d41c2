//! The courier sends due deliveries, retries them, and advances a world's clock through what became due.
//!
//! Each world has a queue. A delivery is due when its delay has passed in real time, or when the world's clock
//! has been advanced that far, whichever comes first.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::Sha256;
use tokio::sync::watch;

use super::egress::{AttemptResult, Egress};
use super::options::CallbackOptions;
use super::slots::Slots;
use crate::base::{Panics, ReceiverUrl};
use crate::http::{CALLBACK_TOKEN_HEADER, DEPTH_HEADER, TraceContext};
use crate::world::{Delivery, TokenSent, World};

/// Callbacks of all worlds that connect or write their request at the same time.
const CONNECTS_MAX: usize = 64;

/// Callbacks of all worlds that have begun and are not answered yet.
const UNANSWERED_MAX: usize = 256;

/// The time limit of a receiver.
pub(crate) const RECEIVER_TIME: Duration = Duration::from_secs(30);

type UrlOfType = dyn Fn(&str) -> Option<ReceiverUrl> + Send + Sync;

/// Looks up the URL of a callback type for worlds that have registered none.
pub(crate) struct DefaultUrl(pub Box<UrlOfType>);

/// What the headers of a callback depend on.
pub(crate) struct CallbackHead<'a> {
    pub token: TokenSent,
    /// The number of the message, which copies share.
    pub message: u64,
    pub depth: u32,
    pub trace: Option<&'a TraceContext>,
    pub body: &'a [u8],
}

impl<'a> CallbackHead<'a> {
    pub(super) fn of(delivery: &'a Delivery) -> Self {
        Self {
            token: delivery.token,
            message: delivery.redelivery_of.unwrap_or(delivery.seq),
            depth: delivery.depth,
            trace: delivery.trace.as_deref(),
            body: &delivery.body,
        }
    }
}

/// What the callbacks of all worlds share.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(super) default_url: DefaultUrl,
    pub egress: Egress,
    pub retries: Vec<Duration>,
    pub signing: bool,
    /// Whether the token is also sent in `x-iluma-callback-token`.
    pub second_token_header: bool,
    pub(super) connects: Slots,
    pub(super) unanswered: Slots,
    /// Whether queued deliveries are sent. False when there is no server.
    pub(super) sends_by_itself: bool,
    pub(super) stopping: watch::Sender<bool>,
    pub(super) panics: Panics,
}

impl Courier {
    pub(crate) fn new(
        options: &CallbackOptions,
        default_url: DefaultUrl,
        sends_by_itself: bool,
        panics: Panics,
    ) -> Self {
        Self {
            default_url,
            egress: options.egress.clone(),
            retries: options.retries.clone(),
            signing: options.signing,
            second_token_header: options.second_token_header,
            connects: Slots::new(CONNECTS_MAX),
            unanswered: Slots::new(UNANSWERED_MAX),
            sends_by_itself,
            stopping: watch::Sender::new(false),
            panics,
        }
    }

    /// Cancels queued deliveries and those in flight.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Sends one body to a URL that is being registered.
    pub(crate) async fn ping(
        &self,
        world: &World,
        url: &ReceiverUrl,
        trace: Option<&TraceContext>,
        body: bytes::Bytes,
        limit: Duration,
    ) -> AttemptResult {
        let headers = CallbackHead {
            token: TokenSent::Right,
            message: 0,
            depth: 0,
            trace,
            body: &body,
        };
        let headers = self.headers(world, &headers);
        self.egress.send(url, headers, body, limit, ()).await
    }

    pub(crate) fn headers(&self, world: &World, callback: &CallbackHead<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let token = match callback.token {
            TokenSent::Right => Some(world.callback_token()),
            TokenSent::Wrong => Some(world.wrong_token()),
            TokenSent::None => None,
        };
        if let Some(token) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
            if self.second_token_header {
                let name = HeaderName::from_static("x-iluma-callback-token");
                headers.insert(name, token.clone());
            }
            headers.insert(CALLBACK_TOKEN_HEADER, token);
        }
        headers.insert(DEPTH_HEADER, HeaderValue::from(callback.depth + 1));
        if let Some(trace) = callback.trace {
            trace.write(&mut headers);
        }
        if self.signing {
            let id = format!("msg_{}_{}", world.tag, callback.message);
            let secret = world.signing_secret();
            sign(
                &mut headers,
                &id,
                SystemTime::now(),
                &[&secret],
                callback.body,
            );
        }
        headers
    }
}

impl fmt::Debug for DefaultUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DefaultUrl")
    }
}

/// Adds `webhook-id` (which stays the same over retries), `webhook-timestamp`, and `webhook-signature` with a signature
/// for each secret.
pub(crate) fn sign(
    headers: &mut HeaderMap,
    id: &str,
    at: SystemTime,
    secrets: &[&[u8]],
    body: &[u8],
) {
    let at = at.duration_since(UNIX_EPOCH);
    let timestamp = at.map_or(0, |at| at.as_secs()).to_string();
    let signatures = secrets
        .iter()
        .map(|secret| signature(id, &timestamp, secret, body));
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signatures.as_str()),
    ] {
        let value = HeaderValue::try_from(value).expect("digits, letters and punctuation");
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, which dots separate.
fn signature(id: &str, timestamp: &str, secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
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
