//! Reads a recording: the lines of an export.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::export_lines::ExportLines;
use super::foreign::{self, ForeignFile, Unread};
use crate::base::{read_exact_json, short};
use crate::cli::output::shown_path;

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
    pub deliveries: Vec<Vec<RecordedLine>>,
    /// Whether lines are missing from here on, and how many requests came after them.
    is_cut: bool,
    pub after_gap: usize,
    /// Whether all its deliveries are there.
    pub is_complete: bool,
    /// The lines of deliveries as they were read, with the numbers of their commits.
    lines: Vec<(Option<u64>, RecordedLine)>,
}

/// A line as text: parsed, it takes several times the memory.
#[derive(Clone)]
pub(super) struct RecordedLine(Box<str>);

impl RecordedLine {
    fn of(line: &Value) -> Self {
        Self(line.to_string().into())
    }

    pub(super) fn json(&self) -> Value {
        read_exact_json(self.0.as_bytes()).unwrap_or_default()
    }
}

/// What happened in a world.
pub(super) struct Event {
    pub commit: u64,
    pub elapsed: Duration,
    pub advanced: Duration,
    pub kind: EventKind,
    /// Whether the world was emptied, and its deliveries begin anew.
    pub empties_world: bool,
}

pub(super) enum EventKind {
    Exchange(RecordedLine),
    Control(RecordedLine),
    /// The end of an attempt, and the number of its delivery.
    Attempt(u64, RecordedLine),
}

impl Event {
    fn of(line: &Value, kind: EventKind) -> Option<Self> {
        let ns = |name: &str| line[name].as_u64().map(Duration::from_nanos);
        let path = line["path"].as_str().unwrap_or_default();
        let is_reset = matches!(path, "/__sandbox/reset" | "/__sandbox/snapshot");
        Some(Self {
            empties_world: is_reset && matches!(kind, EventKind::Control(_)),
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
        Self::of_export(ExportLines::open(path)?)
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

    /// The same of a file that can be replayed.
    pub(super) fn replayable(
        path: &Path,
        folders: &[PathBuf],
        seed: u64,
    ) -> Result<Vec<Self>, String> {
        let runs = Self::read(path, folders, seed)
            .map_err(|reason| format!("`{}` cannot be replayed: {reason}", shown_path(path)))?;
        if runs.iter().any(|run| run.head.redacted) {
            return Err(
                "the recording cannot be replayed: it was made with --redact, which takes the values out of it"
                    .to_owned(),
            );
        }
        Ok(runs)
    }

    /// Whether one of its requests is to this endpoint.
    pub(super) fn has_endpoint(&self, id: &str) -> bool {
        let mut lines = self.worlds.iter().flat_map(RecordedWorld::exchanges);
        lines.any(|line| line["endpoint"] == id)
    }

    /// The runs in the lines of an export. An error is a sentence.
    pub(super) fn of_export(mut lines: ExportLines<impl BufRead>) -> Result<Vec<Self>, String> {
        let mut runs: Vec<Self> = Vec::new();
        while let Some((number, line)) = lines.next_line()? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let is_cut = !line.ends_with(b"\n");
            let Some(json) = read_exact_json(line) else {
                match number {
                    1 => return Err(NO_EXPORT.to_owned()),
                    _ if is_cut => break, // a sandbox that was killed left it
                    _ => return Err(format!("line {number}: it is no JSON")),
                }
            };
            if json["type"] == "export" || runs.is_empty() {
                runs.push(Self::begun(json)?);
            } else if let Some(run) = runs.last_mut() {
                let broken = |what: String| format!("line {number}: {what}");
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

    fn take(&mut self, line: Value) -> Result<(), String> {
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
        self.worlds[*place].take(&kind, &line)
    }
}

impl RecordedWorld {
    /// The lines of its requests.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = Value> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Exchange(line) => Some(line.json()),
            EventKind::Control(_) | EventKind::Attempt(..) => None,
        })
    }

    fn take(&mut self, kind: &str, line: &Value) -> Result<(), String> {
        if self.is_cut {
            self.after_gap += usize::from(kind == "exchange");
            return Ok(());
        }
        let text = RecordedLine::of(line);
        let event = |kind: EventKind| {
            Event::of(line, kind).ok_or("it lacks `commit`, `elapsed_ns` or `advanced_ns`")
        };
        match kind {
            "exchange" => self.events.push(event(EventKind::Exchange(text))?),
            "control" => self.events.push(event(EventKind::Control(text))?),
            "delivery" => {
                let last = line["attempts"].as_array().and_then(|all| all.last());
                let last = last.and_then(|attempt| attempt["commit"].as_u64());
                self.lines.push((line["commit"].as_u64().or(last), text));
            }
            "end" => self.is_complete = true,
            other => return Err(format!("there is no line of the type `{}`", short(other))),
        }
        Ok(())
    }

    /// Sorts what happened. Of the lines of a delivery only the latest counts: there is one after each attempt.
    fn complete(&mut self) -> Result<(), String> {
        let resets = self.events.iter().filter(|event| event.empties_world);
        let mut resets: Vec<_> = resets.map(|event| event.commit).collect();
        resets.sort_unstable();
        let mut between = vec![IndexMap::new(); resets.len() + 1];
        for (commit, line) in std::mem::take(&mut self.lines) {
            let at = commit.map_or(resets.len(), |commit| {
                resets.partition_point(|reset| *reset < commit)
            });
            let id = line.json()["id"].as_str().unwrap_or_default().to_owned();
            between[at].insert(id, line);
        }
        for line in between.iter().flat_map(IndexMap::values) {
            let line = line.json();
            let seq = line["seq"].as_u64().ok_or("a delivery lacks `seq`")?;
            for attempt in line["attempts"].as_array().into_iter().flatten() {
                let kind = EventKind::Attempt(seq, RecordedLine::of(attempt));
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
