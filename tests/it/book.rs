//! The README and the book in `docs`: their links lead somewhere, every page is listed, and generated parts are current.

mod command_line;
mod control_api;

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use regex::Regex;

const README_LINES_MAX: usize = 170;
const SUMMARY: &str = "docs/SUMMARY.md";

/// A document with its blocks of code.
pub struct Page {
    /// `docs/faults.md`
    pub path: String,
    pub text: String,
}

/// A block of code in a page.
pub struct Block<'p> {
    /// `sh`
    pub language: &'p str,
    pub text: &'p str,
    /// Where the page has the text.
    pub place: Range<usize>,
    /// The number of headings before it.
    pub section: usize,
}

impl Page {
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path));
        Self {
            path: path.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let pattern = Regex::new(r"(?ms)^##|^```(\w*)\n(.*?)^```$").expect("a pattern");
        let mut section = 0;
        let mut blocks = Vec::new();
        for found in pattern.captures_iter(&self.text) {
            let (language, code) = (found.get(1), found.get(2));
            section += usize::from(code.is_none());
            if let (Some(language), Some(code)) = (language, code) {
                blocks.push(Block {
                    language: language.as_str(),
                    text: code.as_str(),
                    place: code.range(),
                    section,
                });
            }
        }
        blocks.into_iter()
    }

    /// The page without its blocks of code and without code between backticks.
    fn prose(&self) -> String {
        let code = Regex::new(r"(?ms)^```.*?^```$|`[^`\n]*`").expect("a pattern");
        code.replace_all(&self.text, "").into_owned()
    }

    /// The anchors of the headings, as forges and mdBook write them.
    fn anchors(&self) -> BTreeSet<String> {
        let code = Regex::new(r"(?ms)^```.*?^```$").expect("a pattern");
        let text = code.replace_all(&self.text, "");
        let headings = text.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| anchor(line.trim_start_matches('#').trim()))
            .collect()
    }

    fn title(&self) -> &str {
        let title = self.text.lines().find_map(|line| line.strip_prefix("# "));
        title.expect("a page has a title")
    }
}

impl Block<'_> {
    pub fn is_output(&self) -> bool {
        matches!(self.language, "json" | "text")
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and all pages of the book.
pub fn pages() -> Vec<Page> {
    let mut paths = vec!["README.md".to_owned()];
    paths.extend(files_below("docs"));
    paths.iter().map(|path| Page::read(path)).collect()
}

fn files_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().display());
        if entry.path().is_dir() {
            files.extend(files_below(&path));
        } else if Path::new(&path).extension().is_some_and(|end| end == "md") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn anchor(heading: &str) -> String {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").expect("a pattern");
    let text = link.replace_all(heading, "$1").to_lowercase();
    let letters = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    letters.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The file and the anchor that a link of a page means.
fn target(page: &str, link: &str) -> (String, String) {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    if file.is_empty() {
        return (page.to_owned(), anchor.to_owned());
    }
    let folder = Path::new(page).parent().expect("a folder");
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        if part == Component::ParentDir {
            assert!(path.pop(), "{page}: {link} leads out of the project");
        } else {
            path.push(part);
        }
    }
    (path.display().to_string(), anchor.to_owned())
}

fn links(page: &Page) -> Vec<String> {
    let pattern = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let prose = page.prose();
    let links = pattern
        .captures_iter(&prose)
        .map(|found| found[1].to_owned());
    links.filter(|link| !link.contains("://")).collect()
}

