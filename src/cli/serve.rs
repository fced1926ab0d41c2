//! `iluma-sandbox serve`: the sandbox as a process, with a ready file, signals and exit codes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use iluma_sandbox_give_back::{give_back, keep_at_most};
use serde_json::json;
use tokio::time::sleep;

use super::answering::Answering;
use super::bind::{Bind, DEFAULT_BIND};
use super::log::{self, Log, LogFormat};
use super::os::StopSignals;
use super::output::Format;
use super::parent::Parent;
use super::ready_file::ReadyFile;
use super::secret::secret;
use super::start_error;
use super::start_table::{self, StartFlags};
use super::tls::{ReceiverArguments, TlsArguments};
use super::variables::{TEST_PANICS, variable};
use crate::base::{ApiKey, Memory};
use crate::callbacks::{CallbackUrl, Retries};
use crate::http::{CONTROL_TOKEN_HEADER, ControlToken, DEFAULT_PORT};
use crate::sandbox::{Builder, Sandbox};
use crate::scenario::DateForm;
use crate::server::Serving;

/// How many free bytes the allocator may keep at the end of an arena. There is an arena for each thread.
const KEPT_BYTES: i32 = 128 << 10;

/// How long no connection must have ended before memory is given back.
const QUIET: Duration = Duration::from_secs(1);

/// The exit code after a second Ctrl-C: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// How often that is waited for if connections never cease to end.
const WAITS_MAX: usize = 10;

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
    /// Sign callbacks, in addition to the token. The only value is `standard-webhooks`.
    #[arg(long, value_name = "HOW", env = "ILUMA_SANDBOX_CALLBACK_SIGNING", value_parser = signing)]
    callback_signing: Option<()>,
    /// Also send the callback token in the header `x-iluma-callback-token`.
    #[arg(
        long,
        env = "ILUMA_SANDBOX_CALLBACK_TOKEN_TWICE",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    callback_token_twice: bool,
    /// Send callbacks for the host FROM to the host TO instead. Can be repeated.
    #[arg(
        long,
        value_name = "FROM=TO",
        env = "ILUMA_SANDBOX_CALLBACK_HOST_MAP",
        value_parser = pair
    )]
    callback_host_map: Vec<(String, String)>,
    #[command(flatten)]
    receivers: ReceiverArguments,
    /// Token that the control API requires in `x-sandbox-control-token` [default: none on a loopback
    /// address; on any other address a random token, which is printed].
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true,
        value_parser = secret::<ControlToken>("--control-token")
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
    exit_with_parent: bool,
    /// What to print when the sandbox is ready: a line of text, or the JSON that `--ready-file` writes.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Format of the log on stderr. It has a line for each request, callback attempt and failed TLS
    /// handshake, without personal values, keys and tokens. With `json` everything on stderr is JSON.
    #[arg(long, env = "ILUMA_SANDBOX_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

/// `warnings` go to the log. `commands` returns the commands of the binary, which its own documents list.
pub(super) fn run(
    arguments: Arguments,
    warnings: &[String],
    commands: fn() -> Vec<(String, String)>,
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
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return log.fail(format_args!("cannot start: {error}")),
    };
    let code = runtime.block_on(serve(arguments, parent, commands, &log));
    runtime.shutdown_background(); // a name that is still being resolved holds up nobody
    code
}

