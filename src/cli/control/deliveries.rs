//! `iluma-sandbox deliveries`: lists the callbacks of a world, and waits for them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::columns::{cell, items, shown_of_all, table};
use super::controlled_world::{
    ControlledWorld, Failure, ListTexts, MissingWorld, run as run_command,
};
use super::list_path::ListPath;
use super::trace_filters::TraceFilters;
use crate::base::parse_duration;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox deliveries --state failed\n  iluma-sandbox deliveries --type NAME_VALIDATOR_REQUEST --wait 10s"
)]
pub(crate) struct Arguments {
    /// Only callbacks of this type; `iluma-sandbox list` shows the types.
    #[arg(long = "type", value_name = "TYPE")]
    callback_type: Option<String>,
    /// Only callbacks of the record with this id.
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// Only callbacks in this state, such as `delivered`, `retrying`, `failed` or `no_url`.
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    trace: TraceFilters,
    /// Only callbacks after the one with this number.
    #[arg(long, value_name = "SEQ")]
    after_seq: Option<u64>,
    /// The most callbacks to list [default: 100].
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Wait this long for a callback, up to a minute.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// How many callbacks to wait for [default: 1].
    #[arg(long, value_name = "N", requires = "wait")]
    count: Option<u64>,
    #[command(flatten)]
    world: ControlledWorld,
}

impl Arguments {
    fn path(&self) -> String {
        let mut path = ListPath::of("deliveries");
        path.text("type", self.callback_type.as_deref());
        path.text("record", self.record.as_deref());
        path.text("state", self.state.as_deref());
        for (name, value) in self.trace.pairs() {
            path.text(name, Some(value));
        }
        path.number("after_seq", self.after_seq);
        path.number("limit", self.limit);
        path.number("count", self.count);
        path.duration("wait", self.wait);
        path.finish()
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(deliveries(arguments))
}

async fn deliveries(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let client = world.client(MissingWorld::Refuse).await?;
    let texts = ListTexts {
        list: list_text,
        late: timeout_text,
    };
    let path = arguments.path();
    world
        .print_list(&client, &path, arguments.wait, texts)
        .await
}

fn list_text(list: &Value) -> String {
    let rows = deliveries_rows(list);
    let end = shown_of_all(rows.len(), &list["matching"], "callbacks");
    let headings = ["callback", "type", "state", "result", "outcome", "url"];
    table(headings, rows, "no callback matches") + &end
}

/// The callbacks of an answer: id, type, state, result of the last attempt, outcome and URL.
pub(super) fn deliveries_rows(list: &Value) -> Vec<[String; 6]> {
    let row = |delivery: &Value| {
        let [id, kind, state] = ["id", "type", "state"].map(|name| cell(&delivery[name]));
        let [outcome, url] = ["outcome", "url"].map(|name| cell(&delivery[name]));
        [id, kind, state, result(delivery), outcome, url]
    };
    items(list, "deliveries").map(row).collect()
}

/// The result of the last attempt: an error, or a status.
pub(super) fn result(delivery: &Value) -> String {
    let Some(last) = items(delivery, "attempts").last() else {
        return "-".to_owned();
    };
    match (&last["error"], &last["status"]) {
        (Value::String(error), _) => error.clone(),
        (_, status) => format!("status {}", cell(status)),
    }
}

fn timeout_text(answer: &Value) -> String {
    let message = answer["message"].as_str().unwrap_or_default().to_owned();
    let reasons = items(answer, "why").map(|reason| format!("\n  {}", cell(reason)));
    message + &reasons.collect::<String>()
}
