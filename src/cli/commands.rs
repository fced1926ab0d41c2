//! The command line: what can be asked for, and what each command exits with.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{
    audit, ca, check, completions, coverage, document, env, explain, init, list, man, openapi,
    readyz, schema, serve, trigger, try_out,
};

/// A local sandbox of the Iluma KYC API. Without a command it serves.
#[derive(Debug, Parser)]
#[command(
    name = "iluma-sandbox",
    version,
    max_term_width = 100,
    after_help = "Without a command it serves; `iluma-sandbox serve --help` lists the flags of that."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer like Iluma until told to stop (the default: `iluma-sandbox --port 0` serves too).
    Serve(serve::Arguments),
    /// Say what is wrong with scenario files, without serving.
    ///
    /// Exits with 0 when all is well, 1 when a file is broken, 2 when it is called wrongly.
    Check(check::Arguments),
    /// Print every endpoint with its magic replies, their sources and their callbacks.
    List(list::Arguments),
    /// Say which outcomes, errors and callback behaviours a running sandbox was asked for, and how to
    /// ask for the others.
    ///
    /// Exits with 0 when that is at least `--min`, 1 when it is less or no sandbox answers, 2 when it is
    /// called wrongly.
    Coverage(coverage::Arguments),
    /// Have a running sandbox send a callback, and say what became of it.
    ///
    /// Exits with 0 when it was delivered, 1 when it was not or no sandbox answers, 2 when what is
    /// asked for does not exist.
    Trigger(trigger::Arguments),
    /// Answer one request without a server, and say why it is answered so.
    ///
    /// Exits with 0 when there was an answer, 1 when none came (a fault), 2 when it is called wrongly.
    Try(try_out::Arguments),
    /// Say why a running sandbox answered a request as it did: what decided, and what did not.
    ///
    /// Exits with 0, 1 when there is no such exchange or no sandbox, 2 when it is called wrongly.
    Explain(explain::Arguments),
    /// Play callbacks against your own receiver, good and bad ones, and say which it takes wrongly.
    ///
    /// Exits with 0 when all is well, 1 when a step failed or the receiver cannot be reached, 2 when it
    /// is called wrongly.
    Audit(audit::Arguments),
    /// Print the emulated API as the document of `/openapi.json`: `OpenAPI` 3.1.
    Openapi(openapi::Arguments),
    /// Print a Postman collection with a request for every outcome, and tests of the replies.
    Postman(openapi::PostmanArguments),
    /// Print the JSON Schema with which editors complete and check scenario files.
    ///
    /// A file refers to it in its first line, as those of `init` do: `#:schema ./scenario.schema.json`.
    Schema(schema::Arguments),
    /// Draw a card or a selfie to upload, plainly no real one, whose file name carries an outcome.
    ///
    /// Prints the path that it wrote. Exits with 0 when it is written, 1 when it cannot be or is there
    /// already, 2 when there is no such outcome.
    Document(document::Arguments),
    /// Say whether a sandbox is ready, or wait until it is: for health checks and scripts.
    ///
    /// Exits with 0 when it is, 1 when it is not, 2 when it is called wrongly.
    Readyz(readyz::Arguments),
    /// Print where a running sandbox is and what to call it with, for `eval "$(iluma-sandbox env)"`.
    ///
    /// Exits with 0, 1 when no sandbox answers or it refuses, 2 when it is called wrongly.
    Env(env::Arguments),
    /// The local certificate authority of `serve --tls`: where it is, and how clients come to trust it.
    ///
    /// Exits with 0, 1 when it cannot be read or made, 2 when it is called wrongly.
    Ca(ca::Arguments),
    /// Print a script that completes commands and flags in a shell.
    Completions(completions::Arguments),
    /// Print the manual page of all or of one command, or write them all.
    Man(man::Arguments),
    /// Write a commented folder of scenario files to start from.
    Init(init::Arguments),
}

/// Runs the command that the arguments ask for, the program's own name first.
///
/// ```
/// use iluma_sandbox::cli;
///
/// let exit = cli::run(["iluma-sandbox", "list", "v1.1/bank_account_data_requests"].map(Into::into));
/// assert_eq!(exit, std::process::ExitCode::SUCCESS);
/// ```
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = without_empty_twins(Cli::command())
        .try_get_matches_from(with_default_command(arguments))
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok(); // a closed pipe has nobody to tell
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match cli.command {
        Command::Serve(arguments) => serve::run(arguments, commands),
        Command::Check(arguments) => check::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Trigger(arguments) => trigger::run(&arguments),
        Command::Try(arguments) => try_out::run(&arguments, commands),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Document(arguments) => document::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Postman(arguments) => openapi::run_postman(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Readyz(arguments) => readyz::run(&arguments),
        Command::Env(arguments) => env::run(&arguments),
        Command::Ca(arguments) => ca::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
        Command::Init(arguments) => init::run(&arguments),
    }
}

/// The command line as clap knows it, for the tests that hold documents and library to it.
#[doc(hidden)]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Every command with its purpose, in one line.
pub(crate) fn commands() -> Vec<(String, String)> {
    let cli = Cli::command();
    let commands = cli.get_subcommands().map(|command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name().to_owned(), about.unwrap_or_default())
    });
    commands.collect()
}

fn without_empty_twins(command: clap::Command) -> clap::Command {
    let command = command.mut_args(without_empty_twin);
    command.mut_subcommands(without_empty_twins)
}

/// A variable that is set to nothing counts as not set: CI systems pass them on that way.
fn without_empty_twin(argument: clap::Arg) -> clap::Arg {
    let twin = argument.get_env().and_then(std::env::var_os);
    match twin {
        Some(value) if value.is_empty() => argument.env(clap::builder::Resettable::Reset),
        _ => argument,
    }
}

/// `iluma-sandbox --port 0` means `iluma-sandbox serve --port 0`.
fn with_default_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let first = arguments.get(1).map(OsString::as_os_str);
    let about_itself = ["-h", "--help", "-V", "--version"].map(OsStr::new);
    let serves = first.is_none_or(|first| {
        first.as_encoded_bytes().starts_with(b"-") && !about_itself.contains(&first)
    });
    if serves {
        arguments.insert(1.min(arguments.len()), "serve".into());
    }
    arguments
}
