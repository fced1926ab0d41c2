//! What commands print, and how they end.

use std::future::Future;
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
    eprintln!("iluma-sandbox: {sentence}");
    ExitCode::FAILURE
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
    match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => fail(format_args!("cannot start: {error}")),
    }
}

/// Prints; a reader that has gone away (`| head`) is no error.
pub(super) fn print(text: &str) {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes()).ok();
}
