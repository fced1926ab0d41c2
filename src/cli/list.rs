//! `iluma-sandbox list`: lists the endpoints and their outcomes.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::answering::Scenarios;
use super::output::{finish, finish_json, misused};
use crate::reference::{Curl, Listing};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print only this endpoint, such as `v1.1/bank_account_data_requests`.
    #[arg(value_name = "ENDPOINT")]
    endpoint: Option<String>,
    #[command(flatten)]
    scenarios: Scenarios,
    /// Output format; `json` is the response of `/__sandbox/catalog`.
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ListFormat {
    #[default]
    Text,
    Json,
    Markdown,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let catalogue = match arguments.scenarios.catalogue() {
        Ok(catalogue) => catalogue,
        Err(code) => return code,
    };
    let curl = Curl::unserved(&catalogue);
    let listing = match &arguments.endpoint {
        None => Listing::of(&catalogue, &curl),
        Some(id) => match Listing::of_one(&catalogue, id, &curl) {
            Ok(listing) => listing,
            Err(sentence) => return misused(sentence),
        },
    };
    match arguments.format {
        ListFormat::Text => finish(&listing.text(), ExitCode::SUCCESS),
        ListFormat::Markdown => finish(&listing.markdown(), ExitCode::SUCCESS),
        ListFormat::Json => finish_json(&listing, ExitCode::SUCCESS),
    }
}
