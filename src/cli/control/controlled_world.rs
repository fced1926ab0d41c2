//! The world of a running sandbox that a command controls, and what the sandbox answers.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::columns::items;
use crate::base::{nearest_clause, short};
use crate::catalogue::unknown_callback_type;
use crate::cli::client::Client;
use crate::cli::output::{
    Format, block_on, fail, finish, finish_json, misused, print_json, refusal, visible_texts,
};
use crate::cli::target::Target;

/// The name of a world in an answer that hides it.
const HIDDEN_NAME: &str = "…";

/// Which world, and how the answer is printed.
#[derive(Debug, Args)]
pub(super) struct ControlledWorld {
    /// Use the world with this name instead of the world of the API key.
    #[arg(long, value_name = "NAME")]
    pub world: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    target: Target,
}

/// What happens if no world has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingWorld {
    /// It is created, because the command prepares it for a test.
    Create,
    /// The command fails, because it only reads.
    Refuse,
}

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong arguments.
    Misused(String),
    Failed(String),
    /// The output cannot be written, or its reader has gone.
    NotPrinted(ExitCode),
}

impl Failure {
    /// Prints the sentence, and returns the exit code.
    pub(super) fn exit(self) -> ExitCode {
        match self {
            Self::Misused(sentence) => misused(sentence),
            Self::Failed(sentence) => fail(sentence),
            Self::NotPrinted(code) => code,
        }
    }

    /// The answer of a sandbox that refused a request.
    pub(super) fn of(status: StatusCode, answer: &Value) -> Self {
        let sentence = refusal(answer).unwrap_or_else(|| format!("the sandbox refused: {answer}"));
        match status {
            StatusCode::BAD_REQUEST => Self::Misused(sentence),
            _ => Self::Failed(sentence),
        }
    }
}

/// Runs a command of this folder.
pub(super) fn run(command: impl Future<Output = Result<ExitCode, Failure>>) -> ExitCode {
    block_on(async { command.await.unwrap_or_else(Failure::exit) })
}

impl ControlledWorld {
    /// A client of the control API, with the key of the world.
    pub(super) async fn client(&self, missing: MissingWorld) -> Result<Client, Failure> {
        let client = self.target.client().map_err(Failure::Misused)?;
        let Some(name) = &self.world else {
            return Ok(client);
        };
        if missing == MissingWorld::Refuse {
            check_exists(&client, name).await?;
        }
        let wish = json!({"name": name, "share": true});
        let world = ask(&client, Method::POST, "worlds", Some(&wish)).await?;
        let key = world["api_key"].as_str().and_then(|key| key.parse().ok());
        let key = key.ok_or_else(|| {
            Failure::Failed(format!(
                "the server at {} is not a sandbox",
                client.shown_url()
            ))
        })?;
        Ok(client.with_key(key))
    }

    /// Asks for a list, which may come late, and prints it.
    pub(super) async fn print_list(
        &self,
        client: &Client,
        path: &str,
        waits: Option<Duration>,
        texts: ListTexts,
    ) -> Result<ExitCode, Failure> {
        let asked = client.ask(Method::GET, path, None, waits.unwrap_or_default());
        let (status, answer) = asked.await.map_err(Failure::Failed)?;
        match status {
            StatusCode::OK => Ok(self.print(&answer, texts.list)),
            StatusCode::REQUEST_TIMEOUT => {
                if self.format == Format::Json {
                    print_json(&answer).map_err(Failure::NotPrinted)?;
                }
                Err(Failure::Failed((texts.late)(&visible_texts(&answer))))
            }
            status => Err(Failure::of(status, &answer)),
        }
    }

    /// Prints an answer as JSON, or as the text that `text` makes of it. Its texts are safe for a terminal then.
    pub(super) fn print(&self, answer: &Value, text: impl FnOnce(&Value) -> String) -> ExitCode {
        match self.format {
            Format::Text => finish(&text(&visible_texts(answer)), ExitCode::SUCCESS),
            Format::Json => finish_json(answer, ExitCode::SUCCESS),
        }
    }
}

/// The texts of a list: one shows it, the other says that nothing came in time.
pub(super) struct ListTexts {
    pub list: fn(&Value) -> String,
    pub late: fn(&Value) -> String,
}

/// Refuses the name of a world that does not exist. A sandbox with `--redact` hides the names, and one that lets in only
/// some keys may hide the list. Then every name may exist.
async fn check_exists(client: &Client, name: &str) -> Result<(), Failure> {
    let Ok(listed) = ask(client, Method::GET, "worlds", None).await else {
        return Ok(());
    };
    let names = items(&listed, "worlds").filter_map(|world| world["name"].as_str());
    let names: Vec<_> = names.collect();
    if names.contains(&name) || names.contains(&HIDDEN_NAME) {
        return Ok(());
    }
    let near = nearest_clause(name, names);
    let name = short(name);
    Err(Failure::Failed(format!("there is no world `{name}`{near}")))
}

/// Asks for a path below `/__sandbox/`, and returns the answer if the sandbox did not refuse.
pub(super) async fn ask(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let answered = client.ask(method, path, body, Duration::ZERO).await;
    let (status, answer) = answered.map_err(Failure::Failed)?;
    if status.is_success() {
        return Ok(answer);
    }
    Err(Failure::of(status, &answer))
}

/// Refuses a callback type that no endpoint has.
pub(super) async fn check_callback_type(client: &Client, asked: &str) -> Result<(), Failure> {
    let listed = ask(client, Method::GET, "callback_urls", None).await?;
    let types = items(&listed, "callback_urls").filter_map(|one| one["type"].as_str());
    let types: Vec<_> = types.collect();
    if types.contains(&asked) {
        return Ok(());
    }
    Err(Failure::Misused(unknown_callback_type(asked, &types)))
}
