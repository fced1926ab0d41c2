//! `iluma-sandbox serve`: the sandbox as a process, with a ready file, signals and exit codes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::answering::Answering;
use super::bind::{Bind, DEFAULT_BIND};
use super::log::{self, Log, LogFormat};
use super::os::StopSignals;
use super::output::Format;
use super::parent::Parent;
use super::process;
use super::ready_file::ReadyFile;
use super::ready_message;
use super::secret::{control_token, secret};
use super::sending::SendingArguments;
use super::start_error;
use super::start_table::{self, StartFlags};
use super::tls::{ReceiverArguments, TlsArguments};
use super::variables::{TEST_PANICS, variable};
use crate::base::{ApiKey, Memory, parse_size};
use crate::callbacks::{CallbackUrl, Retries};
use crate::http::{ControlToken, DEFAULT_PORT};
use crate::sandbox::{Builder, Sandbox};
use crate::scenario::DateForm;

/// Returns the commands of the binary, each with its purpose.
pub(super) type Commands = fn() -> Vec<(String, String)>;

/// The exit code after a second Ctrl-C: 128 and the number of the signal.
pub(super) const INTERRUPTED: u8 = 130;

/// The flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    arguments: Arguments,
    /// What to print when the sandbox is ready: a line of text, or the JSON that `--ready-file` writes.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The flags that `serve` and `exec` share.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Arguments {
    /// IP address to listen on, or `localhost` for 127.0.0.1 and `::1`. `::` includes all IPv4 addresses.
    #[arg(long, value_name = "ADDR", env = "ILUMA_SANDBOX_BIND", default_value = DEFAULT_BIND)]
    bind: Bind,
    /// Port to listen on; 0 picks a free port.
    #[arg(long, value_name = "N", env = "ILUMA_SANDBOX_PORT", default_value_t = DEFAULT_PORT)]
    port: u16,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    answering: Answering,
    /// Accept only this API key. Can be repeated.
    #[arg(
        long = "api-key",
        value_name = "KEY",
        env = "ILUMA_SANDBOX_API_KEY",
        hide_env_values = true,
        value_parser = secret::<ApiKey>("a value of --api-key is no API key")
    )]
    api_keys: Vec<ApiKey>,
    /// Format of the dates in watchlist results: `strings` or `objects`.
    #[arg(long, value_name = "FORM", env = "ILUMA_SANDBOX_WATCHLIST_DATES", value_parser = date_form)]
    watchlist_dates: Option<DateForm>,
    /// Answer 503 at `/__sandbox/readyz` while a changed scenario file is broken.
    #[arg(long, env = "ILUMA_SANDBOX_STRICT_RELOAD", value_parser = clap::builder::FalseyValueParser::new())]
    strict_reload: bool,
    /// Keep no uploads for the inspector, which then shows no thumbnails.
    #[arg(long, env = "ILUMA_SANDBOX_NO_THUMBNAILS", value_parser = clap::builder::FalseyValueParser::new())]
    no_thumbnails: bool,
    /// How much memory clients can make the sandbox hold, such as `256MiB` [default: 512MiB, or three quarters of the
    /// limit of the control group if that is less].
    #[arg(long, value_name = "SIZE", env = "ILUMA_SANDBOX_MEMORY")]
    memory: Option<Memory>,
    /// File that keeps the worlds over a restart. It is read at the start, and written every minute and at the end.
    #[arg(long, value_name = "FILE", env = "ILUMA_SANDBOX_STATE")]
    state: Option<PathBuf>,
    /// File to which all that happens is appended, for `replay`.
    #[arg(long, value_name = "FILE", env = "ILUMA_SANDBOX_RECORD")]
    record: Option<PathBuf>,
    /// Limit of the file of `--record`, such as `100MiB`. What comes after it is not recorded [default: 1GiB].
    #[arg(long, value_name = "SIZE", env = "ILUMA_SANDBOX_RECORD_MAX", value_parser = size)]
    record_max: Option<u64>,
    /// Default URL for callbacks of a type. A world that registers its own URL uses that one. Can be
    /// repeated.
    #[arg(
        long = "callback",
        value_name = "TYPE=URL",
        env = "ILUMA_SANDBOX_CALLBACK",
        value_parser = callback
    )]
    callbacks: Vec<(String, CallbackUrl)>,
    /// When to retry a failed callback: `fast` (1 s to 32 s), `realistic` (15 min to 12 h), `none`, or
    /// durations separated by commas.
    #[arg(
        long,
        value_name = "PROFILE",
        env = "ILUMA_SANDBOX_CALLBACK_RETRIES",
        default_value = "fast"
    )]
    callback_retries: Retries,
    #[command(flatten)]
    sending: SendingArguments,
    /// Also send the callback token in the header `x-iluma-callback-token`.
    #[arg(
        long,
        env = "ILUMA_SANDBOX_CALLBACK_TOKEN_TWICE",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    callback_token_twice: bool,
    #[command(flatten)]
    receivers: ReceiverArguments,
    /// Token that the control API requires in `x-sandbox-control-token` [default: none on a loopback
    /// address; on any other address a random token, which is printed].
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true,
        value_parser = control_token()
    )]
    control_token: Option<ControlToken>,
    /// Write address, API key and tokens as JSON into this file when the sandbox is ready.
    #[arg(long, value_name = "PATH", env = "ILUMA_SANDBOX_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// Stop when the parent process has ended, or when stdin is a pipe and is closed.
    #[arg(
        long,
        env = "ILUMA_SANDBOX_EXIT_WITH_PARENT",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub(super) exit_with_parent: bool,
    /// Format of the log on stderr. It has a line for each request, callback attempt and failed TLS
    /// handshake, without personal values, keys and tokens. With `json` everything on stderr is JSON.
    #[arg(long, env = "ILUMA_SANDBOX_LOG_FORMAT", value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
}

