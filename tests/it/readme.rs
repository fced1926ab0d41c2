//! Every command in the README and in the book runs, and prints what is shown.
//!
//! Each section (`##`, `###`) has its own folder, shell and sandbox. A `json` or `text` block behind an `sh` block is its
//! output, in which `…` stands for any text; without it, the commands must succeed. A `toml` block whose first line is the
//! name of a file, as a comment, becomes that file. `iluma-sandbox --…` in a block of its own starts the sandbox of the
//! section. A block of variables alone holds for the rest of its page.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use regex::Regex;
use tempfile::TempDir;

use crate::book::{Block, Page, pages, root};
use crate::process::{BINARY, Process, command, write};

const SERVED_AT: &str = "http://127.0.0.1:4586";

/// The variables that `docs/getting-started.md` sets for the whole book.
const VARIABLES: &str =
    "KEY=iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw
SANDBOX=http://127.0.0.1:4586
";

/// A file, how a block begins there, and why it is not run here.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "cargo run", "it compiles the sandbox"),
    (
        "docs/callbacks.md",
        "iluma-sandbox audit",
        "`audit.rs` tests it",
    ),
    ("docs/ci.md", "", "`make sidecar` runs its examples"),
    ("docs/https.md", "mkdir -p ca", "it needs docker"),
    (
        "docs/https.md",
        "openssl",
        "`https_callbacks.rs` tests such certificates",
    ),
    ("docs/magic-replies.md", "", "`catalog.rs` runs its curls"),
    (
        "docs/replay.md",
        "export ILUMA_SANDBOX_API_KEY",
        "`replay_against.rs` tests it",
    ),
    ("docs/speed.md", "make", "it takes minutes"),
    ("docs/speed.md", "cargo", "it takes minutes"),
];

#[test]
fn every_command_in_the_readme_and_the_book_prints_what_is_shown() {
    let updates = std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always");
    let mut breaches = Vec::new();
    let pages = pages();
    thread::scope(|scope| {
        let runs: Vec<_> = pages
            .iter()
            .map(|page| scope.spawn(move || differences(page)))
            .collect();
        for (page, run) in pages.iter().zip(runs) {
            let differences = run.join().expect("the commands can be run");
            if updates {
                update(page, &differences);
            }
            let kept = differences
                .into_iter()
                .filter(|one| !updates || one.shown.is_none());
            breaches.extend(kept.map(|one| one.message));
        }
    });
    assert!(breaches.is_empty(), "{}", breaches.join("\n\n"));
}

#[test]
fn no_exception_outlives_its_block() {
    let pages = pages();
    let is_there = |path: &str, start: &str| {
        let page = pages.iter().find(|page| page.path == path);
        let mut blocks = page.into_iter().flat_map(Page::blocks);
        blocks.any(|block| block.language == "sh" && block.text.starts_with(start))
    };
    let stale = NOT_RUN
        .iter()
        .filter(|(path, start, _)| !is_there(path, start));
    assert_eq!(stale.collect::<Vec<_>>(), [&("", "", ""); 0]);
}

/// `cargo test` runs the example. The lines in the book must be in it.
#[test]
fn the_rust_test_is_part_of_the_example() {
    fn trimmed(text: &str) -> Vec<&str> {
        text.lines().map(str::trim).collect()
    }
    let example = trimmed(include_str!("../../examples/fixture.rs"));
    let page = Page::read("docs/tests.md");
    let shown: Vec<_> = page
        .blocks()
        .filter(|block| block.language == "rust")
        .map(|block| trimmed(block.text))
        .collect();
    assert_eq!(shown.len(), 1, "one block of Rust");
    let is_shown = |lines: &[&str]| *lines == *shown[0];
    assert!(
        example.windows(shown[0].len()).any(is_shown),
        "not in the example: {}",
        shown[0].join("\n")
    );
}

/// A command that printed something else than its page shows.
struct Difference {
    message: String,
    /// Where the page has the output, and what was printed.
    shown: Option<(Range<usize>, String)>,
}

fn update(page: &Page, differences: &[Difference]) {
    let mut text = page.text.clone();
    for (place, printed) in differences
        .iter()
        .rev()
        .filter_map(|one| one.shown.as_ref())
    {
        let updated = updated(&text[place.clone()], printed);
        text.replace_range(place.clone(), &updated);
    }
    if text != page.text {
        fs::write(root().join(&page.path), text).expect("a page can be written");
    }
}

/// What was printed. A line that differs in every run stays as it is shown, with its `…`.
fn updated(shown: &str, printed: &str) -> String {
    let differs = |line: &&str| line.find('…').is_some_and(|at| at > 0);
    let shown: Vec<_> = shown.lines().filter(differs).collect();
    let lines = printed.split_inclusive('\n').map(|line| {
        let fits = |shown: &&&str| is_shown(shown, line);
        let Some(kept) = shown.iter().find(fits) else {
            return line.to_owned();
        };
        let end = &line[line.trim_end_matches('\n').len()..];
        format!("{kept}{end}")
    });
    lines.collect()
}

#[test]
fn an_update_keeps_the_lines_that_differ_in_every_run() {
    assert_eq!(
        updated("status: 1\ndate: …\nold", "status: 2\ndate: today\nnew\n"),
        "status: 2\ndate: …\nnew\n"
    );
}

fn differences(page: &Page) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut variables = VARIABLES.to_owned();
    let blocks: Vec<_> = page.blocks().collect();
    for section in blocks.chunk_by(|one, next| one.section == next.section) {
        let mut session = Session::new(variables.clone());
        for (at, block) in section.iter().enumerate() {
            match block.language {
                "toml" => session.write(block),
                "sh" if is_run(page, block) => {
                    let output = section.get(at + 1).filter(|next| next.is_output());
                    differences.extend(session.run(page, block, output));
                }
                _ => {}
            }
        }
        variables = session.variables;
    }
    differences
}

