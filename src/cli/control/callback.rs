//! `iluma-sandbox callback`: registers the URL that callbacks of a type go to.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::columns::{cell, items, table};
use super::controlled_world::{
    ControlledWorld, Failure, MissingWorld, ask, check_callback_type, run as run_command,
};

/// The route of the emulated API that registers a URL, as the client of a real application does.
const PATH: &str = "/v1/callback/urls";

/// The receiver gets a test callback first, and may take its time for the answer.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox callback NAME_VALIDATOR_REQUEST http://127.0.0.1:8080/callbacks\n  iluma-sandbox callback"
)]
pub(crate) struct Arguments {
    /// Callback type; `iluma-sandbox list` shows the types. Without it, the URLs are printed.
    #[arg(value_name = "TYPE", requires = "receiver")]
    callback_type: Option<String>,
    /// URL of the receiver. It gets a test callback, and must answer it with a status from 200 to 299.
    #[arg(value_name = "URL")]
    receiver: Option<String>,
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(callback(arguments))
}

async fn callback(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let world = &arguments.world;
    let (Some(callback_type), Some(receiver)) = (&arguments.callback_type, &arguments.receiver)
    else {
        let client = world.client(MissingWorld::Refuse).await?;
        let urls = ask(&client, Method::GET, "callback_urls", None).await?;
        return Ok(world.print(&urls, urls_text));
    };
    let client = world.client(MissingWorld::Create).await?;
    check_callback_type(&client, callback_type).await?;
    let body = json!({"type": callback_type, "url": receiver}).to_string();
    let asked = client.ask_json(Method::POST, PATH, body.into(), PATIENCE);
    let (status, answer) = asked.await.map_err(Failure::Failed)?;
    if !status.is_success() {
        return Err(refusal(status, &answer));
    }
    Ok(world.print(&answer, |answer| {
        let [kind, url] = ["type", "url"].map(|name| cell(&answer[name]));
        format!("callbacks of the type {kind} go to {url}\n")
    }))
}

/// A receiver that does not accept the test is no wrong argument.
fn refusal(status: StatusCode, answer: &Value) -> Failure {
    match Failure::of(status, answer) {
        Failure::Misused(sentence) if answer["error_code"] == "CALLBACK_TEST_FAILED_ERROR" => {
            Failure::Failed(sentence)
        }
        failure @ (Failure::Misused(_) | Failure::Failed(_) | Failure::NotPrinted(_)) => failure,
    }
}

fn urls_text(urls: &Value) -> String {
    let row = |one: &Value| ["type", "by", "url"].map(|name| cell(&one[name]));
    let rows = items(urls, "callback_urls").map(row).collect();
    table(["type", "by", "url"], rows, "no endpoint sends callbacks")
}
