//! The environment: every variable is read here, and an error about a value names its variable.

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::base::{HttpUrl, nearest, short};

pub(super) const PREFIX: &str = "ILUMA_SANDBOX_";

/// Makes requests panic that ask for it. It is no flag, because only the sandbox's own tests use it.
pub(super) const TEST_PANICS: &str = "ILUMA_SANDBOX_TEST_PANICS";

/// Variables without a flag. The clients and examples read `_BIN`.
const WITHOUT_FLAG: [&str; 2] = ["ILUMA_SANDBOX_BIN", TEST_PANICS];

/// Reads a variable. None if it is not set. An empty value counts as not set: CI systems pass unset variables on
/// like that.
pub(super) fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The variables of a command line.
pub(super) struct Variables {
    /// The names of all variables that have a flag.
    known: BTreeSet<String>,
    /// Those with a list: commas separate its items.
    lists: BTreeSet<String>,
}

/// The value of a variable for a flag.
enum Reading {
    Unset,
    /// A URL where none is expected: Kubernetes sets such variables.
    Foreign,
    /// The error, as a sentence.
    Wrong(String),
    One,
    Items(Vec<String>),
}

impl Variables {
    pub(super) fn of(command: &Command) -> Self {
        let arguments = arguments_below(command);
        let names = |arguments: &[&Arg]| {
            let names = arguments.iter().filter_map(|argument| name(argument));
            names.map(str::to_owned).collect()
        };
        let (lists, _): (Vec<_>, Vec<_>) = arguments
            .iter()
            .partition(|argument| is_repeatable(argument));
        Self {
            known: names(&arguments),
            lists: names(&lists),
        }
    }

    /// Gives the values of the variables to the arguments. Values that cannot be used are left out: `check` reports
    /// them if the command needs them.
    pub(super) fn give_to(&self, command: Command) -> Command {
        let command = command.mut_args(|argument| match self.read(&argument) {
            Reading::One => argument, // clap reads it
            Reading::Unset | Reading::Foreign | Reading::Wrong(_) => {
                argument.env(Resettable::Reset)
            }
            Reading::Items(items) => argument
                .env(Resettable::Reset)
                .default_values(items)
                .hide_default_value(true),
        });
        command.mut_subcommands(|command| self.give_to(command))
    }

    /// Checks the variables that the parsed command reads, and looks for misspelt ones. Returns warnings, or a
    /// sentence about a wrong value.
    pub(super) fn check(
        &self,
        command: &Command,
        matches: &ArgMatches,
    ) -> Result<Vec<String>, String> {
        let mut warnings = Vec::new();
        let mut next = Some((command, matches));
        while let Some((command, matches)) = next {
            for argument in command.get_arguments() {
                if matches.value_source(argument.get_id().as_str())
                    == Some(ValueSource::CommandLine)
                {
                    continue;
                }
                match (self.read(argument), name(argument)) {
                    (Reading::Wrong(sentence), _) => return Err(sentence),
                    (Reading::Foreign, Some(name)) => warnings.push(format!(
                        "{name} is ignored because its value is a URL, as Kubernetes sets it for a Service"
                    )),
                    (
                        Reading::Unset | Reading::Foreign | Reading::One | Reading::Items(_),
                        _,
                    ) => {}
                }
            }
            let below = matches.subcommand();
            next =
                below.and_then(|(name, matches)| Some((command.find_subcommand(name)?, matches)));
        }
        warnings.extend(self.unknown());
        Ok(warnings)
    }

    fn read(&self, argument: &Arg) -> Reading {
        let Some(name) = name(argument) else {
            return Reading::Unset;
        };
        let Some(value) = variable(name) else {
            return Reading::Unset;
        };
        let Ok(text) = value.into_string() else {
            return Reading::Wrong(format!("the value of {name} is not UTF-8"));
        };
        if text.contains("://") && !may_have_url(argument) {
            return Reading::Foreign;
        }
        if !self.lists.contains(name) {
            let wrong = wrong(name, argument, &text);
            return wrong.map_or(Reading::One, Reading::Wrong);
        }
        let items = text.split(',').map(str::trim);
        let mut items: Vec<_> = items.filter(|item| !item.is_empty()).collect();
        if !is_repeatable(argument) {
            items.truncate(1); // as a command uses only the first of several API keys
        }
        if let Some(sentence) = items.iter().find_map(|item| wrong(name, argument, item)) {
            let is_split = text.contains(',') && !argument.is_hide_env_values_set();
            let hint = "; a comma separates values (in a URL, write it as %2C)";
            return Reading::Wrong(sentence + if is_split { hint } else { "" });
        }
        if items.is_empty() {
            return Reading::Unset;
        }
        Reading::Items(items.into_iter().map(str::to_owned).collect())
    }