fn is_run(page: &Page, block: &Block<'_>) -> bool {
    !NOT_RUN
        .iter()
        .any(|(path, start, _)| *path == page.path && block.text.starts_with(start))
}

/// The folder, sandbox and shell of a section.
struct Session {
    variables: String,
    folder: TempDir,
    sandbox: Option<Process>,
    shell: Option<Shell>,
}

impl Session {
    fn new(variables: String) -> Self {
        Self {
            variables,
            folder: tempfile::tempdir().expect("a folder"),
            sandbox: None,
            shell: None,
        }
    }

    fn write(&self, block: &Block<'_>) {
        let name = block
            .text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "));
        if let Some(name) =
            name.filter(|name| Path::new(name).extension().is_some_and(|end| end == "toml"))
        {
            write(self.folder.path(), name, block.text);
        }
    }

    fn run(
        &mut self,
        page: &Page,
        block: &Block<'_>,
        output: Option<&Block<'_>>,
    ) -> Option<Difference> {
        let is_variable = |line: &str| {
            let name = line.split_once('=').map_or("", |(name, _)| name);
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        if block.text.lines().all(is_variable) {
            self.variables += block.text;
            return None;
        }
        let starts = block
            .text
            .strip_prefix("iluma-sandbox ")
            .filter(|rest| rest.starts_with("--"));
        if let Some(arguments) = starts {
            self.serve(arguments);
            return None;
        }
        if self.sandbox.is_none() {
            self.serve("");
        }
        let url = self.sandbox.as_ref().expect("it was started").url.clone();
        let (folder, variables) = (self.folder.path(), &self.variables);
        let shell = self
            .shell
            .get_or_insert_with(|| Shell::start(folder, &url, variables));
        let (printed, succeeded) = shell.run(block.text, output.is_some());
        match output {
            Some(output) if !is_shown(output.text, &printed) => Some(Difference {
                message: format!(
                    "{}: the commands\n{}print\n{printed}\nand not\n{}",
                    page.path, block.text, output.text
                ),
                shown: Some((output.place.clone(), format!("{printed}\n"))),
            }),
            None if !succeeded => Some(Difference {
                message: format!(
                    "{}: a command of\n{}fails: {printed}\n{}",
                    page.path,
                    block.text,
                    fs::read_to_string(folder.join(STDERR)).unwrap_or_default()
                ),
                shown: None,
            }),
            _ => None,
        }
    }

    fn serve(&mut self, arguments: &str) {
        let arguments = arguments.split('#').next().expect("a part");
        let flags = ["serve", "--port", "0", "--log-format", "off"];
        let arguments: Vec<_> = flags
            .into_iter()
            .chain(arguments.split_whitespace())
            .collect();
        let mut command = command(&arguments);
        command.current_dir(self.folder.path());
        self.shell = None;
        self.sandbox = Some(Process::start(command));
    }
}

/// Blank lines do not count, and `…` is any text.
fn is_shown(shown: &str, printed: &str) -> bool {
    let lines = |text: &str| {
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        lines.join("\n")
    };
    let parts: Vec<_> = lines(shown).split('…').map(regex::escape).collect();
    let pattern = format!("(?s)^{}$", parts.join(".*?"));
    Regex::new(&pattern)
        .expect("a pattern")
        .is_match(&lines(printed))
}

/// A shell that keeps its variables from one block to the next.
struct Shell {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    url: String,
}

const END: &str = "@@the end of the block@@";
const STDERR: &str = ".stderr";

/// curl as people use it in a terminal, where the prompt follows in a new line: a body ends with a line break here. What `-w`
/// writes does not, because in a loop the next words would follow. Without output to compare, an error of the sandbox is a
/// failure.
const CURL: &str = r#"curl() {
    shown=$(mktemp)
    command curl --silent --show-error --fail-with-body --noproxy '*' "$@" >"$shown"
    code=$?
    cat "$shown"
    case " $* " in
        *' -w '*) ;;
        *) [ -z "$(tail -c 1 "$shown")" ] || echo ;;
    esac
    rm "$shown"
    return $code
}"#;

impl Shell {
    fn start(folder: &Path, url: &str, variables: &str) -> Self {
        let programs = Path::new(BINARY)
            .parent()
            .expect("the folder of the binary");
        let path = std::env::var("PATH").expect("a path");
        let (_, port) = url.rsplit_once(':').expect("a port");
        let mut shell = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ILUMA_")) {
            shell.env_remove(name);
        }
        let mut child = shell
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("ILUMA_SANDBOX_PORT", port)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join(STDERR)).expect("a file"))
            .spawn()
            .expect("there is a shell");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let url = url.to_owned();
        let mut shell = Self {
            child,
            stdin,
            stdout,
            url,
        };
        shell.run(&format!("{CURL}\n{variables}"), false);
        shell
    }

    /// What the commands print, and whether all of them succeeded.
    fn run(&mut self, commands: &str, may_fail: bool) -> (String, bool) {
        let stops = if may_fail { "set +e" } else { "set -e" };
        let commands = commands.replace(SERVED_AT, &self.url);
        let script = format!("{stops}\n{commands}\nset +e\nprintf '\\n%s\\n' '{END}'\n");
        self.stdin.write_all(script.as_bytes()).ok(); // a shell that has ended prints no end
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            let length = self.stdout.read_line(&mut line).expect("UTF-8");
            let ended = line.trim_end() == END;
            if length == 0 || ended {
                let printed = printed.replace(&self.url, SERVED_AT);
                return (printed.trim_matches('\n').to_owned(), ended);
            }
            printed += &line;
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
