//! `iluma-sandbox check`: every mistake in scenario files, for people and for tools.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Format, print};
use crate::catalogue::Catalogue;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders to lay over the shipped files, in this order.
    #[arg(env = "ILUMA_SANDBOX_SCENARIOS", value_delimiter = ',')]
    dirs: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let checked = Catalogue::check(&arguments.dirs);
    let errors = match &checked {
        Ok(_) => &[],
        Err(errors) => errors.0.as_slice(),
    };
    match (arguments.format, &checked) {
        (Format::Json, _) => {
            let report = json!({"ok": errors.is_empty(), "errors": errors});
            print(&format!("{report:#}\n"));
        }
        (Format::Text, Ok(catalogue)) => {
            let endpoints = catalogue.endpoint_count();
            print(&format!("all well: {endpoints} endpoints\n"));
        }
        (Format::Text, Err(all)) => {
            let mut files: Vec<_> = errors.iter().map(|error| &error.file).collect();
            files.dedup();
            print(&format!(
                "{all}\n\n{} in {}\n",
                counted(errors.len(), "error"),
                counted(files.len(), "file")
            ));
        }
    }
    ExitCode::from(u8::from(!errors.is_empty()))
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
