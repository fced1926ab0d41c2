//! Learns from the lines of an export.

use std::borrow::Borrow;
use std::path::Path;

use serde_json::Value;

use super::file::Files;
use super::learn::learn;
use super::observed::{Observed, today};
use super::report::Report;
use crate::catalogue::Catalogue;

/// Learns from the lines of exchanges, as an export has them, and writes files into a folder. The catalogue has their
/// routes. An error is a sentence.
pub(in crate::cli) fn learn_lines(
    catalogue: &Catalogue,
    lines: impl IntoIterator<Item = impl Borrow<Value>>,
    folder: &Path,
) -> Result<Report, String> {
    let read = ReadLines::of(catalogue, lines);
    let (files, mut report) = learn(&read.observed, Files::read(folder)?)?;
    report.files = files.write()?;
    for (reason, place) in read.unusable {
        report.skip(&reason, &place);
    }
    Ok(report)
}

/// Lines as far as something can be learned from them.
pub(super) struct ReadLines {
    pub observed: Vec<Observed>,
    /// Reasons and places.
    unusable: Vec<(String, String)>,
}

impl ReadLines {
    pub(super) fn of(
        catalogue: &Catalogue,
        lines: impl IntoIterator<Item = impl Borrow<Value>>,
    ) -> Self {
        let today = today();
        let (mut observed, mut unusable) = (Vec::new(), Vec::new());
        for line in lines {
            let line = line.borrow();
            match Observed::of_line(catalogue, line, &today) {
                Ok(one) => observed.push(one),
                Err(reason) => {
                    let place = line["trace"].as_str().unwrap_or_default();
                    unusable.push((reason, place.to_owned()));
                }
            }
        }
        Self { observed, unusable }
    }
}
