//! `iluma-sandbox coverage`: shows what was requested from a running sandbox so far. CI can use it as a gate.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::gate::{Counted, CoverageGate, GateFlags, NoReport, OnlyKinds};
use super::saved::SavedCoverage;
use crate::cli::output::{ReportFormat, block_on, fail, misused, print, print_json};
use crate::cli::target::Target;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Fail if the coverage is less than this percentage.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min: Option<u8>,
    /// Fail if something is not covered that this saved report covers. It is the JSON that this command prints.
    #[arg(long, value_name = "FILE")]
    at_least_as: Option<PathBuf>,
    /// Count only this endpoint, such as `v1.1/bank_account_data_requests`. Can be repeated.
    #[arg(long = "endpoint", value_name = "ID")]
    endpoints: Vec<String>,
    /// Count only errors, or only callbacks, and then all of them: those that only a magic reply can ask for too.
    #[arg(long, value_enum)]
    only: Option<OnlyKinds>,
    /// Do not count what has this name, such as `v2/ktp_data_requests/COMPLETED_FOUND`, `COMPLETED_FOUND` or `errors/*`. `*` is any text. Can
    /// be repeated.
    #[arg(long = "ignore", value_name = "PATTERN")]
    ignored: Vec<String>,
    /// Which requests count: `all` for those of every API key, `own` for those of `--api-key`.
    #[arg(long, value_enum, default_value_t)]
    world: CoverageScope,
    /// The output format. `junit` is XML for the test reports of CI systems.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CoverageScope {
    #[default]
    All,
    Own,
}

impl Arguments {
    fn gate(&self) -> Result<CoverageGate, String> {
        let saved = self.at_least_as.as_deref().map(SavedCoverage::read);
        Ok(CoverageGate {
            counted: Counted {
                is_own_world: self.world == CoverageScope::Own,
                endpoints: self.endpoints.clone(),
                only: self.only,
                ignored: self.ignored.clone(),
            },
            min: self.min,
            at_least_as: saved.transpose()?,
            flags: GateFlags {
                min: "--min",
                at_least_as: "--at-least-as",
            },
        })
    }
}

pub(in crate::cli) fn run(arguments: &Arguments) -> ExitCode {
    block_on(coverage(arguments))
}

async fn coverage(arguments: &Arguments) -> ExitCode {
    let gate = arguments.gate();
    let (client, gate) = match (arguments.target.client(), gate) {
        (Ok(client), Ok(gate)) => (client, gate),
        (Err(sentence), _) | (_, Err(sentence)) => return misused(sentence),
    };
    let (coverage, answer) = match gate.report(&client).await {
        Ok(report) => report,
        Err(NoReport::Misused(sentence)) => return misused(sentence),
        Err(NoReport::Failed(sentence)) => return fail(sentence),
    };
    let checks = gate.checks(&coverage);
    let printed = match arguments.format {
        ReportFormat::Text => print(&coverage.text()),
        ReportFormat::Json => print_json(&answer),
        ReportFormat::Junit => print(&coverage.junit(&checks)),
    };
    if let Err(code) = printed {
        return code;
    }
    let failures = checks.into_iter().filter_map(|check| check.failure);
    failures.fold(ExitCode::SUCCESS, |_, failure| fail(failure))
}
