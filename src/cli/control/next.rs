//! `iluma-sandbox next`: queues outcomes for the next requests of an endpoint.

use std::process::ExitCode;

use clap::Args;
use form_urlencoded::Serializer;
use hyper::Method;
use serde_json::{Value, json};

use super::columns::{cell, columns, counted, items};
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, ask, run as run_command};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox next v1.1/bank_account_data_requests SERVICE_UNAVAILABLE_ERROR --times 2\n  iluma-sandbox next --clear"
)]
pub(crate) struct Arguments {
    /// Endpoint, such as `v1.1/bank_account_data_requests`. Without it, the queue is printed.
    endpoint: Option<String>,
    /// Outcome of the next request; `iluma-sandbox list ENDPOINT` shows the outcomes.
    outcome: Option<String>,
    /// How many requests get the outcome [default: 1].
    #[arg(long, value_name = "N", requires = "outcome")]
    times: Option<u32>,
    /// Answer the GETs of records instead of new requests. Only errors can be queued for these.
    #[arg(long, requires = "outcome")]
    reads: bool,
    /// Empty the queue, or only the queue of the endpoint.
    #[arg(long, conflicts_with = "outcome")]
    clear: bool,
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(next(arguments))
}

async fn next(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    if arguments.clear {
        return clear(arguments).await;
    }
    match (&arguments.endpoint, &arguments.outcome) {
        (Some(endpoint), Some(outcome)) => {
            let client = world.client(MissingWorld::Create).await?;
            let entry = json!({
                "endpoint": endpoint,
                "outcome": outcome,
                "times": arguments.times.unwrap_or(1),
                "reads": arguments.reads,
            });
            let queue = ask(&client, Method::POST, "next", Some(&entry)).await?;
            Ok(world.print(&queue, queue_text))
        }
        (Some(endpoint), None) => Err(Failure::Misused(format!(
            "the outcome is missing: write `iluma-sandbox next {endpoint} OUTCOME`; \
             `iluma-sandbox list {endpoint}` shows the outcomes"
        ))),
        (None, _) => {
            let client = world.client(MissingWorld::Refuse).await?;
            let queue = ask(&client, Method::GET, "next", None).await?;
            Ok(world.print(&queue, queue_text))
        }
    }
}

async fn clear(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let mut path = Serializer::new("next?".to_owned());
    if let Some(endpoint) = &arguments.endpoint {
        path.append_pair("endpoint", endpoint);
    }
    let client = world.client(MissingWorld::Refuse).await?;
    let cleared = ask(&client, Method::DELETE, &path.finish(), None).await?;
    Ok(world.print(&cleared, |cleared| {
        format!("removed {}\n", counted(&cleared["cleared"], "outcome"))
    }))
}

fn queue_text(queue: &Value) -> String {
    let row = |queued: &Value| {
        let method = if queued["reads"] == true { "GET" } else { "" };
        let times = match queued["times"].as_u64() {
            Some(1) => "once".to_owned(),
            _ => format!("{} times", cell(&queued["times"])),
        };
        let [endpoint, outcome] = ["endpoint", "outcome"].map(|name| cell(&queued[name]));
        [endpoint, outcome, times, method.to_owned()]
    };
    let rows: Vec<_> = items(queue, "waiting").map(row).collect();
    if rows.is_empty() {
        return "no outcome is queued\n".to_owned();
    }
    columns(&rows)
}
