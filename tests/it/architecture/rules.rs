//! The breaches of a tree of sources, as sentences.

use std::collections::BTreeSet;

use super::paths::{Route, Target, Tree};
use super::source::{Kind, Reference, Source, room_of_path};
use super::{AWAITS_NOTHING, CLOSED_FOLDERS, GUARDED_FOLDERS, NEVER, OPENINGS, ROOMS, TESTS_ROOM};

/// A name of one file that another file uses.
pub struct Link<'a> {
    pub from: &'a Source,
    pub reference: &'a Reference,
    /// The file that defines the name, `src/world/state.rs`.
    pub file: String,
    pub name: String,
}

/// All uses of names across files.
pub fn links(tree: &Tree) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for (from, reference) in references(tree) {
        let (module, name) = match tree.follow(reference).target {
            Target::Item { module, name } => (module, name),
            // A lone name in code is a variable and no module.
            Target::Module(module) if reference.kind != Kind::Code => {
                let name = reference.path.last().cloned().unwrap_or_default();
                (module, name)
            }
            _ => continue,
        };
        let file = tree.file(&module).to_owned();
        if file != from.path {
            links.push(Link {
                from,
                reference,
                file,
                name,
            });
        }
    }
    links
}

/// Every path that is written in a file, without those of the fuzzers.
fn references(tree: &Tree) -> impl Iterator<Item = (&Source, &Reference)> {
    let sources = tree
        .sources
        .iter()
        .filter(|source| source.room() != TESTS_ROOM);
    sources.flat_map(|source| {
        source
            .references
            .iter()
            .map(move |reference| (source, reference))
    })
}

/// The paths whose target is known from their start: of a `use`, or with `crate`, `self` or `super`.
fn written(tree: &Tree) -> impl Iterator<Item = (&Source, &Reference, Route)> {
    let references = references(tree).filter(|(_, reference)| is_written(reference));
    references.map(|(source, reference)| (source, reference, tree.follow(reference)))
}

fn is_written(reference: &Reference) -> bool {
    let head = reference.path.first().map_or("", |head| head);
    reference.kind != Kind::Code || matches!(head, "crate" | "self" | "super")
}

pub fn imports_checked(tree: &Tree) -> usize {
    links(tree)
        .iter()
        .filter(|link| is_written(link.reference))
        .count()
}

pub fn room_imports(tree: &Tree) -> Vec<String> {
    let mut breaches = BTreeSet::new();
    for (source, reference, route) in written(tree) {
        let room = source.room();
        let Some((_, may_import)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            continue;
        };
        let target = match &route.target {
            Target::Item { module, .. } => Some(module),
            _ => None,
        };
        for module in route.passed.iter().chain(target) {
            let other = room_of_module(module);
            if !other.is_empty() && other != room && !has_word(may_import, other) {
                let (path, text) = (&source.path, text(reference));
                breaches.insert(format!(
                    "{path}: `{room}` may not import `{other}` ({text})"
                ));
            }
        }
    }
    breaches.into_iter().collect()
}

pub fn unresolved(tree: &Tree) -> Vec<String> {
    let missing =
        references(tree).filter(|(_, reference)| tree.follow(reference).target == Target::Missing);
    let breaches = missing.map(|(source, reference)| {
        let (text, line) = (text(reference), reference.line);
        format!("{}: cannot resolve `{text}` (line {line})", source.path)
    });
    sorted(breaches)
}

/// Paths into the inner modules of another room, and `super` out of a room.
pub fn trespasses(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (source, reference, route) in written(tree) {
        let (path, room, text) = (&source.path, source.room(), text(reference));
        let line = reference.line;
        let is_deep = route.passed.windows(2).any(|step| {
            let other = room_of_module(&step[0]);
            !other.is_empty() && other != room && is_inside(&step[1], &step[0])
        });
        if is_deep {
            breaches.push(format!(
                "{path}: `{text}` reaches into a room (line {line})"
            ));
        }
        let climbs = reference.path.iter().filter(|name| *name == "super");
        let climbs = climbs.count();
        let depth = reference.module.split("::").count();
        if !room.is_empty() && climbs >= depth {
            breaches.push(format!(
                "{path}: `{text}` climbs out of `{room}` (line {line})"
            ));
        }
    }
    let is_in_a_room = |source: &&Source| !matches!(source.room(), "" | TESTS_ROOM);
    let forms = tree.sources.iter().filter(is_in_a_room);
    breaches.extend(forms.flat_map(|source| source.form_breaches.clone()));
    sorted(breaches)
}

/// The names that `room` uses but must not use.
pub fn impurities(tree: &Tree, room: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let never = NEVER.iter().filter(|(name, _)| *name == room);
    let never: Vec<&str> = never.flat_map(|(_, paths)| paths.split(' ')).collect();
    for (source, reference) in references(tree).filter(|(source, _)| source.room() == room) {
        let Target::Outside(outside) = tree.follow(reference).target else {
            continue;
        };
        let outside = outside.join("::");
        let is_named = |one: &&&str| {
            is_inside(&outside, one) || reference.kind == Kind::Glob && is_inside(one, &outside)
        };
        for one in never.iter().filter(is_named) {
            let (path, text, line) = (&source.path, text(reference), reference.line);
            breaches.push(format!(
                "{path}: `{room}` may not name `{one}` ({text}, line {line})"
            ));
        }
    }
    if AWAITS_NOTHING.contains(&room) {
        let sources = tree.sources.iter().filter(|source| source.room() == room);
        breaches.extend(sources.flat_map(|source| async_breaches(source, room)));
    }
    sorted(breaches)
}