/// A sandbox that has started, with its ready file.
pub(super) struct Started {
    pub sandbox: Sandbox,
    pub signals: StopSignals,
    /// The certificate that clients have to trust.
    pub ca_file: Option<PathBuf>,
    pub flags: StartFlags,
    pub ready_file: Option<ReadyFile>,
    ready_json: String,
}

/// `warnings` go to the log. `commands` returns the commands of the binary, which its own documents list.
pub(super) fn run(
    ServeArguments { arguments, format }: ServeArguments,
    warnings: &[String],
    commands: Commands,
) -> ExitCode {
    let parent = arguments.exit_with_parent.then(Parent::of_this_process);
    let log = log::start(arguments.log_format);
    let parent = match parent {
        Some(Err(sentence)) => return log.misused(sentence),
        Some(Ok(parent)) => Some(parent),
        None => None,
    };
    log::keep_panics_quiet();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    process::run(&log, async {
        let started = Started::with(arguments, commands, &log).await;
        match started {
            Ok(started) => serve(started, format, parent, &log).await,
            Err(code) => code,
        }
    })
}

impl Started {
    /// Starts a sandbox and writes its ready file. An error is reported, and is the exit code.
    pub(super) async fn with(
        arguments: Arguments,
        commands: Commands,
        log: &Log,
    ) -> Result<Self, ExitCode> {
        let mut ready_file = arguments.ready_file.clone().map(ReadyFile::at);
        if let Some(Err(sentence)) = ready_file.as_ref().map(ReadyFile::remove_stale) {
            return Err(log.fail(sentence));
        }
        // This comes before the ready file is written: from then on a signal must find its handler.
        let signals = StopSignals::listen()
            .map_err(|error| log.fail(format_args!("cannot listen for signals: {error}")))?;
        let ca_file = arguments.tls.authority_file();
        let flags = StartFlags {
            folders: arguments.answering.folders().to_vec(),
            has_api_key: !arguments.api_keys.is_empty(),
            has_control_token: arguments.control_token.is_some(),
        };
        let tls_port = arguments.tls.port();
        let builder = arguments
            .builder()
            .map_err(|sentence| log.misused(sentence))?;
        let sandbox = match builder.commands(commands).start().await {
            Ok(sandbox) => sandbox,
            Err(error) => return Err(start_error::report(log, error, tls_port).await),
        };
        let ca_file = ca_file.filter(|_| sandbox.ca_pem().is_some());
        let ready_json = ready_message::json(&sandbox, ca_file.as_deref());
        if let Some(file) = &mut ready_file {
            let written = file.write(ready_json.clone());
            written.map_err(|sentence| log.fail(sentence))?;
        }
        start_table::show(log, &sandbox, &flags);
        Ok(Self {
            sandbox,
            signals,
            ca_file,
            flags,
            ready_file,
            ready_json,
        })
    }
}

