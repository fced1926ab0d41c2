//! A flag of `serve` has one home, its clap field: the variable, the row of its page, the setting of the library and
//! the same flag of other commands follow from that.

use std::collections::BTreeMap;
use std::path::Path;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use iluma_sandbox::cli;
use syn::{ImplItem, Item, Type, Visibility};

use crate::book::COMMAND_LINE_PAGE;
use crate::process::run;

/// A flag, and why a rule does not hold for it.
type Exceptions = &'static [(&'static str, &'static str)];

const WITHOUT_A_VARIABLE: Exceptions = &[(
    "format",
    "how the output is written is asked for by who reads it, call by call",
)];

/// Flags of the process, which the library does not have.
const WITHOUT_A_METHOD: Exceptions = &[
    ("ready-file", "a caller of the library holds the `Sandbox`"),
    (
        "exit-with-parent",
        "a `Sandbox` ends when it is dropped, and with its process",
    ),
    ("format", "the library prints nothing"),
    (
        "log-format",
        "a caller of the library installs the subscriber that it likes",
    ),
];

/// The flag, the method of `Builder` that has another name, and why it has.
const METHOD_NAMES: [(&str, &str, &str); 11] = [
    ("async", "asynchronous", "`async` is a word of Rust"),
    (
        "bind",
        "address",
        "it takes the address and the port as one value",
    ),
    (
        "bind",
        "both_loopbacks",
        "for the value `localhost`, which is no address",
    ),
    (
        "no-thumbnails",
        "thumbnails",
        "a flag can only switch off what is on, a method takes a bool",
    ),
    (
        "callback-retries",
        "retries",
        "`Builder::retries(&Retries)`: the type says the rest",
    ),
    (
        "callback-signing",
        "sign_callbacks",
        "the flag takes the name of the scheme, the method a bool",
    ),
    (
        "callback-token-twice",
        "second_token_header",
        "the method says where the second token goes",
    ),
    (
        "callback-host-map",
        "callback_host",
        "the flag takes a whole map, the method one pair",
    ),
    (
        "ca-dir",
        "ca_folder",
        "the library says `folder`, the command line `DIR`",
    ),
    (
        "tls-cert",
        "tls_files",
        "a certificate is of no use without its key",
    ),
    (
        "tls-key",
        "tls_files",
        "a key is of no use without its certificate",
    ),
];

/// Flags with another default in a command than in `serve`: the command, the flag, and why.
const OTHER_DEFAULTS: [(&str, &str, &str); 2] = [
    (
        "exec",
        "port",
        "the command is told the port, so any free one is good",
    ),
    (
        "exec",
        "log-format",
        "stderr belongs to the command, so there is no log unless it is asked for",
    ),
];

const TABLE_HEAD: &str = "| flag | environment | default | meaning |\n|---|---|---|---|\n";

const PAGE: &str = "docs/command-line.md";

const UNKNOWN_DEFAULT: &str = "?";

/// Methods of `Builder` that are no settings.
const NO_SETTINGS: [&str; 2] = ["start", "start_in_thread"];

/// The flags of `serve`, without `--help`.
fn flags() -> Vec<Arg> {
    named_flags(&command("serve"))
}

fn command(name: &str) -> Command {
    let mut all = cli::command();
    all.build();
    let command = all.find_subcommand(name);
    command.expect("a command of this name").clone()
}

fn named_flags(command: &Command) -> Vec<Arg> {
    let flags = command.get_arguments();
    let flags = flags.filter(|flag| !matches!(flag.get_long(), None | Some("help" | "version")));
    flags.cloned().collect()
}

fn long(flag: &Arg) -> &str {
    flag.get_long().expect("a flag has a long name")
}

fn variable(flag: &Arg) -> Option<&str> {
    flag.get_env().and_then(|variable| variable.to_str())
}

fn is_in(exceptions: Exceptions, flag: &Arg) -> bool {
    exceptions.iter().any(|(name, _)| *name == long(flag))
}

