//! `iluma-sandbox coverage`: shows what was requested from a running sandbox so far. CI can use it as a gate.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use form_urlencoded::Serializer;
use hyper::{Method, StatusCode};

use super::client::Client;
use super::output::{Format, block_on, fail, misused, print, print_json, refusal, visible_texts};
use super::target::Target;
use crate::control::Coverage;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Fail if the coverage is less than this percentage.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min: Option<u8>,
    /// Count only this endpoint, such as `v1.1/bank_account_data_requests`. Can be repeated.
    #[arg(long = "endpoint", value_name = "ID")]
    endpoints: Vec<String>,
    /// Which requests count: `all` for those of every API key, `own` for those of `--api-key`.
    #[arg(long, value_enum, default_value_t)]
    world: CoverageScope,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum CoverageScope {
    #[default]
    All,
    Own,
}

impl Arguments {
    fn path(&self) -> String {
        let mut query = Serializer::new("coverage?".to_owned());
        query.append_pair(
            "world",
            match self.world {
                CoverageScope::All => "all",
                CoverageScope::Own => "own",
            },
        );
        for endpoint in &self.endpoints {
            query.append_pair("endpoint", endpoint);
        }
        query.finish()
    }
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    block_on(coverage(arguments))
}

async fn coverage(arguments: &Arguments) -> ExitCode {
    let client = match arguments.target.client() {
        Ok(client) => client,
        Err(sentence) => return misused(sentence),
    };
    let path = arguments.path();
    let asked = client.ask(Method::GET, &path, None, Duration::ZERO).await;
    let (status, answer) = match asked {
        Ok(answer) => answer,
        Err(sentence) => return fail(sentence),
    };
    let message = |sentence: &str| refusal(&answer).unwrap_or_else(|| sentence.to_owned());
    if status == StatusCode::BAD_REQUEST {
        return misused(message("the sandbox refused the request"));
    }
    let coverage = match serde_json::from_value::<Coverage>(visible_texts(&answer)) {
        Ok(coverage) if status == StatusCode::OK => coverage,
        _ => {
            return fail(message(
                "the sandbox has no coverage report; it may be an older version",
            ));
        }
    };
    let printed = match arguments.format {
        Format::Text => print(&coverage.text()),
        Format::Json => print_json(&answer),
    };
    if let Err(code) = printed {
        return code;
    }
    match arguments.min {
        Some(min) if !coverage.reaches(min) => fail(too_low(&coverage, min, "--min")),
        _ => ExitCode::SUCCESS,
    }
}

/// Says that the coverage of all worlds is less than `flag` requires, or why it is not known. None if it is enough.
pub(super) async fn shortfall(client: &Client, min: u8, flag: &str) -> Option<String> {
    let asked = client.ask(Method::GET, "coverage?world=all", None, Duration::ZERO);
    let answer = match asked.await {
        Ok((_, answer)) => answer,
        Err(sentence) => return Some(sentence),
    };
    match serde_json::from_value::<Coverage>(visible_texts(&answer)) {
        Ok(coverage) if coverage.reaches(min) => None,
        Ok(coverage) => Some(too_low(&coverage, min, flag)),
        Err(_) => Some(refusal(&answer).unwrap_or_else(|| "the coverage is not known".to_owned())),
    }
}

fn too_low(coverage: &Coverage, min: u8, flag: &str) -> String {
    format!(
        "the coverage is {} % ({} of {}), less than the {min} % that {flag} requires",
        coverage.percent, coverage.exercised, coverage.total
    )
}
