//! What `exec` does when its command has ended: it checks the coverage, exports the run, and looks for warnings.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::client::Client;
use super::coverage::{Counted, CoverageGate, GateFlags, NoReport, OnlyKinds, SavedCoverage};
use super::export::{self, ExportedRun, FailOn, WARNED, WorldsExported};
use super::output::report;

/// The exit codes if the command has succeeded.
const COVERAGE_TOO_LOW: u8 = 3;
const NOT_EXPORTED: u8 = 4;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("coverage gate").args(["min_coverage", "coverage_at_least_as"]).multiple(true),
    group = ArgGroup::new("exports").args(["export", "export_html"]).multiple(true),
)]
pub(super) struct AfterRunArguments {
    /// Fail with exit code 3 if the command succeeds and has requested less than this percentage of what counts.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Fail with exit code 3 if the command succeeds and something is not covered that this report covers.
    /// `coverage --format json` writes such a report.
    #[arg(long, value_name = "FILE")]
    coverage_at_least_as: Option<PathBuf>,
    /// Same as `--endpoint` of `coverage`. Can be repeated.
    #[arg(
        long = "coverage-endpoint",
        value_name = "ID",
        requires = "coverage gate"
    )]
    coverage_endpoints: Vec<String>,
    /// Same as `--only` of `coverage`.
    #[arg(long, value_enum, requires = "coverage gate")]
    coverage_only: Option<OnlyKinds>,
    /// Same as `--ignore` of `coverage`. Can be repeated.
    #[arg(long, value_name = "PATTERN", requires = "coverage gate")]
    coverage_ignore: Vec<String>,
    /// Write all requests, responses and callbacks of the run into this file, one JSON object per line. Exit code 4
    /// if that fails after the command has succeeded.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Write the inspector with the same data into this file: one page that needs no server and loads nothing.
    #[arg(long, value_name = "FILE")]
    export_html: Option<PathBuf>,
    /// When to write the files of `--export` and `--export-html`.
    #[arg(long, value_enum, default_value_t, requires = "exports")]
    export_on: ExportOn,
    /// Fail with exit code 5 if the command succeeds and the sandbox has warned of a live key or of likely personal data.
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportOn {
    /// After every run.
    #[default]
    Always,
    /// Only if the run fails: the command, the coverage or `--fail-on`.
    Failure,
}

/// The arguments, after their files were read.
pub(super) struct AfterRun {
    gate: Option<CoverageGate>,
    arguments: AfterRunArguments,
}

impl AfterRun {
    /// An error is a sentence about the arguments.
    pub(super) fn new(arguments: AfterRunArguments) -> Result<Self, String> {
        let saved = arguments.coverage_at_least_as.as_deref();
        let gate = CoverageGate {
            counted: Counted {
                is_own_world: false,
                endpoints: arguments.coverage_endpoints.clone(),
                only: arguments.coverage_only,
                ignored: arguments.coverage_ignore.clone(),
            },
            min: arguments.min_coverage,
            at_least_as: saved.map(SavedCoverage::read).transpose()?,
            flags: GateFlags {
                min: "--min-coverage",
                at_least_as: "--coverage-at-least-as",
            },
        };
        let is_gate = gate.min.is_some() || gate.at_least_as.is_some();
        Ok(Self {
            gate: is_gate.then_some(gate),
            arguments,
        })
    }

    /// Says before the run what the sandbox does not understand of the gate.
    pub(super) async fn check(&self, client: &Client) -> Result<(), String> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        match gate.report(client).await {
            Err(NoReport::Misused(sentence)) => Err(sentence),
            Ok(_) | Err(NoReport::Failed(_)) => Ok(()),
        }
    }

    /// Checks and writes all. `code` is that of the command; returns the exit code of the whole.
    pub(super) async fn code(&self, client: &Client, code: u8) -> u8 {
        let shortfalls = match &self.gate {
            Some(gate) => gate.failures(client).await,
            None => Vec::new(),
        };
        for sentence in &shortfalls {
            complain(sentence);
        }
        let AfterRunArguments {
            export: lines,
            export_html: html,
            export_on,
            fail_on,
            ..
        } = &self.arguments;
        let mut run = None;
        if lines.is_some() || html.is_some() || fail_on.is_some() {
            run = Some(ExportedRun::ask(client, WorldsExported::All).await);
        }
        let asked = run.as_ref().and_then(|run| run.as_ref().ok());
        let warnings = match fail_on {
            Some(FailOn::Warning) => asked.and_then(ExportedRun::warnings),
            None => None,
        };
        if let Some(sentence) = &warnings {
            complain(sentence);
        }
        let has_failed = code != 0 || !shortfalls.is_empty() || warnings.is_some();
        let is_exported = match export_on {
            ExportOn::Always => true,
            ExportOn::Failure => has_failed,
        };
        let mut exports = Vec::new();
        match &run {
            Some(Ok(run)) if is_exported => {
                exports.extend(lines.as_ref().map(|path| run.write_lines(path)));
                if let Some(path) = html {
                    exports.push(run.write_html(client, path).await);
                }
            }
            Some(Err(sentence)) => exports.push(Err(export::cannot_export(sentence))),
            Some(Ok(_)) | None => {}
        }
        let failed_exports = exports.into_iter().filter_map(Result::err);
        let not_exported = failed_exports
            .inspect(|sentence| complain(sentence))
            .count();
        match code {
            0 if !shortfalls.is_empty() => COVERAGE_TOO_LOW,
            0 if not_exported > 0 => NOT_EXPORTED,
            0 if warnings.is_some() => WARNED,
            code => code,
        }
    }
}

fn complain(sentence: &str) {
    report(format_args!("iluma-sandbox: {sentence}"));
}
