//! `iluma-sandbox init`: creates a folder of scenario files to start from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use include_dir::{Dir, DirEntry, include_dir};
use serde_json::json;

use super::output::{Format, fail, finish, finish_json, print, shown_path};
use super::schema;
use crate::base::reason;
use crate::scenario::json_schema;
use crate::server::{NewFile, Readers};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder to create the files in. Existing files are not overwritten.
    dir: PathBuf,
    /// Start from a ready-made folder instead of the commented one. Its README says what to look at.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(ready_made()))]
    from: Option<String>,
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

/// The ready-made folders. Each has a README.
static READY_MADE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/examples/scenarios");

/// The names of the ready-made folders.
fn ready_made() -> impl Iterator<Item = &'static str> {
    let folders = READY_MADE.dirs().map(Dir::path);
    folders.map(|path| path.to_str().expect("the names are ASCII"))
}

/// The files of a ready-made folder, with their paths inside of it.
fn files_of(name: &str) -> Vec<(PathBuf, &'static str)> {
    fn walk(dir: &'static Dir<'static>, root: &Path, files: &mut Vec<(PathBuf, &'static str)>) {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) => walk(dir, root, files),
                DirEntry::File(file) => {
                    let path = file.path().strip_prefix(root);
                    let path = path.expect("a folder is the beginning of the paths in it");
                    let text = file.contents_utf8().expect("the files are UTF-8");
                    files.push((path.to_owned(), text));
                }
            }
        }
    }
    let mut files = Vec::new();
    let dir = READY_MADE.get_dir(name);
    let dir = dir.expect("the command line accepts only names of folders");
    walk(dir, dir.path(), &mut files);
    files
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let dir = &arguments.dir;
    let is_text = arguments.format == Format::Text;
    let schemas = [schema::SCENARIO, schema::SANDBOX].map(|name| (name, json_schema(name)));
    let own = match &arguments.from {
        Some(name) => files_of(name),
        None => STARTER.map(|(name, text)| (name.into(), text)).into(),
    };
    let schemas = schemas.map(|(name, text)| (name.into(), text));
    let files = own.into_iter().chain(schemas);
    let files: Vec<_> = files.map(|(name, text)| (dir.join(name), text)).collect();
    if let Err(sentence) = write_all(&files) {
        return fail(sentence);
    }
    for (path, _) in &files {
        if is_text && let Err(code) = print(&format!("wrote {}\n", shown_path(path))) {
            return code;
        }
    }
    if is_text {
        let start = format!(
            "\nStart a sandbox with them:\n  iluma-sandbox --scenarios {}\n",
            shown_path(dir)
        );
        return finish(&start, ExitCode::SUCCESS);
    }
    let written: Vec<_> = files
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    let report = json!({"folder": dir.display().to_string(), "written": written});
    finish_json(&report, ExitCode::SUCCESS)
}

/// Writes all files or none: their names are given when all of them are on the disk.
fn write_all(files: &[(PathBuf, &str)]) -> Result<(), String> {
    let exists = |path: &Path| {
        Err(format!(
            "{} already exists: nothing was written",
            shown_path(path)
        ))
    };
    let failed = |path: &Path, error: &io::Error| {
        format!(
            "cannot write {}: {}; nothing was written",
            shown_path(path),
            reason(error)
        )
    };
    if let Some((path, _)) = files
        .iter()
        .find(|(path, _)| path.symlink_metadata().is_ok())
    {
        return exists(path);
    }
    let mut unnamed = Vec::new();
    for (path, text) in files {
        let file = write_unnamed(path, text).map_err(|error| failed(path, &error))?;
        unnamed.push((path, file));
    }
    let mut named = Vec::new();
    for (path, file) in unnamed {
        if let Err(error) = file.create() {
            for path in named {
                fs::remove_file(path).ok();
            }
            return match error.kind() {
                io::ErrorKind::AlreadyExists => exists(path),
                _ => Err(failed(path, &error)),
            };
        }
        named.push(path);
    }
    Ok(())
}

fn write_unnamed(path: &Path, text: &str) -> io::Result<NewFile> {
    let parent = path.parent().expect("a starter file lies in the folder");
    fs::create_dir_all(parent)?;
    NewFile::write(path, text.as_bytes(), Readers::Everybody)
}
