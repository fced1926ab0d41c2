//! Reads a recording: the lines of an export.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::foreign::{self, ForeignFile, Unread};
use crate::base::{read_exact_json, reason, short};

/// Only this version of the lines has what a replay needs.
const VERSION: u64 = 2;

const NO_EXPORT: &str = "its first line is not that of an export: `GET /__sandbox/export`, `exec --export` and `serve --record` write one";

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
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
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

/// What one run of a sandbox has left.
pub(super) struct Recording {
    pub head: Head,
    /// The scenario files of its folders, in their order: those of the latest generation.
    pub files: Vec<RecordedFile>,
    pub worlds: Vec<RecordedWorld>,
    /// How many requests belong to no world.
    pub strangers: usize,
    /// What was not read of a file of another tool. None for an export.
    pub unread: Option<Unread>,
    /// The places of the worlds, by tag and life.
    places: HashMap<(String, u64), usize>,
}

/// A world from its beginning to its end. A key that got a fresh world has several.
pub(super) struct RecordedWorld {
    pub tag: String,
    pub life: u64,
    pub digest: String,
    pub is_live: bool,
    /// Why its history is not complete.
    pub missing: Option<String>,
    /// In the order of its commits.
    pub events: Vec<Event>,
    /// The deliveries from each reset to the next.
    pub deliveries: Vec<Vec<Value>>,
    /// Whether lines are missing from here on, and how many requests came after them.
    is_cut: bool,
    pub after_gap: usize,
    /// Whether all its deliveries are there.
    pub is_complete: bool,
    /// The lines of deliveries as they were read, with the numbers of their commits.
    lines: Vec<(Option<u64>, Value)>,
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
    /// Whether the world was emptied, and its deliveries begin anew.
    pub(super) fn empties_world(&self) -> bool {
        let EventKind::Control(line) = &self.kind else {
            return false;
        };
        line["path"] == "/__sandbox/reset" || line["path"] == "/__sandbox/snapshot"
    }

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
    /// The runs in a file: a recording has one for each start of the sandbox. HAR and a Postman collection are one run, in
    /// which `folders` can define more routes. An error is a sentence.
    pub(super) fn read(path: &Path, folders: &[PathBuf], seed: u64) -> Result<Vec<Self>, String> {
        if let Some(file) = foreign::read(path, folders, seed)? {
            return Ok(vec![Self::of_foreign(file)?]);
        }
        let text = fs::read_to_string(path).map_err(|error| reason(&error))?;
        Self::of_export(&text)
    }

    pub(super) fn of_foreign(file: ForeignFile) -> Result<Self, String> {
        let mut run = Self::begun(file.head)?;
        for line in file.lines {
            run.take(line)?;
        }
        for world in &mut run.worlds {
            world.complete()?;
        }
        run.strangers = file.unread.without_key;
        run.unread = Some(file.unread);
        Ok(run)
    }

