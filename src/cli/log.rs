//! Logs go to stderr, through a thread of their own: a pipe that nobody reads must not stop an answer.

use std::backtrace::Backtrace;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::output;
use super::variables::variable;
use crate::base::visible_lines;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Pretty,
    /// One JSON object per line.
    Json,
    /// No log.
    Off,
}

/// Logs only the place of a panic and the way there. Its message may hold what a client sent.
pub(super) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        // The backtrace is taken whatever `RUST_BACKTRACE` says: a panic is rare, and without a backtrace it
        // tells a maintainer little.
        let way = Backtrace::force_capture();
        tracing::error!("panicked at {place}\n{way}");
    }));
}

/// The log of a process. Dropping it writes what is still to be written.
pub(super) struct Log {
    format: LogFormat,
    /// None without a log.
    writer: Option<NonBlocking>,
    flushed_at_the_end: Option<WorkerGuard>,
}

/// The queue of lines is allocated whole at the start: 32 bytes for each.
const WAITING_LINES_MAX: usize = 8_192;

/// Starts logging. Lines are left out when the reader is too slow.
pub(super) fn start(format: LogFormat) -> Log {
    let mut log = Log {
        format,
        writer: None,
        flushed_at_the_end: None,
    };
    if format == LogFormat::Off {
        return log;
    }
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES_MAX)
        .finish(std::io::stderr());
    let colours = std::io::stderr().is_terminal() && variable("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(writer.clone())
        .with_target(false);
    let started = match format {
        LogFormat::Pretty => lines.with_ansi(colours).compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Off => Ok(()),
    };
    if started.is_ok() {
        log.writer = Some(writer);
        log.flushed_at_the_end = Some(guard);
    }
    log
}

/// One sentence about an error, and the exit code 1, without the log: there may be no room for its thread.
pub(super) fn fail_without_log(format: LogFormat, sentence: impl Display) -> ExitCode {
    if format != LogFormat::Json {
        return output::fail(sentence);
    }
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .json()
        .flatten_event(true)
        .finish();
    tracing::subscriber::with_default(lines, || tracing::error!("{sentence}"));
    ExitCode::FAILURE
}

impl Log {
    /// Whether each line on stderr must be JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format == LogFormat::Json && self.writer.is_some()
    }

    /// Writes a text for people between the lines, if there is a log.
    pub(super) fn write(&self, text: &str) {
        if let Some(mut writer) = self.writer.clone() {
            let text = visible_lines(text);
            writer.write_all(text.as_bytes()).ok(); // it never fails: lines that find no room are left out
        }
    }

    /// A text about an error. Without a log it goes to stderr too.
    pub(super) fn report(&self, text: impl Display) {
        if self.is_json() {
            tracing::error!("{text}");
        } else {
            output::report(text);
        }
    }

    /// One sentence about an error, and the exit code 1.
    pub(super) fn fail(&self, sentence: impl Display) -> ExitCode {
        if self.is_json() {
            tracing::error!("{sentence}");
            ExitCode::FAILURE
        } else {
            output::fail(sentence)
        }
    }

    /// One sentence about an error, and the exit code 2.
    pub(super) fn misused(&self, sentence: impl Display) -> ExitCode {
        self.fail(sentence);
        ExitCode::from(2)
    }

    /// Prints on stdout. If that is impossible, the error is the exit code.
    pub(super) fn print(&self, text: &str) -> Result<(), ExitCode> {
        output::write_out(text)
            .map_err(|error| self.fail(format_args!("the output cannot be written: {error}")))
    }
}

/// Whether `serve` was to log JSON, by arguments that cannot be parsed.
pub(super) fn wants_json(arguments: &[OsString]) -> bool {
    let texts: Vec<_> = arguments.iter().filter_map(|text| text.to_str()).collect();
    if texts.get(1) != Some(&"serve") {
        return false;
    }
    let pairs = texts
        .windows(2)
        .map(|pair| (pair[0] == "--log-format").then_some(pair[1]));
    let joined = texts.iter().map(|text| text.strip_prefix("--log-format="));
    match pairs.chain(joined).flatten().last() {
        Some(format) => format == "json",
        None => variable("ILUMA_SANDBOX_LOG_FORMAT").is_some_and(|format| format == "json"),
    }
}
