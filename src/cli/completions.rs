//! `iluma-sandbox completions`: commands and flags, completed in a shell.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, print};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where its output goes: `source <(iluma-sandbox completions bash)`; for fish into
    /// `~/.config/fish/completions/iluma-sandbox.fish`, for zsh into `_iluma-sandbox` in a folder of `$fpath`.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "iluma-sandbox",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