    /// The runs in the lines of an export. An error is a sentence.
    pub(super) fn of_export(text: &str) -> Result<Vec<Self>, String> {
        let is_cut = !text.ends_with('\n');
        let mut lines = text.lines().enumerate().peekable();
        let mut runs: Vec<Self> = Vec::new();
        while let Some((at, line)) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            let Some(json) = read_exact_json(line.as_bytes()) else {
                if is_cut && at > 0 && lines.peek().is_none() {
                    break; // a sandbox that was killed left it
                }
                return Err(match at {
                    0 => NO_EXPORT.to_owned(),
                    _ => format!("line {}: it is no JSON", at + 1),
                });
            };
            if json["type"] == "export" || runs.is_empty() {
                runs.push(Self::begun(json)?);
            } else if let Some(run) = runs.last_mut() {
                let broken = |what: String| format!("line {}: {what}", at + 1);
                run.take(json).map_err(broken)?;
            }
        }
        if runs.is_empty() {
            return Err("it is empty".to_owned());
        }
        for world in runs.iter_mut().flat_map(|run| &mut run.worlds) {
            world.complete()?;
        }
        Ok(runs)
    }

    fn begun(head: Value) -> Result<Self, String> {
        if head["type"] != "export" {
            return Err(NO_EXPORT.to_owned());
        }
        if head["version"] != VERSION {
            return Err(format!(
                "its version is {}, and only version {VERSION} has what a replay needs: export it again with this release",
                head["version"]
            ));
        }
        let head: Head = serde_json::from_value(head)
            .map_err(|error| format!("the line of the export: {error}"))?;
        let mut run = Self {
            head,
            files: Vec::new(),
            worlds: Vec::new(),
            strangers: 0,
            unread: None,
            places: HashMap::new(),
        };
        for world in std::mem::take(&mut run.head.worlds) {
            run.add(world, 0, true);
        }
        Ok(run)
    }

    fn add(&mut self, world: WorldInHead, life: u64, is_complete: bool) {
        self.places
            .insert((world.world.clone(), life), self.worlds.len());
        self.worlds.push(RecordedWorld {
            tag: world.world,
            life,
            digest: world.digest,
            is_live: world.environment == "LIVE",
            missing: world.missing,
            events: Vec::new(),
            deliveries: Vec::new(),
            is_cut: false,
            after_gap: 0,
            is_complete,
            lines: Vec::new(),
        });
    }

    fn take(&mut self, mut line: Value) -> Result<(), String> {
        let kind = line["type"].as_str().unwrap_or_default().to_owned();
        let wrong = |error: serde_json::Error| error.to_string();
        match &*kind {
            "scenario" => {
                self.files
                    .push(serde_json::from_value(line).map_err(wrong)?);
                return Ok(());
            }
            "generation" => {
                self.head.generation = line["generation"]
                    .as_u64()
                    .ok_or("it has no `generation`")?;
                self.files.clear();
                return Ok(());
            }
            "gap" => {
                self.worlds.iter_mut().for_each(|world| world.is_cut = true);
                return Ok(());
            }
            _ => {}
        }
        let number = line["life"].as_u64().unwrap_or_default();
        if kind == "world" {
            let world: WorldInHead = serde_json::from_value(line).map_err(wrong)?;
            self.add(world, number, false);
            return Ok(());
        }
        let tag = line["world"].as_str().unwrap_or_default().to_owned();
        let Some(place) = self.places.get(&(tag, number)) else {
            self.strangers += 1;
            return Ok(());
        };
        self.worlds[*place].take(&kind, line.take())
    }
}

impl RecordedWorld {
    /// The lines of its requests.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Exchange(line) => Some(&**line),
            EventKind::Control(_) | EventKind::Attempt(..) => None,
        })
    }

    fn take(&mut self, kind: &str, line: Value) -> Result<(), String> {
        if self.is_cut {
            self.after_gap += usize::from(kind == "exchange");
            return Ok(());
        }
        let event = |kind: EventKind, line: &Value| {
            Event::of(line, kind).ok_or("it lacks `commit`, `elapsed_ns` or `advanced_ns`")
        };
        match kind {
            "exchange" => {
                let event = event(EventKind::Exchange(Box::default()), &line)?;
                let kind = EventKind::Exchange(Box::new(line));
                self.events.push(Event { kind, ..event });
            }
            "control" => {
                let event = event(EventKind::Control(Box::default()), &line)?;
                let kind = EventKind::Control(Box::new(line));
                self.events.push(Event { kind, ..event });
            }
            "delivery" => {
                let last = line["attempts"].as_array().and_then(|all| all.last());
                let last = last.and_then(|attempt| attempt["commit"].as_u64());
                self.lines.push((line["commit"].as_u64().or(last), line));
            }
            "end" => self.is_complete = true,
            other => return Err(format!("there is no line of the type `{}`", short(other))),
        }
        Ok(())
    }

    /// Sorts what happened. Of the lines of a delivery only the latest counts: there is one after each attempt.
    fn complete(&mut self) -> Result<(), String> {
        let resets = self.events.iter().filter(|event| event.empties_world());
        let mut resets: Vec<_> = resets.map(|event| event.commit).collect();
        resets.sort_unstable();
        let mut between = vec![IndexMap::new(); resets.len() + 1];
        for (commit, line) in std::mem::take(&mut self.lines) {
            let at = commit.map_or(resets.len(), |commit| {
                resets.partition_point(|reset| *reset < commit)
            });
            let id = line["id"].as_str().unwrap_or_default().to_owned();
            between[at].insert(id, line);
        }
        for line in between.iter().flat_map(IndexMap::values) {
            let seq = line["seq"].as_u64().ok_or("a delivery lacks `seq`")?;
            for attempt in line["attempts"].as_array().into_iter().flatten() {
                let kind = EventKind::Attempt(seq, Box::new(attempt.clone()));
                let event = Event::of(attempt, kind);
                self.events.push(event.ok_or("an attempt lacks `commit`")?);
            }
        }
        self.events.sort_by_key(|event| event.commit);
        let lines = between.into_iter().map(|all| all.into_values().collect());
        self.deliveries = lines.collect();
        Ok(())
    }
}
