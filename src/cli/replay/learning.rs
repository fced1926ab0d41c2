//! `replay FILE --learn DIR`: learns from the replies of a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::recording::{RecordedWorld, Recording};
use crate::catalogue::Catalogue;
use crate::cli::learn::{Observed, learn, today};
use crate::cli::output::{Format, finish, finish_json, misused, report as say};

/// What is learned from, and where it goes.
pub(super) struct Learning<'a> {
    pub folder: &'a Path,
    /// They can define more routes.
    pub folders: &'a [PathBuf],
    /// Nothing is learned of other endpoints. Empty: all.
    pub endpoints: &'a [String],
    pub format: Format,
}

impl Learning<'_> {
    /// Learns from all replies of a file.
    pub(super) fn run(&self, runs: &[Recording]) -> ExitCode {
        let mut folders = self.folders.to_vec();
        if self.folder.exists() {
            folders.push(self.folder.to_owned());
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
                    Ok(one) if self.concerns(&one.endpoint) => observed.push(one),
                    Ok(_) => {}
                    Err(reason) => {
                        let place = line["trace"].as_str().unwrap_or_default();
                        unusable.push((reason, place.to_owned()));
                    }
                }
            }
        }
        let mut report = match learn(&observed, self.folder) {
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
        match self.format {
            Format::Text => finish(&report.text(), code),
            Format::Json => finish_json(&report.json(), code),
        }
    }

    fn concerns(&self, endpoint: &str) -> bool {
        self.endpoints.is_empty() || self.endpoints.iter().any(|one| one == endpoint)
    }
}
