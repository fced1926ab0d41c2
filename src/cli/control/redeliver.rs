//! `iluma-sandbox redeliver`: sends a callback once more, and shows the result.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::Method;

use super::controlled_world::{ControlledWorld, Failure, MissingWorld, ask, run as run_command};
use crate::base::parse_duration;
use crate::cli::trigger::show_delivery;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  iluma-sandbox redeliver dlv_1")]
pub(crate) struct Arguments {
    /// Callback to send, such as `dlv_1`; `iluma-sandbox deliveries` shows them.
    id: String,
    /// How long to wait until the callback is delivered or has failed.
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = parse_duration)]
    wait: Duration,
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(redeliver(arguments))
}

async fn redeliver(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if arguments.id.is_empty() || !arguments.id.chars().all(is_plain) {
        return Err(Failure::Misused(
            "the id of a callback looks like dlv_1: `iluma-sandbox deliveries` shows the ids"
                .to_owned(),
        ));
    }
    let client = arguments.world.client(MissingWorld::Refuse).await?;
    let path = format!("deliveries/{}/redeliver", arguments.id);
    let delivery = ask(&client, Method::POST, &path, None).await?;
    Ok(show_delivery(&client, delivery, arguments.world.format, arguments.wait).await)
}
