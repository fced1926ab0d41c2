//! The commands in `docs/command-line.md`, as clap knows them.

use std::fmt::Write;
use std::fs;

use clap::{Arg, Command};

use super::{COMMAND_LINE_PAGE, Page, root, updates};

const PAGE: &str = "docs/command-line.md";
const START: &str = "<!-- written from the help texts; `make bless` updates it -->\n";
const END: &str = "<!-- the end of the commands -->\n";

/// Flags that the page explains once.
const SHARED: [&str; 2] = ["help", "version"];

#[test]
fn the_page_has_every_command_with_its_help() {
    let _turn = COMMAND_LINE_PAGE.lock();
    let page = Page::read(PAGE);
    let (before, rest) = page.text.split_once(START).expect("the start");
    let (_, after) = rest.split_once(END).expect("the end");
    let expected = format!("{before}{START}\n{}{END}{after}", commands());
    if updates() && expected != page.text {
        fs::write(root().join(PAGE), &expected).expect("the page can be written");
        return;
    }
    assert!(
        expected == page.text,
        "{PAGE} is not what the help says: `make bless` writes it anew"
    );
}

fn commands() -> String {
    let mut cli = iluma_sandbox::cli::command();
    cli.build();
    let mut text = String::new();
    for command in cli.get_subcommands() {
        describe(command, command.get_name(), &mut text);
    }
    text
}

fn describe(command: &Command, name: &str, text: &mut String) {
    if command.get_name() == "help" {
        return;
    }
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    writeln!(
        text,
        "### {name}\n\n{}\n\n```text\n{usage}\n```\n",
        finished(&about)
    )
    .expect("a text grows");
    if name == "serve" {
        text.push_str("[Flags of `serve`](#flags-of-serve) lists them.\n\n");
    } else {
        arguments(command, text);
    }
    if name == "exec" {
        text.push_str(
            "All other [flags of `serve`](#flags-of-serve) except `--format` can be used too.\n\n",
        );
    }
    if let Some(help) = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
    {
        writeln!(text, "```text\n{}\n```\n", help.to_string().trim_end()).expect("a text grows");
    }
    for below in command.get_subcommands() {
        describe(below, &format!("{name} {}", below.get_name()), text);
    }
}

fn arguments(command: &Command, text: &mut String) {
    let mut cli = iluma_sandbox::cli::command();
    cli.build();
    let serve = cli.find_subcommand("serve").expect("a command");
    let is_of_serve = |argument: &Arg| {
        let same = |one: &&Arg| one.get_id() == argument.get_id();
        let of_serve = serve.get_arguments().find(same);
        let row_of_serve = of_serve.map(row);
        command.get_name() == "exec" && row_of_serve == Some(row(argument))
    };
    let shown = |argument: &&Arg| {
        let is_elsewhere = SHARED.contains(&argument.get_id().as_str()) || is_of_serve(argument);
        !argument.is_hide_set() && !is_elsewhere
    };
    let mut rows = command.get_arguments().filter(shown).map(row).peekable();
    if rows.peek().is_none() {
        return;
    }
    text.push_str("| argument | meaning |\n|---|---|\n");
    text.extend(rows);
    text.push('\n');
}

fn row(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default().join(" ");
    let takes_value = argument.get_action().takes_values();
    let name = match argument.get_long() {
        Some(long) if takes_value => format!("--{long} {values}"),
        Some(long) => format!("--{long}"),
        None => values,
    };
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut meaning = match help.trim_end_matches(']').split_once(" [default: ") {
        Some((help, default)) => format!("{} Without it: {default}.", finished(help)),
        None => finished(&help),
    };
    let possible: Vec<_> = argument
        .get_possible_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !possible.is_empty() {
        write!(meaning, " One of {}.", possible.join(", ")).expect("a text grows");
    }
    let defaults = argument
        .get_default_values()
        .iter()
        .filter_map(|value| value.to_str());
    let defaults: Vec<_> = defaults
        .filter(|_| takes_value)
        .map(|value| format!("`{value}`"))
        .collect();
    if !defaults.is_empty() {
        write!(meaning, " The default is {}.", defaults.join(", ")).expect("a text grows");
    }
    if let Some(variable) = argument.get_env().and_then(|variable| variable.to_str()) {
        write!(meaning, " Variable: `{variable}`.").expect("a text grows");
    }
    let (name, meaning) = (name.replace('|', "\\|"), meaning.trim().replace('|', "\\|"));
    format!(
        "| `{name}` | {} |\n",
        meaning.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

/// The text with a full stop.
fn finished(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', ':']) {
        return text.to_owned();
    }
    format!("{text}.")
}
