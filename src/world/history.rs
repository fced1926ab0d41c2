//! The control calls that changed a world since it was empty, for a replay.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde_json::Value;

use crate::base::Commit;

/// Older calls are dropped.
pub(crate) const CONTROL_CALLS_MAX: usize = 1000;

/// A call with a longer body is kept without it.
pub(crate) const CALL_BODY_BYTES_MAX: usize = 64 << 10;

const CALL_OVERHEAD_BYTES: usize = 150;

/// A control call that changed a world, or what a test in Rust did in its place.
#[derive(Clone, Debug)]
pub(crate) struct ControlCall {
    pub method: &'static str,
    /// Without `/__sandbox/`.
    pub path: Box<str>,
    /// JSON, or nothing.
    pub body: Box<str>,
    /// Whether the body was too long to be kept.
    pub lacks_body: bool,
}

impl ControlCall {
    pub(crate) fn new(method: &'static str, path: impl Into<Box<str>>) -> Self {
        Self {
            method,
            path: path.into(),
            body: Box::default(),
            lacks_body: false,
        }
    }

    pub(crate) fn with_body(self, body: &Value) -> Self {
        self.with_text(&body.to_string())
    }

    pub(crate) fn with_text(self, body: &str) -> Self {
        let is_kept = body.len() <= CALL_BODY_BYTES_MAX;
        Self {
            body: if is_kept { body.into() } else { Box::default() },
            lacks_body: !is_kept,
            ..self
        }
    }
}

/// A control call and its place in the order of its world.
#[derive(Clone, Debug)]
pub(crate) struct CommittedCall {
    pub commit: Commit,
    pub at: SystemTime,
    pub call: ControlCall,
}

impl CommittedCall {
    fn bytes(&self) -> usize {
        self.call.path.len() + self.call.body.len() + CALL_OVERHEAD_BYTES
    }
}

/// The latest control calls of a world.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: VecDeque<CommittedCall>,
    pub bytes: usize,
    pub dropped: u64,
    /// Whether the world held something before its first request: it comes from a state file or a snapshot.
    pub was_filled: bool,
}

impl History {
    pub(crate) fn calls(&self) -> impl Iterator<Item = &CommittedCall> {
        self.kept.iter()
    }

    /// The call with this number, if it is still kept.
    pub(crate) fn get(&self, number: u64) -> Option<&CommittedCall> {
        let of = |one: &CommittedCall| one.commit.number;
        let at = self.kept.binary_search_by_key(&number, of).ok()?;
        self.kept.get(at)
    }

    pub(super) fn note(&mut self, call: CommittedCall) {
        self.bytes += call.bytes();
        self.kept.push_back(call);
        if self.kept.len() > CONTROL_CALLS_MAX {
            self.drop_oldest();
        }
    }

    /// False when there is nothing left to drop.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.kept.pop_front() else {
            return false;
        };
        self.bytes -= oldest.bytes();
        self.dropped += 1;
        true
    }
}
