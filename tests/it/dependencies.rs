//! The table of dependencies in `docs/dependencies.md`: what each is for, and how many crates only it brings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PAGE: &str = "docs/dependencies.md";
const START: &str = "<!-- the table of the test -->\n";
const END: &str = "<!-- the end of the table -->\n";

/// The direct dependencies and their purposes: the comments in `Cargo.toml`.
fn purposes() -> BTreeMap<String, String> {
    let manifest = fs::read_to_string(format!("{ROOT}/Cargo.toml")).expect("a manifest");
    let mut purposes = BTreeMap::new();
    let mut is_section = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_section = line.ends_with(".dependencies]") || line == "[dependencies]";
        } else if let (true, Some((name, rest))) = (is_section, line.split_once('=')) {
            let purpose = rest.split_once(" # ");
            let (_, purpose) = purpose.unwrap_or_else(|| panic!("{name} has no purpose"));
            purposes.insert(name.trim().to_owned(), purpose.trim().to_owned());
        }
    }
    purposes
}

/// The crates in the binary for Linux, and what each depends on. `cargo tree` shows the dependencies of a crate once.
fn tree() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal,build"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "depth"])
        .args(["--format", " {p}"])
        .current_dir(ROOT)
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let mut tree: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let mut words = line.split_whitespace();
        let depth: usize = words.next().expect("a depth").parse().expect("a number");
        let name = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
        above.truncate(depth);
        if let Some(parent) = above.last() {
            let of_parent = tree.entry(parent.clone()).or_default();
            of_parent.insert(name.clone());
        }
        tree.entry(name.clone()).or_default();
        above.push(name);
    }
    tree
}

/// The crates that are reached from the root, without one of its dependencies.
fn reached(tree: &BTreeMap<String, BTreeSet<String>>, without: Option<&str>) -> BTreeSet<String> {
    let root = tree.keys().find(|name| name.starts_with("iluma-sandbox v"));
    let root = root.expect("the root");
    let mut left: Vec<_> = tree[root]
        .iter()
        .filter(|one| Some(one.as_str()) != without)
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(one) = left.pop() {
        if reached.insert(one.clone()) {
            left.extend(&tree[one]);
        }
    }
    reached
}

fn table() -> String {
    let tree = tree();
    let all = reached(&tree, None);
    let mut rows = Vec::new();
    for (name, purpose) in purposes() {
        let start = format!("{name} v");
        let full = all.iter().find(|one| one.starts_with(&start));
        let full = full.unwrap_or_else(|| panic!("{name} is not in the binary for Linux"));
        rows.push((all.len() - reached(&tree, Some(full)).len(), name, purpose));
    }
    rows.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let mut table = format!(
        "The binary for Linux has {} crates beside its own, {} of them direct dependencies.\n\n\
         | crate | purpose | crates that only it brings, with itself |\n|---|---|--:|\n",
        all.len(),
        rows.len()
    );
    for (number, name, purpose) in rows {
        writeln!(table, "| `{name}` | {purpose} | {number} |").expect("text");
    }
    table
}

#[test]
fn the_page_has_each_direct_dependency_with_its_purpose_and_what_it_brings() {
    let path = format!("{ROOT}/{PAGE}");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(START).expect("the start of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let expected = format!("{before}{START}{}{END}{after}", table());
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &expected).expect("the page can be written");
        return;
    }
    assert!(
        page == expected,
        "{PAGE} is not what `cargo tree` says: run `make bless`"
    );
}

#[test]
fn no_workflow_of_pull_requests_has_privileges_and_packages_of_npm_and_pip_are_pinned() {
    let read = |path: &str| fs::read_to_string(format!("{ROOT}/{path}")).expect(path);
    let Ok(folder) = fs::read_dir(format!("{ROOT}/.github/workflows")) else {
        return; // the package of crates.io has no workflows
    };
    for entry in folder {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a workflow");
        for line in text.lines() {
            assert!(!line.contains("npm install"), "{}: {line}", path.display()); // that is `npm ci`
            assert!(
                !line.contains("--privileged") || !text.contains("pull_request"),
                "{}: {line}",
                path.display()
            );
        }
    }
    for script in [
        "clients/check",
        "tests/sidecar/run.sh",
        "tests/documents/run.sh",
        "Makefile",
    ] {
        assert!(!read(script).contains("npm install"), "{script}");
    }
    assert!(read("packaging/wheel.sh").contains("'maturin==1."));
    assert!(read("clients/python/pyproject.toml").contains("requires = [\"maturin==1."));
}
