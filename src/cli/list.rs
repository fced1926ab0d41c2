//! `iluma-sandbox list`: the endpoints and what they can be made to answer.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print;
use crate::catalogue::Catalogue;
use crate::endpoint::{Endpoint, Outcome, Verb};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of scenario files to lay over the shipped ones; repeat it for more.
    #[arg(
        long,
        value_name = "DIR",
        env = "ILUMA_SANDBOX_SCENARIOS",
        value_delimiter = ','
    )]
    scenarios: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match Catalogue::load(&arguments.scenarios, None) {
        Ok(catalogue) => {
            print(&listing(&catalogue));
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::from(2)
        }
    }
}

fn listing(catalogue: &Catalogue) -> String {
    let mut text = String::new();
    for endpoint in catalogue.endpoints() {
        list_endpoint(&mut text, endpoint).expect("writing to a string cannot fail");
    }
    let errors: Vec<_> = catalogue
        .shared_errors
        .values()
        .map(|error| format!("  {} {}\n", error.status.as_u16(), error.name))
        .collect();
    text + "Every endpoint also takes these as x-magic-reply:\n" + &errors.concat()
}

fn list_endpoint(text: &mut String, endpoint: &Endpoint) -> std::fmt::Result {
    let (verb, path) = match endpoint.creation {
        Some(_) => (endpoint.verb, endpoint.path.clone()),
        None => (Verb::Get, format!("{}/{{id}}", endpoint.path)),
    };
    let is_kept = match verb {
        Verb::Post if !endpoint.reads_back() => ", not read back",
        _ => "",
    };
    writeln!(
        text,
        "{} {path}  ({}, {}{is_kept})",
        verb.name(),
        endpoint.id,
        endpoint.source.name()
    )?;
    let default = endpoint
        .creation
        .as_ref()
        .map(|creation| &creation.default.name);
    let own = endpoint
        .outcomes
        .values()
        .filter(|outcome| !outcome.is_shared);
    let width = own
        .clone()
        .map(|outcome| outcome.name.len())
        .max()
        .unwrap_or(0);
    for outcome in own {
        let notes = notes(endpoint, outcome, default == Some(&outcome.name));
        let line = format!(
            "  {:width$}  {:10}  {notes}",
            outcome.name,
            outcome.source.name()
        );
        writeln!(text, "{}", line.trim_end())?;
    }
    writeln!(text)
}

fn notes(endpoint: &Endpoint, outcome: &Outcome, is_default: bool) -> String {
    let mut notes = Vec::new();
    if is_default {
        notes.push("default".to_owned());
    }
    if outcome.callback.is_some() {
        let callback_type = endpoint.callback_type.as_deref().unwrap_or("?");
        notes.push(format!("callback {callback_type}"));
    }
    for then in &outcome.then {
        notes.push(format!("then {} after {:?}", then.outcome, then.after));
    }
    let aliases = endpoint
        .aliases
        .iter()
        .filter(|(_, name)| **name == outcome.name);
    notes.extend(aliases.map(|(alias, _)| format!("also {alias}")));
    notes.join(", ")
}
