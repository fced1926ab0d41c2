//! `iluma-sandbox coverage`: what a running sandbox was asked for so far, as a gate for CI.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use form_urlencoded::Serializer;
use hyper::{Method, StatusCode};

use super::output::{Format, block_on, fail, misused, print};
use super::target::Target;
use crate::control::Coverage;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Fail when less than this was exercised, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min: Option<u8>,
    /// Count this endpoint only, `v1.1/bank_account_data_requests`; repeat it for more.
    #[arg(long = "endpoint", value_name = "ID")]
    endpoints: Vec<String>,
    /// Whose requests count: those of every API key, or those of `--api-key` alone.
    #[arg(long, value_enum, default_value_t)]
    world: Whose,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Whose {
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
                Whose::All => "all",
                Whose::Own => "own",
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
    let refusal = |sentence: &str| match answer["message"].as_str() {
        Some(message) => message.to_owned(),
        None => sentence.to_owned(),
    };
    if status == StatusCode::BAD_REQUEST {
        return misused(refusal("the sandbox refused the question"));
    }
    let coverage = match serde_json::from_value::<Coverage>(answer.clone()) {
        Ok(coverage) if status == StatusCode::OK => coverage,
        _ => {
            return fail(refusal(
                "what answers there is a sandbox that knows no coverage",
            ));
        }
    };
    print(&match arguments.format {
        Format::Text => coverage.text(),
        Format::Json => format!("{answer:#}\n"),
    });
    match arguments.min {
        Some(min) if !coverage.reaches(min) => fail(format_args!(
            "{} % was exercised ({} of {}), less than the {min} % that --min asks for",
            coverage.percent, coverage.exercised, coverage.total
        )),
        _ => ExitCode::SUCCESS,
    }
}
