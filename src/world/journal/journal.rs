//! The journal of a world: what was asked and what was answered, the latest thousand.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use tokio::task::yield_now;

use super::exchange::Why;
use crate::base::hex;
use crate::control::Thumbnail;
use crate::http::CONTROL_TOKEN_HEADER;

pub(crate) const ENTRIES_MAX: usize = 1000;

/// What stands in a trace for the world of a request that belongs to none.
pub(crate) const NO_WORLD: [u8; 8] = *b"00000000";

const BODY_KEPT_BYTES_MAX: usize = 64 << 10;
const HEAD_KEPT_BYTES_MAX: usize = 8 << 10;
const ENTRY_OVERHEAD_BYTES: usize = 370;
const REPLY_HEADER_BYTES: usize = 100;
const _: () = assert!(size_of::<Exchange>() <= ENTRY_OVERHEAD_BYTES);

/// One request with its reply.
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
/// let asked = &world.requests()[0];
/// assert_eq!((asked.method(), asked.status.as_u16()), ("POST", 200));
/// assert_eq!(asked.body().unwrap()["bank_code"], "BCA");
/// assert_eq!(asked.reply.json()["status"], "COMPLETED");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts the world's requests from 1; never repeats.
    pub seq: u64,
    /// When the request's head had been read.
    pub at: SystemTime,
    /// `POST /v0/… ` and the header lines, the API key left out.
    pub head: Box<str>,
    pub request: KeptBody,
    pub status: StatusCode,
    /// Such as `v0/individual_cft_peps/COMPLETED_FOUND`; none where no product answered.
    pub outcome: Option<HeaderValue>,
    /// What was answered. Of a reply with a `fault` less may have been sent, or nothing.
    pub reply: KeptBody,
    /// Those that not every reply has.
    pub(crate) reply_headers: Vec<(HeaderName, HeaderValue)>,
    /// How long the answer took to make, without the delay.
    pub duration: Duration,
    /// How much later it was sent on purpose.
    pub delay: Duration,
    /// How it was broken on purpose, such as `truncate`.
    pub fault: Option<Box<str>>,
    pub(crate) why: Why,
    /// Of its uploads, made for those who look on.
    pub(crate) thumbnails: Option<Arc<[Thumbnail]>>,
    /// The world's, or that of the requests which belong to none.
    pub(crate) tag: [u8; 8],
}

/// A body as far as it is kept.
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
    /// SHA-256 of the whole, in hex, where only a part is kept.
    pub sha256: Option<Box<str>>,
}

impl KeptBody {
    /// Keeps a body that is alive anyway, such as a record's.
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

    /// Keeps a copy, so that the buffer of a whole connection does not stay for one body.
    pub(crate) fn copied(body: &[u8]) -> Self {
        let hash = Self::keeps_a_part_of(body).then(|| Sha256::digest(body));
        Self::begun(body, hash.map(|hash| hex(&hash).into()))
    }

    /// The same. To hash a long body takes longer than all the rest of its request: others have their turn in between.
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

/// The request line and headers as text, as far as they are kept; what is cut ends in `…`. The API key is the world's own;
/// it is not kept, nor is the control token.
pub(crate) fn head_text(method: &str, target: &str, headers: &HeaderMap) -> Box<str> {
    let headers_bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 3);
    let whole_bytes = method.len() + 1 + target.len() + headers_bytes.sum::<usize>();
    let mut text = String::with_capacity(whole_bytes.min(HEAD_KEPT_BYTES_MAX + 8));
    push_within(&mut text, method);
    text.push(' ');
    push_within(&mut text, target);
    for (name, value) in headers {
        if text.len() + name.as_str().len() + 3 > HEAD_KEPT_BYTES_MAX {
            text.push_str("\n…");
            break;
        }
        text.push('\n');
        text.push_str(name.as_str());
        text.push_str(": ");
        if name == AUTHORIZATION || name == CONTROL_TOKEN_HEADER {
            text.push('…');
        } else {
            push_within(&mut text, &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    text.into_boxed_str()
}

/// Adds as much of a piece as the text has room for.
fn push_within(text: &mut String, piece: &str) {
    let room = HEAD_KEPT_BYTES_MAX.saturating_sub(text.len());
    if piece.len() <= room {
        text.push_str(piece);
    } else {
        text.push_str(&piece[..piece.floor_char_boundary(room)]);
        text.push('…');
    }
}

/// The latest exchanges. The oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Exchange>,
    seq: u64,
    pub bytes: usize,
    pub dropped: u64,
    dropped_until: u64,
}

impl Journal {
    /// An empty one that goes on counting.
    pub(crate) fn starting_after(seq: u64) -> Self {
        Self {
            seq,
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Exchange> {
        self.entries.iter()
    }

    /// Those with larger numbers, oldest first.
    pub(crate) fn after(&self, seq: u64) -> impl Iterator<Item = &Exchange> {
        let at = self.entries.partition_point(|one| one.seq <= seq);
        self.entries.range(at..)
    }

    /// The number of the latest that was dropped; 0 where none was.
    pub(crate) fn dropped_until(&self) -> u64 {
        self.dropped_until
    }

    /// The number of the latest.
    pub(crate) fn last_seq(&self) -> u64 {
        self.seq
    }

    /// The exchange of a number, if it is still kept.
    pub(crate) fn get(&self, seq: u64) -> Option<&Exchange> {
        let at = self
            .entries
            .binary_search_by_key(&seq, |one| one.seq)
            .ok()?;
        self.entries.get(at)
    }

    /// Counts an exchange that is not kept.
    pub(crate) fn pass(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Gives the exchange its number and keeps it among the latest.
    pub(crate) fn record(&mut self, exchange: Exchange) -> u64 {
        self.keep(exchange, ENTRIES_MAX)
    }

    /// The same where fewer are kept.
    pub(crate) fn keep(&mut self, mut exchange: Exchange, entries_max: usize) -> u64 {
        self.seq += 1;
        exchange.seq = self.seq;
        self.bytes += bytes(&exchange);
        self.entries.push_back(exchange);
        if self.entries.len() > entries_max {
            self.drop_oldest();
        }
        self.seq
    }

    /// Keeps thumbnails with the exchange of a number. False where that is kept no longer.
    pub(crate) fn illustrate(&mut self, seq: u64, thumbnails: Vec<Thumbnail>) -> bool {
        let found = self.entries.binary_search_by_key(&seq, |one| one.seq);
        let Some(exchange) = found.ok().and_then(|at| self.entries.get_mut(at)) else {
            return false;
        };
        self.bytes -= bytes(exchange);
        exchange.thumbnails = Some(thumbnails.into());
        self.bytes += bytes(exchange);
        true
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.entries.pop_front() else {
            return false;
        };
        self.bytes -= bytes(&oldest);
        self.dropped += 1;
        self.dropped_until = oldest.seq;
        true
    }
}

fn bytes(exchange: &Exchange) -> usize {
    exchange.head.len()
        + exchange.request.bytes.len()
        + exchange.reply.bytes.len()
        + thumbnails_bytes(exchange)
        + exchange.fault.as_ref().map_or(0, |fault| fault.len())
        + exchange.reply_headers.len() * REPLY_HEADER_BYTES
        + ENTRY_OVERHEAD_BYTES
}

/// What the thumbnails of an exchange take.
pub(crate) fn thumbnails_bytes(exchange: &Exchange) -> usize {
    let thumbnails = exchange.thumbnails.iter().flat_map(|all| all.iter());
    thumbnails
        .map(|one| one.at.len() + one.png.len() + size_of::<Thumbnail>())
        .sum()
}
