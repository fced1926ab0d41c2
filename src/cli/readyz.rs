//! `iluma-sandbox readyz`: checks whether a sandbox is ready, for health checks and scripts.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::client::Client;
use super::output::{Format, block_on, fail, finish, finish_json, misused, refusal};
use super::target::SandboxAddress;
use crate::base::{duration_text, parse_duration};
use crate::callbacks::Trust;

/// The pause between two requests.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: SandboxAddress,
    /// Repeat the request until the sandbox is ready.
    #[arg(long)]
    wait: bool,
    /// How long to wait for the answer, or with `--wait` until the sandbox is ready.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    block_on(readyz(arguments))
}

async fn readyz(arguments: &Arguments) -> ExitCode {
    let client = match arguments.place.url() {
        Ok(url) => {
            let client = Client::new(url, None, None, Trust::anybody());
            client.named_by(&arguments.place.sources())
        }
        Err(sentence) => return misused(sentence),
    };
    let until = Instant::now() + arguments.timeout;
    let limit = duration_text(arguments.timeout);
    let mut former = None;
    loop {
        let asking = client.ask(Method::GET, "readyz", None, arguments.timeout);
        let reason = match timeout_at(until, asking).await {
            Ok(Ok((StatusCode::OK, ready))) if ready["status"] == "ready" => {
                return match arguments.format {
                    Format::Text => {
                        finish(&format!("{} is ready\n", client.url()), ExitCode::SUCCESS)
                    }
                    Format::Json => finish_json(&ready, ExitCode::SUCCESS),
                };
            }
            Ok(Ok((_, answer))) => why_not(&client, &answer),
            Ok(Err(sentence)) => sentence,
            Err(_) => {
                return fail(former.map_or_else(
                    || format!("no answer from {} within {limit}", client.shown_url()),
                    |reason| format!("not ready after {limit}: {reason}"),
                ));
            }
        };
        if !arguments.wait {
            return fail(reason);
        }
        if timeout_at(until, tokio::time::sleep(PAUSE)).await.is_err() {
            return fail(format_args!("not ready after {limit}: {reason}"));
        }
        former = Some(reason);
    }
}

fn why_not(client: &Client, answer: &Value) -> String {
    let url = client.shown_url();
    match (&answer["status"], &answer["error_text"], refusal(answer)) {
        (Value::String(status), Value::String(errors), _) if status == "unready" => {
            format!(
                "the sandbox at {url} is not ready because its scenario files are broken:\n{errors}"
            )
        }
        (_, _, Some(message)) => format!("{url} is not ready: {message}"),
        _ => format!("the server at {url} is not a sandbox"),
    }
}