fn hold(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_flag_of_serve_has_the_variable_of_its_name() {
    let mut breaches = Vec::new();
    for flag in flags() {
        let expected = long(&flag).to_uppercase().replace('-', "_");
        let expected =
            (!is_in(WITHOUT_A_VARIABLE, &flag)).then(|| format!("ILUMA_SANDBOX_{expected}"));
        let variable = variable(&flag);
        if variable != expected.as_deref() {
            let long = long(&flag);
            breaches.push(format!(
                "--{long} has the variable {variable:?}, expected {expected:?}"
            ));
        }
    }
    hold(&breaches);
}

#[test]
fn every_flag_of_serve_is_a_setting_of_the_library_and_the_other_way_round() {
    let methods = builder_methods();
    let mut breaches = Vec::new();
    let mut unused: Vec<_> = methods
        .iter()
        .filter(|name| !NO_SETTINGS.contains(&&***name))
        .collect();
    for flag in flags().iter().filter(|flag| !is_in(WITHOUT_A_METHOD, flag)) {
        let long = long(flag);
        for method in methods_of(long) {
            unused.retain(|name| **name != method);
            if !methods.contains(&method) {
                breaches.push(format!(
                    "--{long} has no `pub fn {method}` in `impl Builder`"
                ));
            }
        }
    }
    breaches.extend(
        unused
            .iter()
            .map(|name| format!("`Builder::{name}` has no flag of `serve`")),
    );
    hold(&breaches);
}

/// The methods of `Builder` that a flag calls.
fn methods_of(long: &str) -> Vec<String> {
    let others = METHOD_NAMES.iter().filter(|(name, ..)| *name == long);
    let others: Vec<_> = others.map(|(_, method, _)| (*method).to_owned()).collect();
    if others.is_empty() {
        return vec![long.replace('-', "_")];
    }
    others
}

#[test]
fn no_exception_outlives_its_flag() {
    let flags = flags();
    let is_flag = |name: &str| flags.iter().any(|flag| long(flag) == name);
    let exceptions = WITHOUT_A_VARIABLE
        .iter()
        .chain(WITHOUT_A_METHOD)
        .map(|(name, _)| *name);
    let exceptions = exceptions.chain(METHOD_NAMES.iter().map(|(name, ..)| *name));
    let stale: Vec<_> = exceptions.filter(|name| !is_flag(name)).collect();
    assert_eq!(stale, [""; 0]);
}

/// A flag without a variable, such as `--format`, is each command's own.
#[test]
fn a_flag_that_other_commands_share_with_serve_has_the_same_variable_and_default() {
    let flags = flags();
    let mut breaches = Vec::new();
    let mut all = cli::command();
    all.build();
    for command in commands_below(&all) {
        for other in named_flags(&command) {
            let is_shared = |flag: &&Arg| long(flag) == long(&other) && variable(flag).is_some();
            let Some(flag) = flags.iter().find(is_shared) else {
                continue;
            };
            let (name, long) = (command.get_name(), long(flag));
            if variable(&other).is_some() && variable(&other) != variable(flag) {
                let (variable, expected) = (variable(&other), variable(flag));
                breaches.push(format!(
                    "`{name} --{long}` has the variable {variable:?}, and `serve` {expected:?}"
                ));
            }
            let differs = |(of, flag, _): &(&str, &str, &str)| *of == name && *flag == long;
            if OTHER_DEFAULTS.iter().any(differs) {
                assert_ne!(default(&other), default(flag), "{name} --{long}");
                continue;
            }
            if default(&other).is_some() && default(&other) != default(flag) {
                let (default, expected) = (default(&other), default(flag));
                breaches.push(format!(
                    "`{name} --{long}` has the default {default:?}, and `serve` {expected:?}"
                ));
            }
        }
    }
    hold(&breaches);
}

fn commands_below(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().flat_map(commands_below);
    below.chain([command.clone()]).collect()
}

#[test]
fn lists_that_are_made_without_a_sandbox_name_the_default_address_of_serve() {
    let flags = flags();
    let of = |name| {
        flags
            .iter()
            .find(|flag| long(flag) == name)
            .and_then(default)
    };
    let (bind, port) = (
        of("bind").expect("a default"),
        of("port").expect("a default"),
    );
    let (code, out, _) = run(&["openapi"]);
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(bind, "localhost", "its first address is 127.0.0.1");
    assert_eq!(
        document["servers"][0]["url"],
        format!("http://127.0.0.1:{port}")
    );
}

/// `make bless` writes the rows anew. It cannot write a default that clap does not know.
#[test]
fn the_page_of_the_command_line_has_a_row_for_every_flag_of_serve_that_says_what_clap_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let _turn = COMMAND_LINE_PAGE.lock();
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(TABLE_HEAD).expect("the table of flags");
    let (table, after) = rest.split_once("\n\n").expect("the table ends");
    let defaults: BTreeMap<_, _> = table.lines().filter_map(flag_and_default).collect();
    let flags = flags();
    let rows = flags
        .iter()
        .map(|flag| row(flag, defaults.get(long(flag)).copied()));
    let rows: Vec<_> = rows.collect();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        let written = format!("{before}{TABLE_HEAD}{}\n\n{after}", rows.join("\n"));
        if written != page {
            std::fs::write(&path, written).expect("the page can be written");
        }
    } else {
        hold(&differences(&rows, &table.lines().collect::<Vec<_>>()));
    }
    let unknown = rows.iter().filter(|row| row.contains(UNKNOWN_DEFAULT));
    let unknown = unknown.map(|row| format!("{PAGE}: write what holds without the flag\n{row}"));
    hold(&unknown.collect::<Vec<_>>());
}

