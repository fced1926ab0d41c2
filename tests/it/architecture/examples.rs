//! Small trees with wrong imports, and the reports about them.

use super::circles::circles;
use super::paths::Tree;
use super::rules::{imports_checked, room_imports, trespasses, unresolved};

/// Modules with a list of names each, which the files of an example use.
const GROUND: [(&str, &str); 10] = [
    (
        "src/lib.rs",
        "mod base; mod http; mod world; mod control; #[cfg(any(test, fuzzing))] pub mod fuzzing;
        pub use control::Lines; pub use self::world::State as WorldState;",
    ),
    (
        "src/base/mod.rs",
        "mod clock; pub(crate) use self::clock::{Clock, HOUR};",
    ),
    (
        "src/base/clock.rs",
        "pub(crate) struct Clock; pub(crate) const HOUR: u64 = 3600;",
    ),
    (
        "src/control/mod.rs",
        "mod lines; pub(crate) use self::lines::{Lines, lines};",
    ),
    (
        "src/control/lines.rs",
        "pub(crate) struct Lines; pub(crate) fn lines() {}",
    ),
    ("src/http/mod.rs", "mod reply;"),
    (
        "src/world/mod.rs",
        "mod state; mod magic; pub(crate) use self::state::*;",
    ),
    (
        "src/world/state.rs",
        "pub(crate) enum State { Open, Closed } macro_rules! names { ($($name:ident),*) => { $(struct $name;)* }; } names!(Outbox);",
    ),
    (
        "src/world/magic.rs",
        "pub(super) fn read() {} pub(super) fn write() {}",
    ),
    (
        "src/fuzzing/mod.rs",
        "pub fn magic() { crate::control::lines(); }",
    ),
];

/// The modules above with the files of an example. An example file replaces the file with the same path.
pub fn tree(files: &[(&str, &str)]) -> Tree {
    let is_kept = |(path, _): &&(&str, &str)| files.iter().all(|(other, _)| path != other);
    let ground = GROUND.iter().filter(is_kept);
    Tree::read(ground.chain(files).copied())
}

/// The breaches of code in `http`.
pub fn in_http(rule: fn(&Tree) -> Vec<String>, code: &str) -> Vec<String> {
    rule(&tree(&[("src/http/reply.rs", code)]))
}

#[test]
fn an_import_of_a_room_above_is_seen_however_it_is_written() {
    let cases = [
        (
            "use crate::{base::Clock, control::Lines};",
            "crate::control::Lines",
        ),
        ("use crate::Lines as Rows;", "crate::Lines"),
        (
            "fn reply() { let lines = crate::control::Lines; }",
            "crate::control::Lines",
        ),
        (
            "fn reply(lines: &[crate::control::Lines]) {}",
            "crate::control::Lines",
        ),
        (
            "fn reply() { json!({\"lines\": [crate::control::lines()]}) }",
            "crate::control::lines",
        ),
        (
            "macro_rules! all { () => { $crate::control::lines() }; }",
            "crate::control::lines",
        ),
        (
            "fn reply() { use crate::control; control::lines(); }",
            "crate::control",
        ),
        (
            "mod inner { use super::super::super::control::lines; }",
            "super::super::super::control::lines",
        ),
        ("use crate::control::*;", "crate::control::*"),
    ];
    for (code, path) in cases {
        let expected = format!("src/http/reply.rs: `http` may not import `control` ({path})");
        assert_eq!(in_http(room_imports, code), [expected], "{code}");
    }
    assert_eq!(
        in_http(
            room_imports,
            "use crate::WorldState; use crate::fuzzing::magic;"
        ),
        [
            "src/http/reply.rs: `http` may not import `fuzzing` (crate::fuzzing::magic)",
            "src/http/reply.rs: `http` may not import `world` (crate::WorldState)",
        ]
    );
}

