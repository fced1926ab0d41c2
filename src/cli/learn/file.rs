//! The files of a folder that learned outcomes go into. They are written when all of them are correct.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::outcome_text::NewOutcome;
use crate::base::{reason, size_in_words};
use crate::catalogue::Catalogue;
use crate::scenario::{LoadErrors, SourceFile};
use crate::server;

/// The ending of the files. A file of the same path would replace what it extends.
const ENDING: &str = ".observed";

/// More outcomes of an endpoint are not learned. They would be replies of data, not of kinds.
const LEARNED_MAX: usize = 100;

/// A file does not grow beyond this size.
const LEARNED_BYTES_MAX: usize = 1 << 20;

const FIRST_LINES: &str = "\
# Replies that were observed, written by `iluma-sandbox replay --learn`. Placeholders and dummy values stand for ids,
# times and everything that may be about a person. You can change this file: a later run only adds outcomes.
";

/// The scenario files of a folder, and what is added to them.
pub(super) struct Files {
    folder: PathBuf,
    /// All files of the folder by their ids, in the order in which they are laid over the shipped ones.
    sources: IndexMap<String, Arc<SourceFile>>,
    changed: Vec<String>,
    pub catalogue: Catalogue,
}

impl Files {
    /// Reads the folder, which need not exist yet. An error is a sentence.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let folders: &[_] = if folder.exists() {
            &[folder.to_owned()]
        } else {
            &[]
        };
        let catalogue = Catalogue::load(folders, None).map_err(|errors| errors.to_string())?;
        let sources = catalogue.own_files.iter();
        Ok(Self {
            folder: folder.to_owned(),
            sources: sources
                .map(|file| (file.id.clone(), file.clone()))
                .collect(),
            changed: Vec::new(),
            catalogue,
        })
    }

    /// The path of the file for the outcomes of an endpoint.
    pub(super) fn path_of(&self, endpoint: &str) -> PathBuf {
        self.folder.join(format!("{endpoint}{ENDING}.toml"))
    }

    /// Adds an outcome, if the files have no mistake with it. False if the file has an equal one. The error is a reason.
    pub(super) fn add(&mut self, endpoint: &str, outcome: &NewOutcome) -> Result<bool, String> {
        let id = format!("{endpoint}{ENDING}");
        let path = self.path_of(endpoint);
        let mut text = match self.sources.get(&id) {
            Some(source) if extends(&source.text, endpoint) => source.text.to_string(),
            Some(_) => {
                let path = path.display();
                return Err(format!("`{path}` does not extend `{endpoint}`: rename it"));
            }
            None => {
                let extended = toml::Value::from(endpoint);
                format!("{FIRST_LINES}extends = {extended}\n")
            }
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if has_answer(&text, &outcome.answer_text()) {
            return Ok(false);
        }
        if text.matches("\n[outcomes.").count() >= LEARNED_MAX {
            return Err(format!(
                "the file of their endpoint has {LEARNED_MAX} outcomes already"
            ));
        }
        text.push_str(&outcome.text());
        if text.len() > LEARNED_BYTES_MAX {
            let most = size_in_words(LEARNED_BYTES_MAX);
            return Err(format!("the file of their endpoint would exceed {most}"));
        }
        let source = Arc::new(SourceFile::new(&*id, path.display().to_string(), text));
        let mut sources = self.sources.clone();
        sources.insert(id.clone(), source);
        let all: Vec<_> = sources.values().cloned().collect();
        let dates = self.catalogue.settings.dates;
        let catalogue = Catalogue::with_files(&all, dates)
            .map_err(|errors| format!("`check` reports: {}", LoadErrors(errors)))?;
        let name = path.display().to_string();
        let mut warnings = catalogue.warnings.iter();
        if let Some(warning) = warnings.find(|warning| warning.file == name) {
            return Err(format!("`check` warns of them: {warning}"));
        }
        self.sources = sources;
        self.catalogue = catalogue;
        if !self.changed.contains(&id) {
            self.changed.push(id);
        }
        Ok(true)
    }

    /// The texts of all files.
    #[cfg(any(test, fuzzing))]
    pub(super) fn texts(&self) -> Vec<String> {
        let sources = self.sources.values();
        sources.map(|source| source.text.to_string()).collect()
    }

    /// Writes the files that have more outcomes now. Returns their paths.
    pub(super) fn write(self) -> Result<Vec<PathBuf>, String> {
        let mut written = Vec::new();
        for id in &self.changed {
            let path = self.folder.join(format!("{id}.toml"));
            let failed = |error: std::io::Error| {
                format!("`{}` cannot be written: {}", path.display(), reason(&error))
            };
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            server::overwrite(&path, self.sources[id].text.as_bytes()).map_err(failed)?;
            written.push(path);
        }
        Ok(written)
    }
}

/// Whether an outcome of a file answers with exactly these lines.
fn has_answer(text: &str, answer: &str) -> bool {
    let mut found = text.match_indices(answer);
    found.any(|(at, _)| {
        let rest = &text[at + answer.len()..];
        text[..at].ends_with('\n') && (rest.is_empty() || rest.starts_with(['\n', '[']))
    })
}

/// Whether a file adds to an endpoint.
fn extends(text: &str, endpoint: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(text).ok();
    table.is_some_and(|table| table.get("extends").and_then(toml::Value::as_str) == Some(endpoint))
}