fn differences(rows: &[String], table: &[&str]) -> Vec<String> {
    let missing = rows.iter().filter(|row| !table.contains(&row.as_str()));
    let missing =
        missing.map(|row| format!("{PAGE} lacks the row (`make bless` writes it)\n{row}"));
    let surplus = table
        .iter()
        .filter(|line| !rows.iter().any(|row| row == *line));
    let surplus = surplus.map(|row| format!("{PAGE} has a row that no flag has\n{row}"));
    let mut differences: Vec<_> = missing.chain(surplus).collect();
    if differences.is_empty() && rows != table {
        differences.push(format!(
            "the rows of {PAGE} stand in another order than the flags"
        ));
    }
    differences
}

/// The row of a flag. `written` is the default that the row has, which may say more than clap does.
fn row(flag: &Arg, written: Option<&str>) -> String {
    let is_list = matches!(flag.get_action(), ArgAction::Append);
    let repeatable = if is_list { " (repeatable)" } else { "" };
    let commas = if is_list { " (commas)" } else { "" };
    let variable = variable(flag).map_or("–".to_owned(), |name| format!("`{name}`{commas}"));
    let (meaning, _) = meaning_and_default(flag);
    let default = match (written, default_in_words(flag)) {
        (Some(written), Some(known)) if begins_with(written, &known) => written.to_owned(),
        (_, Some(known)) => known,
        (written, None) => written.unwrap_or(UNKNOWN_DEFAULT).to_owned(),
    };
    let (long, value) = (long(flag), value(flag));
    format!("| `--{long}{value}`{repeatable} | {variable} | {default} | {meaning} |")
}

/// ` N`, ` text\|json`, or nothing.
fn value(flag: &Arg) -> String {
    if !flag.get_action().takes_values() {
        return String::new();
    }
    let possible = flag.get_possible_values();
    let possible: Vec<_> = possible.iter().map(PossibleValue::get_name).collect();
    let names = flag.get_value_names().unwrap_or_default();
    match &possible[..] {
        [] => format!(" {}", names.join(" ")),
        possible => format!(" {}", possible.join("\\|")),
    }
}

/// What the help says, without the `[default: …]` that some end with.
fn meaning_and_default(flag: &Arg) -> (String, Option<String>) {
    let help = flag.get_help().expect("a flag has a help text").to_string();
    let help = help.replace('|', "\\|");
    match help.split_once(" [default: ") {
        Some((meaning, default)) => {
            let default = default.strip_suffix(']').filter(|it| !it.contains(']'));
            let default = default.unwrap_or_else(|| panic!("a default ends its help: {help}"));
            (meaning.to_owned(), Some(default.to_owned()))
        }
        None => (help, None),
    }
}

/// The default values as clap has them, with commas between them.
fn default(flag: &Arg) -> Option<String> {
    let values = flag.get_default_values().iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn default_in_words(flag: &Arg) -> Option<String> {
    if matches!(flag.get_action(), ArgAction::SetTrue) {
        return Some("off".to_owned());
    }
    let value = default(flag).map(|value| format!("`{value}`"));
    value.or_else(|| meaning_and_default(flag).1)
}

/// The default of a row may go on behind what clap knows: `off, unless …`. Backticks do not count.
fn begins_with(written: &str, known: &str) -> bool {
    let bare = |text: &str| text.replace('`', "");
    let (written, known) = (bare(written), bare(known));
    let rest = written.strip_prefix(&*known);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ';', ':']))
}

/// `seed` and `` `0` `` of a row.
fn flag_and_default(row: &str) -> Option<(&str, &str)> {
    let (_, flag) = row.split_once("--")?;
    let end = flag.find(['`', ' '])?;
    let cells: Vec<_> = row.split(" | ").collect();
    Some((&flag[..end], cells.get(2)?.trim_end_matches(" |")))
}

/// The public methods of `Builder`, from its sources.
fn builder_methods() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox");
    let files = std::fs::read_dir(folder).expect("the sources of the library");
    let mut methods = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("a source");
        let items = syn::parse_file(&text).expect("a source is Rust").items;
        methods.extend(items.into_iter().flat_map(public_methods));
    }
    methods
}

fn public_methods(item: Item) -> Vec<String> {
    let Item::Impl(item) = item else {
        return Vec::new();
    };
    let is_builder = matches!(&*item.self_ty, Type::Path(of) if of.path.is_ident("Builder"));
    if !is_builder || item.trait_.is_some() {
        return Vec::new();
    }
    let methods = item.items.into_iter().filter_map(|inner| match inner {
        ImplItem::Fn(method) if matches!(method.vis, Visibility::Public(_)) => {
            Some(method.sig.ident.to_string())
        }
        _ => None,
    });
    methods.collect()
}