#[test]
fn tests_and_rooms_below_may_be_imported() {
    let code = "use crate::base::{Clock, HOUR};
        #[cfg(test)] mod tests { use crate::control::{lines, missing}; }
        #[cfg(test)] fn lines() { crate::fuzzing::magic(); }
        impl Reply { #[test] fn shows() { crate::control::lines(); } }";
    assert!(in_http(room_imports, code).is_empty());
    assert!(in_http(unresolved, code).is_empty());
}

#[test]
fn a_circle_of_two_files_is_seen_through_a_module_and_a_macro() {
    let files = [
        (
            "src/world/magic.rs",
            "use super::State;\npub(super) fn read() {}",
        ),
        (
            "src/world/state.rs",
            "use super::magic;\npub(crate) enum State { Open }\nfn open() {\n    format!(\"{}\", magic::read())\n}",
        ),
    ];
    let expected = "a cycle in `world`:
  src/world/magic.rs → src/world/state.rs (`State`, line 1)
  src/world/state.rs → src/world/magic.rs (`magic`, line 1)";
    assert_eq!(circles(&tree(&files)), [expected]);
}

#[test]
fn a_circle_of_three_files_is_seen_through_lists_of_names() {
    let files = [
        (
            "src/world/mod.rs",
            "mod a; mod b; mod inner; use self::inner::Renamed; use self::a::A;",
        ),
        ("src/world/a.rs", "use super::b::B; struct A;"),
        (
            "src/world/b.rs",
            "struct B;\nfn b() { super::Renamed::new() }",
        ),
        (
            "src/world/inner/mod.rs",
            "mod c; mod d; pub(super) use self::c::C as Renamed;",
        ),
        (
            "src/world/inner/c.rs",
            "use crate::world::*;\nstruct C;\nimpl C { fn new() -> Self { if let A = x {} } }\nfn c(a: &A) {}",
        ),
        ("src/world/inner/d.rs", "use super::super::b::B;"),
    ];
    let expected = "a cycle in `world`:
  src/world/a.rs → src/world/b.rs (`B`, line 1)
  src/world/b.rs → src/world/inner/c.rs (`C`, line 2)
  src/world/inner/c.rs → src/world/a.rs (`A`, line 4)";
    assert_eq!(circles(&tree(&files)), [expected]);
}

#[test]
fn all_knots_are_reported_each_by_its_shortest_circle() {
    let files = [
        ("src/base/mod.rs", "mod clock; mod delay;"),
        (
            "src/base/clock.rs",
            "use super::delay::Delay; struct Clock;",
        ),
        (
            "src/base/delay.rs",
            "use super::clock::Clock; struct Delay;",
        ),
        ("src/world/mod.rs", "mod a; mod b; mod c;"),
        (
            "src/world/a.rs",
            "use super::b::B; use super::c::C; struct A;",
        ),
        ("src/world/b.rs", "use super::c::C; struct B;"),
        ("src/world/c.rs", "use super::a::A; struct C;"),
    ];
    let expected = [
        "a cycle in `base`:
  src/base/clock.rs → src/base/delay.rs (`Delay`, line 1)
  src/base/delay.rs → src/base/clock.rs (`Clock`, line 1)",
        "a cycle in `world`:
  src/world/a.rs → src/world/c.rs (`C`, line 1)
  src/world/c.rs → src/world/a.rs (`A`, line 1)
  in one knot with src/world/b.rs",
    ];
    assert_eq!(circles(&tree(&files)), expected);
}

#[test]
fn a_path_that_leads_nowhere_is_reported() {
    let code = "use crate::base::{Clock, Watch};
fn reply() {
    crate::base::Clock::now(); // the longest prefix that is an item decides
    super::nothing::read();
    json!(self::nothing());
}
mod inner { use super::reply; fn inner() { super::super::super::super::x() } }";
    assert_eq!(
        in_http(unresolved, code),
        [
            "src/http/reply.rs: cannot resolve `crate::base::Watch` (line 1)",
            "src/http/reply.rs: cannot resolve `self::nothing` (line 5)",
            "src/http/reply.rs: cannot resolve `super::nothing::read` (line 4)",
            "src/http/reply.rs: cannot resolve `super::super::super::super::x` (line 7)",
        ]
    );
    let fine = "use crate::world::{Outbox, State::{self, Open}};";
    assert!(
        in_http(unresolved, fine).is_empty(),
        "names of macros and variants are found"
    );
}

#[test]
fn imports_are_counted() {
    let code = "use crate::base::{Clock, HOUR}; use std::fs; fn f() { Clock; crate::base::HOUR; fs::read() }";
    let without = imports_checked(&tree(&[("src/http/reply.rs", "")]));
    assert_eq!(
        imports_checked(&tree(&[("src/http/reply.rs", code)])),
        without + 3
    );
}

#[test]
fn rooms_are_entered_through_their_lists_alone() {
    let files = [
        (
            "src/http/mod.rs",
            "pub(crate) mod reply; mod form; pub(crate) use self::form::*; use super::base::Clock;\nfn send() {}\nmod inner {}",
        ),
        (
            "src/http/reply.rs",
            "use crate::base::clock::HOUR;\nuse super::super::base::Clock;",
        ),
        (
            "src/http/form.rs",
            "pub(super) mod part;\nuse super::super::http::form::part;",
        ),
        ("src/http/form/part.rs", "use super::super::reply;"),
        (
            "src/world/mod.rs",
            "mod state; mod magic; pub(crate) use self::state::State;",
        ),
    ];
    assert_eq!(
        trespasses(&tree(&files)),
        [
            "src/http/form.rs: `super::super::http::form::part` climbs out of `http` (line 2)",
            "src/http/form.rs: module `part` must be private (line 1)",
            "src/http/mod.rs: `send` belongs into another file (line 2)",
            "src/http/mod.rs: `super::base::Clock` climbs out of `http` (line 1)",
            "src/http/mod.rs: module `reply` must be private (line 1)",
            "src/http/mod.rs: re-exports must be listed by name (line 1)",
            "src/http/mod.rs: the code of module `inner` belongs into a file (line 3)",
            "src/http/reply.rs: `crate::base::clock::HOUR` reaches into a room (line 1)",
            "src/http/reply.rs: `super::super::base::Clock` climbs out of `http` (line 2)",
        ]
    );
}
