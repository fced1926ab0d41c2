//! The modules ("rooms") of `src`: what each may import, and what it must not name.

pub mod circles;
mod examples;
mod examples_of_matches;
mod examples_of_rooms;
mod form;
mod matches;
pub mod paths;
mod reader;
pub mod rules;
mod source;
mod tokens;
mod uses;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use self::circles::circles;
use self::matches::catch_alls;
use self::paths::Tree;
use self::rules::{
    imports_checked, impurities, inner_walls, misnamed_rooms, oversizes, room_imports, trespasses,
    unresolved,
};

/// Each module with everything that it may import, lowest first.
pub const ROOMS: [(&str, &str); 12] = [
    ("base", ""),
    ("http", "base"),
    ("scenario", "base"),
    ("catalogue", "base http scenario"),
    ("reference", "base http scenario catalogue"),
    ("world", "base http catalogue"),
    ("answer", "base http scenario catalogue world"),
    ("callbacks", "base http world"),
    (
        "control",
        "base http scenario catalogue reference world answer callbacks",
    ),
    (
        "server",
        "base http catalogue world answer callbacks control",
    ),
    (
        "sandbox",
        "base http scenario catalogue world answer callbacks control server",
    ),
    (
        "cli",
        "base http scenario catalogue reference world answer callbacks control server sandbox",
    ),
];

/// Only tests and fuzzers compile this folder. It may import all rooms, and no room may import it.
pub const TESTS_ROOM: &str = "fuzzing";

/// Rooms without `async` and `.await`.
pub const AWAITS_NOTHING: [&str; 2] = ["answer", "reference"];

/// A room and the paths of other crates that it must not name.
pub const NEVER: [(&str, &str); 8] = [
    (
        "answer",
        "std::fs tokio::fs tokio::net tokio::runtime tokio::spawn tokio::task",
    ),
    (
        "answer",
        "std::net::TcpListener std::net::TcpStream std::net::UdpSocket",
    ),
    (
        "http",
        "hyper::client hyper::server tokio::net tokio::spawn",
    ),
    ("http", TASKS),
    ("reference", "std::fs tokio"),
    ("world", "std::fs tokio::fs tokio::net tokio::spawn"),
    ("world", TASKS),
    // Files are written by `server::new_file` alone: whole or not at all.
    (
        "cli",
        "std::fs::write std::fs::copy std::fs::rename std::fs::File::create std::fs::File::create_new std::fs::File::options std::fs::OpenOptions",
    ),
];

const TASKS: &str = "tokio::task::JoinSet tokio::task::spawn tokio::task::spawn_blocking";

/// Folders that import nothing else of their room.
pub const CLOSED_FOLDERS: [&str; 2] = ["catalogue/dummy", "world/journal"];

/// Names that a closed folder may import as an exception.
pub const OPENINGS: [(&str, &str); 4] = [
    ("src/world/journal/decision.rs", "Attempt"),
    ("src/world/journal/wait.rs", "Strangers"),
    ("src/world/journal/wait.rs", "Waiting"),
    ("src/world/journal/wait.rs", "World"),
];

/// Folders that only these files import.
pub const GUARDED_FOLDERS: [(&str, &str); 1] = [(
    "catalogue/compile",
    "src/catalogue/load.rs src/catalogue/slot.rs",
)];

/// The test proves little if it sees fewer imports.
pub const IMPORTS_MIN: usize = 2000;

static TREE: LazyLock<Tree> =
    LazyLock::new(|| tree(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))));

#[test]
fn the_table_goes_from_the_ground_up() {
    for (at, (room, may_import)) in ROOMS.iter().enumerate() {
        let is_below = |other| ROOMS[..at].iter().any(|(name, _)| *name == other);
        let is_above = may_import.split_whitespace().all(is_below);
        assert!(
            is_above,
            "`{room}` does not stand above all that it imports"
        );
    }
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    hold(&room_imports(&TREE));
}

#[test]
fn no_two_files_of_a_room_import_each_other_in_a_circle() {
    hold(&circles(&TREE));
}

#[test]
fn every_path_leads_to_an_item() {
    hold(&unresolved(&TREE));
    let count = imports_checked(&TREE);
    assert!(
        count >= IMPORTS_MIN,
        "saw {count} imports, under {IMPORTS_MIN}"
    );
}

#[test]
fn a_room_is_entered_through_its_list_of_names_alone() {
    hold(&trespasses(&TREE));
}

#[test]
fn dummy_data_the_compiler_and_the_journal_stand_behind_inner_walls() {
    hold(&inner_walls(&TREE));
}

#[test]
fn every_folder_is_a_room_and_says_what_it_is_for() {
    hold(&misnamed_rooms(&TREE));
}

#[test]
fn answer_is_pure() {
    hold(&impurities(&TREE, "answer"));
}

#[test]
fn world_starts_no_task_and_opens_no_file_or_socket() {
    hold(&impurities(&TREE, "world"));
}

#[test]
fn reference_awaits_nothing_and_opens_no_file() {
    hold(&impurities(&TREE, "reference"));
}

#[test]
fn http_holds_values_and_no_sockets() {
    hold(&impurities(&TREE, "http"));
}

#[test]
fn files_functions_and_parameters_stay_small() {
    hold(&oversizes(&TREE));
}

#[test]
fn no_new_variant_falls_into_a_catch_all_arm() {
    hold(&catch_alls(&TREE));
}

fn hold(breaches: &[String]) {
    assert!(
        breaches.is_empty(),
        "{} breaches:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}

/// Reads `src` and the ARCHITECTURE.md beside it.
pub fn tree(sources: &Path) -> Tree {
    let mut files = Vec::new();
    add_files(sources, "src", &mut files);
    let document = sources.with_file_name("ARCHITECTURE.md");
    let document = fs::read_to_string(document).expect("ARCHITECTURE.md stands beside `src`");
    files.push(("ARCHITECTURE.md".to_owned(), document));
    Tree::read(files.iter().map(|(path, text)| (&**path, &**text)))
}

fn add_files(folder: &Path, name: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder of sources") {
        let path = entry.expect("an entry of the folder").path();
        let last = path.file_name().and_then(|last| last.to_str());
        let name = format!("{name}/{}", last.expect("a name in UTF-8"));
        if path.is_dir() {
            add_files(&path, &name, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            files.push((name, text));
        }
    }
}
