//! All that a sandbox has seen, as its lines.

use std::path::Path;

use bytes::Bytes;
use clap::ValueEnum;
use hyper::{Method, StatusCode};
use serde::Deserialize;

use super::page::{EXPORT_TIME, PageData};
use crate::base::{reason, visible};
use crate::cli::client::Client;
use crate::cli::output::shown_path;
use crate::server;

/// The exit code for warnings, if nothing else has failed.
pub(in crate::cli) const WARNED: u8 = 5;

/// How many warnings a sentence names.
const NAMED_MAX: usize = 20;

/// What makes a run fail: warnings of a live key, or of what may be data of a real person.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum FailOn {
    Warning,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(in crate::cli) enum WorldsExported {
    #[default]
    All,
    Own,
}

pub(in crate::cli) struct ExportedRun {
    /// JSON, one object a line.
    lines: Bytes,
    warnings: Vec<GivenWarning>,
}

/// The part of the first line that is read here.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    warnings: Vec<GivenWarning>,
}

#[derive(Deserialize)]
struct GivenWarning {
    world: Option<String>,
    endpoint: Option<String>,
    message: String,
    count: u64,
}

/// The sentence for a failed export.
pub(in crate::cli) fn cannot_export(why: &str) -> String {
    format!("cannot export: {why}")
}

impl ExportedRun {
    /// An error is a sentence.
    pub(in crate::cli) async fn ask(
        client: &Client,
        worlds: WorldsExported,
    ) -> Result<Self, String> {
        let path = match worlds {
            WorldsExported::All => "/__sandbox/export?world=all",
            WorldsExported::Own => "/__sandbox/export",
        };
        let asked = client.ask_bytes(Method::GET, path, Bytes::new(), EXPORT_TIME);
        let lines = match asked.await? {
            (StatusCode::OK, lines) => lines,
            (status, _) => return Err(format!("the sandbox answered {}", status.as_u16())),
        };
        let first = lines
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let head: Head = serde_json::from_slice(first)
            .map_err(|_| "the answer is no export of a sandbox".to_owned())?;
        Ok(Self {
            warnings: head.warnings,
            lines,
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines).into_owned()
    }

    pub(in crate::cli) fn write_lines(&self, path: &Path) -> Result<(), String> {
        write(path, &self.lines)
    }

    pub(in crate::cli) async fn write_html(
        &self,
        client: &Client,
        path: &Path,
    ) -> Result<(), String> {
        let data = PageData::ask(client, &self.lines).await;
        let page = data.and_then(|data| data.page());
        let page = page.map_err(|why| cannot_write(path, &why))?;
        write(path, page.as_bytes())
    }

    /// A sentence that names all warnings. None if there are none.
    pub(in crate::cli) fn warnings(&self) -> Option<String> {
        if self.warnings.is_empty() {
            return None;
        }
        let named = self
            .warnings
            .iter()
            .take(NAMED_MAX)
            .map(GivenWarning::words);
        let mut named: Vec<_> = named.collect();
        if let Some(more) = self.warnings.len().checked_sub(NAMED_MAX + 1) {
            named.push(format!("and {} more", more + 1));
        }
        Some(format!(
            "`--fail-on warning`: the sandbox has warned of this: {}",
            named.join("; ")
        ))
    }
}

impl GivenWarning {
    /// `nik may be the identity number of a real person (v2/ktp_data_requests, world 7fc42bff, 2 times)`
    fn words(&self) -> String {
        let world = self.world.as_ref().map(|world| format!("world {world}"));
        let times = match self.count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let facts = self
            .endpoint
            .clone()
            .into_iter()
            .chain(world)
            .chain([times]);
        let facts: Vec<_> = facts.collect();
        visible(&format!("{} ({})", self.message, facts.join(", "))).into_owned()
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    server::overwrite(path, bytes).map_err(|error| cannot_write(path, &reason(&error)))
}

fn cannot_write(path: &Path, why: &str) -> String {
    format!("cannot export to {}: {why}", shown_path(path))
}
