//! `iluma-sandbox worlds`: lists the worlds of a sandbox.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::columns::{cell, items, table};
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, ask, run as run_command};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  iluma-sandbox worlds")]
pub(crate) struct Arguments {
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(worlds(arguments))
}

/// Lists all worlds, or the one with the name of `--world`.
async fn worlds(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let client = world.client(MissingWorld::Refuse).await?;
    let mut listed = ask(&client, Method::GET, "worlds", None).await?;
    if let Some(name) = &world.world {
        let own = ask(&client, Method::GET, "world", None).await?;
        let of_name = |one: &&Value| one["name"] == name.as_str() || one["world"] == own["world"];
        let named: Vec<_> = items(&listed, "worlds").filter(of_name).cloned().collect();
        listed = json!({"worlds": named});
    }
    Ok(world.print(&listed, list_text))
}

fn list_text(list: &Value) -> String {
    let row = |world: &Value| {
        let idle = Duration::from_millis(world["idle_ms"].as_u64().unwrap_or_default());
        let [tag, name, records, requests, deliveries, pending] = [
            "world",
            "name",
            "records",
            "requests",
            "deliveries",
            "pending_callbacks",
        ]
        .map(|field| cell(&world[field]));
        let idle = match world["rests"] {
            Value::Bool(true) => "rests".to_owned(),
            _ => format!("{} s", idle.as_secs()),
        };
        [tag, records, requests, deliveries, pending, idle, name]
    };
    let rows = items(list, "worlds").map(row).collect();
    let headings = [
        "world",
        "records",
        "requests",
        "callbacks",
        "pending",
        "idle",
        "name",
    ];
    table(headings, rows, "there is no world yet")
}
