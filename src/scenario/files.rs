//! Finds and reads scenario files, in the binary and in folders.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};

use super::folder::{FileKind, Found, find, is_toml};
use super::format::{self, ScenarioFile};
use super::mistake::LoadError;
use super::settings::Settings;
use super::source_file::SourceFile;
use crate::base::reason;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The largest scenario file. People write these files by hand, so they are small.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// All files in use, the shipped ones first. A file of a later folder replaces the file with the same path.
#[derive(Default)]
pub(crate) struct Layers {
    pub scenarios: Vec<Arc<ScenarioFile>>,
    pub settings: Settings,
    /// The files of folders, in the order in which they were laid over the shipped ones.
    pub own_files: Vec<Arc<SourceFile>>,
    /// The ids of files that cannot be read or are not valid TOML. A reference to such a file is not reported as a mistake.
    pub unreadable: HashSet<String>,
}

impl Layers {
    pub(crate) fn is_extension(&self, id: &str) -> bool {
        let mut extensions = self.scenarios.iter().filter(|file| file.extends.is_some());
        extensions.any(|file| file.source_file.id == id)
    }
}

/// The shipped files, of which only the tops are read, and only once. A reload reads only the folders.
static SHIPPED_FILES: LazyLock<Vec<Arc<ScenarioFile>>> = LazyLock::new(|| {
    let read = |(path, text): (&str, &'static str)| {
        let id = id_of(Path::new(path)).expect("shipped paths are ASCII");
        let name = format!("shipped:{path}");
        let source = Arc::new(SourceFile::shipped(id, name, text));
        Arc::new(ScenarioFile::of_top(&source, text))
    };
    shipped().map(read).collect()
});

/// The mistakes in the shipped files. At a normal start these files are taken as sound.
pub(crate) fn prove_shipped() -> Vec<LoadError> {
    let mistakes = |file: &Arc<ScenarioFile>| format::parse(&file.source_file).1;
    SHIPPED_FILES.iter().flat_map(mistakes).collect()
}

/// The paths and texts of the shipped scenario files. A path is such as `v0/individual_cft_peps.toml`.
pub(crate) fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    fn walk(dir: &'static Dir<'static>, found: &mut Vec<(&'static str, &'static str)>) {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) => walk(dir, found),
                DirEntry::File(file) => {
                    let path = file.path().to_str().expect("shipped paths are ASCII");
                    if is_toml(file.path()) {
                        found.push((path, file.contents_utf8().expect("shipped files are UTF-8")));
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&SHIPPED, &mut found);
    found.sort_unstable();
    found.into_iter()
}

/// The JSON Schema of scenario files or of `sandbox.toml`, which is shipped beside the scenario files.
pub(crate) fn json_schema(name: &str) -> &'static str {
    let file = SHIPPED.get_file(name).expect("the schemas are shipped");
    file.contents_utf8().expect("shipped files are UTF-8")
}

/// Reads the shipped files and the files of all folders, with a `pause` before each file of a folder. Returns
/// everything that can be read, and all mistakes.
pub(crate) fn read_files(folders: &[PathBuf], pause: fn()) -> (Layers, Vec<LoadError>) {
    let mut layers = Layers {
        scenarios: SHIPPED_FILES.clone(),
        ..Layers::default()
    };
    let mut errors = Vec::new();
    for folder in folders {
        let mut ids = HashSet::new();
        for found in find(folder) {
            pause();
            let path = &found.path;
            let name = path.display().to_string();
            let below = path.strip_prefix(folder).unwrap_or(path);
            match (found.kind, id_of(below)) {
                (FileKind::Odd(reason), _) => errors.push(LoadError::warning_of_file(name, reason)),
                (FileKind::Unreadable(_) | FileKind::Scenario, None) => {
                    errors.push(not_utf8(name, below));
                }
                (FileKind::Unreadable(error), Some(id)) => {
                    layers.unreadable.insert(id);
                    errors.push(unreadable(name, &error));
                }
                (FileKind::Scenario, Some(id)) if !ids.insert(id.clone()) => {
                    let sentence = format!(
                        "is the second file of the id `{id}`: only the case of its ending differs"
                    );
                    errors.push(LoadError::of_file(name, sentence));
                }
                (FileKind::Scenario, Some(id)) => read_file(path, id, &mut layers, &mut errors),
            }
        }
    }
    (layers, errors)
}

