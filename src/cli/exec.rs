//! `iluma-sandbox exec`: runs a command with a sandbox of its own, and ends with the exit code of the command.

use std::ffi::OsString;
use std::io;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use clap::builder::Resettable;
use tokio::process::{Child, Command};

use super::after_run::{AfterRun, AfterRunArguments};
use super::client::Client;
use super::descendants;
use super::log::{self, Log};
use super::no_proxy::{self, LOOPBACK};
use super::os::{self, StopSignal, StopSignals};
use super::output::shown_path;
use super::parent::Parent;
use super::process;
use super::ready_file::ReadyFile;
use super::serve::{self, Commands, INTERRUPTED, Started, not_saved};
use crate::base::{HttpUrl, reason};
use crate::callbacks::Trust;
use crate::http::ControlToken;
use crate::sandbox::Sandbox;

/// The exit code for wrong arguments.
const MISUSED: u8 = 2;

/// The exit codes of shells for a command that cannot be started.
const CANNOT_RUN: u8 = 126;
const NO_SUCH_COMMAND: u8 = 127;

#[derive(Debug, Args)]
#[command(
    mut_arg("port", |port| {
        let port = port.env(Resettable::Reset).default_value("0");
        port.help("Port to listen on; 0 picks a free port. `ILUMA_SANDBOX_PORT` is not read")
    }),
    mut_arg("log_format", |format| format.default_value("off")),
    mut_arg("exit_with_parent", |flag| {
        flag.help("Send SIGTERM to the command when the parent process of `exec` has ended")
    }),
)]
pub(super) struct ExecArguments {
    #[command(flatten)]
    afterwards: AfterRunArguments,
    #[command(flatten)]
    sandbox: serve::Arguments,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// How a command ended.
struct Ended {
    code: u8,
    /// False if it could not be started.
    has_run: bool,
    /// How often Ctrl-C was pressed.
    interrupts: u32,
}

/// `commands` returns the commands of the binary, which its own documents list.
pub(super) fn run(arguments: ExecArguments, commands: Commands) -> ExitCode {
    let log = log::start(arguments.sandbox.log_format);
    let parent = arguments.sandbox.exit_with_parent;
    let parent = match parent.then(Parent::without_stdin).transpose() {
        Ok(parent) => parent,
        Err(sentence) => return log.misused(sentence),
    };
    log::keep_panics_quiet();
    let afterwards = match AfterRun::new(arguments.afterwards) {
        Ok(afterwards) => afterwards,
        Err(sentence) => return log.misused(sentence),
    };
    process::run(&log, async {
        match Started::with(arguments.sandbox, commands, &log).await {
            Ok(started) => exec(started, &arguments.command, parent, afterwards, &log).await,
            Err(code) => code,
        }
    })
}

async fn exec(
    mut started: Started,
    command: &[OsString],
    parent: Option<Parent>,
    afterwards: AfterRun,
    log: &Log,
) -> ExitCode {
    let client = client(&started.sandbox);
    let environment = environment(&started);
    let checked = afterwards
        .check(&client)
        .await
        .map_err(|sentence| (MISUSED, sentence));
    let Ended {
        code,
        has_run,
        mut interrupts,
    } = match checked.and_then(|()| start(command, environment)) {
        Ok(child) => {
            let running = wait(child, &mut started.signals, parent);
            tokio::select! {
                ended = running => ended,
                () = process::return_memory(started.sandbox.serving()) => {
                    unreachable!("connections never cease to end")
                }
            }
        }
        Err((code, sentence)) => {
            log.fail(sentence);
            Ended {
                code,
                has_run: false,
                interrupts: 0,
            }
        }
    };
    let Started {
        sandbox,
        mut signals,
        ready_file,
        ..
    } = started;
    let finishing = async {
        let whole = if has_run {
            afterwards.code(&client, code).await
        } else {
            code
        };
        if let Err(reason) = sandbox.stop_and_save().await {
            log.fail(not_saved(&reason));
        }
        whole
    };
    let code = tokio::select! {
        code = finishing => code,
        () = second_interrupt(&mut signals, &mut interrupts) => match code {
            0 => INTERRUPTED,
            code => code,
        },
    };
    if let Some(Err(sentence)) = ready_file.as_ref().map(ReadyFile::remove_own) {
        log.fail(sentence);
    }
    ExitCode::from(code)
}

/// What the command is told about the sandbox.
fn environment(started: &Started) -> Vec<(&'static str, OsString)> {
    let sandbox = &started.sandbox;
    let url = sandbox.url();
    let token = sandbox.control_token().map(ControlToken::reveal);
    let mut environment: Vec<(&str, OsString)> = vec![
        ("ILUMA_BASE_URL", url.clone().into()),
        ("ILUMA_API_KEY", sandbox.api_key().into()),
        ("ILUMA_CALLBACK_TOKEN", sandbox.callback_token().into()),
        ("ILUMA_SANDBOX_URL", url.into()),
        // Empty if none is needed, so that a script with `set -u` can use it.
        (
            "ILUMA_SANDBOX_CONTROL_TOKEN",
            token.unwrap_or_default().into(),
        ),
    ];
    // The commands of the sandbox need these only if flags have changed them.
    if started.flags.has_api_key {
        environment.push(("ILUMA_SANDBOX_API_KEY", sandbox.api_key().into()));
    }
    if let Some(file) = &started.ca_file {
        environment.push(("ILUMA_SANDBOX_CA_FILE", file.clone().into()));
    }
    environment.extend(no_proxy::extended(&hosts(sandbox)));
    environment
}

/// The hosts that clients call without a proxy.
fn hosts(sandbox: &Sandbox) -> Vec<String> {
    let mut hosts = LOOPBACK.map(str::to_owned).to_vec();
    let url = HttpUrl::parse(&sandbox.url()).expect("a sandbox has a URL");
    let own = url.host().certificate_name();
    if !hosts.contains(&own) {
        hosts.push(own);
    }
    hosts
}

/// Starts the command with the stdin, stdout and stderr of this process. An error is the exit code and a sentence.
fn start(
    command: &[OsString],
    environment: Vec<(&'static str, OsString)>,
) -> Result<Child, (u8, String)> {
    let (program, arguments) = command.split_first().expect("clap requires one");
    let started = Command::new(program)
        .args(arguments)
        .envs(environment)
        .spawn();
    started.map_err(|error| {
        let code = match error.kind() {
            io::ErrorKind::NotFound => NO_SUCH_COMMAND,
            _ => CANNOT_RUN,
        };
        let program = shown_path(program.as_ref());
        (code, format!("cannot run `{program}`: {}", reason(&error)))
    })
}

/// Waits for the end of the command, and sends it the signals of this process. A second Ctrl-C kills it.
async fn wait(mut child: Child, signals: &mut StopSignals, parent: Option<Parent>) -> Ended {
    let mut interrupts = 0;
    let orphaned = async {
        match parent {
            Some(parent) => parent.gone().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(orphaned);
    let mut is_orphaned = false;
    loop {
        let signal = tokio::select! {
            status = child.wait() => {
                let code = status.map_or(1, exit_code);
                return Ended {
                    code,
                    has_run: true,
                    interrupts,
                };
            }
            signal = signals.next() => signal,
            _ = &mut orphaned, if !is_orphaned => {
                is_orphaned = true;
                StopSignal::Terminate
            }
        };
        let is_interrupt = signal == StopSignal::Interrupt;
        interrupts += u32::from(is_interrupt);
        if interrupts > 1 && is_interrupt {
            kill(&mut child);
        } else if is_interrupt && signals.interrupt_is_from_terminal() {
            // The terminal has sent it to the command too.
        } else if let Some(pid) = child.id() {
            signal.send_to(pid);
        }
    }
}

/// Kills the command and all that it has started: they may ignore Ctrl-C as the command does.
fn kill(child: &mut Child) {
    let started = child.id().map(descendants::of);
    child.start_kill().ok(); // it may have ended already
    started.into_iter().flatten().for_each(os::kill);
}

/// Waits until Ctrl-C was pressed twice since the start.
async fn second_interrupt(signals: &mut StopSignals, interrupts: &mut u32) {
    loop {
        signals.interrupt().await;
        *interrupts += 1;
        if *interrupts > 1 {
            return;
        }
    }
}

/// 128 and the number of the signal that ended it, as shells say.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = signal.map_or(status.code(), |signal| Some(128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A client of the sandbox in this process, so any certificate is its own.
fn client(sandbox: &Sandbox) -> Client {
    let url = HttpUrl::parse(&sandbox.url()).expect("a sandbox has a URL");
    let key = sandbox.api_key().parse().expect("a sandbox has a key");
    Client::new(
        url,
        Some(key),
        sandbox.control_token().cloned(),
        Trust::anybody(),
    )
}
