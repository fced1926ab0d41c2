//! `iluma-sandbox env`: prints URL, API key and callback token of a running sandbox as shell variables.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::Client;
use super::output::{block_on, fail, finish, misused};
use super::target::Target;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Use the world with this name instead of the world of the API key. It is created if it does not
    /// exist.
    #[arg(long, value_name = "NAME", conflicts_with = "api_key")]
    world: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Syntax,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Syntax {
    /// bash, zsh and other POSIX shells.
    #[default]
    Sh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Json,
}

impl Syntax {
    fn line(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
            Self::Fish => {
                let value = value.replace('\\', r"\\").replace('\'', r"\'");
                format!("set -gx {name} '{value}'\n")
            }
            Self::PowerShell => format!("$env:{name} = '{}'\n", value.replace('\'', "''")),
            Self::Json => unreachable!("JSON has no lines"),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    block_on(env(arguments))
}

async fn env(arguments: &Arguments) -> ExitCode {
    let client = match arguments.target.client() {
        Ok(client) => client,
        Err(sentence) => return misused(sentence),
    };
    let world = match world(&client, arguments.world.as_deref()).await {
        Ok(world) => world,
        Err(sentence) => return fail(sentence),
    };
    let own_key = client.key().map(crate::base::ApiKey::reveal);
    let (Some(key), Some(token)) = (
        world["api_key"].as_str().or(own_key),
        world["callback_token"].as_str(),
    ) else {
        return fail(format_args!(
            "the server at {} is not a sandbox",
            client.url()
        ));
    };
    let url = client.url();
    let variables = [
        ("ILUMA_BASE_URL", url.as_str()),
        ("ILUMA_API_KEY", key),
        ("ILUMA_CALLBACK_TOKEN", token),
    ];
    finish(
        &match arguments.format {
            Syntax::Json => {
                let variables = variables.map(|(name, value)| (name.to_owned(), json!(value)));
                format!("{:#}\n", Value::Object(variables.into_iter().collect()))
            }
            shell @ (Syntax::Sh | Syntax::Fish | Syntax::PowerShell) => variables
                .map(|(name, value)| shell.line(name, value))
                .concat(),
        },
        ExitCode::SUCCESS,
    )
}

/// Asks the sandbox about the world of this name, or about the client's own.
async fn world(client: &Client, name: Option<&str>) -> Result<Value, String> {
    let asked = match name {
        Some(name) => {
            let wish = json!({"name": name, "share": true});
            client
                .ask(Method::POST, "worlds", Some(&wish), Duration::ZERO)
                .await
        }
        None => client.ask(Method::GET, "world", None, Duration::ZERO).await,
    };
    match asked? {
        (StatusCode::OK | StatusCode::CREATED, world) => Ok(world),
        (_, refusal) => {
            let message = refusal["message"].as_str();
            Err(message
                .unwrap_or("the sandbox refused the request")
                .to_owned())
        }
    }
}
