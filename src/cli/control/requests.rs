//! `iluma-sandbox requests`: lists the requests of a world, and waits for them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::columns::{cell, items, outcome_name, shown_of_all, table};
use super::controlled_world::{
    ControlledWorld, Failure, ListTexts, MissingWorld, run as run_command,
};
use super::list_path::ListPath;
use super::request_filters::{RequestFilters, not_verified_text};
use crate::base::parse_duration;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox requests --endpoint v1.1/bank_account_data_requests --status 503\n  iluma-sandbox requests --where body.bank_code=BCA --wait 10s"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filters: RequestFilters,
    /// Requests of all worlds.
    #[arg(long, conflicts_with_all = ["world", "strangers"])]
    all_worlds: bool,
    /// The most requests to list [default: 100].
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// List the oldest request first.
    #[arg(long)]
    oldest_first: bool,
    /// Wait this long for a request, up to a minute.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// How many requests to wait for [default: 1].
    #[arg(long, value_name = "N", requires = "wait")]
    count: Option<u64>,
    #[command(flatten)]
    world: ControlledWorld,
}

impl Arguments {
    fn path(&self) -> String {
        let mut path = ListPath::of("requests");
        self.filters.add_to(&mut path);
        path.number("after_seq", self.filters.after_seq);
        path.number("limit", self.limit);
        path.number("count", self.count);
        path.duration("wait", self.wait);
        path.text("order", self.oldest_first.then_some("oldest"));
        path.text("world", self.all_worlds.then_some("all"));
        path.text("world", self.filters.strangers.then_some("strangers"));
        path.finish()
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(requests(arguments))
}

async fn requests(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let client = world.client(MissingWorld::Refuse).await?;
    let texts = ListTexts {
        list: list_text,
        late: not_verified_text,
    };
    let path = arguments.path();
    world
        .print_list(&client, &path, arguments.wait, texts)
        .await
}

fn list_text(list: &Value) -> String {
    let row = |request: &Value| {
        let [at, method, path, status, trace] =
            ["at", "method", "path", "status", "trace"].map(|name| cell(&request[name]));
        [at, method, path, status, outcome_name(request), trace]
    };
    let rows: Vec<_> = items(list, "requests").map(row).collect();
    let end = shown_of_all(rows.len(), &list["matched"], "requests");
    let headings = ["time", "method", "path", "status", "outcome", "trace"];
    table(headings, rows, "no request matches") + &end
}
