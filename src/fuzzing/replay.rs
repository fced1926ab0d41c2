//! Exports: what is read is replayed, the same way every time. What a replay exports is replayed without a difference.

use crate::cli::{Replayed, replay_export};

/// # Panics
/// If an error is empty, two replays differ, or a replay of what was exported finds a difference.
pub fn replay(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return; // refused before it is read
    };
    let replay = match replay_export(text) {
        Ok(replay) => replay,
        Err(sentence) => return assert!(!sentence.is_empty()),
    };
    check(&replay);
    let again = replay_export(text).expect("it could be replayed");
    let counts = |replay: &Replayed| (replay.requests, replay.compared, replay.different);
    assert_eq!(counts(&replay), counts(&again));
    let exported = replay_export(&replay.exported).expect("an export can be replayed");
    check(&exported);
    assert_eq!(exported.different, 0, "{}", replay.exported);
}

/// Checks the rules for every replay.
pub(super) fn check(replay: &Replayed) {
    assert!(replay.compared <= replay.requests, "{replay:?}");
}
