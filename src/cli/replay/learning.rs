//! `replay FILE --learn DIR`: learns from the replies of a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::recording::{RecordedWorld, Recording};
use crate::catalogue::Catalogue;
use crate::cli::learn::{Observed, learn, today};
use crate::cli::output::{Format, finish, finish_json, misused, report as say};

/// Learns from all replies. `folders` can define more routes.
pub(super) fn learn_from(
    runs: &[Recording],
    folder: &Path,
    folders: &[PathBuf],
    format: Format,
) -> ExitCode {
    let mut folders = folders.to_vec();
    if folder.exists() {
        folders.push(folder.to_owned());
    }
    let catalogue = match Catalogue::load(&folders, None) {
        Ok(catalogue) => catalogue,
        Err(errors) => {
            say(&errors);
            return ExitCode::from(2);
        }
    };
    let mut observed = Vec::new();
    let mut unusable = Vec::new();
    let today = today();
    for run in runs {
        unusable.extend(run.unread.iter().flat_map(|unread| unread.entries.clone()));
        for line in run.worlds.iter().flat_map(RecordedWorld::exchanges) {
            match Observed::of_line(&catalogue, line, &today) {
                Ok(one) => observed.push(one),
                Err(reason) => {
                    let place = line["trace"].as_str().unwrap_or_default();
                    unusable.push((reason, place.to_owned()));
                }
            }
        }
    }
    let mut report = match learn(&observed, folder) {
        Ok(report) => report,
        Err(reason) => return misused(format_args!("nothing was learned: {reason}")),
    };
    for (reason, place) in &unusable {
        report.skip(reason, place);
    }
    let code = if report.is_empty() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    };
    match format {
        Format::Text => finish(&report.text(), code),
        Format::Json => finish_json(&report.json(), code),
    }
}
