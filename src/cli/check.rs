//! `iluma-sandbox check`: reports every mistake in scenario files, as text or JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::callback_notes::{self, CallbackNote};
use super::output::{Format, print, print_json};
use crate::catalogue::Catalogue;
use crate::scenario::{LoadError, LoadErrors};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders of scenario files. They are applied over the shipped files, in this order.
    #[arg(env = "ILUMA_SANDBOX_SCENARIOS")]
    dirs: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also exit with 1 if there are warnings.
    #[arg(long)]
    deny_warnings: bool,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let (found, endpoints, callbacks) = match Catalogue::check(&arguments.dirs) {
        Ok(catalogue) => {
            let endpoints = catalogue.endpoint_count();
            let callbacks = callback_notes::of_users(&catalogue);
            (catalogue.warnings, endpoints, callbacks)
        }
        Err(found) => (found, 0, Vec::new()),
    };
    let errors = number(found.iter().filter(|one| one.is_error()));
    let is_refused = errors > 0 || (arguments.deny_warnings && !found.is_empty());
    match arguments.format {
        Format::Json => {
            let (errors, warnings): (Vec<_>, Vec<_>) =
                found.into_iter().partition(LoadError::is_error);
            let callbacks: Vec<_> = callbacks.iter().map(CallbackNote::json).collect();
            let report = json!({
                "ok": !is_refused,
                "errors": errors,
                "warnings": warnings,
                "callbacks": callbacks,
            });
            if let Err(code) = print_json(&report) {
                return code;
            }
        }
        Format::Text if found.is_empty() => {
            let notes = callback_notes::text(&callbacks);
            if let Err(code) = print(&format!("no mistakes: {endpoints} endpoints\n{notes}")) {
                return code;
            }
        }
        Format::Text => {
            let sum = sum(&found, errors);
            let sum = match (errors, is_refused) {
                (0, false) => format!("the files can be loaded: {endpoints} endpoints; {sum}"),
                (0, true) => format!("{sum}; warnings are refused because of `--deny-warnings`"),
                _ => sum,
            };
            let notes = callback_notes::text(&callbacks);
            if let Err(code) = print(&format!("{}\n\n{sum}\n{notes}", LoadErrors(found))) {
                return code;
            }
        }
    }
    ExitCode::from(u8::from(is_refused))
}

/// `2 errors and 1 warning in 2 files`
fn sum(found: &[LoadError], errors: usize) -> String {
    let mut files: Vec<_> = found.iter().map(|one| &one.file).collect();
    files.dedup();
    // Errors and warnings are counted apart, and a file may have both.
    let later_files = found.iter().map(LoadError::later_files).max();
    let later_files = later_files.unwrap_or_default();
    let kinds = [
        (errors, "error"),
        (number(found.iter()) - errors, "warning"),
    ];
    let kinds = kinds.iter().filter(|(number, _)| *number > 0);
    let kinds: Vec<_> = kinds.map(|(number, what)| counted(*number, what)).collect();
    format!(
        "{} in {}",
        kinds.join(" and "),
        counted(files.len() + later_files, "file")
    )
}

fn number<'e>(found: impl Iterator<Item = &'e LoadError>) -> usize {
    found.map(LoadError::mistakes).sum()
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
