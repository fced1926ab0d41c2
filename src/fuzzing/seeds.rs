//! Sends every seed of every fuzz target, and mutants of it, the same way as the fuzzers do.

use std::fs;
use std::path::{Path, PathBuf};

use super::basic_auth::basic_auth;
use super::control::control;
use super::foreign::foreign;
use super::form::form;
use super::learn::learn;
use super::magic::magic;
use super::multipart::multipart;
use super::replay::replay;
use super::request::request;
use super::scenario::scenario;
use super::state::state;
use super::template::template;
use crate::base::Mix;

/// A folder below `fuzz/seeds`, and the function that each file in it is given to.
type FuzzTarget = (&'static str, fn(&[u8]));

const TARGETS: [FuzzTarget; 12] = [
    ("basic_auth", basic_auth),
    ("control", control),
    ("foreign", foreign),
    ("form", form),
    ("learn", learn),
    ("magic", magic),
    ("multipart", multipart),
    ("replay", replay),
    ("request", request),
    ("scenario", scenario),
    ("state", state),
    ("template", template),
];

/// What lies below `fuzz`, sorted. A published package comes without it.
fn entries(of: &str) -> Option<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let entries = root.exists().then(|| fs::read_dir(root.join(of)))?;
    let entries = entries.expect("every target has seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    Some(paths)
}

/// How many mutants of its seeds each target gets. In all they take only a moment.
const MUTANTS: u32 = 150;

fn seeds(of: &str) -> Option<Vec<Vec<u8>>> {
    let paths = entries(&format!("seeds/{of}"))?;
    assert!(!paths.is_empty(), "{of} has no seeds");
    let read = |path| fs::read(path).expect("it can be read");
    Some(paths.into_iter().map(read).collect())
}

#[test]
fn every_seed_of_every_fuzz_target_goes_through_as_it_should() {
    for (name, target) in TARGETS {
        for seed in seeds(name).unwrap_or_default() {
            eprintln!("{name}: {}", seed.escape_ascii()); // shown where it fails
            target(&seed);
        }
    }
}

/// A small fuzzer that needs no special toolchain. Its mutants are the same every time.
#[test]
fn what_the_seeds_are_mutated_to_goes_through_as_it_should() {
    for (name, target) in TARGETS {
        let Some(seeds) = seeds(name) else {
            return;
        };
        let mut dice = Mix::new(0, name).dice();
        let mut below = |limit: usize| {
            let limit = u32::try_from(limit).expect("a seed is small");
            dice.between(0..limit.max(1)) as usize
        };
        for _ in 0..MUTANTS {
            let mut mutant = seeds[below(seeds.len())].clone();
            for _ in 0..=below(4) {
                let at = below(mutant.len());
                match below(5) {
                    0 => mutant.insert(at, u8::try_from(below(256)).expect("a byte")),
                    1 if !mutant.is_empty() => mutant[at] ^= 1 << below(8),
                    2 => drop(mutant.drain(at..(at + below(8)).min(mutant.len()))),
                    3 => mutant.extend_from_within(at..(at + below(64)).min(mutant.len())),
                    _ => {
                        let other = &seeds[below(seeds.len())];
                        let from = below(other.len());
                        mutant.truncate(at);
                        mutant.extend_from_slice(&other[from..]);
                    }
                }
            }
            eprintln!("{name}: {}", mutant.escape_ascii()); // shown where it fails
            target(&mutant);
        }
    }
}

#[test]
fn every_fuzz_target_has_seeds_and_a_place_in_this_test() {
    for of in ["fuzz_targets", "seeds"] {
        let Some(paths) = entries(of) else {
            return;
        };
        let name = |path: &PathBuf| {
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let names: Vec<_> = paths.iter().filter_map(name).collect();
        assert_eq!(names, TARGETS.map(|(name, _)| name), "{of}");
    }
}
