//! `replay FILE --learn DIR`: learns from the replies of a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use super::only::endpoint_ids;
use super::recording::{RecordedWorld, Recording};
use crate::catalogue::Catalogue;
use crate::cli::learn::learn_lines;
use crate::cli::output::{ReportFormat, finish, finish_json, misused, report as say};

/// What is learned from, and where it goes.
pub(super) struct Learning<'a> {
    pub folder: &'a Path,
    /// They can define more routes.
    pub folders: &'a [PathBuf],
    /// Nothing is learned of other endpoints. Empty: all.
    pub endpoints: &'a [String],
    pub format: ReportFormat,
}

impl Learning<'_> {
    /// Learns from all replies of a file.
    pub(super) fn run(&self, runs: &[Recording]) -> ExitCode {
        if self.format == ReportFormat::Junit {
            return misused(
                "--learn without --against has no tests that a JUnit report could list",
            );
        }
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
        let is_recorded = |name: &str| runs.iter().any(|run| run.has_endpoint(name));
        let endpoints = match endpoint_ids(self.endpoints, &catalogue, is_recorded) {
            Ok(endpoints) => endpoints,
            Err(unknown) => return misused(unknown),
        };
        let concerns = |line: &Value| {
            endpoints.is_empty() || endpoints.iter().any(|id| line["endpoint"] == id.as_str())
        };
        let lines = (runs.iter().flat_map(|run| &run.worlds)).flat_map(RecordedWorld::exchanges);
        let lines = lines.filter(concerns);
        let mut report = match learn_lines(&catalogue, lines, self.folder) {
            Ok(report) => report,
            Err(reason) => return misused(format_args!("nothing was learned: {reason}")),
        };
        let unread = runs.iter().filter_map(|run| run.unread.as_ref());
        for (reason, place) in unread.flat_map(|unread| &unread.entries) {
            report.skip(reason, place);
        }
        let code = if report.is_empty() {
            ExitCode::from(2)
        } else {
            ExitCode::SUCCESS
        };
        match self.format {
            ReportFormat::Text => finish(&report.text(), code),
            ReportFormat::Json => finish_json(&report.json(), code),
            ReportFormat::Junit => unreachable!("it was refused before"),
        }
    }
}
