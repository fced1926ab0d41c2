//! What commands print, and how they end.

use std::future::Future;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::ValueEnum;

/// The output format of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

/// One sentence on stderr, and the exit code 1.
pub(super) fn fail(sentence: impl std::fmt::Display) -> ExitCode {
    report(format_args!("iluma-sandbox: {sentence}"));
    ExitCode::FAILURE
}

/// Writes to stderr. If that fails too, there is nobody left to tell.
pub(super) fn report(text: impl std::fmt::Display) {
    writeln!(std::io::stderr(), "{text}").ok();
}

/// One sentence on stderr, and the exit code 2.
pub(super) fn misused(sentence: impl std::fmt::Display) -> ExitCode {
    fail(sentence);
    ExitCode::from(2)
}

/// Runs the future of a command on this thread.
pub(super) fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(format_args!("cannot start: {error}")),
    };
    let code = runtime.block_on(command);
    runtime.shutdown_background(); // a name that is still being resolved holds up nobody
    code
}

/// Prints, and ends a command with `code`.
pub(super) fn finish(text: &str, code: ExitCode) -> ExitCode {
    print(text).map_or_else(|failed| failed, |()| code)
}

/// Prints. If the output cannot be written, a sentence on stderr says so, and the command ends with the returned exit code.
pub(super) fn print(text: &str) -> Result<(), ExitCode> {
    write_out(text).map_err(|error| not_written(&error))
}

/// Prints. A reader that has closed the pipe is no error.
pub(super) fn write_out(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// The exit code of a command whose output could not be written. A reader that has closed the pipe (`| head`) is no
/// error.
pub(super) fn not_written(error: &std::io::Error) -> ExitCode {
    if error.kind() == ErrorKind::BrokenPipe {
        return ExitCode::SUCCESS;
    }
    fail(format_args!("the output cannot be written: {error}"))
}