fn async_breaches(source: &Source, room: &str) -> Vec<String> {
    let path = &source.path;
    let breaches = source.awaits.iter();
    let breaches = breaches
        .map(|(line, word)| format!("{path}: `{room}` may not name `{word}` (line {line})"));
    breaches.collect()
}

/// Limits inside a module. A name that a file imports is reported once.
pub fn inner_walls(tree: &Tree) -> Vec<String> {
    let mut links = links(tree);
    links.sort_by_key(|link| link.reference.line);
    let mut seen = BTreeSet::new();
    links.retain(|link| seen.insert((&link.from.path, link.file.clone(), link.name.clone())));
    sorted(links.iter().flat_map(wall_breaches))
}

fn wall_breaches(link: &Link) -> Vec<String> {
    let (from, to) = (&*link.from.path, &*link.file);
    let (name, at) = (&*link.name, link.reference.line);
    let mut breaches = Vec::new();
    let is_open = OPENINGS.contains(&(from, name)) || room_of_path(from) != room_of_path(to);
    let leaves = |folder: &&&str| is_below(from, folder) && !is_below(to, folder);
    for folder in CLOSED_FOLDERS.iter().filter(leaves) {
        if !is_open {
            breaches.push(format!(
                "{from}: `{folder}` may not import `{name}` of {to} (line {at})"
            ));
        }
    }
    for (folder, importers) in GUARDED_FOLDERS {
        let enters = is_below(to, folder) && !is_below(from, folder);
        let may_enter = from.ends_with("/mod.rs") || has_word(importers, from);
        if enters && !may_enter {
            breaches.push(format!(
                "{from}: may not import `{name}` of `{folder}` (line {at})"
            ));
        }
    }
    breaches
}

/// Checks that the folders, the table and ARCHITECTURE.md name the same modules with the same sentences.
pub fn misnamed_rooms(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in &tree.sources {
        let room = source.room();
        let is_room = ROOMS.iter().any(|(name, _)| *name == room) || room == TESTS_ROOM;
        if room.is_empty() && !matches!(&*source.path, "src/lib.rs" | "src/main.rs") {
            breaches.push(format!("{}: stands in no room", source.path));
        } else if !room.is_empty() && !is_room {
            breaches.push(format!("src/{room}: is no room"));
        }
    }
    for (room, may_import) in ROOMS {
        let face = format!("src/{room}/mod.rs");
        let Some(source) = tree.sources.iter().find(|source| source.path == face) else {
            breaches.push(format!("{face}: is missing"));
            continue;
        };
        let Some((sentence, imports)) = row(&tree.document, room) else {
            breaches.push(format!("ARCHITECTURE.md: has no row for `{room}`"));
            continue;
        };
        if source.sentence != sentence {
            let own = &source.sentence;
            breaches.push(format!(
                "{face}: says `{own}`, and ARCHITECTURE.md says `{sentence}`"
            ));
        }
        let expected = if may_import.is_empty() {
            "–"
        } else {
            may_import
        };
        if imports != expected {
            breaches.push(format!(
                "ARCHITECTURE.md: `{room}` may import `{imports}`, and the test says `{expected}`"
            ));
        }
    }
    sorted(breaches)
}

/// The second and the third cell of a room's row.
fn row(document: &str, room: &str) -> Option<(String, String)> {
    let start = format!("| `{room}` |");
    let row = document
        .lines()
        .find_map(|line| line.strip_prefix(&start))?;
    let mut cells = row.split('|').map(|cell| cell.trim().to_owned());
    Some((cells.next()?, cells.next()?))
}

pub fn oversizes(tree: &Tree) -> Vec<String> {
    sorted(
        tree.sources
            .iter()
            .flat_map(|source| source.size_breaches.clone()),
    )
}

fn room_of_module(module: &str) -> &str {
    let first = module.split("::").next().unwrap_or_default();
    let is_room = first == TESTS_ROOM || ROOMS.iter().any(|(room, _)| *room == first);
    if is_room { first } else { "" }
}

/// Whether a path is `outer` or begins with it.
fn is_inside(path: &str, outer: &str) -> bool {
    let rest = path.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn has_word(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

fn is_below(path: &str, folder: &str) -> bool {
    let rest = path
        .strip_prefix("src/")
        .and_then(|path| path.strip_prefix(folder));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

fn text(reference: &Reference) -> String {
    let end = if reference.kind == Kind::Glob {
        "::*"
    } else {
        ""
    };
    reference.path.join("::") + end
}

fn sorted(breaches: impl IntoIterator<Item = String>) -> Vec<String> {
    breaches
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}
