//! `iluma-sandbox completions`: prints the scripts that complete commands, flags and shipped names in a shell.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use serde_json::json;

use super::output::{Format, fail, finish};
use crate::catalogue::{Catalogue, callback_types};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Shell to print the script for. For bash, run `source <(iluma-sandbox completions bash)`. For fish,
    /// write it to `~/.config/fish/completions/iluma-sandbox.fish`. For zsh, write it to `_iluma-sandbox` in
    /// a folder of `$fpath`.
    shell: Shell,
    /// `text`, or `json` with the script as a string.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The names of the shipped scenario files. Arguments accept other names too, because users add their own.
struct ShippedNames {
    endpoints: Vec<String>,
    outcomes: Vec<String>,
    callback_types: Vec<String>,
}

/// Prints the script that completes `all`, the command line with all its commands.
pub(super) fn run(arguments: &Arguments, all: clap::Command) -> ExitCode {
    let names = match ShippedNames::load() {
        Ok(names) => names,
        Err(errors) => return fail(errors),
    };
    let mut all = names.add_to(all);
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut all, "iluma-sandbox", &mut script);
    let script = mended(&String::from_utf8_lossy(&script));
    finish(
        &match arguments.format {
            Format::Text => script,
            Format::Json => {
                let shell = arguments.shell.to_string();
                format!("{}\n", json!({"shell": shell, "script": script}))
            }
        },
        ExitCode::SUCCESS,
    )
}

/// The generator writes the `-` of our name in two ways in the script for bash, so that it would find no command.
fn mended(script: &str) -> String {
    script.replace("iluma__subcmd__sandbox", "iluma__sandbox")
}

impl ShippedNames {
    fn load() -> Result<Self, String> {
        let catalogue = Catalogue::load(&[], None).map_err(|errors| errors.to_string())?;
        let types = callback_types(&catalogue).into_iter();
        let mut outcomes: Vec<_> = catalogue
            .endpoints()
            .flat_map(|endpoint| endpoint.outcomes.values())
            .map(|outcome| outcome.name.clone())
            .collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        Ok(Self {
            endpoints: catalogue
                .endpoints()
                .map(|endpoint| endpoint.id.to_string())
                .collect(),
            outcomes,
            callback_types: types.map(str::to_owned).collect(),
        })
    }

    /// Gives the arguments that take such a name the possible values.
    fn add_to(&self, command: clap::Command) -> clap::Command {
        let command = command.mut_args(|argument| match self.of(argument.get_id().as_str()) {
            Some(names) => argument.value_parser(PossibleValuesParser::new(names)),
            None => argument,
        });
        command.mut_subcommands(|command| self.add_to(command))
    }

    /// The names for an argument, by its field in the code.
    fn of(&self, argument: &str) -> Option<&Vec<String>> {
        match argument {
            "endpoint" | "endpoints" => Some(&self.endpoints),
            "outcome" | "magic" => Some(&self.outcomes),
            "callback_type" => Some(&self.callback_types),
            _ => None,
        }
    }
}
