//! Chance: draws that depend on the seed and on the request, never on the machine or the time.

use std::hash::Hasher;
use std::ops::Range;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value};
use siphasher::sip128::{Hasher128, SipHasher13};
use smallvec::SmallVec;

use super::json_number::canonical_number;

/// How much the hasher gets at once. Most inputs of a draw are shorter.
const PENDING_BYTES: usize = 256;

/// Hashes everything that a draw depends on, piece by piece. The same pieces give the same draws in every release.
#[derive(Clone)]
pub(crate) struct Mix {
    hasher: SipHasher13,
    /// The hasher gets many short pieces at once, because each call of it takes much longer than the bytes of a piece.
    pending: [u8; PENDING_BYTES],
    pending_bytes: usize,
}

impl Mix {
    /// Starts from the sandbox's seed and the name of what is drawn.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut mix = Self {
            hasher: SipHasher13::new_with_keys(seed, 0x696c_756d_6173_616e),
            pending: [0; PENDING_BYTES],
            pending_bytes: 0,
        };
        mix.text(purpose);
        mix
    }

    fn write(&mut self, bytes: &[u8]) {
        let end = self.pending_bytes + bytes.len();
        if let Some(room) = self.pending.get_mut(self.pending_bytes..end) {
            room.copy_from_slice(bytes);
            self.pending_bytes = end;
            return;
        }
        self.hasher.write(&self.pending[..self.pending_bytes]);
        self.pending_bytes = 0;
        self.hasher.write(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.write(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    pub(crate) fn wide(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    /// Mixes in a JSON value. The order of an object's keys and the spelling of numbers do not matter.
    pub(crate) fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.write(b"n"),
            Value::Bool(true) => self.write(b"t"),
            Value::Bool(false) => self.write(b"f"),
            Value::Number(number) => {
                self.write(b"#");
                let number = canonical_number(number);
                match number.as_i64() {
                    Some(integer) => self.number(integer.cast_unsigned()),
                    None => self.text(&number.to_string()),
                }
            }
            Value::String(text) => {
                self.write(b"s");
                self.text(text);
            }
            Value::Array(items) => {
                self.write(b"[");
                self.number(items.len() as u64);
                for item in items {
                    self.json(item);
                }
            }
            Value::Object(map) => self.object(map),
        }
    }

    pub(crate) fn object(&mut self, map: &Map<String, Value>) {
        self.write(b"{");
        self.number(map.len() as u64);
        let mut keys: SmallVec<[_; 12]> = map.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| key.as_str());
        for (key, value) in keys {
            self.text(key);
            self.json(value);
        }
    }

    pub(crate) fn finish(&self) -> u128 {
        let mut hasher = self.hasher;
        hasher.write(&self.pending[..self.pending_bytes]);
        hasher.finish128().as_u128()
    }

    /// Half of the hash: enough to tell what is counted apart.
    pub(crate) fn half(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        let half = self.finish() as u64;
        half
    }

    pub(crate) fn dice(&self) -> Dice {
        Dice::new(self.finish())
    }
}

/// Draws from one [`Mix`]. The generator is set up at the first draw.
pub(crate) struct Dice {
    origin: u128,
    rng: Option<ChaCha8Rng>,
}

impl Dice {
    pub(crate) fn new(origin: u128) -> Self {
        Self { origin, rng: None }
    }

    pub(crate) fn rng(&mut self) -> &mut ChaCha8Rng {
        self.rng.get_or_insert_with(|| {
            let mut seed = [0; 32];
            seed[..16].copy_from_slice(&self.origin.to_le_bytes());
            ChaCha8Rng::from_seed(seed)
        })
    }

    /// A whole number in `range`. All are equally likely.
    pub(crate) fn between(&mut self, range: Range<u32>) -> u32 {
        self.rng().random_range(range)
    }

    /// A number from 0 (included) to 1 (excluded).
    pub(crate) fn fraction(&mut self) -> f64 {
        self.rng().random()
    }

    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.rng().random()).into_uuid()
    }
}
