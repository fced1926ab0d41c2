//! `iluma-sandbox init`: a folder of scenario files to start from.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::{fail, print, schema};
use crate::files::json_schema;

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

pub(super) fn run(dir: &Path) -> ExitCode {
    let schemas = [schema::SCENARIO, schema::SANDBOX].map(|name| (name, json_schema(name)));
    let files = STARTER.into_iter().chain(schemas);
    let mut paths = files.clone().map(|(name, _)| dir.join(name));
    if let Some(path) = paths.find(|path| path.exists()) {
        return fail(format_args!(
            "{} is there already: nothing was written",
            path.display()
        ));
    }
    for (name, text) in files {
        let path = dir.join(name);
        let parent = path.parent().expect("a starter file lies in the folder");
        if let Err(error) = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)) {
            return fail(format_args!("cannot write {}: {error}", path.display()));
        }
        print(&format!("wrote {}\n", path.display()));
    }
    print(&format!(
        "\nServe them with:\n  iluma-sandbox --scenarios {}\n",
        dir.display()
    ));
    ExitCode::SUCCESS
}
