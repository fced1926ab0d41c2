//! What commands print, and how they end. Nothing else writes to stdout and stderr, except the log: escape sequences in
//! files and in answers must not reach a terminal.

use std::future::Future;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::base::{visible, visible_json, visible_lines};

/// The output format of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

/// The output format of a report, which a CI system may show too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    #[default]
    Text,
    Json,
    /// XML of test results, which CI systems show.
    Junit,
}

/// A line on a terminal that is written over.
#[derive(Debug, Default)]
pub(super) struct TransientLine {
    /// The text that the terminal shows.
    shown: String,
}

/// The width of such a line. A line that is wrapped could not be written over.
const TRANSIENT_COLUMNS: usize = 79;

impl TransientLine {
    /// Shows another text. If stderr cannot be written, nothing is lost.
    pub(super) fn replace(&mut self, text: &str) {
        let text: String = visible(text).chars().take(TRANSIENT_COLUMNS).collect();
        if text == self.shown {
            return;
        }
        let blank = " ".repeat(self.shown.chars().count());
        write!(std::io::stderr(), "\r{blank}\r{text}").ok();
        self.shown = text;
    }

    pub(super) fn clear(&mut self) {
        self.replace("");
    }
}

pub(super) fn is_stderr_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// One sentence on stderr, and the exit code 1.
pub(super) fn fail(sentence: impl std::fmt::Display) -> ExitCode {
    report(format_args!("iluma-sandbox: {sentence}"));
    ExitCode::FAILURE
}

/// Writes to stderr. If that fails too, there is nobody left to tell.
pub(super) fn report(text: impl std::fmt::Display) {
    let text = text.to_string();
    writeln!(std::io::stderr(), "{}", visible_lines(&text)).ok();
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

/// The same for JSON.
pub(super) fn finish_json(json: &impl Serialize, code: ExitCode) -> ExitCode {
    print_json(json).map_or_else(|failed| failed, |()| code)
}

/// Prints lines. If the output cannot be written, a sentence on stderr says so, and the command ends with the returned
/// exit code.
pub(super) fn print(text: &str) -> Result<(), ExitCode> {
    write_out(text).map_err(|error| not_written(&error))
}

/// The same for JSON, in several lines.
pub(super) fn print_json(json: &impl Serialize) -> Result<(), ExitCode> {
    let json = serde_json::to_string_pretty(json).expect("texts always serialise");
    write(&(visible_json(&json) + "\n")).map_err(|error| not_written(&error))
}

/// Prints lines while a command goes on. A reader that is slow holds up nothing else, and one that has closed the pipe
/// ends the command without an error.
pub(super) async fn print_live(lines: String, format: Format) -> Result<(), ExitCode> {
    if lines.is_empty() {
        return Ok(());
    }
    let printing = tokio::task::spawn_blocking(move || {
        let lines = match format {
            Format::Text => visible_lines(&lines),
            Format::Json => visible_json(&lines),
        };
        let mut stdout = std::io::stdout();
        stdout.write_all(lines.as_bytes())?;
        stdout.flush()
    });
    let printed = printing.await.unwrap_or(Ok(())); // it cannot panic
    printed.map_err(|error| not_written(&error))
}

/// JSON of a server, with each text in it made safe for one line.
pub(super) fn visible_texts(value: &Value) -> Value {
    match value {
        Value::String(text) => visible(text).into(),
        Value::Array(items) => items.iter().map(visible_texts).collect(),
        Value::Object(map) => {
            let fields = map.iter();
            let visible = fields.map(|(name, value)| (visible(name).into(), visible_texts(value)));
            Value::Object(visible.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A path on one line.
pub(super) fn shown_path(path: &Path) -> String {
    visible(&path.to_string_lossy()).into_owned()
}

/// The message of a sandbox that refused a request, on one line.
pub(super) fn refusal(answer: &Value) -> Option<String> {
    let message = answer["message"].as_str();
    message.map(|message| visible(message).into_owned())
}

/// Prints lines. A reader that has closed the pipe is no error.
pub(super) fn write_out(text: &str) -> std::io::Result<()> {
    write(&visible_lines(text))
}

fn write(text: &str) -> std::io::Result<()> {
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
