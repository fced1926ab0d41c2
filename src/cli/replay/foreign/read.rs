//! Reads a file of another tool as a recording.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::entry::{ReadEntry, Unusable};
use super::lines::{concerns, lines};
use super::{har, postman};
use crate::base::{reason, size_in_words};
use crate::catalogue::Catalogue;

/// The largest file. It is read as a whole.
const FOREIGN_BYTES_MAX: usize = 64 << 20;

/// How much of a file shows whether it is an export.
const BEGINNING_BYTES: usize = 4 << 10;

/// A file as the lines of an export.
pub(in crate::cli::replay) struct ForeignFile {
    pub head: Value,
    pub lines: Vec<Value>,
    pub unread: Unread,
}

/// What of a file is no line of a recording.
#[derive(Default)]
pub(in crate::cli::replay) struct Unread {
    /// Reasons and places.
    pub entries: Vec<(String, String)>,
    /// How many requests do not concern the API.
    pub others: usize,
    /// How many requests have no key and were refused for that.
    pub without_key: usize,
}

/// None for an export. An error is a sentence.
pub(in crate::cli::replay) fn read(
    path: &Path,
    folders: &[PathBuf],
    seed: u64,
) -> Result<Option<ForeignFile>, String> {
    let file = File::open(path).map_err(|error| reason(&error))?;
    let mut file = BufReader::new(file);
    if !is_foreign(&mut file)? {
        return Ok(None);
    }
    let bytes = bytes(file)?;
    let document = document(&bytes)?;
    let catalogue = Catalogue::load(folders, None).map_err(|errors| errors.to_string())?;
    of_document(&document, &catalogue, seed).map(Some)
}

/// HAR or a Postman collection as the lines of an export. An error is a sentence.
pub(in crate::cli::replay) fn of_document(
    document: &Value,
    catalogue: &Catalogue,
    seed: u64,
) -> Result<ForeignFile, String> {
    let concerns = |method: &str, target: &str| concerns(catalogue, method, target);
    let (origin, entries) = if document.get("log").is_some() {
        (har::creator(document), har::entries(document, &concerns)?)
    } else if document.get("item").is_some() {
        (
            "a Postman collection".to_owned(),
            postman::entries(document, &concerns)?,
        )
    } else {
        return Err(
            "it is neither an export, nor HAR (it has no `log`), nor a Postman collection (it has no `item`)"
                .to_owned(),
        );
    };
    of_entries(catalogue, &origin, seed, entries)
}

fn of_entries(
    catalogue: &Catalogue,
    origin: &str,
    seed: u64,
    entries: Vec<ReadEntry>,
) -> Result<ForeignFile, String> {
    let mut unread = Unread::default();
    let mut usable = Vec::new();
    for ReadEntry { place, entry } in entries {
        match entry {
            Ok(entry) => usable.push(entry),
            Err(Unusable::Other) => unread.others += 1,
            Err(Unusable::Because(reason)) => unread.entries.push((reason, place)),
        }
    }
    if usable.is_empty() {
        return Err(match unread.entries.first() {
            None => "it has no request to a route of the API".to_owned(),
            Some((reason, place)) => {
                format!("none of its requests to the API can be used. The first: {place}: {reason}")
            }
        });
    }
    let written = lines(catalogue, origin, seed, usable);
    unread.without_key = written.without_key;
    Ok(ForeignFile {
        head: written.head,
        lines: written.events,
        unread,
    })
}

/// Whether the file begins as an object that is no line of an export.
fn is_foreign(file: &mut BufReader<File>) -> Result<bool, String> {
    let beginning = file.fill_buf().map_err(|error| reason(&error))?;
    let beginning = &beginning[..beginning.len().min(BEGINNING_BYTES)];
    let beginning = String::from_utf8_lossy(beginning);
    let beginning = beginning.trim_start_matches('\u{feff}');
    let tight: String = beginning.split_whitespace().collect();
    Ok(tight.starts_with('{') && !tight.starts_with("{\"type\":"))
}

fn bytes(file: BufReader<File>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let most = FOREIGN_BYTES_MAX as u64 + 1;
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| reason(&error))?;
    if bytes.len() > FOREIGN_BYTES_MAX {
        return Err(format!(
            "it is larger than {}, the most that is read of HAR and of a Postman collection",
            size_in_words(FOREIGN_BYTES_MAX)
        ));
    }
    Ok(bytes)
}

/// The JSON of a file. An error is a sentence.
pub(in crate::cli::replay) fn document(bytes: &[u8]) -> Result<Value, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "it is neither an export nor whole JSON, such as HAR or a Postman collection: {error}"
        )
    })
}
