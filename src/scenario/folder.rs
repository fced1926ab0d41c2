//! Finds the scenario files of a folder, and files that were probably meant as scenario files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use strsim::damerau_levenshtein;

const FOLDER_DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 10_000;

/// Something in a scenario folder that must be read or reported.
pub(super) struct Found {
    pub path: PathBuf,
    pub kind: FileKind,
}

pub(super) enum FileKind {
    Scenario,
    Unreadable(io::Error),
    /// It is not read, and this says why. It was probably meant as a scenario file.
    Odd(String),
}

/// All files below a folder that end in `.toml`, in upper or lower case, in a fixed order. Dotfiles are skipped.
pub(super) fn find(folder: &Path) -> Vec<Found> {
    let mut walk = FolderWalk::default();
    walk.enter(folder, 0);
    walk.found
}

/// Some systems and programs write endings in upper case.
pub(super) fn is_toml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

#[derive(Default)]
struct FolderWalk {
    found: Vec<Found>,
    /// True after a limit was reached. Then the whole walk ends, because a folder that contains itself is endless.
    is_over: bool,
}

impl FolderWalk {
    fn enter(&mut self, folder: &Path, depth: usize) {
        if depth > FOLDER_DEPTH_MAX || self.found.len() >= FILES_MAX {
            let error = io::Error::other(format!(
                "it has more than {FILES_MAX} files, or folders nested deeper than {FOLDER_DEPTH_MAX}"
            ));
            self.push(folder, FileKind::Unreadable(error));
            self.is_over = true;
            return;
        }
        let entries =
            fs::read_dir(folder).and_then(std::iter::Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.push(folder, FileKind::Unreadable(error)),
        };
        if entries.is_empty() && depth > 0 && is_toml(folder) {
            let reason =
                "is an empty folder, not a file: Docker makes one where a file to mount is missing";
            self.push(folder, FileKind::Odd(reason.to_owned()));
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.enter(&path, depth + 1),
                Ok(_) if is_toml(&path) => self.push(&path, FileKind::Scenario),
                Err(error) if is_toml(&path) => self.push(&path, FileKind::Unreadable(error)),
                _ => {
                    if let Some(reason) = oddity(&path) {
                        self.push(&path, FileKind::Odd(reason));
                    }
                }
            }
            if self.is_over {
                return;
            }
        }
    }

    fn push(&mut self, path: &Path, kind: FileKind) {
        let path = path.to_owned();
        self.found.push(Found { path, kind });
    }
}

/// Why a file with this name is not read, if it was probably meant to be. An ending such as `.bak` or `~` is no
/// oddity: people switch a file off with it.
fn oddity(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    if !ending.trim().chars().all(char::is_alphanumeric) {
        return None;
    }
    let is_misspelt = ending.starts_with('t') && damerau_levenshtein(ending.trim(), "toml") == 1;
    let is_double = ending == "txt"
        && path
            .file_stem()
            .is_some_and(|stem| is_toml(Path::new(stem)));
    if !is_misspelt && !is_double && ending.trim() != "toml" {
        return None;
    }
    Some(format!(
        "is not read: the name of a scenario file ends in `.toml`, not in `.{}`",
        if is_double { "toml.txt" } else { &ending }
    ))
}
