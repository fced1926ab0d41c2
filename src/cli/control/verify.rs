//! `iluma-sandbox verify`: checks how often requests came, or in which order.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::columns::counted;
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, run as run_command};
use super::request_filters::{RequestFilters, not_verified_text};
use crate::base::{parse_duration, read_exact_json};
use crate::cli::output::{Format, print_json, visible_texts};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox verify --endpoint v1.1/bank_account_data_requests --exactly 2\n  iluma-sandbox verify --in-order '{\"status\": 503}' --in-order '{\"status\": 200}'"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filters: RequestFilters,
    /// Expect exactly this number of requests.
    #[arg(long, value_name = "N")]
    exactly: Option<u64>,
    /// Expect this number of requests or more [default: 1].
    #[arg(long, value_name = "N")]
    at_least: Option<u64>,
    /// Expect this number of requests or fewer.
    #[arg(long, value_name = "N")]
    at_most: Option<u64>,
    /// Expect no request until now, and none for this long.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    never_within: Option<Duration>,
    /// Expect requests in this order, one filter object for each: `{"status": 503}`. Can be repeated.
    #[arg(long, value_name = "JSON", value_parser = filter_object)]
    in_order: Vec<Value>,
    /// Wait this long until the expectation is met, up to a minute.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    world: ControlledWorld,
}

impl Arguments {
    fn question(&self) -> Value {
        let mut question = json!({"after_seq": self.filters.after_seq.unwrap_or(0)});
        let filters = self.filters.json();
        if self.in_order.is_empty() {
            question["request"] = filters;
        } else {
            question["in_order"] = json!(self.in_order);
            if filters != json!({}) {
                question["request"] = filters; // the sandbox says that this cannot be
            }
        }
        let duration = |duration: Duration| json!(format!("{}ms", duration.as_millis()));
        for (name, value) in [
            ("exactly", self.exactly.map(Value::from)),
            ("at_least", self.at_least.map(Value::from)),
            ("at_most", self.at_most.map(Value::from)),
            ("never_within", self.never_within.map(duration)),
            ("wait", self.wait.map(duration)),
        ] {
            if let Some(value) = value {
                question[name] = value;
            }
        }
        question
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(verify(arguments))
}

async fn verify(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let client = world.client(MissingWorld::Refuse).await?;
    let path = if arguments.filters.strangers {
        "verify?world=strangers"
    } else {
        "verify"
    };
    let waits = arguments
        .wait
        .max(arguments.never_within)
        .unwrap_or_default();
    let question = arguments.question();
    let asked = client.ask(Method::POST, path, Some(&question), waits);
    let (status, answer) = asked.await.map_err(Failure::Failed)?;
    match status {
        StatusCode::OK => Ok(world.print(&answer, |verified| {
            format!("verified by {}\n", counted(&verified["matched"], "request"))
        })),
        StatusCode::EXPECTATION_FAILED => {
            if world.format == Format::Json {
                print_json(&answer).map_err(Failure::NotPrinted)?;
            }
            Err(Failure::Failed(not_verified_text(&visible_texts(&answer))))
        }
        status => Err(Failure::of(status, &answer)),
    }
}

/// `{"endpoint": "v1.1/bank_account_data_requests", "status": 503}`
fn filter_object(text: &str) -> Result<Value, String> {
    let json = read_exact_json(text.as_bytes());
    let object = json.filter(Value::is_object);
    object.ok_or_else(|| "write a JSON object of filters, such as {\"status\": 503}".to_owned())
}
