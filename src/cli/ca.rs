//! `iluma-sandbox ca`: the local certificate authority, and how clients come to trust it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::tls::AuthorityFolder;
use super::trust_help::{self, Client};
use super::{Format, fail, misused, print};
use crate::tls::{AUTHORITY_FILE, Authority};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print its certificate in PEM; it is made if there is none.
    Export {
        #[command(flatten)]
        folder: AuthorityFolder,
        /// Write it to a file instead.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print where its certificate is; it is made if there is none.
    Path {
        #[command(flatten)]
        folder: AuthorityFolder,
    },
    /// Print what makes clients trust it: curl, Node, Python, Java, Go, Docker.
    TrustHelp {
        #[command(flatten)]
        folder: AuthorityFolder,
        /// This client alone.
        #[arg(value_enum)]
        client: Option<Client>,
    },
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let (Command::Export { folder, .. }
    | Command::Path { folder, .. }
    | Command::TrustHelp { folder, .. }) = &arguments.command;
    let folder = match folder.path() {
        Ok(folder) => folder,
        Err(sentence) => return misused(sentence),
    };
    let authority = match Authority::kept_in(&folder) {
        Ok(authority) => authority,
        Err(sentence) => return fail(sentence),
    };
    let path = folder.join(AUTHORITY_FILE);
    let path = std::path::absolute(&path).unwrap_or(path);
    match &arguments.command {
        Command::Export { output, .. } => {
            return export(&authority, &path, output.as_deref(), arguments.format);
        }
        Command::Path { .. } => print(&match arguments.format {
            Format::Text => format!("{}\n", path.display()),
            Format::Json => format!("{:#}\n", json!({"path": path})),
        }),
        Command::TrustHelp { client, .. } => print(&match arguments.format {
            Format::Text => trust_help::text(&path, *client),
            Format::Json => format!("{:#}\n", trust_help::json(&path, *client)),
        }),
    }
    ExitCode::SUCCESS
}

fn export(authority: &Authority, path: &Path, output: Option<&Path>, format: Format) -> ExitCode {
    if let Some(output) = output
        && let Err(error) = std::fs::write(output, authority.pem())
    {
        return fail(format_args!(
            "cannot write {}: {}",
            output.display(),
            crate::files::reason(&error)
        ));
    }
    match (format, output) {
        (Format::Json, _) => {
            let said = json!({"path": path, "output": output, "pem": authority.pem()});
            print(&format!("{said:#}\n"));
        }
        (Format::Text, None) => print(authority.pem()),
        (Format::Text, Some(output)) => print(&format!("{}\n", output.display())),
    }
    ExitCode::SUCCESS
}
