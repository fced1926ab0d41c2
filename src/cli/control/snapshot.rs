//! `iluma-sandbox snapshot`: saves a world to a file, and loads it again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::columns::{cell, counted, items};
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, run as run_command};
use crate::base::{reason, size_in_words};
use crate::cli::client::Client;
use crate::cli::output::shown_path;
use crate::server::{create, overwrite};
use crate::world::SNAPSHOT_BYTES_MAX;

const PATH: &str = "/__sandbox/snapshot";

/// A large world takes its time.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox snapshot save before.json\n  iluma-sandbox snapshot load before.json"
)]
pub(crate) struct Arguments {
    #[arg(value_enum, value_name = "ACTION")]
    action: Action,
    file: PathBuf,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    world: ControlledWorld,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Write the world to the file.
    Save,
    /// Make the world what it was when the file was saved.
    Load,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(snapshot(arguments))
}

async fn snapshot(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match arguments.action {
        Action::Save => save(arguments).await,
        Action::Load => load(arguments).await,
    }
}

async fn save(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = &arguments.file;
    if !arguments.force && path.symlink_metadata().is_ok() {
        return Err(already_exists(path));
    }
    let client = arguments.world.client(MissingWorld::Refuse).await?;
    let document = document(&client).await?;
    let written = if arguments.force {
        overwrite(path, &document)
    } else {
        create(path, &document)
    };
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(already_exists(path));
        }
        Err(error) => {
            let (path, reason) = (shown_path(path), reason(&error));
            return Err(Failure::Failed(format!("cannot write {path}: {reason}")));
        }
    }
    let saved = json!({"path": path.display().to_string(), "bytes": document.len()});
    Ok(arguments.world.print(&saved, |saved| {
        let [path, bytes] = ["path", "bytes"].map(|name| cell(&saved[name]));
        format!("{path} has the world, in {bytes} bytes\n")
    }))
}

fn already_exists(path: &Path) -> Failure {
    let path = shown_path(path);
    Failure::Failed(format!(
        "{path} already exists: use --force to overwrite it"
    ))
}

/// The snapshot as the sandbox wrote it, so that every number keeps its spelling.
async fn document(client: &Client) -> Result<Bytes, Failure> {
    let asked = client.ask_bytes(Method::GET, PATH, Bytes::new(), PATIENCE);
    let (status, document) = asked.await.map_err(Failure::Failed)?;
    match serde_json::from_slice::<Value>(&document) {
        Ok(Value::Object(_)) if status == StatusCode::OK => Ok(document),
        Ok(answer) => Err(Failure::of(status, &answer)),
        Err(_) => Err(Failure::Failed(client.not_json(PATH, status, &document))),
    }
}

async fn load(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = &arguments.file;
    let document = read(path).map_err(|reason| {
        let path = shown_path(path);
        Failure::Failed(format!("cannot read {path}: {reason}"))
    })?;
    let client = arguments.world.client(MissingWorld::Create).await?;
    let asked = client.ask_json(Method::PUT, PATH, document.into(), PATIENCE);
    let (status, answer) = asked.await.map_err(Failure::Failed)?;
    if !status.is_success() {
        return Err(Failure::of(status, &answer));
    }
    Ok(arguments.world.print(&answer, |answer| {
        let records = counted(&answer["records"], "record");
        let cancelled = counted(&answer["cancelled_callbacks"], "callback");
        let notes = items(answer, "notes").map(|note| format!("note: {}\n", cell(note)));
        let notes: String = notes.collect();
        format!("the world has {records} again; {cancelled} cancelled\n{notes}")
    }))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut document = Vec::new();
    let bytes_max = SNAPSHOT_BYTES_MAX as u64;
    let file = File::open(path).map_err(|error| reason(&error))?;
    let whole = file.take(bytes_max + 1).read_to_end(&mut document);
    whole.map_err(|error| reason(&error))?;
    if document.len() > SNAPSHOT_BYTES_MAX {
        let most = size_in_words(SNAPSHOT_BYTES_MAX);
        return Err(format!(
            "it has more than {most}, and a snapshot has no more"
        ));
    }
    Ok(document)
}
