//! Learns from the lines of an export.

use std::borrow::Borrow;
use std::path::Path;

use serde_json::Value;

use super::learn::learn;
use super::observed::{Observed, today};
use super::report::Report;
use crate::catalogue::Catalogue;

/// Learns from the lines of exchanges, as an export has them. The catalogue has their routes. An error is a sentence.
pub(in crate::cli) fn learn_lines(
    catalogue: &Catalogue,
    lines: impl IntoIterator<Item = impl Borrow<Value>>,
    folder: &Path,
) -> Result<Report, String> {
    let today = today();
    let mut observed = Vec::new();
    let mut unusable = Vec::new();
    for line in lines {
        let line = line.borrow();
        match Observed::of_line(catalogue, line, &today) {
            Ok(one) => observed.push(one),
            Err(reason) => {
                let place = line["trace"].as_str().unwrap_or_default().to_owned();
                unusable.push((reason, place));
            }
        }
    }
    let mut report = learn(&observed, folder)?;
    for (reason, place) in unusable {
        report.skip(&reason, &place);
    }
    Ok(report)
}
