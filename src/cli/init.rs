//! `iluma-sandbox init`: creates a folder of scenario files to start from.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::{Format, fail, finish, finish_json, print, shown_path};
use super::schema;
use crate::scenario::json_schema;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder to create the files in. Existing files are not overwritten.
    dir: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const STARTER: [(&str, &str); 4] = [
    ("sandbox.toml", include_str!("starter/sandbox.toml")),
    (
        "v1.1/bank_account_data_requests.toml",
        include_str!("starter/bank_account_data_requests.toml"),
    ),
    (
        "dummy/watchlist.toml",
        include_str!("starter/watchlist.toml"),
    ),
    ("dummy/register.toml", include_str!("starter/register.toml")),
];

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let dir = &arguments.dir;
    let is_text = arguments.format == Format::Text;
    let schemas = [schema::SCENARIO, schema::SANDBOX].map(|name| (name, json_schema(name)));
    let files = STARTER.into_iter().chain(schemas);
    let mut paths = files.clone().map(|(name, _)| dir.join(name));
    if let Some(path) = paths.find(|path| path.exists()) {
        return fail(format_args!(
            "{} already exists: nothing was written",
            shown_path(&path)
        ));
    }
    let mut written = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        let parent = path.parent().expect("a starter file lies in the folder");
        if let Err(error) = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)) {
            return fail(format_args!("cannot write {}: {error}", shown_path(&path)));
        }
        if is_text && let Err(code) = print(&format!("wrote {}\n", shown_path(&path))) {
            return code;
        }
        written.push(path.display().to_string());
    }
    if is_text {
        let start = format!(
            "\nStart a sandbox with them:\n  iluma-sandbox --scenarios {}\n",
            shown_path(dir)
        );
        return finish(&start, ExitCode::SUCCESS);
    }
    let report = json!({"folder": dir.display().to_string(), "written": written});
    finish_json(&report, ExitCode::SUCCESS)
}
