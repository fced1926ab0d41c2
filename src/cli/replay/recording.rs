//! Reads a recording: the lines of an export.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::foreign::{self, Unread};
use crate::base::{read_exact_json, reason, short};

/// Only this version of the lines has what a replay needs.
const VERSION: u64 = 2;

/// What a sandbox must have to give the same answers again.
#[derive(Deserialize)]
pub(super) struct Head {
    pub sandbox: String,
    pub seed: u64,
    pub clock: String,
    pub options: RecordedOptions,
    pub redacted: bool,
    pub generation: u64,
    worlds: Vec<WorldInHead>,
}

#[derive(Deserialize)]
pub(super) struct RecordedOptions {
    pub strict: bool,
    #[serde(rename = "async")]
    pub is_async: bool,
    pub dates: Option<String>,
    pub callback_retries: Vec<String>,
    pub callback_signing: bool,
    pub second_token_header: bool,
    pub callback_urls: Vec<DefaultUrl>,
}

#[derive(Deserialize)]
pub(super) struct DefaultUrl {
    #[serde(rename = "type")]
    pub callback_type: String,
    pub url: String,
}

#[derive(Deserialize)]
struct WorldInHead {
    world: String,
    digest: String,
    environment: String,
    missing: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RecordedFile {
    pub id: String,
    pub file: String,
    pub text: String,
}

pub(super) struct Recording {
    pub head: Head,
    /// The scenario files of its folders, in their order.
    pub files: Vec<RecordedFile>,
    pub worlds: Vec<RecordedWorld>,
    /// How many requests belong to no world.
    pub strangers: usize,
    /// What was not read of a file of another tool. None for an export.
    pub unread: Option<Unread>,
}

pub(super) struct RecordedWorld {
    pub tag: String,
    pub digest: String,
    pub is_live: bool,
    /// Why its history is not complete.
    pub missing: Option<String>,
    /// In the order of its commits.
    pub events: Vec<Event>,
    pub deliveries: Vec<Value>,
}

/// What happened in a world.
pub(super) struct Event {
    pub commit: u64,
    pub elapsed: Duration,
    pub advanced: Duration,
    pub kind: EventKind,
}

pub(super) enum EventKind {
    Exchange(Box<Value>),
    Control(Box<Value>),
    /// The end of an attempt, and the number of its delivery.
    Attempt(u64, Box<Value>),
}

impl Event {
    fn of(line: &Value, kind: EventKind) -> Option<Self> {
        let ns = |name: &str| line[name].as_u64().map(Duration::from_nanos);
        Some(Self {
            commit: line["commit"].as_u64()?,
            elapsed: ns("elapsed_ns")?,
            advanced: ns("advanced_ns")?,
            kind,
        })
    }
}

impl Recording {
    /// Reads an export, HAR or a Postman collection. `folders` can define more routes. An error is a sentence.
    pub(super) fn read(path: &Path, folders: &[PathBuf], seed: u64) -> Result<Self, String> {
        let Some(file) = foreign::read(path, folders, seed)? else {
            return Self::of_export(path);
        };
        let mut recording = Self::of_head(file.head)?;
        let places = recording.place_worlds();
        for line in file.lines {
            recording.take(line, &places)?;
        }
        recording.strangers = file.unread.without_key;
        recording.unread = Some(file.unread);
        Ok(recording)
    }

    fn of_export(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| reason(&error))?;
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or("it is empty")?;
        let mut recording = Self::of_head(json_head(first)?)?;
        let places = recording.place_worlds();
        for (at, line) in lines {
            let broken = |what: &str| format!("line {}: {what}", at + 1);
            let line = read_exact_json(line.as_bytes()).ok_or_else(|| broken("it is no JSON"))?;
            recording
                .take(line, &places)
                .map_err(|what| broken(&what))?;
        }
        for world in &mut recording.worlds {
            world.events.sort_by_key(|event| event.commit);
        }
        Ok(recording)
    }

    fn of_head(head: Value) -> Result<Self, String> {
        Ok(Self {
            head: serde_json::from_value(head).map_err(|error| format!("line 1: {error}"))?,
            files: Vec::new(),
            worlds: Vec::new(),
            strangers: 0,
            unread: None,
        })
    }

    /// Makes the worlds of the first line. Returns the places of their tags.
    fn place_worlds(&mut self) -> HashMap<String, usize> {
        let mut places = HashMap::new();
        for world in std::mem::take(&mut self.head.worlds) {
            places.insert(world.world.clone(), self.worlds.len());
            self.worlds.push(RecordedWorld {
                tag: world.world,
                digest: world.digest,
                is_live: world.environment == "LIVE",
                missing: world.missing,
                events: Vec::new(),
                deliveries: Vec::new(),
            });
        }
        places
    }

    fn take(&mut self, mut line: Value, places: &HashMap<String, usize>) -> Result<(), String> {
        let kind = line["type"].as_str().unwrap_or_default().to_owned();
        if kind == "scenario" {
            let file = serde_json::from_value(line).map_err(|error| error.to_string())?;
            self.files.push(file);
            return Ok(());
        }
        let tag = line["world"].as_str().unwrap_or_default();
        let Some(place) = places.get(tag) else {
            self.strangers += 1;
            return Ok(());
        };
        let world = &mut self.worlds[*place];
        let lacks = || "it lacks `commit`, `elapsed_ns` or `advanced_ns`".to_owned();
        let boxed = |line: &mut Value| Box::new(line.take());
        match &*kind {
            "exchange" => {
                let event =
                    Event::of(&line, EventKind::Exchange(Box::default())).ok_or_else(lacks)?;
                let kind = EventKind::Exchange(boxed(&mut line));
                world.events.push(Event { kind, ..event });
            }
            "control" => {
                let event =
                    Event::of(&line, EventKind::Control(Box::default())).ok_or_else(lacks)?;
                let kind = EventKind::Control(boxed(&mut line));
                world.events.push(Event { kind, ..event });
            }
            "delivery" => {
                let seq = line["seq"].as_u64().ok_or("it lacks `seq`")?;
                for attempt in line["attempts"].as_array().into_iter().flatten() {
                    let kind = EventKind::Attempt(seq, Box::new(attempt.clone()));
                    world
                        .events
                        .push(Event::of(attempt, kind).ok_or_else(lacks)?);
                }
                world.deliveries.push(line);
            }
            other => return Err(format!("there is no line of the type `{}`", short(other))),
        }
        Ok(())
    }
}

fn json_head(line: &str) -> Result<Value, String> {
    let other = "its first line is not that of an export: `GET /__sandbox/export` and `exec --export` write one";
    let json: Value = serde_json::from_str(line).map_err(|_| other)?;
    if json["type"] != "export" {
        return Err(other.to_owned());
    }
    if json["version"] != VERSION {
        return Err(format!(
            "its version is {}, and only version {VERSION} has what a replay needs: export it again with this release",
            json["version"]
        ));
    }
    Ok(json)
}
