//! Shows where a request allocates: a table of its steps, and every call stack in the order of the request.

use std::backtrace::Backtrace;

/// The steps of a request, by the innermost of our own source files that is listed here.
const STEPS: [(&str, &str); 13] = [
    ("src/server/connection/", "head and reply, in hyper"),
    ("src/server/body.rs", "body"),
    ("src/http/", "headers and key"),
    ("src/base/json_reading.rs", "parse"),
    ("src/answer/input.rs", "parse"),
    ("src/catalogue/shape.rs", "check"),
    ("src/base/dice.rs", "mix"),
    ("src/catalogue/dummy/", "look up"),
    ("src/catalogue/body/", "render"),
    ("src/answer/record.rs", "record"),
    ("src/world/journal/", "journal"),
    ("src/server/record.rs", "journal"),
    ("src/server/respond.rs", "reply"),
];

/// How many callers of an allocation are shown.
const OWN_FRAMES: usize = 4;
const LIBRARY_FRAMES: usize = 2;

/// Allocations from the same place.
struct Place {
    /// Files and lines of libraries, innermost first.
    libraries: Vec<String>,
    /// Files and lines of the sandbox, innermost first.
    own: Vec<String>,
    allocations: usize,
    bytes: usize,
}

/// Prints the tables. `requests` have made these allocations.
pub(crate) fn print_stacks(stacks: &[(usize, Backtrace)], requests: usize) {
    let mut places: Vec<Place> = Vec::new();
    for (bytes, stack) in stacks {
        let (libraries, own) = frames(&stack.to_string());
        let same = |place: &&mut Place| place.libraries == libraries && place.own == own;
        if let Some(place) = places.iter_mut().find(same) {
            place.allocations += 1;
            place.bytes += bytes;
        } else {
            places.push(Place {
                libraries,
                own,
                allocations: 1,
                bytes: *bytes,
            });
        }
    }
    print_steps(&places, requests);
    println!("\n| allocations | bytes | called from, innermost first; in the order of a request |");
    println!("|--:|--:|---|");
    for place in &places {
        let called: Vec<&str> = place
            .libraries
            .iter()
            .take(LIBRARY_FRAMES)
            .chain(place.own.iter().take(OWN_FRAMES))
            .map(String::as_str)
            .collect();
        print_row(
            place.allocations,
            place.bytes,
            requests,
            &called.join(" ← "),
        );
    }
}

fn print_steps(places: &[Place], requests: usize) {
    let mut steps: Vec<(&str, usize, usize)> = Vec::new();
    for place in places {
        let step = place.step();
        let at = steps.iter().position(|(name, ..)| *name == step);
        let at = at.unwrap_or_else(|| {
            steps.push((step, 0, 0));
            steps.len() - 1
        });
        steps[at].1 += place.allocations;
        steps[at].2 += place.bytes;
    }
    println!("\n| allocations | bytes | step |");
    println!("|--:|--:|---|");
    for (step, allocations, bytes) in steps {
        print_row(allocations, bytes, requests, step);
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for a reader")]
fn print_row(allocations: usize, bytes: usize, requests: usize, text: &str) {
    let each = |total: usize| total as f64 / requests as f64;
    println!("| {:.2} | {:.0} | {text} |", each(allocations), each(bytes));
}

impl Place {
    /// The step, or else the innermost of our own files.
    fn step(&self) -> &str {
        let step_of = |frame: &String| STEPS.iter().find(|(start, _)| frame.starts_with(start));
        match self.own.iter().find_map(step_of) {
            Some((_, step)) => step,
            None => self.own.first().map_or("elsewhere", |frame| {
                frame.split(':').next().unwrap_or_default()
            }),
        }
    }
}

/// The frames of libraries up to the first of our own, and all of our own.
fn frames(stack: &str) -> (Vec<String>, Vec<String>) {
    let (mut libraries, mut own) = (Vec::new(), Vec::new());
    for line in stack.lines() {
        let Some(place) = line.trim_start().strip_prefix("at ") else {
            continue;
        };
        let place = place
            .rsplit_once(':')
            .map_or(place, |(place, _column)| place);
        if let Some(place) = place.strip_prefix("./src/") {
            own.push(format!("src/{place}"));
        } else if own.is_empty()
            && let Some((_, place)) = place.split_once("/registry/src/")
        {
            let place = place
                .split_once('/')
                .map_or(place, |(_registry, place)| place);
            libraries.push(place.replacen("/src/", "/", 1));
        }
    }
    (libraries, own)
}
