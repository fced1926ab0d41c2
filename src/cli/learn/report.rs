//! What was learned, as text and as JSON.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::likeness::Difference;
use super::observed::Observed;
use crate::catalogue::{Endpoint, Outcome};
use crate::cli::output::shown_path;
use crate::scenario::Source;

/// Places that are shown of one kind of difference.
const PLACES_SHOWN_MAX: usize = 3;

/// An outcome that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Known {
    endpoint: Arc<str>,
    outcome: String,
    source: Source,
}

/// An outcome that was learned.
pub(in crate::cli) struct Learned {
    pub endpoint: Arc<str>,
    pub outcome: String,
    pub file: PathBuf,
}

/// What was learned.
#[derive(Default)]
pub(in crate::cli) struct Report {
    pub learned: Vec<Learned>,
    /// Replies that an outcome gives already.
    pub known: usize,
    /// The files that were written.
    pub files: Vec<PathBuf>,
    differences: IndexMap<(Known, Difference), Places>,
    skipped: IndexMap<String, Places>,
}

#[derive(Default)]
struct Places {
    count: usize,
    shown: Vec<String>,
}

impl Known {
    pub(super) fn of(endpoint: &Endpoint, outcome: &Outcome) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            outcome: outcome.name.clone(),
            source: outcome.source,
        }
    }
}

impl Report {
    /// Notes a reply from which nothing can be learned.
    pub(in crate::cli) fn skip(&mut self, reason: &str, place: &str) {
        self.skipped
            .entry(reason.to_owned())
            .or_default()
            .add(place);
    }

    pub(super) fn learn(&mut self, observed: &Observed, outcome: &str, file: PathBuf) {
        self.learned.push(Learned {
            endpoint: observed.endpoint.clone(),
            outcome: outcome.to_owned(),
            file,
        });
    }

    pub(super) fn compare(&mut self, known: &Known, found: &[Difference], observed: &Observed) {
        for difference in found {
            let key = (known.clone(), difference.clone());
            self.differences
                .entry(key)
                .or_default()
                .add(&observed.place);
        }
    }

    /// Whether no reply was of use.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.learned.is_empty() && self.known == 0
    }

    pub(in crate::cli) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} learned in {}; {} known before",
            counted(self.learned.len(), "outcome", "outcomes"),
            counted(self.files.len(), "file", "files"),
            counted(self.known, "reply", "replies"),
        )];
        for Learned {
            endpoint,
            outcome,
            file,
        } in &self.learned
        {
            lines.push(format!("  {endpoint}/{outcome} in {}", shown_path(file)));
        }
        for ((known, difference), places) in self.sorted() {
            let Difference { path, .. } = difference;
            let place = if path.is_empty() {
                "the body".to_owned()
            } else {
                format!("`{path}`")
            };
            lines.push(format!(
                "differs from {}/{} ({}): {place} {} ({})",
                known.endpoint,
                known.outcome,
                known.source.name(),
                difference.words(),
                places.text()
            ));
        }
        for (reason, places) in &self.skipped {
            let requests = counted(places.count, "reply", "replies");
            lines.push(format!("skipped {requests}: {reason} ({})", places.text()));
        }
        lines.join("\n") + "\n"
    }

    pub(in crate::cli) fn json(&self) -> Value {
        let learned = self.learned.iter().map(|one| {
            json!({
                "endpoint": &*one.endpoint,
                "outcome": one.outcome,
                "file": one.file.display().to_string(),
            })
        });
        let differences = self
            .sorted()
            .into_iter()
            .map(|((known, difference), places)| {
                json!({
                    "endpoint": &*known.endpoint,
                    "outcome": known.outcome,
                    "source": known.source,
                    "path": difference.path,
                    "difference": difference.words(),
                    "count": places.count,
                    "examples": places.shown,
                })
            });
        let skipped = self.skipped.iter().map(
            |(reason, places)| json!({"reason": reason, "count": places.count, "examples": places.shown}),
        );
        json!({
            "learned": learned.collect::<Vec<_>>(),
            "known": self.known,
            "files": self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "differences": differences.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
        })
    }

    /// Differences from documented outcomes first.
    fn sorted(&self) -> Vec<(&(Known, Difference), &Places)> {
        let mut all: Vec<_> = self.differences.iter().collect();
        all.sort_by_key(|((known, _), _)| known.source as usize);
        all
    }
}

impl Places {
    fn add(&mut self, place: &str) {
        self.count += 1;
        if self.shown.len() < PLACES_SHOWN_MAX {
            self.shown.push(place.to_owned());
        }
    }

    fn text(&self) -> String {
        let more = self.count.saturating_sub(self.shown.len());
        let shown = self.shown.join(", ");
        if more > 0 {
            format!("{shown} and {more} more")
        } else {
            shown
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
