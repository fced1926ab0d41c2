//! `iluma-sandbox replay`: makes the requests of a recording again, and shows what is answered differently.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::comparison::{Comparison, Selection};
use super::recording::{RecordedWorld, Recording};
use super::report;
use super::run::{self, Replacements};
use crate::catalogue::Catalogue;
use crate::cli::learn::{self, Observed};
use crate::cli::output::{Format, finish, finish_json, misused, report as say, shown_path};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What `exec --export` or `GET /__sandbox/export` wrote.
    file: PathBuf,
    /// Folder of scenario files, in place of the recorded ones. Can be repeated.
    #[arg(long = "scenarios", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Seed, in place of the recorded one.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Field that may differ, such as `reply.updated`; `*` stands for any part of a path. Can be repeated.
    #[arg(long = "ignore", value_name = "PATH", value_parser = field_path)]
    ignored: Vec<FieldPath>,
    /// Compare only this endpoint, such as `v0/individual_cft_peps`. Can be repeated.
    #[arg(long = "only", value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    /// Learn from the recorded replies in place of a replay: write outcomes that no scenario file has into this folder.
    #[arg(long = "learn", value_name = "DIR")]
    learned_into: Option<PathBuf>,
    /// End at the first difference.
    #[arg(long)]
    stop_at_first: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug)]
struct FieldPath(Vec<String>);

fn field_path(text: &str) -> Result<FieldPath, String> {
    let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
    if parts.iter().any(String::is_empty) {
        return Err(
            "write the names of a path with dots between them, such as `reply.updated`".to_owned(),
        );
    }
    Ok(FieldPath(parts))
}

pub(in crate::cli) fn run(arguments: &Arguments) -> ExitCode {
    let runs = match Recording::read(
        &arguments.file,
        &arguments.folders,
        arguments.seed.unwrap_or_default(),
    ) {
        Ok(runs) => runs,
        Err(reason) => {
            return misused(format_args!(
                "`{}` cannot be replayed: {reason}",
                shown_path(&arguments.file)
            ));
        }
    };
    if runs.iter().any(|run| run.head.redacted) {
        return misused(
            "the recording cannot be replayed: it was made with --redact, which takes the values out of it",
        );
    }
    if let Some(folder) = &arguments.learned_into {
        return learn_from(&runs, folder, arguments);
    }
    let mut comparison = Comparison::new(Selection {
        ignored: arguments
            .ignored
            .iter()
            .map(|path| path.0.clone())
            .collect(),
        endpoints: arguments.endpoints.clone(),
        stop_at_first: arguments.stop_at_first,
        ignores_times: runs.iter().any(|run| run.head.clock == "system"),
    });
    for unread in runs.iter().filter_map(|run| run.unread.as_ref()) {
        for (reason, place) in &unread.entries {
            comparison.skip(reason, place);
        }
    }
    // The time of this runtime passes only where the replay lets it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return misused(format_args!("cannot start: {error}")),
    };
    for recording in &runs {
        let replacements = match replacements(arguments) {
            Ok(replacements) => replacements,
            Err(code) => return code,
        };
        let replayed = runtime.block_on(run::replay(recording, replacements, &mut comparison));
        if let Err(reason) = replayed {
            return misused(format_args!("the recording cannot be replayed: {reason}"));
        }
    }
    end(arguments, &runs, &comparison)
}

/// Learns from the replies of a file, without a replay.
fn learn_from(runs: &[Recording], folder: &Path, arguments: &Arguments) -> ExitCode {
    let folders: Vec<_> = arguments.folders.iter().chain([&folder.to_owned()]).filter(|folder| folder.exists()).cloned().collect();
    let catalogue = match Catalogue::load(&folders, None) {
        Ok(catalogue) => catalogue,
        Err(errors) => {
            say(&errors);
            return ExitCode::from(2);
        }
    };
    let today = learn::today();
    let mut observed = Vec::new();
    let mut unusable: Vec<(String, String)> = Vec::new();
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
    let mut report = match learn::learn(&observed, folder) {
        Ok(report) => report,
        Err(reason) => return misused(format_args!("nothing was learned: {reason}")),
    };
    for (reason, place) in &unusable {
        report.skip(reason, place);
    }
    let code = if report.is_empty() { ExitCode::from(2) } else { ExitCode::SUCCESS };
    match arguments.format {
        Format::Text => finish(&report.text(), code),
        Format::Json => finish_json(&report.json(), code),
    }
}

fn replacements(arguments: &Arguments) -> Result<Replacements, ExitCode> {
    let catalogue = match &*arguments.folders {
        [] => None,
        folders => Some(Catalogue::load(folders, None).map_err(|errors| {
            say(&errors);
            ExitCode::from(2)
        })?),
    };
    Ok(Replacements {
        catalogue,
        seed: arguments.seed,
    })
}

fn end(arguments: &Arguments, runs: &[Recording], comparison: &Comparison) -> ExitCode {
    let code = if comparison.compared == 0 {
        ExitCode::from(2)
    } else if comparison.is_equal() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    match arguments.format {
        Format::Text => finish(&report::text(runs, comparison), code),
        Format::Json => finish_json(&report::json(runs, comparison), code),
    }
}
