//! The command line: the commands and their exit codes.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::process::ExitCode;

use clap::error::ContextKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::log::LogFormat;
use super::output::{misused, not_written, report};
use super::room::check_room;
use super::variables::Variables;
use super::{
    audit, ca, check, completions, control, coverage, doctor, document, env, exec, explain, export,
    help, init, list, log, man, openapi, readyz, replay, schema, serve, trigger, try_out,
};
use crate::base::{visible, visible_lines};

/// A local sandbox of the Iluma KYC API. Without a command it runs `serve`.
#[derive(Debug, Parser)]
#[command(
    name = "iluma-sandbox",
    version,
    max_term_width = 100,
    after_help = "Without a command it runs `serve`; `iluma-sandbox serve --help` lists the flags."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the mock server until it is stopped. This is the default command: `iluma-sandbox --port 0` works
    /// too.
    Serve(serve::ServeArguments),
    /// Run a command with a sandbox of its own, such as `iluma-sandbox exec -- npm test`.
    ///
    /// The sandbox listens on a free port and stops when the command has ended. The command finds it with the variables
    /// `ILUMA_BASE_URL`, `ILUMA_API_KEY`, `ILUMA_CALLBACK_TOKEN`, `ILUMA_SANDBOX_URL` and `ILUMA_SANDBOX_CONTROL_TOKEN`;
    /// loopback addresses are added to `NO_PROXY` and `no_proxy`. SIGINT, SIGTERM and SIGHUP are sent on to the command; a
    /// second Ctrl-C kills it.
    ///
    /// Exit code: that of the command, or 128 and the number of the signal that ended it. 127 if there is no such
    /// command, 126 if it cannot be run. 3 if the coverage is too low, 4 if the export failed, 5 if `--fail-on warning` found
    /// a warning, these only if the command succeeded. 1 if the sandbox cannot start, 2 if the arguments are wrong.
    Exec(exec::ExecArguments),
    /// Check this machine for what commonly goes wrong: ports, `localhost`, proxies, receivers, certificates.
    ///
    /// Each line is ok, a warning or an error, with a remedy. Each registered receiver gets an empty request without a
    /// token. If there is a local certificate authority, curl, Node, Python and Java call an HTTPS server that `doctor`
    /// starts; those that are not installed are skipped.
    ///
    /// Exit code: 0 if there is no error, 1 if there is one, 2 if the arguments are wrong.
    Doctor(doctor::Arguments),
    /// Check scenario files for mistakes, without starting a server.
    ///
    /// Exit code: 0 if the files are correct, 1 if a file is broken, 2 if the arguments are wrong.
    Check(check::Arguments),
    /// List all endpoints with their magic replies, the sources of those and their callbacks.
    List(list::Arguments),
    /// Show which outcomes, errors and callbacks were requested from a running sandbox, and how to request the
    /// others.
    ///
    /// Exit code: 0 if the coverage is at least `--min` and covers what `--at-least-as` covers, 1 if not or no
    /// sandbox answers, 2 if the arguments are wrong or the file is no saved coverage.
    Coverage(coverage::Arguments),
    /// Write all requests, responses and callbacks of a running sandbox as JSON lines, or as a page with the inspector.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or a file cannot be written, 2 if the arguments are wrong, 5 if
    /// `--fail-on warning` found a warning.
    Export(export::Arguments),
    /// Make a running sandbox send a callback, and show the result of the delivery.
    ///
    /// Exit code: 0 if the callback was delivered, 1 if it was not or no sandbox answers, 2 if the type,
    /// endpoint or outcome does not exist.
    Trigger(trigger::Arguments),
    /// Queue an outcome for the next requests of an endpoint, or show the queue.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong or there is no such endpoint or outcome.
    Next(control::NextArguments),
    /// List the requests of a world with their responses, or wait for a request.
    ///
    /// Exit code: 0 on success, 1 if no request came in time or no sandbox answers, 2 if the arguments are
    /// wrong.
    Requests(control::RequestsArguments),
    /// Check how often requests came, or in which order. It shows the closest requests if they did not.
    ///
    /// Exit code: 0 if the expectation is met, 1 if it is not or no sandbox answers, 2 if the arguments are
    /// wrong.
    Verify(control::VerifyArguments),
    /// Show requests and callbacks of a running sandbox while they happen, one line each.
    ///
    /// Exit code: 0 if Ctrl-C or a closed pipe ended it, 1 if no sandbox answers or it stopped, 2 if the
    /// arguments are wrong.
    Tail(control::TailArguments),
    /// Show the clock of a world, or move it forward.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong.
    Clock(control::ClockArguments),
    /// Show, set or remove faults, delays and rate limits of a world.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong or there is no such endpoint or fault.
    Faults(control::FaultsArguments),
    /// Empty a world: its records, requests, callbacks, queue, faults and clock.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong.
    Reset(control::ResetArguments),
    /// List the worlds of a running sandbox.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong.
    Worlds(control::WorldsArguments),
    /// List the callbacks of a world with their results, or wait for a callback.
    ///
    /// Exit code: 0 on success, 1 if no callback came in time or no sandbox answers, 2 if the arguments are
    /// wrong or there is no such type.
    Deliveries(control::DeliveriesArguments),
    /// Send a callback once more, and show the result.
    ///
    /// Exit code: 0 if the callback was delivered, 1 if it was not, if there is no such callback or no
    /// sandbox answers, 2 if the arguments are wrong or its type has no URL.
    Redeliver(control::RedeliverArguments),
    /// Save a world to a file, or load it from there.
    ///
    /// Exit code: 0 on success, 1 if the file cannot be read or written, no sandbox answers or it refuses
    /// the request, 2 if the arguments are wrong or the file is no snapshot.
    Snapshot(control::SnapshotArguments),
    /// Register the URL that callbacks of a type go to, or show the URLs of all types.
    ///
    /// Exit code: 0 on success, 1 if the receiver does not accept the test callback or no sandbox answers,
    /// 2 if the arguments are wrong or there is no such type.
    Callback(control::CallbackArguments),
    /// Make the requests of an export again in a sandbox of this process, and show what is answered differently.
    ///
    /// The sandbox has the seed, the clock and the scenario files of the recording, opens no connection, and answers world by
    /// world in the recorded order. Callbacks are compared too; their attempts end as they ended then. So the same release
    /// must answer every byte again, and with other scenario files the differences are what they change.
    ///
    /// With `--against`, the requests go to another server: another sandbox, or the development API with your own
    /// development key. Ids and times are compared by their kind. Only dummy data is sent.
    ///
    /// Exit code: 0 if everything is equal, 1 if something differs, 2 if the file cannot be replayed, the server has refused a
    /// request, or the arguments are wrong.
    Replay(replay::Arguments),
    /// Answer one request without a server, and explain the response.
    ///
    /// Exit code: 0 if there was a response, 1 if there was none (because of a fault), 2 if the arguments
    /// are wrong.
    Try(try_out::Arguments),
    /// Explain a response of a running sandbox: which rule decided it, and which rules did not match.
    ///
    /// Exit code: 0 on success, 1 if there is no such exchange or no sandbox answers, 2 if the arguments
    /// are wrong.
    Explain(explain::Arguments),
    /// Send correct and broken callbacks to your own receiver, and show which ones it handles wrongly.
    ///
    /// Exit code: 0 if every step passed, 1 if a step failed or the receiver cannot be reached, 2 if the
    /// arguments are wrong.
    Audit(audit::Arguments),
    /// Print the `OpenAPI` 3.1 document of the emulated API, as `/openapi.json` serves it.
    Openapi(openapi::Arguments),
    /// Print a Postman collection with a request for every outcome and tests of the responses.
    Postman(openapi::PostmanArguments),
    /// Print the JSON Schema of scenario files. Editors use it to complete and check them.
    ///
    /// A scenario file refers to the schema in its first line, as the files of `init` do:
    /// `#:schema ./scenario.schema.json`.
    Schema(schema::Arguments),
    /// Draw a fake identity card or selfie to upload. Its file name can select an outcome.
    ///
    /// Prints the path of the file. Exit code: 0 if the file was written, 1 if it already exists or cannot
    /// be written, 2 if the arguments are wrong or there is no such outcome.
    Document(document::Arguments),
    /// Check whether a sandbox is ready, or wait until it is. For health checks and scripts.
    ///
    /// Exit code: 0 if it is ready, 1 if it is not, 2 if the arguments are wrong.
    Readyz(readyz::Arguments),
    /// Print the URL, API key and callback token of a running sandbox as environment variables, for
    /// `eval "$(iluma-sandbox env)"`.
    ///
    /// Exit code: 0 on success, 1 if no sandbox answers or it refuses the request, 2 if the arguments are
    /// wrong.
    Env(env::Arguments),
    /// Show or export the local certificate authority of `serve --tls`, and how to make clients trust it.
    ///
    /// Exit code: 0 on success, 1 if the authority cannot be read or created, 2 if the arguments are wrong.
    Ca(ca::Arguments),
    /// Print a shell script that completes commands and flags.
    Completions(completions::Arguments),
    /// Print the manual page of `iluma-sandbox` or of one command, or write all pages into a folder.
    Man(man::Arguments),
    /// Create a folder of commented example scenario files to start from.
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
    let arguments = with_default_command(arguments);
    let serves = arguments
        .get(1)
        .is_some_and(|command| command == "serve" || command == "exec");
    if serves && let Err(sentence) = check_room() {
        let format = if log::wants_json(&arguments) {
            LogFormat::Json
        } else {
            LogFormat::Pretty
        };
        return log::fail_without_log(format, sentence);
    }
    let parsed = match parse_serve(&arguments) {
        Some(arguments) => Ok((Command::Serve(arguments), Vec::new())),
        None => parse(&arguments),
    };
    let (command, warnings) = match parsed {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    if let Command::Serve(arguments) = command {
        return serve::run(arguments, &warnings, commands);
    }
    for warning in warnings {
        report(format_args!("iluma-sandbox: warning: {warning}"));
    }
    match command {
        Command::Serve(_) => unreachable!("it was started above"),
        Command::Exec(arguments) => exec::run(arguments, commands),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Trigger(arguments) => trigger::run(&arguments),
        Command::Next(arguments) => control::run_next(&arguments),
        Command::Requests(arguments) => control::run_requests(&arguments),
        Command::Verify(arguments) => control::run_verify(&arguments),
        Command::Tail(arguments) => control::run_tail(&arguments),
        Command::Clock(arguments) => control::run_clock(&arguments),
        Command::Faults(arguments) => control::run_faults(&arguments),
        Command::Reset(arguments) => control::run_reset(&arguments),
        Command::Worlds(arguments) => control::run_worlds(&arguments),
        Command::Deliveries(arguments) => control::run_deliveries(&arguments),
        Command::Redeliver(arguments) => control::run_redeliver(&arguments),
        Command::Snapshot(arguments) => control::run_snapshot(&arguments),
        Command::Callback(arguments) => control::run_callback(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
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
        Command::Completions(arguments) => completions::run(&arguments, self::command()),
        Command::Man(arguments) => man::run(&arguments, self::command()),
        Command::Init(arguments) => init::run(&arguments),
    }
}

/// The command line as clap knows it, also for the tests that hold documents and library to it.
#[doc(hidden)]
pub fn command() -> clap::Command {
    help::grouped(Cli::command())
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

/// Parses the arguments of `serve` without the other commands, because describing all of them takes half of a start. None
/// where `parse` has something to say: about another command, a wrong argument, the help, a variable.
fn parse_serve(arguments: &[OsString]) -> Option<serve::ServeArguments> {
    if arguments.get(1)? != "serve" {
        return None;
    }
    let command = serve::ServeArguments::augment_args(clap::Command::new("serve"));
    let variables = Variables::of(&command);
    let matches = variables
        .give_to(command.clone())
        .try_get_matches_from(&arguments[1..]);
    let matches = matches.ok()?;
    let warnings = variables.check(&command, &matches).ok()?;
    if !warnings.is_empty() {
        return None; // a variable of another command may look unknown
    }
    serve::ServeArguments::from_arg_matches(&matches).ok()
}

/// Parses arguments and variables. Returns the command, and warnings about variables. An error is the exit code.
fn parse(arguments: &[OsString]) -> Result<(Command, Vec<String>), ExitCode> {
    let all = command();
    let variables = Variables::of(&all);
    let matches = variables
        .give_to(all.clone())
        .try_get_matches_from(arguments);
    let matches = matches.map_err(|error| ended(&error, arguments))?;
    let warnings = variables.check(&all, &matches);
    let warnings = warnings.map_err(|sentence| wrong(sentence, arguments))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| ended(&error, arguments))?;
    Ok((cli.command, warnings))
}

/// Prints an error, or the help that the arguments ask for.
fn ended(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if error.use_stderr() {
        return refused(error, arguments);
    }
    // The help shows each variable as it is set. The values of lists are no longer in `error`.
    let help = command().try_get_matches_from(arguments).err();
    match help.as_ref().unwrap_or(error).print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(unwritten) => not_written(&unwritten),
    }
}

/// An argument may be a file name that somebody else chose, and clap repeats it as it is.
fn refused(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let visible: Vec<OsString> = arguments.iter().map(visible_argument).collect();
    let is_same = visible == arguments;
    let of_visible = command().try_get_matches_from(visible).err();
    let error = of_visible.as_ref().filter(|_| !is_same).unwrap_or(error);
    let message = error.to_string();
    if error.get(ContextKind::Custom).is_some() {
        let sentence = message.trim_start_matches("error: ").trim_end();
        return wrong(sentence, arguments);
    }
    if log::wants_json(arguments) {
        return wrong(message.trim(), arguments);
    }
    if visible_lines(&message) == message {
        error.print().ok(); // nobody is left to tell
    } else {
        report(message.trim_end());
    }
    ExitCode::from(2)
}

fn visible_argument(argument: &OsString) -> OsString {
    match argument.to_str() {
        Some(text) => visible(text).into_owned().into(),
        None => argument.clone(),
    }
}

/// Says what is wrong with the arguments or variables, in the format of the log that was to be written.
fn wrong(sentence: impl Display, arguments: &[OsString]) -> ExitCode {
    if log::wants_json(arguments) {
        return log::start(LogFormat::Json).misused(sentence);
    }
    misused(sentence)
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