    /// Warnings about variables that no command reads.
    fn unknown(&self) -> Vec<String> {
        let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
        let set: BTreeSet<_> = set
            .map(|(name, value)| {
                let text = |text: OsString| text.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .collect();
        let unknown = set.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(PREFIX)?;
            let is_known = self.known.contains(name)
                || WITHOUT_FLAG.contains(&name.as_str())
                || is_service_link(rest, value);
            (!is_known).then_some((name, rest))
        });
        let known = self.known.iter().map(String::as_str).chain(WITHOUT_FLAG);
        let known: Vec<_> = known.filter_map(|name| name.strip_prefix(PREFIX)).collect();
        unknown
            .map(|(name, rest)| {
                let near = nearest(rest, known.iter().copied());
                let near = near.map_or(String::new(), |near| {
                    format!(": did you mean {PREFIX}{near}?")
                });
                let name = short(&name.escape_debug().to_string());
                format!("the sandbox has no variable {name}, so it is ignored{near}")
            })
            .collect()
    }
}

/// The names of the variables that look like those of a Kubernetes Service.
pub(super) fn service_links() -> Vec<String> {
    let set = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (
            name.into_string().ok()?,
            value.to_string_lossy().into_owned(),
        );
        let is_link = is_service_link(name.strip_prefix(PREFIX)?, &value);
        is_link.then_some(name)
    });
    let names: BTreeSet<_> = set.collect();
    names.into_iter().collect()
}

/// The environment variable of an argument.
fn name(argument: &Arg) -> Option<&str> {
    argument.get_env()?.to_str()
}

fn is_repeatable(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Append)
}

/// A secret may have any text. It is never ignored, because the sandbox would then be open.
fn may_have_url(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    argument.is_hide_env_values_set() || names.iter().any(|name| name.contains("URL"))
}

fn arguments_below(command: &Command) -> Vec<&Arg> {
    let below = command.get_subcommands().flat_map(arguments_below);
    command.get_arguments().chain(below).collect()
}

/// A sentence if the argument does not accept this value.
fn wrong(name: &str, argument: &Arg, text: &str) -> Option<String> {
    let value = Arg::new("value")
        .long("value")
        .value_parser(argument.get_value_parser().clone());
    let command = Command::new("variable").no_binary_name(true).arg(value);
    let parsed = command.try_get_matches_from([format!("--value={text}")]);
    let reason = reason(&parsed.err()?);
    Some(if argument.is_hide_env_values_set() {
        format!("{name} is wrong: {reason}")
    } else {
        let text = HttpUrl::shown(&text.escape_debug().to_string()); // it may have a password
        format!("{name}='{text}' is wrong: {reason}")
    })
}

/// What is wrong with a value, without the flag and the value.
fn reason(error: &clap::Error) -> String {
    if let Some(ContextValue::String(reason)) = error.get(ContextKind::Custom) {
        return reason.clone();
    }
    if let Some(source) = error.source() {
        return source.to_string();
    }
    if let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue) {
        return format!("write one of {}", known.join(", "));
    }
    error.kind().to_string()
}

/// Whether this is a variable of a Service that is called `iluma-sandbox` or `iluma-sandbox-…`, as Kubernetes sets them.
/// `rest` is its name after the prefix.
fn is_service_link(rest: &str, value: &str) -> bool {
    let mut parts: Vec<_> = rest.split('_').collect();
    if let [.., "SERVICE", "HOST"] = parts[..] {
        return true;
    }
    if parts.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) {
        return true;
    }
    if parts.last() == Some(&"PORT") && value.contains("://") {
        return true;
    }
    parts.pop_if(|last| matches!(*last, "ADDR" | "PORT" | "PROTO"));
    match parts[..] {
        [.., "PORT", number, "TCP" | "UDP" | "SCTP"] => number.parse::<u16>().is_ok(),
        _ => false,
    }
}
