//! `iluma-sandbox document`: draws a picture to upload that is clearly not a real document. Its file name can
//! select an outcome.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{drawing, png};
use crate::base::{listed, nearest, reason};
use crate::catalogue::{Catalogue, Endpoint};
use crate::cli::answering::Scenarios;
use crate::cli::output::{Format, fail, finish, finish_json, misused, shown_path};
use crate::server::{create, overwrite};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Outcome to write into the file name. An endpoint with an upload must have it.
    #[arg(long, value_name = "OUTCOME")]
    magic: Option<String>,
    /// File or folder to write to. With an outcome, `ktp.png` becomes `ktp.completed_not_found.png`.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// What to draw.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// Size in pixels, to test that a wrong size is refused. Every shipped endpoint accepts the default
    /// size.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    size: Option<(usize, usize)>,
    /// Length of the file in bytes, to test that a wrong length is refused. The file is filled with text
    /// that viewers do not show.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=BYTES_MAX))]
    bytes: Option<u64>,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    scenarios: Scenarios,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An identity card.
    #[default]
    Card,
    /// A face drawn from circles.
    Selfie,
}

/// More than any endpoint takes, so that a file can be refused for its length.
const BYTES_MAX: u64 = 16 << 20;

const SIDES: std::ops::RangeInclusive<usize> = 64..=4096;

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if let Some(asked) = &arguments.magic {
        let catalogue = match arguments.scenarios.catalogue() {
            Ok(catalogue) => catalogue,
            Err(code) => return code,
        };
        if let Err(sentence) = check_outcome(asked, &catalogue) {
            return misused(sentence);
        }
    }
    let magic = arguments.magic.as_deref().map(str::to_ascii_uppercase);
    let path = match named(arguments, magic.as_deref()) {
        Ok(path) => path,
        Err(sentence) => return misused(sentence),
    };
    let (width, height) = arguments.size.unwrap_or(match arguments.kind {
        Kind::Card => (1012, 638), // ID-1 at 300 dots an inch
        Kind::Selfie => (640, 640),
    });
    let picture = match arguments.kind {
        Kind::Card => drawing::card(width, height, magic.as_deref()),
        Kind::Selfie => drawing::selfie(width, height, magic.as_deref()),
    };
    let file = match png::encode(&picture, arguments.bytes) {
        Ok(file) => file,
        Err(least) => {
            return misused(format_args!(
                "a picture of {width}x{height} has {} bytes, and can only be filled up to {least} bytes or more: give a smaller --size or another --bytes",
                least - png::FILLING_BYTES_MIN
            ));
        }
    };
    match write(&path, &file, arguments.force) {
        Ok(()) => match arguments.format {
            Format::Text => finish(&format!("{}\n", shown_path(&path)), ExitCode::SUCCESS),
            Format::Json => {
                let report = json!({
                    "path": path.display().to_string(),
                    "bytes": file.len(),
                    "width": width,
                    "height": height,
                    "magic": magic,
                });
                finish_json(&report, ExitCode::SUCCESS)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fail(format_args!(
            "{} already exists: use --force to overwrite it",
            shown_path(&path)
        )),
        Err(error) => fail(format_args!(
            "cannot write {}: {}",
            shown_path(&path),
            reason(&error)
        )),
    }
}

/// Refuses an outcome that no endpoint with an upload has: nothing would understand the file's name.
fn check_outcome(asked: &str, catalogue: &Catalogue) -> Result<(), String> {
    let uploads: Vec<_> = (catalogue
        .endpoints()
        .filter(|endpoint| takes_file(endpoint)))
    .collect();
    if uploads
        .iter()
        .any(|endpoint| endpoint.outcome(asked).is_some())
    {
        return Ok(());
    }
    let mut names: Vec<&str> = Vec::new();
    for endpoint in uploads {
        for name in endpoint.outcomes.keys().chain(endpoint.aliases.keys()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let near = nearest(asked, names.iter().copied())
        .map_or(String::new(), |near| format!(" did you mean `{near}`?"));
    Err(format!(
        "`{asked}` is not an outcome of an endpoint with an upload:{near} known outcomes: {}",
        listed(names)
    ))
}

fn takes_file(endpoint: &Endpoint) -> bool {
    endpoint.schema.shape.has_file()
}

/// Where to write: the outcome is the last part of the name before its ending.
fn named(arguments: &Arguments, magic: Option<&str>) -> Result<PathBuf, String> {
    let kind = match arguments.kind {
        Kind::Card => "card",
        Kind::Selfie => "selfie",
    };
    let (folder, stem) = match arguments.output.as_deref() {
        None => (PathBuf::new(), kind.to_owned()),
        Some(path) if path.is_dir() || ends_in_slash(path) => (path.to_owned(), kind.to_owned()),
        Some(path) => {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| format!("{} is not a file name", shown_path(path)))?;
            let stem = match name.rsplit_once('.') {
                Some((stem, ending)) if ending.eq_ignore_ascii_case("png") => stem,
                Some((stem, ending))
                    if ["jpg", "jpeg"].contains(&&*ending.to_ascii_lowercase()) =>
                {
                    return Err(format!("only PNG files can be written: use `{stem}.png`"));
                }
                _ => name,
            };
            if stem.is_empty() {
                return Err(format!("{} is not a file name", shown_path(path)));
            }
            (
                path.parent().unwrap_or(Path::new("")).to_owned(),
                stem.to_owned(),
            )
        }
    };
    let last = stem.rsplit('.').next().unwrap_or_default();
    let suffix = match magic {
        Some(magic) if !last.eq_ignore_ascii_case(magic) => {
            format!(".{}", magic.to_ascii_lowercase())
        }
        _ => String::new(), // the name has it already
    };
    Ok(folder.join(format!("{stem}{suffix}.png")))
}

fn ends_in_slash(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last().copied();
    last.is_some_and(|byte| std::path::is_separator(byte.into()))
}

fn write(path: &Path, bytes: &[u8], force: bool) -> io::Result<()> {
    if force {
        return overwrite(path, bytes);
    }
    create(path, bytes)
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let wrong = || {
        format!(
            "write width and height in pixels, such as `400x400`, from {} to {}",
            SIDES.start(),
            SIDES.end()
        )
    };
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) if SIDES.contains(&width) && SIDES.contains(&height) => {
            Ok((width, height))
        }
        _ => Err(wrong()),
    }
}
