//! Learns in memory, for tests and fuzzers.

use std::path::Path;

use serde_json::Value;

use super::file::Files;
use super::learn::learn;
use super::lines::ReadLines;
use crate::catalogue::Catalogue;

/// Learns from the lines of exchanges twice. Returns the texts of the files.
///
/// # Panics
/// If the second time learns more.
pub(crate) fn learn_again(catalogue: &Catalogue, lines: &[Value]) -> Vec<String> {
    let observed = ReadLines::of(catalogue, lines).observed;
    let learned = |files| learn(&observed, files).expect("the shipped files are correct");
    let none = Files::read(Path::new("a folder that is not there"));
    let (files, _) = learned(none.expect("the shipped files are correct"));
    let (files, again) = learned(files);
    let again: Vec<_> = again.learned.iter().map(|one| &one.outcome).collect();
    assert!(
        again.is_empty(),
        "{again:?} is learned twice: {:?}",
        files.texts()
    );
    files.texts()
}
