//! `iluma-sandbox replay`: makes the requests of a recording again, and shows what is answered differently.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::against::{self, AgainstArguments, Comparing};
use super::comparison::{Comparison, Selection};
use super::learning::Learning;
use super::recording::Recording;
use super::run::{self, Replacements};
use super::{only, report};
use crate::base::{HttpUrl, reason};
use crate::catalogue::Catalogue;
use crate::cli::output::{
    ReportFormat, fail, finish, finish_json, misused, report as say, shown_path,
};
use crate::server::overwrite;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What `serve --record`, `exec --export` or `GET /__sandbox/export` wrote, HAR, or a Postman collection.
    #[arg(required_unless_present = "suite", conflicts_with = "suite")]
    file: Option<PathBuf>,
    /// Folder of scenario files, in place of the recorded ones. Can be repeated.
    #[arg(long = "scenarios", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Seed, in place of the recorded one.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Field that may differ, such as `reply.updated`; `*` stands for any part of a path. Can be repeated.
    #[arg(long = "ignore", value_name = "PATH", value_parser = field_path)]
    ignored: Vec<FieldPath>,
    /// Compare only this endpoint, or learn only of it, such as `v0/individual_cft_peps`. Can be repeated.
    #[arg(long = "only", value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    /// Write outcomes for replies that no scenario file gives into this folder: for the replies of `--against`, or else for the
    /// recorded ones, without a replay.
    #[arg(long = "learn", value_name = "DIR", conflicts_with = "output")]
    learned_into: Option<PathBuf>,
    /// File for an export of what is answered now, such as a new recording to compare with later.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    output: Option<PathBuf>,
    /// End at the first difference.
    #[arg(long)]
    stop_at_first: bool,
    #[command(flatten)]
    against: AgainstArguments,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
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
    if let Some(url) = &arguments.against.against {
        return run_against(arguments, url);
    }
    let Some(file) = &arguments.file else {
        return misused("give the file of a recording");
    };
    let seed = arguments.seed.unwrap_or_default();
    let runs = match Recording::replayable(file, &arguments.folders, seed) {
        Ok(runs) => runs,
        Err(sentence) => return misused(sentence),
    };
    if let Some(folder) = &arguments.learned_into {
        if !arguments.ignored.is_empty() || arguments.stop_at_first {
            return misused(
                "--learn without --against replays nothing, so it has no use for --ignore and --stop-at-first",
            );
        }
        let learning = Learning {
            folder,
            folders: &arguments.folders,
            endpoints: &arguments.endpoints,
            format: arguments.format,
        };
        return learning.run(&runs);
    }
    let endpoints = match endpoint_ids(arguments, &runs) {
        Ok(endpoints) => endpoints,
        Err(code) => return code,
    };
    let mut comparison = comparison(arguments, endpoints, &runs);
    // The time of this runtime passes only where the replay lets it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return misused(format_args!("cannot start: {error}")),
    };
    let mut exported = arguments.output.as_ref().map(|_| String::new());
    for recording in &runs {
        let replacements = match replacements(arguments) {
            Ok(replacements) => replacements,
            Err(code) => return code,
        };
        let replayed = runtime.block_on(run::replay(
            recording,
            replacements,
            &mut comparison,
            exported.as_mut(),
        ));
        if let Err(reason) = replayed {
            return misused(format_args!("the recording cannot be replayed: {reason}"));
        }
    }
    if let Some((path, exported)) = arguments.output.as_ref().zip(exported)
        && let Err(error) = overwrite(path, exported.as_bytes())
    {
        return fail(format_args!(
            "cannot write `{}`: {}",
            shown_path(path),
            reason(&error)
        ));
    }
    end(arguments, &runs, &comparison)
}

/// The ids of the endpoints of `--only`.
fn endpoint_ids(arguments: &Arguments, runs: &[Recording]) -> Result<Vec<String>, ExitCode> {
    let Some(latest) = runs.last().filter(|_| !arguments.endpoints.is_empty()) else {
        return Ok(Vec::new());
    };
    let catalogue = match replacements(arguments)?.catalogue {
        Some(catalogue) => Ok(catalogue),
        None => run::recorded_catalogue(latest),
    };
    let ids = catalogue.and_then(|catalogue| {
        let is_recorded = |name: &str| runs.iter().any(|run| run.has_endpoint(name));
        only::endpoint_ids(&arguments.endpoints, &catalogue, is_recorded)
    });
    ids.map_err(misused)
}

fn comparison(arguments: &Arguments, endpoints: Vec<String>, runs: &[Recording]) -> Comparison {
    let mut selection = arguments.selection();
    selection.endpoints = endpoints;
    selection.ignores_times = runs.iter().any(|run| run.head.clock == "system");
    let mut comparison = Comparison::new(selection);
    for unread in runs.iter().filter_map(|run| run.unread.as_ref()) {
        for (reason, place) in &unread.entries {
            comparison.skip(reason, place);
        }
    }
    comparison
}

impl Arguments {
    fn selection(&self) -> Selection {
        Selection {
            ignored: self.ignored.iter().map(|path| path.0.clone()).collect(),
            endpoints: self.endpoints.clone(),
            stop_at_first: self.stop_at_first,
            ignores_times: false,
        }
    }
}

fn run_against(arguments: &Arguments, url: &HttpUrl) -> ExitCode {
    let replacements = match replacements(arguments) {
        Ok(replacements) => replacements,
        Err(code) => return code,
    };
    let comparing = Comparing {
        url,
        file: arguments.file.as_deref(),
        catalogue: replacements.catalogue.map(Arc::new),
        seed: replacements.seed,
        selection: arguments.selection(),
        learned_into: arguments.learned_into.as_deref(),
        folders: &arguments.folders,
        format: arguments.format,
    };
    against::run(&arguments.against, comparing)
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
        ReportFormat::Text => finish(&report::text(runs, comparison), code),
        ReportFormat::Json => finish_json(&report::json(runs, comparison), code),
        ReportFormat::Junit => finish(&report::junit(comparison), code),
    }
}
