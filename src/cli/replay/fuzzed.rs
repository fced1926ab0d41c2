//! The replay of a recording that is in memory, for tests and fuzzers.

use super::comparison::{Comparison, Selection};
use super::export_lines::ExportLines;
use super::foreign::{document, of_document};
use super::recording::Recording;
use super::run::{self, Replacements};
use crate::catalogue::Catalogue;

/// What a replay has found.
#[derive(Debug, PartialEq)]
pub(crate) struct Replayed {
    /// How many requests are in the recording.
    pub requests: usize,
    /// How many of them were compared.
    pub compared: usize,
    /// How many of them, and of the callbacks, are answered differently.
    pub different: usize,
    /// An export of what is answered now.
    pub exported: String,
}

/// Replays the lines of an export. An error is a sentence.
pub(crate) fn replay_export(text: &str) -> Result<Replayed, String> {
    replay(&Recording::of_export(ExportLines::of(text.as_bytes()))?)
}

/// Replays HAR or a Postman collection, whose routes the catalogue has. An error is a sentence.
pub(crate) fn replay_document(bytes: &[u8], catalogue: &Catalogue) -> Result<Replayed, String> {
    let file = of_document(&document(bytes)?, catalogue, 0)?;
    let recording = Recording::of_foreign(file).expect("it was written as an export");
    Ok(replay(&[recording]).expect("it can be replayed"))
}

fn replay(recordings: &[Recording]) -> Result<Replayed, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a clock is all it has");
    let mut comparison = Comparison::new(Selection::default());
    let mut exported = String::new();
    for recording in recordings {
        let replacements = Replacements {
            catalogue: None,
            seed: None,
        };
        let output = Some(&mut exported);
        runtime.block_on(run::replay(
            recording,
            replacements,
            &mut comparison,
            output,
        ))?;
    }
    let worlds = recordings.iter().flat_map(|recording| &recording.worlds);
    Ok(Replayed {
        requests: worlds.map(|world| world.exchanges().count()).sum(),
        compared: comparison.compared,
        different: comparison.different + comparison.different_callbacks,
        exported,
    })
}
