//! `iluma-sandbox list`: the endpoints and what they can be made to answer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{misused, print};
use crate::catalogue::Catalogue;
use crate::curl::Curl;
use crate::listing::Listing;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print this endpoint alone, such as `v1.1/bank_account_data_requests`.
    #[arg(value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Folder of scenario files to lay over the shipped ones; repeat it for more.
    #[arg(
        long,
        value_name = "DIR",
        env = "ILUMA_SANDBOX_SCENARIOS",
        value_delimiter = ','
    )]
    scenarios: Vec<PathBuf>,
    /// `json` is what `/__sandbox/catalog` answers.
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
    let catalogue = match Catalogue::load(&arguments.scenarios, None) {
        Ok(catalogue) => catalogue,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    let curl = Curl::unserved(&catalogue);
    let listing = match &arguments.endpoint {
        None => Listing::of(&catalogue, &curl),
        Some(id) => match Listing::of_one(&catalogue, id, &curl) {
            Ok(listing) => listing,
            Err(sentence) => return misused(sentence),
        },
    };
    print(&match arguments.format {
        ListFormat::Text => listing.text(),
        ListFormat::Markdown => listing.markdown(),
        ListFormat::Json => {
            let json = serde_json::to_string_pretty(&listing);
            json.expect("texts always serialise") + "\n"
        }
    });
    ExitCode::SUCCESS
}
