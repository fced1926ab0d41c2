//! Small trees with wrong modules, and the reports about them.

use super::ROOMS;
use super::examples::{in_http, tree};
use super::paths::Tree;
use super::rules::{impurities, inner_walls, misnamed_rooms, oversizes};

fn in_room(room: &str, code: &str) -> Vec<String> {
    impurities(&tree(&[(&format!("src/{room}/code.rs"), code)]), room)
}

#[test]
fn a_pure_room_names_no_impure_path() {
    let cases = [
        ("use std::fs::{self};", "std::fs", "std::fs"),
        (
            "use std as s; const F: () = s::fs::read();",
            "std::fs",
            "s::fs::read",
        ),
        (
            "fn f() { println!(\"{:?}\", std::fs::read(x)) }",
            "std::fs",
            "std::fs::read",
        ),
        (
            "fn f() { ::std::fs::read(x) }",
            "std::fs",
            "::std::fs::read",
        ),
        (
            "fn f() { call!(a, ::std::fs::read) }",
            "std::fs",
            "::std::fs::read",
        ),
        ("use std::*;", "std::fs", "std::*"),
        ("fn f() { tokio::spawn(x) }", "tokio::spawn", "tokio::spawn"),
        (
            "use tokio::net::{TcpStream};",
            "tokio::net",
            "tokio::net::TcpStream",
        ),
    ];
    for (code, name, path) in cases {
        let breach = format!("src/world/code.rs: `world` may not name `{name}` ({path}, line 1)");
        assert!(
            in_room("world", code).contains(&breach),
            "{code}: {:?}",
            in_room("world", code)
        );
    }
    assert_eq!(
        in_room(
            "http",
            "use tokio::task;\nfn f() { task::spawn(x) }\nuse hyper::{body, server};"
        ),
        [
            "src/http/code.rs: `http` may not name `hyper::server` (hyper::server, line 3)",
            "src/http/code.rs: `http` may not name `tokio::task::spawn` (task::spawn, line 2)",
        ]
    );
    assert!(
        in_room(
            "world",
            "use std::net::TcpStream; use tokio::sync::watch; async fn f() {}"
        )
        .is_empty()
    );
}

#[test]
fn a_pure_room_awaits_nothing() {
    let code = "async fn ask() { ask().await }
fn f() { async {}; async || 1; }
macro_rules! wait { ($x:expr) => { $x.await }; }
fn g() { json!(async { 1 }) }
trait Ask { async fn ask(); }
#[cfg(test)] async fn tested() {}";
    let expected = [
        ("src/answer/code.rs: `answer` may not name `.await` (line 1)"),
        ("src/answer/code.rs: `answer` may not name `.await` (line 3)"),
        ("src/answer/code.rs: `answer` may not name `async` (line 1)"),
        ("src/answer/code.rs: `answer` may not name `async` (line 2)"),
        ("src/answer/code.rs: `answer` may not name `async` (line 4)"),
        ("src/answer/code.rs: `answer` may not name `async` (line 5)"),
    ];
    assert_eq!(in_room("answer", code), expected);
    assert!(in_room("world", code).is_empty());
}

#[test]
fn inner_walls_hold() {
    let files = [
        ("src/lib.rs", "mod catalogue; mod world;"),
        (
            "src/catalogue/mod.rs",
            "mod compile; mod dummy; mod load; mod rules; use self::compile::Compiler;",
        ),
        (
            "src/catalogue/compile/mod.rs",
            "mod compiler; pub(super) use self::compiler::Compiler;",
        ),
        ("src/catalogue/compile/compiler.rs", "struct Compiler;"),
        (
            "src/catalogue/dummy/mod.rs",
            "mod names; mod lookup; use self::names::Names;",
        ),
        (
            "src/catalogue/dummy/names.rs",
            "use super::super::rules::Rules; struct Names;",
        ),
        ("src/catalogue/dummy/lookup.rs", "use super::Names;"),
        ("src/catalogue/load.rs", "use super::Compiler;"),
        (
            "src/catalogue/rules.rs",
            "use super::compile::Compiler;\nstruct Rules;",
        ),
        (
            "src/world/mod.rs",
            "mod journal; mod state; mod strangers; use self::state::State; use self::strangers::Strangers;",
        ),
        ("src/world/state.rs", "struct State;"),
        ("src/world/strangers.rs", "struct Strangers;"),
        ("src/world/journal/mod.rs", "mod wait; mod mask;"),
        ("src/world/journal/mask.rs", "use crate::world::Strangers;"),
        (
            "src/world/journal/wait.rs",
            "use crate::world::{State, Strangers};",
        ),
    ];
    assert_eq!(
        inner_walls(&tree(&files)),
        [
            "src/catalogue/dummy/names.rs: `catalogue/dummy` may not import `Rules` of src/catalogue/rules.rs (line 1)",
            "src/catalogue/rules.rs: may not import `Compiler` of `catalogue/compile` (line 1)",
            "src/world/journal/mask.rs: `world/journal` may not import `Strangers` of src/world/strangers.rs (line 1)",
            "src/world/journal/wait.rs: `world/journal` may not import `State` of src/world/state.rs (line 1)",
        ]
    );
}

#[test]
fn rooms_are_named_alike_in_the_folders_the_table_and_the_document() {
    let faces: Vec<_> = ROOMS
        .iter()
        .map(|(room, _)| format!("src/{room}/mod.rs"))
        .collect();
    let mut files: Vec<_> = faces
        .iter()
        .map(|path| (&**path, "//! Works\n//! well.\n//!\n//! More.\n"))
        .collect();
    let rows = ROOMS.iter().map(|(room, may_import)| match *room {
        "base" => "| `base` | Works well. | – |\n".to_owned(),
        "http" => "| `http` | Works badly. | base scenario |\n".to_owned(),
        "world" => String::new(),
        room => format!("| `{room}` | Works well. | {may_import} |\n"),
    });
    let document = rows.collect::<String>();
    files.retain(|(path, _)| *path != "src/cli/mod.rs");
    files.extend([
        ("ARCHITECTURE.md", &*document),
        ("src/tools/mod.rs", ""),
        ("src/loose.rs", ""),
    ]);
    assert_eq!(
        misnamed_rooms(&Tree::read(files)),
        [
            "ARCHITECTURE.md: `http` may import `base scenario`, and the test says `base`",
            "ARCHITECTURE.md: has no row for `world`",
            "src/cli/mod.rs: is missing",
            "src/http/mod.rs: says `Works well.`, and ARCHITECTURE.md says `Works badly.`",
            "src/loose.rs: stands in no room",
            "src/tools: is no room",
        ]
    );
}

#[test]
fn sizes_have_limits() {
    let long = format!(
        "fn long() {{\n{}// a comment\n\n}}\nfn short() {{\n{}}}\n",
        "f();\n".repeat(71),
        "f();\n".repeat(70)
    );
    let code = long
        + "#[allow(clippy::too_many_arguments)]\nfn bag(pair: (u8, u8), bag: &(u8, u8, u8)) {}\n"
        + &"\n".repeat(300);
    assert_eq!(
        in_http(oversizes, &code),
        [
            "src/http/reply.rs: 449 lines, over 400",
            "src/http/reply.rs: `bag` takes a tuple of 3 (line 149)",
            "src/http/reply.rs: `long` has 71 lines, over 70 (line 1)",
            "src/http/reply.rs: `too_many_arguments` is silenced (line 148)",
        ]
    );
}
