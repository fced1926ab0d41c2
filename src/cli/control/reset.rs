//! `iluma-sandbox reset`: empties a world.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::Method;

use super::columns::counted;
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, run as run_command};

/// Callbacks that are being sent are waited for.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  iluma-sandbox reset --world \"my test\"")]
pub(crate) struct Arguments {
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(reset(arguments))
}

async fn reset(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let client = arguments.world.client(MissingWorld::Create).await?;
    let asked = client.ask(Method::POST, "reset", None, PATIENCE).await;
    let (status, answer) = asked.map_err(Failure::Failed)?;
    if !status.is_success() {
        return Err(Failure::of(status, &answer));
    }
    Ok(arguments.world.print(&answer, |answer| {
        let cancelled = counted(&answer["cancelled_callbacks"], "callback");
        format!("the world is empty; {cancelled} cancelled\n")
    }))
}
