//! A body as the journal keeps it.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::yield_now;

use crate::base::hex;

const BODY_KEPT_BYTES_MAX: usize = 64 << 10;

impl KeptBody {
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes.len() == self.whole_bytes
    }

    /// The kept bytes as JSON. `null` when they are not JSON, or when only a part is kept.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(world.requests()[0].reply.json()["status"], "COMPLETED");
    /// # });
    /// ```
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The kept bytes as text. Replacement characters stand for bytes that are not UTF-8.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
    /// let world = sandbox.world();
    /// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
    /// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
    /// // … the code under test asks, then:
    /// assert_eq!(
    ///     world.requests()[0].request.text(),
    ///     r#"{"bank_account_number":"1","bank_code":"BCA"}"#
    /// );
    /// # });
    /// ```
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A body, as far as it is kept.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = iluma_sandbox::Sandbox::start().await.unwrap();
/// let world = sandbox.world();
/// # let bank = format!("{}/v1.1/identity/bank_account_data_requests", world.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(bank).basic_auth(world.api_key(), Some(""));
/// # ask.json(&serde_json::json!({"bank_account_number": "1", "bank_code": "BCA"})).send().await.unwrap();
/// // … the code under test asks, then:
/// let kept = &world.requests()[0].reply;
/// assert_eq!(kept.bytes.len(), kept.whole_bytes); // it is not so long that only a part is kept
/// assert_eq!(kept.json()["bank_code"], "BCA");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct KeptBody {
    /// Its first 64 KiB.
    pub bytes: Bytes,
    pub whole_bytes: usize,
    /// SHA-256 of the whole body in hex, when only a part is kept.
    pub sha256: Option<Box<str>>,
}

impl KeptBody {
    /// Keeps a body that is in memory anyway, such as a record's.
    pub(crate) fn shared(body: &Bytes) -> Self {
        if body.len() > BODY_KEPT_BYTES_MAX {
            return Self::copied(body);
        }
        Self {
            bytes: body.clone(),
            whole_bytes: body.len(),
            sha256: None,
        }
    }

    /// Keeps all of a body.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self {
            whole_bytes: body.len(),
            bytes: body,
            sha256: None,
        }
    }

    /// Keeps a copy, so that one body does not keep the buffer of a whole connection alive.
    pub(crate) fn copied(body: &[u8]) -> Self {
        let hash = Self::keeps_a_part_of(body).then(|| Sha256::digest(body));
        Self::begun(body, hash.map(|hash| hex(&hash).into()))
    }

    /// The same in steps. Hashing a long body takes longer than the rest of its request, so other tasks get
    /// their turn in between.
    pub(crate) async fn copied_in_turns(body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for piece in body.chunks(BODY_KEPT_BYTES_MAX) {
            hash.update(piece);
            yield_now().await;
        }
        Self::begun(body, Some(hex(&hash.finalize()).into()))
    }

    /// Whether a body is too long to be kept whole.
    pub(crate) fn keeps_a_part_of(body: &[u8]) -> bool {
        body.len() > BODY_KEPT_BYTES_MAX
    }

    fn begun(body: &[u8], sha256: Option<Box<str>>) -> Self {
        let kept = body.len().min(BODY_KEPT_BYTES_MAX);
        Self {
            bytes: Bytes::copy_from_slice(&body[..kept]),
            whole_bytes: body.len(),
            sha256,
        }
    }
}
