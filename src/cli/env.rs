//! `iluma-sandbox env`: prints URL, API key and callback token of a running sandbox as shell variables.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::Client;
use super::output::{block_on, fail, finish, finish_json, misused, refusal};
use super::target::Target;
use crate::base::ApiKey;

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
    /// A value has no character that a shell could take for a quote: see `Variables`.
    fn line(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{value}'\n"),
            Self::Fish => format!("set -gx {name} '{value}'\n"),
            Self::PowerShell => format!("$env:{name} = '{value}'\n"),
            Self::Json => unreachable!("JSON has no lines"),
        }
    }
}

/// What is printed. It was read strictly, because a shell executes the output: a server that is no sandbox must not be
/// able to end a quote.
struct Variables {
    url: String,
    key: ApiKey,
    token: String,
}

impl Variables {
    fn read(client: &Client, world: &Value) -> Result<Self, String> {
        let url = client.url();
        let no_sandbox = || format!("the server at {} is not a sandbox", client.shown_url());
        let key = match world.get("api_key") {
            Some(key) => key.as_str().and_then(|key| key.parse().ok()),
            None => client.key().cloned(),
        };
        let token = world["callback_token"].as_str();
        let token = token.filter(|token| is_callback_token(token));
        if !url.bytes().all(is_plain_in_url) {
            return Err(format!(
                "the URL {url} has characters that are no plain part of a URL: write them with `%`"
            ));
        }
        Ok(Self {
            key: key.ok_or_else(no_sandbox)?,
            token: token.ok_or_else(no_sandbox)?.to_owned(),
            url,
        })
    }

    fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("ILUMA_BASE_URL", &self.url),
            ("ILUMA_API_KEY", self.key.reveal()),
            ("ILUMA_CALLBACK_TOKEN", &self.token),
            ("ILUMA_SANDBOX_URL", &self.url),
        ]
    }
}

fn is_callback_token(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_hex)
}

/// No quote, no `$`, no backslash, nothing beyond ASCII.
fn is_plain_in_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/%[]@+,=".contains(&byte)
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
    let variables = match Variables::read(&client, &world) {
        Ok(variables) => variables,
        Err(sentence) => return fail(sentence),
    };
    match arguments.format {
        Syntax::Json => {
            let pairs = variables.pairs();
            let fields = pairs.map(|(name, value)| (name.to_owned(), json!(value)));
            finish_json(
                &Value::Object(fields.into_iter().collect()),
                ExitCode::SUCCESS,
            )
        }
        shell @ (Syntax::Sh | Syntax::Fish | Syntax::PowerShell) => {
            let pairs = variables.pairs();
            let lines = pairs.map(|(name, value)| shell.line(name, value));
            finish(&lines.concat(), ExitCode::SUCCESS)
        }
    }
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
        (_, answer) => {
            Err(refusal(&answer).unwrap_or_else(|| "the sandbox refused the request".to_owned()))
        }
    }
}
