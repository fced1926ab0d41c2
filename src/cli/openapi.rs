//! `iluma-sandbox openapi` and `iluma-sandbox postman`: print the emulated API as documents for other tools.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::answering::Scenarios;
use super::client::sandbox_url;
use super::output::finish_json;
use super::secret::api_key;
use super::target::public_key;
use crate::base::{ApiKey, HttpUrl, PUBLIC_KEY};
use crate::http::DEFAULT_HOST;
use crate::reference::{self, About};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scenarios: Scenarios,
    /// Leave out the endpoints and outcomes that `serve --strict` refuses.
    #[arg(long, env = "ILUMA_SANDBOX_STRICT", value_parser = clap::builder::FalseyValueParser::new())]
    strict: bool,
    /// URL of the sandbox [default: `http://127.0.0.1:4586`].
    #[arg(long, value_parser = sandbox_url)]
    url: Option<HttpUrl>,
    #[arg(long, value_enum, default_value_t)]
    format: JsonFormat,
}

/// Some commands print JSON only.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum JsonFormat {
    #[default]
    Json,
}

#[derive(Debug, Args)]
pub(super) struct PostmanArguments {
    /// Print the Postman environment for the collection instead: URL and API key.
    #[arg(long)]
    environment: bool,
    /// API key in the environment [default: the documentation's API key].
    #[arg(
        long,
        value_name = "KEY",
        env = "ILUMA_SANDBOX_API_KEY",
        hide_env_values = true,
        value_parser = api_key()
    )]
    api_key: Option<ApiKey>,
    #[command(flatten)]
    of: Arguments,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let JsonFormat::Json = arguments.format;
    match document(arguments) {
        Ok(document) => finish_json(&document, ExitCode::SUCCESS),
        Err(code) => code,
    }
}

pub(super) fn run_postman(arguments: &PostmanArguments) -> ExitCode {
    if !arguments.environment {
        return match document(&arguments.of) {
            Ok(document) => {
                finish_json(&reference::postman_collection(&document), ExitCode::SUCCESS)
            }
            Err(code) => code,
        };
    }
    let api_key = arguments.api_key.clone().unwrap_or_else(public_key);
    let environment = reference::Environment {
        base_url: &base(&arguments.of),
        api_key: api_key.reveal(),
    };
    finish_json(&environment.written(), ExitCode::SUCCESS)
}

fn document(arguments: &Arguments) -> Result<Value, ExitCode> {
    let catalogue = arguments.scenarios.catalogue()?;
    Ok(reference::openapi_document(About {
        catalogue: &catalogue,
        is_strict: arguments.strict || catalogue.settings.strict,
        key: reference::lets_public_key_in(&catalogue).then_some(PUBLIC_KEY),
        server: &base(arguments),
    }))
}

fn base(arguments: &Arguments) -> String {
    let url = arguments.url.as_ref().map(|url| url.as_str().to_owned());
    let url = url.unwrap_or_else(|| format!("http://{DEFAULT_HOST}"));
    url.trim_end_matches('/').to_owned()
}
