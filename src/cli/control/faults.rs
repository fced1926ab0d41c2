//! `iluma-sandbox faults`: breaks or delays the responses of a world, for a time.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::columns::{cell, items, table};
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, ask, run as run_command};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox faults\n  iluma-sandbox faults set 503 --endpoint v1.1/bank_account_data_requests --probability 0.3 --ttl 10m\n  iluma-sandbox faults set --delay 3s\n  iluma-sandbox faults clear"
)]
pub(crate) struct Arguments {
    /// What to do. Without it, the faults are printed.
    #[arg(value_enum, value_name = "ACTION")]
    action: Option<Action>,
    /// Fault to set: a status such as `503`, or a name such as `reset` or `truncate`.
    #[arg(value_name = "FAULT")]
    fault: Option<String>,
    /// Break only this endpoint, such as `v1.1/bank_account_data_requests`.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Delay of the responses, such as `3s` or `uniform(1s, 3s)`.
    #[arg(long)]
    delay: Option<String>,
    /// How likely fault and delay are, from 0 to 1 [default: 1].
    #[arg(long, value_name = "P")]
    probability: Option<f64>,
    /// Answer only this number of requests per window, and refuse the others: `5/1s`.
    #[arg(long, value_name = "N/WINDOW", value_parser = rate_limit)]
    rate_limit: Option<Value>,
    /// When the fault ends by itself [default: 5m].
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    #[command(flatten)]
    world: ControlledWorld,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Set a fault, a delay or a rate limit. It replaces those that were set before.
    Set,
    /// Remove all.
    Clear,
}

impl Arguments {
    /// The fault as the control API takes it. None if no flag describes one.
    fn fault(&self) -> Option<Value> {
        let fields = [
            ("endpoint", self.endpoint.as_ref().map(|id| json!(id))),
            ("fault", self.fault.as_ref().map(|fault| json!(fault))),
            ("delay", self.delay.as_ref().map(|delay| json!(delay))),
            ("probability", self.probability.map(|one| json!(one))),
            ("rate_limit", self.rate_limit.clone()),
        ];
        let given = fields.into_iter();
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let fault: Map<_, _> = given.collect();
        (!fault.is_empty()).then_some(fault.into())
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(faults(arguments))
}

async fn faults(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let is_described = arguments.fault().is_some() || arguments.ttl.is_some();
    let (missing, method, body) = match arguments.action {
        Some(Action::Set) => {
            let mut body = json!({"faults": [arguments.fault().unwrap_or(json!({}))]});
            if let Some(ttl) = &arguments.ttl {
                body["ttl"] = ttl.as_str().into();
            }
            (MissingWorld::Create, Method::PUT, Some(body))
        }
        None | Some(Action::Clear) if is_described => {
            return Err(Failure::Misused(
                "a fault is set by `iluma-sandbox faults set`".to_owned(),
            ));
        }
        Some(Action::Clear) => (MissingWorld::Refuse, Method::DELETE, None),
        None => (MissingWorld::Refuse, Method::GET, None),
    };
    let client = world.client(missing).await?;
    let standing = ask(&client, method, "faults", body.as_ref()).await?;
    Ok(world.print(&standing, standing_text))
}

fn standing_text(standing: &Value) -> String {
    let row = |fault: &Value| {
        let endpoint = match &fault["endpoint"] {
            Value::Null => "all".to_owned(),
            id => cell(id),
        };
        let limit = match &fault["rate_limit"] {
            Value::Null => "-".to_owned(),
            limit => format!("{}/{}", cell(&limit["limit"]), cell(&limit["window"])),
        };
        let [kind, delay, probability, seen, struck] =
            ["fault", "delay", "probability", "seen", "struck"].map(|name| cell(&fault[name]));
        [endpoint, kind, delay, probability, limit, seen, struck]
    };
    let rows: Vec<_> = items(standing, "faults").map(row).collect();
    if rows.is_empty() {
        return "no fault is set\n".to_owned();
    }
    let headings = [
        "endpoint",
        "fault",
        "delay",
        "probability",
        "rate limit",
        "requests",
        "hit",
    ];
    let left = Duration::from_millis(standing["left_ms"].as_u64().unwrap_or_default());
    let left = left.as_secs_f64().ceil();
    table(headings, rows, "") + &format!("they end in {left} s\n")
}

/// `5/1s`
fn rate_limit(text: &str) -> Result<Value, String> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(limit, window)| Some((limit.parse::<u32>().ok()?, window)));
    let (limit, window) = parts.ok_or("write N/WINDOW, such as 5/1s")?;
    Ok(json!({"limit": limit, "window": window}))
}
