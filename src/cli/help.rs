//! `--help`: the commands in groups, and examples for each.

use std::fmt::Write;

use clap::Command;

/// Commands that belong together.
struct Group {
    title: &'static str,
    commands: &'static [Entry],
}

/// A command with lines to paste.
struct Entry {
    name: &'static str,
    /// Empty if the command has its own, beside its arguments.
    examples: &'static [&'static str],
}

const fn entry(name: &'static str, examples: &'static [&'static str]) -> Entry {
    Entry { name, examples }
}

static GROUPS: [Group; 5] = [
    Group {
        title: "Serve and run",
        commands: &[
            entry(
                "serve",
                &[
                    "iluma-sandbox",
                    "iluma-sandbox serve --scenarios my-scenarios",
                    "iluma-sandbox serve --state iluma.state",
                    "iluma-sandbox serve --port 0 --ready-file ready.json --exit-with-parent",
                ],
            ),
            entry(
                "exec",
                &[
                    "iluma-sandbox exec -- npm test",
                    "iluma-sandbox exec --min-coverage 80 -- pytest",
                    "iluma-sandbox exec --export run.jsonl --export-on failure -- make test",
                ],
            ),
            entry(
                "readyz",
                &[
                    "iluma-sandbox readyz",
                    "iluma-sandbox readyz --wait --timeout 1m",
                ],
            ),
            entry(
                "env",
                &[
                    "eval \"$(iluma-sandbox env)\"",
                    "iluma-sandbox env --world mine --format fish",
                ],
            ),
            entry(
                "doctor",
                &[
                    "iluma-sandbox doctor",
                    "iluma-sandbox doctor --url http://127.0.0.1:4600 --format json",
                ],
            ),
            entry(
                "ca",
                &["iluma-sandbox ca path", "iluma-sandbox ca trust-help node"],
            ),
        ],
    },
    Group {
        title: "Inspect",
        commands: &[
            entry(
                "list",
                &[
                    "iluma-sandbox list",
                    "iluma-sandbox list v1.1/bank_account_data_requests",
                ],
            ),
            entry("explain", &["iluma-sandbox explain 1a2b3c4d-7"]),
            entry(
                "replay",
                &[
                    "iluma-sandbox replay run.jsonl",
                    "iluma-sandbox replay run.jsonl --scenarios my-scenarios --ignore reply.updated",
                    "iluma-sandbox replay run.jsonl --against http://127.0.0.1:4600",
                    "iluma-sandbox replay --suite documented --against https://api.example --yes",
                ],
            ),
            entry("requests", &[]),
            entry("deliveries", &[]),
            entry("worlds", &[]),
            entry("tail", &[]),
            entry(
                "coverage",
                &[
                    "iluma-sandbox coverage",
                    "iluma-sandbox coverage --min 80 --format json",
                    "iluma-sandbox coverage --at-least-as coverage.json --ignore 'v2/*'",
                ],
            ),
            entry(
                "export",
                &[
                    "iluma-sandbox export --output run.jsonl --html run.html",
                    "iluma-sandbox export --output run.jsonl --fail-on warning",
                ],
            ),
            entry("verify", &[]),
            entry(
                "audit",
                &[
                    "iluma-sandbox audit --callback http://127.0.0.1:8080/callbacks --type NAME_VALIDATOR_REQUEST",
                ],
            ),
        ],
    },
    Group {
        title: "Control a running sandbox",
        commands: &[
            entry(
                "trigger",
                &[
                    "iluma-sandbox trigger NAME_VALIDATOR_REQUEST",
                    "iluma-sandbox trigger NAME_VALIDATOR_REQUEST --wait 5s",
                ],
            ),
            entry("next", &[]),
            entry("faults", &[]),
            entry("clock", &[]),
            entry("callback", &[]),
            entry("redeliver", &[]),
            entry("reset", &[]),
            entry("snapshot", &[]),
        ],
    },
    Group {
        title: "Scenario files",
        commands: &[
            entry(
                "init",
                &[
                    "iluma-sandbox init my-scenarios",
                    "iluma-sandbox init --from resubmission my-scenarios",
                ],
            ),
            entry(
                "check",
                &[
                    "iluma-sandbox check my-scenarios",
                    "iluma-sandbox check my-scenarios --deny-warnings",
                ],
            ),
            entry(
                "try",
                &["iluma-sandbox try POST /v1.1/identity/bank_account_data_requests --data '{}'"],
            ),
            entry("schema", &["iluma-sandbox schema"]),
        ],
    },
    Group {
        title: "Documents",
        commands: &[
            entry("openapi", &["iluma-sandbox openapi"]),
            entry(
                "postman",
                &[
                    "iluma-sandbox postman",
                    "iluma-sandbox postman --environment",
                ],
            ),
            entry(
                "document",
                &["iluma-sandbox document --magic COMPLETED_NOT_FOUND --output card.png"],
            ),
            entry("completions", &["iluma-sandbox completions bash"]),
            entry("man", &["iluma-sandbox man serve"]),
        ],
    },
];

/// The title of the commands that no group has.
const OTHERS: &str = "Others";

/// Where lines are broken, as clap does.
const LINE_CHARS_MAX: usize = 100;

/// The command line with its commands in groups, and with examples.
pub(super) fn grouped(mut all: Command) -> Command {
    let template = template(&all);
    for entry in entries().filter(|entry| !entry.examples.is_empty()) {
        let command = all.find_subcommand(entry.name);
        if command.is_some_and(|command| command.get_after_help().is_none()) {
            let examples = format!("Examples:\n  {}", entry.examples.join("\n  "));
            all = all.mut_subcommand(entry.name, |command| command.after_help(examples));
        }
    }
    all.help_template(template)
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.commands)
}

/// The help of the whole. Clap itself would list all commands in one group.
fn template(all: &Command) -> String {
    let names = all.get_subcommands().map(Command::get_name);
    let width = names.map(str::len).max().unwrap_or_default();
    let mut groups = String::new();
    for group in &GROUPS {
        let known = |entry: &&Entry| all.find_subcommand(entry.name).is_some();
        let commands = group.commands.iter().filter(known);
        let found = commands
            .clone()
            .filter_map(|entry| all.find_subcommand(entry.name));
        write_group(&mut groups, group.title, found, width);
        if let Some(example) = commands.flat_map(|entry| entry.examples).next_back() {
            groups.push_str("    Example: ");
            groups.push_str(example);
            groups.push('\n');
        }
    }
    let is_grouped = |command: &&Command| entries().any(|entry| entry.name == command.get_name());
    let others = all.get_subcommands().filter(|one| !is_grouped(one));
    write_group(&mut groups, OTHERS, others, width);
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\nCommands:\n{groups}\nOptions:\n{{options}}{{after-help}}"
    )
}

fn write_group<'c>(
    text: &mut String,
    title: &str,
    commands: impl Iterator<Item = &'c Command>,
    width: usize,
) {
    for (at, command) in commands.enumerate() {
        if at == 0 {
            writeln!(text, "\n{title}").expect("writing to a string cannot fail");
        }
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let mut lines = broken(&about, LINE_CHARS_MAX - width - 4).into_iter();
        let (name, first) = (command.get_name(), lines.next().unwrap_or_default());
        writeln!(text, "  {name:width$}  {first}").expect("writing to a string cannot fail");
        for line in lines {
            writeln!(text, "  {:width$}  {line}", "").expect("writing to a string cannot fail");
        }
    }
}

/// The text in lines of at most so many characters, unless a word is longer.
fn broken(text: &str, chars_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= chars_max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
