//! Every public item of the library has an example that runs and asserts something.

use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// An item as its source declares it, with the text of its comment.
struct Item {
    /// `World::next`, `verify`
    name: String,
    comment: String,
}

#[test]
fn every_public_item_has_an_example() {
    let exported = exported();
    let mut items = Vec::new();
    for file in files(Path::new(SOURCES)) {
        let text = fs::read_to_string(&file).expect("a source is text");
        let is_cli = file.ends_with("src/cli/commands.rs");
        let is_public = |name: &str| exported.iter().any(|one| one == name);
        items.extend(declared(&text).into_iter().filter(|item| {
            let root = item.name.split("::").next().expect("a name");
            is_public(root) || (is_cli && item.name == "run")
        }));
    }
    for name in exported.iter().map(String::as_str).chain(["run"]) {
        let found = items.iter().any(|item| item.name == name);
        assert!(found, "`{name}` is exported, and this test does not see it");
    }
    let without: Vec<_> = items
        .iter()
        .filter(|item| !has_example(&item.comment))
        .map(|item| &*item.name)
        .collect();
    assert!(without.is_empty(), "no example: {}", without.join(", "));
    assert!(items.len() > 100, "only {} items were seen", items.len());
}

/// A block that is compiled, run, and can fail.
fn has_example(comment: &str) -> bool {
    let blocks = comment.split("```").skip(1).step_by(2);
    let mut runs = blocks.filter_map(|block| block.split_once('\n'));
    runs.any(|(kind, code)| match kind {
        "" => code.contains("assert"),
        "should_panic" => true,
        _ => false,
    })
}

/// The names behind `pub use` in the library's root.
fn exported() -> Vec<String> {
    let root = fs::read_to_string(Path::new(SOURCES).join("lib.rs")).expect("the root");
    let uses = root.split("pub use ").skip(1);
    let lists = uses.map(|rest| rest.split(';').next().expect("an end"));
    lists
        .flat_map(|list| {
            let (_, names) = list.split_once("::").expect("a module's items");
            names
                .split(['{', '}', ',', '\n', ' '])
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .flat_map(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The `pub` items of a source; methods with their types. The source is formatted, so the indents show what is
/// inside of what.
fn declared(source: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut comment, mut owner) = (String::new(), None);
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        if let Some(text) = code.strip_prefix("///") {
            comment += text.strip_prefix(' ').unwrap_or(text);
            comment.push('\n');
            continue;
        }
        if code.starts_with("#[") {
            continue;
        }
        if indent == 0 && !code.is_empty() {
            owner = code.strip_prefix("impl ").and_then(|of| name_of(of));
        }
        let owner = (indent > 0).then_some(owner).flatten();
        if let (Some(name), true) = (public_name(code), indent == 0 || owner.is_some()) {
            items.push(Item {
                name: owner.map_or(name.to_owned(), |owner| format!("{owner}::{name}")),
                comment: std::mem::take(&mut comment),
            });
        }
        comment.clear();
    }
    items
}

/// Returns `next` for `pub async fn next(&self) -> …`, and nothing for lines without a public item.
fn public_name(code: &str) -> Option<&str> {
    let words = code.strip_prefix("pub ")?;
    let words = ["async ", "const "]
        .iter()
        .find_map(|word| {
            words
                .strip_prefix(word)
                .filter(|rest| rest.starts_with("fn "))
        })
        .unwrap_or(words);
    let kinds = [
        "fn ", "struct ", "enum ", "const ", "trait ", "type ", "static ",
    ];
    let rest = kinds.iter().find_map(|kind| words.strip_prefix(kind))?;
    name_of(rest)
}

fn name_of(code: &str) -> Option<&str> {
    let end = code.find(|c: char| !c.is_alphanumeric() && c != '_');
    let name = &code[..end.unwrap_or(code.len())];
    (!name.is_empty()).then_some(name)
}

#[test]
fn an_example_that_cannot_fail_is_none() {
    let source = "/// One.\n///\n/// ```\n/// assert!(true);\n/// ```\n#[must_use]\npub struct A;\n\n\
        impl A {\n    /// ```text\n    /// assert\n    /// ```\n    pub fn b() {}\n\n    \
        /// ```\n    /// A::b();\n    /// ```\n    pub async fn c() {}\n    pub(crate) fn d() {}\n}\n";
    let told: Vec<_> = declared(source)
        .iter()
        .map(|item| (item.name.clone(), has_example(&item.comment)))
        .collect();
    let expected = [("A", true), ("A::b", false), ("A::c", false)];
    assert_eq!(told, expected.map(|(name, has)| (name.to_owned(), has)));
}