async fn serve(
    mut started: Started,
    format: Format,
    parent: Option<Parent>,
    log: &Log,
) -> ExitCode {
    let printed = log.print(&match format {
        Format::Json => started.ready_json,
        Format::Text => ready_message::words(&started.sandbox, started.flags.has_control_token),
    });
    let stopped = match printed {
        Ok(()) => serve_until_stopped(started.sandbox, parent, &mut started.signals, log).await,
        Err(code) => Err(code),
    };
    let removed = started
        .ready_file
        .as_ref()
        .map_or(Ok(()), ReadyFile::remove_own);
    match (stopped, removed) {
        (Err(code), _) => code,
        (Ok(()), Err(sentence)) => log.fail(sentence),
        (Ok(()), Ok(())) => ExitCode::SUCCESS,
    }
}

/// Serves until a signal comes or the parent is gone. Then requests in flight may finish, unless Ctrl-C is pressed once
/// more.
async fn serve_until_stopped(
    sandbox: Sandbox,
    parent: Option<Parent>,
    signals: &mut StopSignals,
    log: &Log,
) -> Result<(), ExitCode> {
    let orphaned = async {
        match parent {
            Some(parent) => parent.gone().await,
            None => std::future::pending().await,
        }
    };
    let why = tokio::select! {
        signal = signals.next() => signal.name(),
        why = orphaned => why,
        () = process::return_memory(sandbox.serving()) => unreachable!("connections never cease to end"),
    };
    tracing::info!(why, "stopping");
    tokio::select! {
        biased;
        saved = sandbox.stop_and_save() => saved.map_err(|reason| log.fail(not_saved(&reason))),
        () = signals.interrupt() => {
            tracing::warn!("stopped at once by a second Ctrl-C; requests in flight were cut");
            Err(ExitCode::from(INTERRUPTED))
        }
    }
}

/// The worlds of the last moment are lost.
pub(super) fn not_saved(reason: &str) -> String {
    format!("the state file could not be written at the end, and is as it was before: {reason}")
}

impl Arguments {
    /// A builder with these arguments, or a sentence about a wrong one.
    fn builder(self) -> Result<Builder, String> {
        let mut builder = self
            .bind
            .apply(Sandbox::builder(), self.port)
            .strict_reload(self.strict_reload)
            .thumbnails(!self.no_thumbnails)
            .retries(&self.callback_retries)
            .sign_callbacks(self.sending.signs())
            .second_token_header(self.callback_token_twice);
        if variable(TEST_PANICS).is_some_and(|value| value == "1") {
            tracing::warn!("{TEST_PANICS} is set: every client can make the sandbox panic");
            builder = builder.test_panics();
        }
        builder = self.answering.apply(builder);
        builder = self.tls.apply(builder)?;
        builder = self.receivers.apply(builder)?;
        builder = self.sending.map_hosts(builder);
        for key in self.api_keys {
            builder = builder.api_key(key);
        }
        if let Some(token) = self.control_token {
            builder = builder.control_token(token);
        }
        for (callback_type, url) in self.callbacks {
            builder = builder.callback(callback_type, url);
        }
        if let Some(memory) = self.memory {
            builder = builder.memory(memory);
        }
        if let Some(file) = self.state {
            builder = builder.state(file);
        }
        if let Some(file) = self.record {
            builder = builder.record(file);
        }
        if let Some(bytes) = self.record_max {
            builder = builder.record_max(bytes);
        }
        if let Some(dates) = self.watchlist_dates {
            builder = builder.watchlist_dates(dates);
        }
        Ok(builder)
    }
}

fn size(text: &str) -> Result<u64, String> {
    parse_size(text).map(|bytes| bytes as u64)
}

fn callback(text: &str) -> Result<(String, CallbackUrl), String> {
    let (callback_type, url) = text.split_once('=').ok_or("write TYPE=URL")?;
    Ok((callback_type.to_owned(), url.parse()?))
}

fn date_form(text: &str) -> Result<DateForm, String> {
    match text {
        "strings" => Ok(DateForm::Strings),
        "objects" => Ok(DateForm::Objects),
        _ => Err("write `strings` or `objects`".to_owned()),
    }
}
