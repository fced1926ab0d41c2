//! `iluma-sandbox ca`: the local certificate authority, and how to make clients trust it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client;
use super::output::{Format, fail, finish, finish_json, misused, shown_path};
use super::tls::AuthorityFolderArgument;
use super::trust_help::{Client, TrustHelp};
use crate::base::HttpUrl;
use crate::http::DEFAULT_PORT;
use crate::server::{AUTHORITY_FILE, Authority, is_one_certificate, overwrite};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    folder: AuthorityFolderArgument,
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the certificate of the authority in PEM. The authority is created if there is none.
    Export {
        /// Write the certificate to a file instead. An existing file that is not a certificate in PEM is not
        /// overwritten.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print the path of the certificate. The authority is created if there is none.
    Path,
    /// Print how to make clients trust the authority: curl, Node, Python, Java, Go, Docker.
    TrustHelp {
        /// Print only the help for this client.
        #[arg(value_enum)]
        client: Option<Client>,
        /// URL of the sandbox [default: `https://localhost:4586`; `ILUMA_SANDBOX_TLS_PORT` and
        /// `ILUMA_SANDBOX_PORT` change the port].
        #[arg(long, value_parser = secure_url)]
        url: Option<HttpUrl>,
        /// Same as for `serve`.
        #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS_PORT")]
        tls_port: Option<u16>,
        /// Same as for `serve`.
        #[arg(long, hide = true, env = "ILUMA_SANDBOX_PORT")]
        port: Option<u16>,
    },
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let folder = match arguments.folder.path() {
        Ok(folder) => folder,
        Err(sentence) => return misused(sentence),
    };
    let authority = match Authority::kept_in(&folder) {
        Ok(authority) => authority,
        Err(sentence) => return fail(sentence),
    };
    let path = folder.join(AUTHORITY_FILE);
    let path = std::path::absolute(&path).unwrap_or(path);
    let text = match &arguments.command {
        Command::Export { output } => {
            return export(&authority, &path, output.as_deref(), arguments.format);
        }
        Command::Path => match arguments.format {
            Format::Text => format!("{}\n", shown_path(&path)),
            Format::Json => return finish_json(&json!({"path": path}), ExitCode::SUCCESS),
        },
        Command::TrustHelp {
            client,
            url,
            tls_port,
            port,
        } => {
            let url = url.as_ref().map_or_else(
                || {
                    let port = tls_port.or(*port).filter(|port| *port != 0);
                    format!("https://localhost:{}", port.unwrap_or(DEFAULT_PORT))
                },
                |url| url.as_str().trim_end_matches('/').to_owned(),
            );
            let help = TrustHelp { path: &path, url };
            match arguments.format {
                Format::Text => help.text(*client),
                Format::Json => return finish_json(&help.json(*client), ExitCode::SUCCESS),
            }
        }
    };
    finish(&text, ExitCode::SUCCESS)
}

fn export(authority: &Authority, path: &Path, output: Option<&Path>, format: Format) -> ExitCode {
    if let Some(output) = output {
        if holds_something_else(output) {
            return fail(format_args!(
                "{} exists and is not a single certificate in PEM: remove it, or name another file",
                shown_path(output)
            ));
        }
        if let Err(error) = overwrite(output, authority.pem().as_bytes()) {
            return fail(format_args!(
                "cannot write {}: {}",
                shown_path(output),
                crate::base::reason(&error)
            ));
        }
    }
    let text = match (format, output) {
        (Format::Json, _) => {
            let exported = json!({"path": path, "output": output, "pem": authority.pem()});
            return finish_json(&exported, ExitCode::SUCCESS);
        }
        (Format::Text, None) => authority.pem().to_owned(),
        (Format::Text, Some(output)) => format!("{}\n", shown_path(output)),
    };
    finish(&text, ExitCode::SUCCESS)
}

/// Whether writing to this file would lose something other than a single certificate, such as a key or a
/// bundle of authorities.
fn holds_something_else(path: &Path) -> bool {
    let about = std::fs::metadata(path);
    about.is_ok_and(|about| about.is_file() && about.len() > 0) && !is_one_certificate(path)
}

/// `https://localhost:8443`
fn secure_url(text: &str) -> Result<HttpUrl, String> {
    let url = client::sandbox_url(text)?;
    if url.is_https() {
        Ok(url)
    } else {
        Err("plain HTTP needs no trusted certificate: write https://".to_owned())
    }
}