fn hold(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

/// Two tests write parts of `docs/command-line.md`, and one must not undo what the other has written.
pub static COMMAND_LINE_PAGE: Mutex<()> = Mutex::new(());

/// `make bless` writes the parts that are generated.
fn updates() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always")
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let others = [
        "SECURITY.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let mut breaches = Vec::new();
    let mut count = 0;
    for page in pages().into_iter().chain(others.map(Page::read)) {
        for link in links(&page) {
            count += 1;
            let (file, anchor) = target(&page.path, &link);
            if !root().join(&file).exists() {
                breaches.push(format!("{}: {link}: there is no {file}", page.path));
            } else if !anchor.is_empty() && !Page::read(&file).anchors().contains(&anchor) {
                breaches.push(format!("{}: {link}: {file} has no such heading", page.path));
            }
        }
    }
    hold(&breaches);
    assert!(count > 150, "only {count} links were seen");
}

#[test]
fn every_page_is_listed_once_in_the_summary_with_its_title() {
    let summary = Page::read(SUMMARY);
    let row = Regex::new(r"(?m)^ *- \[([^\]]+)\]\(([^)]+)\)$").expect("a pattern");
    let mut listed = Vec::new();
    let mut breaches = Vec::new();
    for found in row.captures_iter(&summary.text) {
        let (path, _) = target(SUMMARY, &found[2]);
        let page = Page::read(&path);
        if !page.title().contains(&found[1]) {
            breaches.push(format!(
                "{path} is called {:?}, and listed as {:?}",
                page.title(),
                &found[1]
            ));
        }
        listed.push(path);
    }
    listed.sort();
    let expected: Vec<_> = files_below("docs")
        .into_iter()
        .filter(|path| path != SUMMARY)
        .collect();
    hold(&breaches);
    assert_eq!(listed, expected);
}

#[test]
fn the_readme_is_short_and_leads_to_what_people_search_for() {
    let readme = Page::read("README.md");
    let lines = readme.text.lines().count();
    assert!(lines <= README_LINES_MAX, "{lines} lines");
    let words = [
        "## Install",
        "async",
        "OpenAPI",
        "troubleshooting",
        "callback",
        "iluma-sandbox openapi",
        "postman",
        "/openapi.json",
        "/__sandbox/docs",
        "/__sandbox/llms.txt",
    ];
    let missing: Vec<_> = words
        .into_iter()
        .filter(|word| !readme.text.contains(word))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_book_has_twenty_recipes_or_more_and_each_shows_its_output() {
    let recipes = Page::read("docs/recipes.md");
    let sections = recipes.text.split("\n## ").skip(1);
    let without: Vec<_> = sections
        .clone()
        .filter(|text| !text.contains("```json\n") && !text.contains("```text\n"))
        .collect();
    assert_eq!(without, [""; 0]);
    assert!(sections.count() >= 20);
}

#[test]
fn every_error_of_the_sandbox_and_of_the_control_api_is_explained() {
    let page = Page::read("docs/errors.md");
    let rows = page.text.lines().filter(|line| line.starts_with('|'));
    let cells: Vec<_> = rows.flat_map(|row| row.split(" | ").take(2)).collect();
    let has_row = |name: &str| cells.iter().any(|cell| cell.contains(&format!("`{name}`")));
    let errors = fs::read_to_string(root().join("src/http/error.rs")).expect("a source");
    let reasons =
        Regex::new(r#"by_sandbox\("([^"]+)"\)|NO_MEMORY: &str = "([^"]+)""#).expect("a pattern");
    let codes = Regex::new(r#"= "([A-Z_]+)","#).expect("a pattern");
    let refusals = Regex::new(r#"Refusal\(\s*(?:StatusCode::[A-Z_]+|status),\s*"([a-z_]+)""#)
        .expect("a pattern");
    let in_json = Regex::new(r#""error": "([a-z_]+)""#).expect("a pattern");
    let refuse = Regex::new(r#"refuse\(\s*"([a-z_]+)""#).expect("a pattern");
    let mut names = BTreeSet::new();
    let mut collect = |pattern: &Regex, text: &str| {
        let found = pattern.captures_iter(text);
        let found = found.filter_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .next()
                .map(|name| name.as_str().to_owned())
        });
        names.extend(found);
    };
    collect(&reasons, &errors);
    collect(&codes, &errors);
    for source in sources_below("src") {
        let text = fs::read_to_string(source).expect("a source");
        collect(&refusals, &text);
        collect(&refuse, &text);
        collect(&in_json, &text);
    }
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !has_row(name)).collect();
    assert_eq!(missing, [""; 0], "docs/errors.md lacks them");
}

fn sources_below(folder: &str) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let below = path
                .strip_prefix(root())
                .expect("it is below")
                .display()
                .to_string();
            sources.extend(sources_below(&below));
        } else if path.extension().is_some_and(|end| end == "rs") {
            sources.push(path);
        }
    }
    sources
}

/// Commands that end with 0 alone, or with 2 if their arguments are wrong.
const PLAIN_COMMANDS: [&str; 8] = [
    "list",
    "openapi",
    "postman",
    "schema",
    "completions",
    "man",
    "init",
    "help",
];

#[test]
fn the_exit_codes_of_every_command_are_explained() {
    let page = Page::read("docs/errors.md");
    let mut cli = iluma_sandbox::cli::command();
    cli.build();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let missing: Vec<_> = names
        .filter(|name| {
            !PLAIN_COMMANDS.contains(name) && !page.text.contains(&format!("\n| `{name}` |"))
        })
        .collect();
    assert_eq!(
        missing, [""; 0],
        "the table of exit codes in docs/errors.md lacks them"
    );
}

#[test]
fn anchors_are_those_of_forges_and_of_mdbook() {
    let headings = [
        "Rules: `when`",
        "Rate limits (429)",
        "Files that extend others, and `sandbox.toml`",
    ];
    let anchors = [
        "rules-when",
        "rate-limits-429",
        "files-that-extend-others-and-sandboxtoml",
    ];
    assert_eq!(headings.map(anchor), anchors);
}
