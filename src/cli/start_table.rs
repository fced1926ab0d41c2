//! The table on stderr at the start: where the sandbox is, and what it was started with.

use std::path::PathBuf;

use super::log::Log;
use crate::base::PUBLIC_KEY;
use crate::sandbox::Sandbox;
use crate::world::LogUrl;

/// What the flags say about the start, which the sandbox does not know.
pub(super) struct StartFlags {
    pub folders: Vec<PathBuf>,
    pub has_api_key: bool,
    pub has_control_token: bool,
}

/// The rows of the table.
struct StartTable {
    url: String,
    https: Option<String>,
    inspector: String,
    api_key: String,
    scenarios: String,
    callbacks: String,
    control_token: &'static str,
}

/// Shows the table: as text, or as one line of JSON.
pub(super) fn show(log: &Log, sandbox: &Sandbox, flags: &StartFlags) {
    let table = StartTable::of(sandbox, flags);
    if log.is_json() {
        tracing::info!(
            url = table.url,
            https = table.https,
            inspector = table.inspector,
            api_key = table.api_key,
            scenarios = table.scenarios,
            callbacks = table.callbacks,
            control_token = table.control_token,
            "started"
        );
    } else {
        log.write(&table.text());
    }
}

impl StartTable {
    fn of(sandbox: &Sandbox, flags: &StartFlags) -> Self {
        let url = sandbox.url();
        Self {
            https: sandbox.tls_url().filter(|other| *other != url),
            inspector: if cfg!(feature = "inspector") {
                format!("{url}/__sandbox/")
            } else {
                "not in this build".to_owned()
            },
            api_key: api_key(sandbox, flags),
            scenarios: scenarios(flags),
            callbacks: callbacks(sandbox),
            control_token: match (sandbox.control_token(), flags.has_control_token) {
                (None, _) => "not needed",
                (Some(_), true) => "needed, as given by --control-token",
                (Some(_), false) => "needed, as printed when the sandbox is ready",
            },
            url,
        }
    }

    fn text(&self) -> String {
        let rows = [
            ("URL", Some(self.url.as_str())),
            ("HTTPS", self.https.as_deref()),
            ("inspector", Some(&self.inspector)),
            ("API key", Some(&self.api_key)),
            ("scenarios", Some(&self.scenarios)),
            ("callbacks", Some(&self.callbacks)),
            ("control token", Some(self.control_token)),
        ];
        let rows = rows
            .into_iter()
            .filter_map(|(name, value)| Some(format!("  {name:<13}  {}\n", value?)));
        format!(
            "iluma-sandbox {}\n{}",
            env!("CARGO_PKG_VERSION"),
            rows.collect::<String>()
        )
    }
}

/// The key, if everybody may know it.
fn api_key(sandbox: &Sandbox, flags: &StartFlags) -> String {
    let key = sandbox.api_key();
    if key == PUBLIC_KEY {
        key
    } else if flags.has_api_key {
        "as given by --api-key".to_owned()
    } else {
        "as given by the scenario folders".to_owned()
    }
}

fn scenarios(flags: &StartFlags) -> String {
    if flags.folders.is_empty() {
        return "the shipped ones".to_owned();
    }
    let folders = flags
        .folders
        .iter()
        .map(|folder| folder.display().to_string());
    folders.collect::<Vec<_>>().join(", ")
}

/// The default URL of each type that has one.
fn callbacks(sandbox: &Sandbox) -> String {
    let engine = &sandbox.serving().control.engine;
    let catalogue = engine.catalogue();
    let mut types: Vec<_> = engine.urls.types(&catalogue.settings).collect();
    types.sort_unstable();
    types.dedup();
    let targets = types.into_iter().filter_map(|callback_type| {
        let url = engine.urls.of(&catalogue.settings, callback_type)?;
        Some(format!("{callback_type} → {}", LogUrl(&url)))
    });
    let targets = targets.collect::<Vec<_>>();
    if targets.is_empty() {
        "none by default; register a URL with POST /v1/callback/urls".to_owned()
    } else {
        targets.join(", ")
    }
}
