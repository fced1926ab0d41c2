//! How far the recording of a sandbox has come.

/// How far a recording has come.
#[derive(Debug, Default)]
pub(crate) struct RecordingStatus {
    pub lines: u64,
    pub bytes: u64,
    /// Lines that could not be written since the latest one that was, and before it.
    pub lost: u64,
    pub lost_before: u64,
    /// Why the latest line was not written.
    pub error: Option<String>,
    /// Whether the file has reached its limit.
    pub is_full: bool,
}
