//! Finds the route that a request means whose path or method is wrong.

use std::cmp::Reverse;
use strum::VariantArray;

use crate::base::can_mean;
use crate::scenario::Source;

/// A route that is less like the request is not meant by it.
const LIKENESS_MIN: f64 = 0.6;

/// A route, as a client writes it.
pub(super) struct KnownRoute<'c> {
    pub method: &'c str,
    pub path: String,
    pub source: Source,
}

/// A path in its parts, in lower case.
struct Path {
    /// The numbers of a segment such as `v1.1`, without zeros at the end.
    version: Option<Vec<u32>>,
    /// All other segments.
    segments: Vec<String>,
}

/// A known route, and how well a request fits it. Versions of the same path fit equally well: then the version that
/// was sent wins, then the method, then the best known route, then the newest version.
struct Candidate<'c> {
    route: KnownRoute<'c>,
    path: Path,
    likeness: f64,
    has_method: bool,
    has_version: bool,
}

/// The nearest route that can be meant, and the versions in which it exists too if the request named none of them.
pub(super) fn nearest<'c>(
    method: &str,
    path: &str,
    known: impl Iterator<Item = KnownRoute<'c>>,
) -> Option<String> {
    let asked = Path::parse(path);
    let mut candidates: Vec<_> = known
        .map(|route| Candidate::new(route, method, &asked))
        .collect();
    candidates.retain(|candidate| candidate.likeness >= LIKENESS_MIN);
    candidates.retain(|candidate| asked.can_mean(&candidate.path));
    candidates.sort_by(Candidate::nearest_first);
    let (nearest, others) = candidates.split_first()?;
    let named = format!("{} {}", nearest.route.method, nearest.route.path);
    if nearest.has_version {
        return Some(named);
    }
    let mut versions: Vec<_> = others
        .iter()
        .filter(|other| other.path.segments == nearest.path.segments)
        .filter(|other| other.route.method == nearest.route.method)
        .filter_map(|other| other.path.version.as_ref())
        .collect();
    versions.sort();
    let versions: Vec<_> = versions.into_iter().map(|one| version_text(one)).collect();
    match versions.as_slice() {
        [] => Some(named),
        versions => Some(format!("{named} (also in {})", versions.join(", "))),
    }
}

impl Path {
    fn parse(path: &str) -> Self {
        let mut parsed = Self {
            version: None,
            segments: Vec::new(),
        };
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            let segment = segment.to_lowercase();
            match version(&segment) {
                Some(version) if parsed.version.is_none() => parsed.version = Some(version),
                _ => parsed.segments.push(segment),
            }
        }
        parsed
    }

    /// How alike a known path is, from 0 to 1. The path may lack segments at its start or have too many, so the ends of
    /// both are compared too.
    fn likeness(&self, known: &Self) -> f64 {
        let shorter = self.segments.len().min(known.segments.len());
        let end = |segments: &[String], count: usize| segments[segments.len() - count..].join("/");
        let known = known.filled_like(self);
        let whole = strsim::jaro_winkler(&self.segments.join("/"), &known.join("/"));
        let ends = strsim::jaro_winkler(&end(&self.segments, shorter), &end(&known, shorter));
        f64::midpoint(whole, ends)
    }

    /// Whether a known path can be meant, by its words alone: an id in the place of `{id}` is like every other, and a
    /// beginning such as `__sandbox` says nothing about the rest.
    fn can_mean(&self, known: &Self) -> bool {
        let (asked, known) = self.words_beside(known);
        let same = asked
            .iter()
            .zip(&known)
            .take_while(|(one, other)| one == other);
        match same.count() {
            same if same == known.len() => words_can_mean(&asked, &known),
            same if same == asked.len() => false,
            same => words_can_mean(&asked[same..], &known[same..]),
        }
    }

    /// The segments of this path and of a known one, without the places of `{id}` and the like, and without what is in
    /// them. A path of one segment fills no place.
    fn words_beside<'p>(&'p self, known: &'p Self) -> (Vec<&'p str>, Vec<&'p str>) {
        let fills = self.segments.len() > 1;
        let is_place = |segment: &String| segment.starts_with('{');
        let mut filled = known
            .segments
            .iter()
            .rev()
            .map(|one| fills && is_place(one));
        let asked = self.segments.iter().rev();
        let asked = asked.filter(|_| !filled.next().unwrap_or_default());
        let mut asked: Vec<_> = asked.map(String::as_str).collect();
        asked.reverse();
        let known = known.segments.iter().filter(|one| !is_place(one));
        (asked, known.map(String::as_str).collect())
    }

    /// The segments, with the sent ones in the places of `{id}` and the like. A path of one segment fills none: it would
    /// be like every path that ends in a place.
    fn filled_like(&self, asked: &Self) -> Vec<String> {
        let mut filled = self.segments.clone();
        if asked.segments.len() > 1 {
            for (known, asked) in filled.iter_mut().rev().zip(asked.segments.iter().rev()) {
                if known.starts_with('{') {
                    known.clone_from(asked);
                }
            }
        }
        filled
    }
}

/// Whether the words are near as a whole. There may be too many or too few at the start, so the ends are compared too.
fn words_can_mean(asked: &[&str], known: &[&str]) -> bool {
    let shorter = asked.len().min(known.len());
    let end = |words: &[&str]| words[words.len() - shorter..].join("/");
    can_mean(&asked.join("/"), &known.join("/")) || can_mean(&end(asked), &end(known))
}

impl<'c> Candidate<'c> {
    fn new(route: KnownRoute<'c>, method: &str, asked: &Path) -> Self {
        let path = Path::parse(&route.path);
        Self {
            likeness: asked.likeness(&path),
            has_method: route.method == method,
            has_version: path.version == asked.version,
            path,
            route,
        }
    }

    fn nearest_first(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |one: &Self| {
            let source = Source::VARIANTS
                .iter()
                .position(|source| *source == one.route.source);
            (one.has_version, one.has_method, Reverse(source))
        };
        let likeness = other.likeness.total_cmp(&self.likeness);
        likeness
            .then_with(|| rank(other).cmp(&rank(self)))
            .then_with(|| other.path.version.cmp(&self.path.version))
    }
}

fn version(segment: &str) -> Option<Vec<u32>> {
    let numbers = segment.strip_prefix('v')?.split('.').map(str::parse);
    let mut version: Vec<_> = numbers.collect::<Result<_, _>>().ok()?;
    while version.len() > 1 && version.last() == Some(&0) {
        version.pop();
    }
    Some(version)
}

fn version_text(version: &[u32]) -> String {
    let numbers: Vec<_> = version.iter().map(u32::to_string).collect();
    format!("v{}", numbers.join("."))
}
