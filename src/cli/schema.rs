//! `iluma-sandbox schema`: prints the schemas that editors use to complete and check scenario files.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::openapi::JsonFormat;
use super::output::finish;
use crate::scenario;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Kind of file that the schema is for.
    #[arg(long = "for", value_name = "FILES", value_enum, default_value_t)]
    subject: Subject,
    #[arg(long, value_enum, default_value_t)]
    format: JsonFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Subject {
    /// Scenario files.
    #[default]
    Scenario,
    /// The settings of a folder, `sandbox.toml`.
    Sandbox,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let JsonFormat::Json = arguments.format;
    finish(
        scenario::json_schema(match arguments.subject {
            Subject::Scenario => SCENARIO,
            Subject::Sandbox => SANDBOX,
        }),
        ExitCode::SUCCESS,
    )
}

pub(super) const SCENARIO: &str = "scenario.schema.json";
pub(super) const SANDBOX: &str = "sandbox.schema.json";
