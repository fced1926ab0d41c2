//! `iluma-sandbox man`: the manual pages, made from what `--help` says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::{Format, fail, finish, misused, print};
use crate::base::{nearest, reason};
use crate::server::overwrite;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print only the page of this command: `iluma-sandbox man serve | man -l -`, `iluma-sandbox man ca
    /// path`.
    command: Vec<String>,
    /// Write the pages of all commands into this folder instead. It is created if it does not exist.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
    /// `text`, or `json` with the page as a string.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints or writes pages of `all`, the command line with all its commands.
pub(super) fn run(arguments: &Arguments, all: clap::Command) -> ExitCode {
    let mut all = without_help(all);
    all.build();
    if let Some(dir) = &arguments.dir {
        return match write_all(&all, dir) {
            Ok(()) => {
                if arguments.format == Format::Json
                    && let Err(code) = print(&format!("{}\n", json!({"dir": dir})))
                {
                    return code;
                }
                ExitCode::SUCCESS
            }
            Err(error) => fail(format_args!(
                "cannot write manual pages into {}: {}",
                super::output::shown_path(dir),
                reason(&error)
            )),
        };
    }
    let command = match named(&all, &arguments.command) {
        Ok(command) => command.clone(),
        Err(sentence) => return misused(sentence),
    };
    let name = command.get_bin_name().unwrap_or("iluma-sandbox").to_owned();
    let page = rendered(&clap_mangen::Man::new(command));
    let page = String::from_utf8_lossy(&page);
    finish(
        &match arguments.format {
            Format::Text => page.into_owned(),
            Format::Json => format!("{}\n", json!({"command": name, "page": page})),
        },
        ExitCode::SUCCESS,
    )
}

/// Leaves out the `help` commands: they say what the pages say.
fn without_help(command: clap::Command) -> clap::Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

/// Finds a command by its names, such as `ca` and `path`.
fn named<'c>(all: &'c clap::Command, names: &[String]) -> Result<&'c clap::Command, String> {
    let mut command = all;
    for (at, name) in names.iter().enumerate() {
        command = command.find_subcommand(name).ok_or_else(|| {
            let known = command.get_subcommands().map(clap::Command::get_name);
            let above = names[..at]
                .iter()
                .fold(String::new(), |above, name| above + name + " ");
            let near = nearest(name, known);
            let near = near.map_or(String::new(), |near| {
                format!(": did you mean `{above}{near}`?")
            });
            format!("there is no command `{above}{name}`{near}")
        })?;
    }
    Ok(command)
}

fn write_all(all: &clap::Command, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    write_below(all, dir)
}

fn write_below(command: &clap::Command, dir: &Path) -> std::io::Result<()> {
    let shown = command.get_subcommands();
    for below in shown.filter(|below| !below.is_hide_set()) {
        write_below(below, dir)?;
    }
    let page = clap_mangen::Man::new(command.clone());
    overwrite(&dir.join(page.get_filename()), &rendered(&page))
}

fn rendered(page: &clap_mangen::Man) -> Vec<u8> {
    let mut text = Vec::new();
    page.render(&mut text)
        .expect("writing to memory cannot fail");
    text
}
