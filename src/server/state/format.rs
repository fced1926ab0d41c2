//! The form of a state file: a line with a head, a line for each world, a line with the end. Each line is JSON.

use std::collections::HashMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::Clock;
use crate::world::{Revision, WorldDigest, Worlds};

/// The version of the form. Other versions are refused. A new version of snapshots needs a new version here.
pub(super) const VERSION: u64 = 1;

/// The head and the end of a file are never longer.
pub(super) const HEAD_BYTES_MAX: u64 = 4 << 10;

/// Every state file begins with this.
pub(super) const HEAD_START: &[u8] = br#"{"iluma_sandbox_state":"#;

pub(super) type Hash = [u8; 32];

/// What is known before the worlds.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    #[serde(rename = "iluma_sandbox_state")]
    pub version: u64,
    /// The release of the sandbox that wrote it.
    pub sandbox: String,
    pub seed: u64,
    pub clock: String,
    /// How many bytes clients could make that sandbox hold.
    pub memory: usize,
    /// How many names the sandbox had made up for worlds.
    pub names_made: u64,
}

impl Head {
    pub(super) fn of(worlds: &Worlds) -> Self {
        Self {
            version: VERSION,
            sandbox: env!("CARGO_PKG_VERSION").to_owned(),
            seed: worlds.seed(),
            clock: clock_text(worlds.clock()),
            memory: worlds.memory().bytes(),
            names_made: worlds.names_made(),
        }
    }
}

pub(super) fn clock_text(clock: Clock) -> String {
    match clock {
        Clock::Frozen(at) => at.to_string(),
        Clock::System => "system".to_owned(),
    }
}

/// The last line. A file without it is torn.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub worlds: usize,
    /// In hex digits, the hash of the hashes of all lines before.
    pub sha256: String,
}

/// The hash of all lines so far.
#[derive(Clone, Default)]
pub(super) struct WholeHash(Sha256);

impl WholeHash {
    pub(super) fn add(&mut self, line: Hash) {
        self.0.update(line);
    }

    pub(super) fn text(self) -> String {
        let hash: Hash = self.0.finalize().into();
        let mut text = String::new();
        for byte in hash {
            write!(text, "{byte:02x}").expect("a text takes everything");
        }
        text
    }
}

pub(super) fn hash_of(line: &[u8]) -> Hash {
    Sha256::digest(line).into()
}

/// Where a world is in the file, and which of its states that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub at: u64,
    pub bytes: u64,
    pub hash: Hash,
    pub revision: Revision,
    /// Whether the line says the same as long as nothing changes the world.
    pub is_settled: bool,
}

/// The lines of a file by the world.
pub(super) type Lines = HashMap<WorldDigest, Line>;
