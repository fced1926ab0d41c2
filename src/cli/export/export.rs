//! `iluma-sandbox export`: writes all that a running sandbox has seen. CI keeps it when a run fails.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::exported_run::{ExportedRun, FailOn, WARNED, WorldsExported, cannot_export};
use crate::cli::output::{block_on, fail, misused, print};
use crate::cli::target::Target;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Write the lines into this file [default: stdout, unless `--html` is given].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the inspector with the same data into this file: one page that needs no server and loads nothing.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Which requests to export: `all` for those of every API key, `own` for those of `--api-key`.
    #[arg(long, value_enum, default_value_t)]
    world: WorldsExported,
    /// Fail with exit code 5, after the files were written, if the sandbox has warned of a live key or of likely personal
    /// data.
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    target: Target,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> ExitCode {
    block_on(export(arguments))
}

async fn export(arguments: &Arguments) -> ExitCode {
    let client = match arguments.target.client() {
        Ok(client) => client,
        Err(sentence) => return misused(sentence),
    };
    let run = match ExportedRun::ask(&client, arguments.world).await {
        Ok(run) => run,
        Err(sentence) => return fail(cannot_export(&sentence)),
    };
    let lines = arguments.output.as_ref().map(|path| run.write_lines(path));
    let page = match &arguments.html {
        Some(path) => Some(run.write_html(&client, path).await),
        None => None,
    };
    if lines.is_none()
        && page.is_none()
        && let Err(code) = print(&run.text())
    {
        return code;
    }
    let failures: Vec<_> = [lines, page]
        .into_iter()
        .flatten()
        .filter_map(Result::err)
        .collect();
    let warnings = match arguments.fail_on {
        Some(FailOn::Warning) => run.warnings(),
        None => None,
    };
    for sentence in failures.iter().chain(&warnings) {
        fail(sentence);
    }
    match (failures.is_empty(), warnings) {
        (false, _) => ExitCode::FAILURE,
        (true, Some(_)) => ExitCode::from(WARNED),
        (true, None) => ExitCode::SUCCESS,
    }
}
