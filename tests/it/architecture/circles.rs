//! Circular imports between the files of a module.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::Tree;
use super::rules::{Link, links};
use super::source::room_of_path;

/// File to file, with the first link of each pair.
type Arrows<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Link<'a>>>;

/// The shortest circle of each group of files that import each other.
pub fn circles(tree: &Tree) -> Vec<String> {
    let links = links(tree);
    let mut arrows = Arrows::new();
    for link in links.iter().filter(|link| is_counted(link)) {
        let targets = arrows.entry(&link.from.path).or_default();
        let first = targets.entry(&link.file).or_insert(link);
        if link.reference.line < first.reference.line {
            *first = link;
        }
    }
    let mut seen = BTreeSet::new();
    let mut breaches = Vec::new();
    for file in arrows.keys() {
        if seen.contains(file) {
            continue;
        }
        let knot = knot(&arrows, file);
        seen.extend(knot.iter().copied());
        let circles = knot.iter().filter_map(|file| way(&arrows, file, file));
        if let Some(circle) = circles.min_by_key(Vec::len) {
            breaches.push(described(&arrows, &circle, &knot));
        }
    }
    breaches
}

/// Both files hold code of one room.
fn is_counted(link: &Link) -> bool {
    let room = link.from.room();
    let is_node = |path: &str| !path.ends_with("/mod.rs");
    !room.is_empty()
        && room == room_of_path(&link.file)
        && is_node(&link.from.path)
        && is_node(&link.file)
}

/// The files that this one reaches and that reach it.
fn knot<'a>(arrows: &Arrows<'a>, file: &'a str) -> BTreeSet<&'a str> {
    let others = arrows.keys().copied();
    let is_in =
        |other: &&str| way(arrows, file, other).is_some() && way(arrows, other, file).is_some();
    others.filter(is_in).collect()
}

/// The shortest path: the files from `start`, without `end`.
fn way<'a>(arrows: &Arrows<'a>, start: &'a str, end: &str) -> Option<Vec<&'a str>> {
    let mut queue = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = queue.pop_front() {
        let last = way.last().expect("a way has a start");
        for next in arrows.get(last).into_iter().flat_map(BTreeMap::keys) {
            if *next == end {
                return Some(way);
            }
            if seen.insert(next) {
                queue.push_back(way.iter().chain([next]).copied().collect());
            }
        }
    }
    None
}

fn described(arrows: &Arrows, circle: &[&str], knot: &BTreeSet<&str>) -> String {
    let mut lines = vec![format!("a cycle in `{}`:", room_of_path(circle[0]))];
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        let link = arrows[from][to];
        let (name, at) = (&link.name, link.reference.line);
        lines.push(format!("  {from} → {to} (`{name}`, line {at})"));
    }
    let others = knot.iter().filter(|file| !circle.contains(file));
    let others: Vec<_> = others.copied().collect();
    if !others.is_empty() {
        lines.push(format!("  in one knot with {}", others.join(", ")));
    }
    lines.join("\n")
}
