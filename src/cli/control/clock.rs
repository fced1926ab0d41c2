//! `iluma-sandbox clock`: shows the clock of a world, and moves it forward.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use super::columns::{cell, columns};
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, run as run_command};
use super::deliveries::deliveries_rows;
use crate::base::time_in_words;

/// An advance sends the callbacks that fall due, one after the other, and waits for each receiver.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox clock\n  iluma-sandbox clock advance 3d\n  iluma-sandbox clock set 2026-02-01T00:00:00Z"
)]
pub(crate) struct Arguments {
    /// What to do. Without it, the clock is printed.
    #[arg(value_enum, value_name = "ACTION", requires = "value")]
    action: Option<Action>,
    /// Duration of an advance, such as `3d`, or the instant to set the clock to. A clock is never put back.
    value: Option<String>,
    #[command(flatten)]
    world: ControlledWorld,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Move the clock forward by a duration. Callbacks that fall due are sent.
    Advance,
    /// Move the clock forward to an instant. Callbacks that fall due are sent.
    Set,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(clock(arguments))
}

async fn clock(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let missing = match arguments.action {
        None => MissingWorld::Refuse,
        Some(Action::Advance | Action::Set) => MissingWorld::Create,
    };
    let client = world.client(missing).await?;
    let value = arguments.value.as_deref().unwrap_or_default();
    let (method, path, body) = match arguments.action {
        None => (Method::GET, "clock", None),
        Some(Action::Advance) => (Method::POST, "clock/advance", Some(json!({"by": value}))),
        Some(Action::Set) => (Method::POST, "clock", Some(json!({"now": value}))),
    };
    let asked = client.ask(method, path, body.as_ref(), PATIENCE).await;
    let (status, answer) = asked.map_err(Failure::Failed)?;
    if !status.is_success() {
        return Err(Failure::of(status, &answer));
    }
    Ok(world.print(&answer, clock_text))
}

fn clock_text(clock: &Value) -> String {
    let kind = if clock["frozen"] == true {
        "frozen"
    } else {
        "running"
    };
    let advanced = Duration::from_millis(clock["advanced_ms"].as_u64().unwrap_or_default());
    let rows = [
        ["now", &cell(&clock["now"])],
        ["clock", kind],
        ["advanced", &time_in_words(advanced)],
    ];
    let rows = rows.map(|row| row.map(str::to_owned));
    columns(&rows) + &columns(&deliveries_rows(clock))
}
