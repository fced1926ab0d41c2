//! A saved coverage report: what it covers, a later run must cover too.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::{reason, size_in_words};
use crate::cli::output::{shown_path, visible_texts};
use crate::control::Coverage;

/// A report of all shipped endpoints is far smaller.
const SAVED_COVERAGE_BYTES_MAX: usize = 16 << 20;

/// How many items a sentence names.
const NAMED_MAX: usize = 20;

#[derive(Debug)]
pub(in crate::cli) struct SavedCoverage {
    path: PathBuf,
    coverage: Coverage,
}

impl SavedCoverage {
    /// An error is a sentence.
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, String> {
        let shown = shown_path(path);
        let cannot = |error: std::io::Error| format!("cannot read {shown}: {}", reason(&error));
        let file = File::open(path).map_err(cannot)?;
        let mut text = Vec::new();
        let most = SAVED_COVERAGE_BYTES_MAX as u64 + 1;
        file.take(most).read_to_end(&mut text).map_err(cannot)?;
        let none = |why: String| {
            format!(
                "{shown} is no saved coverage: {why}; save one with `iluma-sandbox coverage --format json`"
            )
        };
        if text.len() > SAVED_COVERAGE_BYTES_MAX {
            let most = size_in_words(SAVED_COVERAGE_BYTES_MAX);
            return Err(none(format!("it has more than {most}")));
        }
        let json: Value = serde_json::from_slice(&text)
            .map_err(|error| none(format!("it is no JSON: {error}")))?;
        let coverage = serde_json::from_value(visible_texts(&json));
        Ok(Self {
            path: path.to_owned(),
            coverage: coverage.map_err(|error| none(error.to_string()))?,
        })
    }

    /// Names the items that were covered then and are missed now. None if there are none.
    pub(super) fn lost(&self, now: &Coverage) -> Option<String> {
        let missed = now.missed_items();
        let lost: Vec<_> = self
            .coverage
            .covered_items()
            .filter(|item| missed.contains(item))
            .collect();
        let (first, rest) = lost.split_at(lost.len().min(NAMED_MAX));
        if first.is_empty() {
            return None;
        }
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "{} covers what is not covered now: {}{more}",
            shown_path(&self.path),
            first.join(", ")
        ))
    }
}
