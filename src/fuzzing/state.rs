//! The lines of a state file: what is read can be written, and read again.

use tokio::time::Instant;

use super::stage::{run, sandbox, shipped};
use crate::server::load_lines;

/// # Panics
/// If an error is no sentence about the file, or a world that was read cannot be written and read again.
pub fn state(data: &[u8]) {
    run(async {
        let (one, catalogue) = (sandbox(shipped()), shipped());
        let worlds = &one.control.engine.worlds;
        if let Err(sentence) = load_lines(data, worlds, &catalogue) {
            assert!(sentence.starts_with("the state file FILE "), "{sentence}");
            return;
        }
        let mut written = Vec::new();
        for world in worlds.to_save() {
            let saved = worlds.saved(&world, Instant::now());
            serde_json::to_writer(&mut written, &saved.expect("nobody ends it")).expect("text");
            written.push(b'\n');
        }
        let other = sandbox(shipped());
        let again = load_lines(&written, &other.control.engine.worlds, &catalogue);
        assert_eq!(again, Ok(worlds.to_save().len()));
    });
}
