//! Moments and bodies in a snapshot.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::Instant;

use crate::base::{Moment, milliseconds};

/// How long ago something happened, by the machine's time. `advanced_ms` says how far the world's clock had
/// been advanced then.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ago {
    pub(super) real_ms: u64,
    pub(super) advanced_ms: u64,
}

/// The exact bytes of a body, which are text.
#[derive(Debug)]
pub(super) struct Text(pub(super) Bytes);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Ago {
    pub(super) fn of(since: Moment, now: Instant) -> Self {
        let (real, advanced) = since.parts(now);
        Self {
            real_ms: milliseconds(real),
            advanced_ms: milliseconds(advanced),
        }
    }

    pub(super) fn at(self, now: Instant) -> Moment {
        let real = Duration::from_millis(self.real_ms);
        Moment::ago(now, real, Duration::from_millis(self.advanced_ms))
    }
}
