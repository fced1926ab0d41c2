//! Logs go to stderr, through a thread of their own: a pipe that nobody reads must not stop an answer.

use std::backtrace::Backtrace;
use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use super::variables::variable;

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

/// Starts logging. Dropping the guard writes what is still to be written. Lines are left out when the reader
/// is too slow.
pub(super) fn start(format: LogFormat) -> Option<WorkerGuard> {
    if format == LogFormat::Off {
        return None;
    }
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .finish(std::io::stderr());
    let colours = std::io::stderr().is_terminal() && variable("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(writer)
        .with_target(false);
    let started = match format {
        LogFormat::Pretty => lines.with_ansi(colours).compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Off => Ok(()),
    };
    started.ok().map(|()| guard)
}
