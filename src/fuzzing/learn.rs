//! `replay --learn`: an outcome is learned once, in a file without mistakes, and no name of a person is in it.

use serde_json::Value;

use super::stage::shipped;
use crate::cli::learn_again;

/// The person of the seeds.
const PERSON: &str = "Zubaidah";

const LINES_MAX: usize = 12;

/// Each line is an exchange as an export has it.
///
/// # Panics
/// If a second time learns more, or a learned file names the person of the seeds.
pub fn learn(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').take(LINES_MAX);
    let lines: Vec<Value> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    for text in learn_again(&shipped(), &lines) {
        assert!(!text.contains(PERSON), "{text}");
    }
}
