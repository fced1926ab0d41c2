//! `iluma-sandbox completions`: prints the scripts that complete commands and flags in a shell.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use super::output::{Format, finish};

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

/// Prints the script that completes `all`, the command line with all its commands.
pub(super) fn run(arguments: &Arguments, mut all: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut all, "iluma-sandbox", &mut script);
    let script = String::from_utf8_lossy(&script);
    finish(
        &match arguments.format {
            Format::Text => script.into_owned(),
            Format::Json => {
                let shell = arguments.shell.to_string();
                format!("{}\n", json!({"shell": shell, "script": script}))
            }
        },
        ExitCode::SUCCESS,
    )
}