/// The shipped files with these over them, in this order. They are on no disk.
pub(crate) fn read_texts(sources: &[Arc<SourceFile>]) -> (Layers, Vec<LoadError>) {
    let (mut layers, mut errors) = read_files(&[], no_pause);
    for source in sources {
        lay_over(source, &mut layers, &mut errors);
    }
    (layers, errors)
}

/// The pause of a reload: even a thousand files must not slow down requests that run on the same core.
pub(crate) fn let_requests_go_first() {
    std::thread::yield_now();
}

/// The pause of a start: none, because somebody waits for the start.
pub(crate) fn no_pause() {}

/// A hash over the names and contents of all files. The watcher compares it to find changes.
pub(crate) fn fingerprint(folders: &[PathBuf]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for folder in folders {
        for Found { path, kind } in find(folder) {
            let_requests_go_first();
            hash.update(path.as_os_str().as_encoded_bytes());
            if matches!(kind, FileKind::Scenario) {
                hash.update([0]);
                hash.update(read_bytes(&path).unwrap_or_default());
            }
            hash.update([0]);
        }
    }
    hash.finalize().into()
}

fn read_file(path: &Path, id: String, layers: &mut Layers, errors: &mut Vec<LoadError>) {
    let name = path.display().to_string();
    let source = match read_bytes(path) {
        Ok(bytes) => SourceFile::decode(id.clone(), name, &bytes),
        Err(error) => Err(unreadable(name, &error)),
    };
    match source {
        Ok(source) => lay_over(&source, layers, errors),
        Err(error) => {
            layers.unreadable.insert(id);
            errors.push(error);
        }
    }
}

/// The path is shown with all its bytes, because two such paths may be displayed alike.
fn not_utf8(name: String, below: &Path) -> LoadError {
    let bytes = below.as_os_str().as_encoded_bytes().escape_ascii();
    let sentence = format!("has a name that is not UTF-8 text, `{bytes}`: rename it");
    LoadError::of_file(name, sentence)
}

fn unreadable(name: String, error: &io::Error) -> LoadError {
    LoadError::of_file(name, format!("cannot be read: {}", reason(error)))
}

fn lay_over(source: &Arc<SourceFile>, layers: &mut Layers, errors: &mut Vec<LoadError>) {
    layers.own_files.push(source.clone());
    if source.id.eq_ignore_ascii_case("sandbox") {
        errors.extend(layers.settings.read_over(source));
        return;
    }
    let (file, mistakes) = format::parse(source);
    errors.extend(mistakes);
    let Some(file) = file else {
        layers.unreadable.insert(source.id.clone());
        return;
    };
    // A file with the same path replaces the earlier file, unless it extends just that file.
    let adds = file
        .extends
        .as_ref()
        .is_some_and(|id| *id.as_ref() == source.id);
    if !adds {
        layers
            .scenarios
            .retain(|known| known.source_file.id != source.id);
    }
    layers.scenarios.push(Arc::new(file));
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let regular = |metadata: &fs::Metadata| {
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(())
    };
    regular(&fs::metadata(path)?)?; // opening a FIFO would wait for ever
    let file = fs::File::open(path)?;
    regular(&file.metadata()?)?; // it may be another file by now
    let mut text = Vec::new();
    // Not by the length in the metadata, because the file may grow while it is read.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it is larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(text)
}

/// `v1.1/things.toml` → `v1.1/things`. None for a name that is not UTF-8 text.
fn id_of(path: &Path) -> Option<String> {
    let id = path.with_extension("");
    let parts: Option<Vec<_>> = id.iter().map(OsStr::to_str).collect();
    Some(parts?.join("/"))
}