/// With one core, one thread is best.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match cores {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn serve(
    arguments: Arguments,
    parent: Option<Parent>,
    commands: fn() -> Vec<(String, String)>,
    log: &Log,
) -> ExitCode {
    let mut ready_file = arguments.ready_file.clone().map(ReadyFile::at);
    if let Some(Err(sentence)) = ready_file.as_ref().map(ReadyFile::remove_stale) {
        return log.fail(sentence);
    }
    // This comes before the ready file is written: from then on a signal must find its handler.
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return log.fail(format_args!("cannot listen for signals: {error}")),
    };
    let ca_file = arguments.tls.authority_file();
    let flags = StartFlags {
        folders: arguments.answering.folders().to_vec(),
        has_api_key: !arguments.api_keys.is_empty(),
        has_control_token: arguments.control_token.is_some(),
    };
    let format = arguments.format;
    let tls_port = arguments.tls.port();
    let builder = match arguments.builder() {
        Ok(builder) => builder.commands(commands),
        Err(sentence) => return log.misused(sentence),
    };
    let sandbox = match builder.start().await {
        Ok(sandbox) => sandbox,
        Err(error) => return start_error::report(log, error, tls_port).await,
    };
    let ready_json = ready(&sandbox, ca_file.as_deref());
    if let Some(file) = &mut ready_file
        && let Err(sentence) = file.write(ready_json.clone())
    {
        return log.fail(sentence);
    }
    start_table::show(log, &sandbox, &flags);
    let printed = log.print(&match format {
        Format::Json => ready_json,
        Format::Text => ready_in_words(&sandbox, flags.has_control_token),
    });
    let stopped = match printed {
        Ok(()) => serve_until_stopped(sandbox, parent, &mut signals).await,
        Err(code) => Err(code),
    };
    let removed = ready_file.as_ref().map_or(Ok(()), ReadyFile::remove_own);
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
) -> Result<(), ExitCode> {
    let orphaned = async {
        match parent {
            Some(parent) => parent.gone().await,
            None => std::future::pending().await,
        }
    };
    let why = tokio::select! {
        signal = signals.next() => signal,
        why = orphaned => why,
        () = return_memory(sandbox.serving()) => unreachable!("connections never cease to end"),
    };
    tracing::info!(why, "stopping");
    tokio::select! {
        biased;
        () = sandbox.stop() => Ok(()),
        () = signals.interrupt() => {
            tracing::warn!("stopped at once by a second Ctrl-C; requests in flight were cut");
            Err(ExitCode::from(INTERRUPTED))
        }
    }
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
            .sign_callbacks(self.callback_signing.is_some())
            .second_token_header(self.callback_token_twice);
        if variable(TEST_PANICS).is_some_and(|value| value == "1") {
            tracing::warn!("{TEST_PANICS} is set: every client can make the sandbox panic");
            builder = builder.test_panics();
        }
        builder = self.answering.apply(builder);
        builder = self.tls.apply(builder)?;
        builder = self.receivers.apply(builder)?;
        for key in self.api_keys {
            builder = builder.api_key(key);
        }
        if let Some(token) = self.control_token {
            builder = builder.control_token(token);
        }
        for (callback_type, url) in self.callbacks {
            builder = builder.callback(callback_type, url);
        }
        for (from, to) in self.callback_host_map {
            builder = builder.callback_host(from, to);
        }
        if let Some(memory) = self.memory {
            builder = builder.memory(memory);
        }
        if let Some(dates) = self.watchlist_dates {
            builder = builder.watchlist_dates(dates);
        }
        Ok(builder)
    }
}

/// The ready message: where the sandbox is, and its control token if it made one itself.
fn ready_in_words(sandbox: &Sandbox, token_is_given: bool) -> String {
    let url = sandbox.url();
    let secured = sandbox.tls_url().filter(|other| *other != url);
    let secured = secured.map(|other| format!("HTTPS is at {other}\n"));
    let at = format!(
        "iluma-sandbox is ready at {url}\n{}",
        secured.unwrap_or_default()
    );
    match sandbox.control_token().filter(|_| !token_is_given) {
        None => at,
        Some(token) => format!(
            "{at}the control API needs the header {CONTROL_TOKEN_HEADER}: {}\n",
            token.reveal()
        ),
    }
}

/// What a launcher needs to know, as one line of JSON.
fn ready(sandbox: &Sandbox, ca_file: Option<&Path>) -> String {
    let url = sandbox.url();
    let port = url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse::<u16>().ok());
    let ready = json!({
        "url": url,
        "urls": sandbox.urls(),
        "port": port,
        "pid": std::process::id(),
        "api_key": sandbox.api_key(),
        "callback_token": sandbox.callback_token(),
        "control_token": sandbox.control_token().map(ControlToken::reveal),
        "control_url": format!("{url}/__sandbox"),
        "tls_url": sandbox.tls_url(),
        "ca_file": ca_file.filter(|_| sandbox.ca_pem().is_some()),
        "version": env!("CARGO_PKG_VERSION"),
    });
    format!("{ready}\n")
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}

fn callback(text: &str) -> Result<(String, CallbackUrl), String> {
    let (callback_type, url) = text.split_once('=').ok_or("write TYPE=URL")?;
    Ok((callback_type.to_owned(), url.parse()?))
}

fn signing(text: &str) -> Result<(), String> {
    match text {
        "standard-webhooks" => Ok(()),
        _ => Err("write `standard-webhooks`".to_owned()),
    }
}

fn date_form(text: &str) -> Result<DateForm, String> {
    match text {
        "strings" => Ok(DateForm::Strings),
        "objects" => Ok(DateForm::Objects),
        _ => Err("write `strings` or `objects`".to_owned()),
    }
}

/// Gives memory back to the system after connections have ended. Otherwise the allocator keeps as much as it
/// ever needed.
async fn return_memory(serving: &Serving) {
    keep_at_most(KEPT_BYTES);
    loop {
        serving.connection_ended.notified().await;
        for _ in 0..WAITS_MAX {
            sleep(QUIET).await;
            let is_quiet = tokio::select! {
                biased;
                () = serving.connection_ended.notified() => false,
                () = std::future::ready(()) => true,
            };
            if is_quiet {
                break;
            }
        }
        give_back();
    }
}
