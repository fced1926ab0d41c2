//! The flags that several commands share: scenario files, seed, clock and the like.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::output::report;
use crate::base::Clock;
use crate::catalogue::Catalogue;
use crate::sandbox::Builder;

/// Which scenario files are used.
#[derive(Debug, Args)]
pub(super) struct Scenarios {
    /// Folder of scenario files. They are applied over the shipped ones. Can be repeated.
    #[arg(
        long = "scenarios",
        value_name = "DIR",
        env = "ILUMA_SANDBOX_SCENARIOS"
    )]
    folders: Vec<PathBuf>,
}

/// How requests are answered, and what is shown of them.
#[derive(Debug, Args)]
pub(super) struct Answering {
    #[command(flatten)]
    scenarios: Scenarios,
    /// Number that ids and invented data are derived from.
    #[arg(
        long,
        value_name = "N",
        env = "ILUMA_SANDBOX_SEED",
        default_value_t = 0
    )]
    seed: u64,
    /// Time of the sandbox's clock, which `created` shows: a time at which the clock is frozen, or `system`
    /// for the real time [default: 2026-01-01T00:00:00Z].
    #[arg(long, value_name = "INSTANT", env = "ILUMA_SANDBOX_CLOCK")]
    clock: Option<Clock>,
    /// Refuse endpoints and outcomes whose source is only `decided` or `inferred`.
    #[arg(long, env = "ILUMA_SANDBOX_STRICT", value_parser = FalseyValueParser::new())]
    strict: bool,
    /// Answer PENDING first at every endpoint that has a pending outcome. A second later, the record has the outcome
    /// that the data chose, and its callback is sent.
    #[arg(long = "async", env = "ILUMA_SANDBOX_ASYNC", value_parser = FalseyValueParser::new())]
    is_async: bool,
    /// Hide personal fields when requests and callbacks are shown. Responses are not changed.
    #[arg(long, env = "ILUMA_SANDBOX_REDACT", value_parser = FalseyValueParser::new())]
    redact: bool,
}

impl Scenarios {
    pub(super) fn apply(&self, builder: Builder) -> Builder {
        self.folders.iter().fold(builder, Builder::scenarios)
    }

    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Loads the catalogue. If a file is broken, the mistakes go to stderr and the error is the exit code.
    pub(super) fn catalogue(&self) -> Result<Catalogue, ExitCode> {
        Catalogue::load(&self.folders, None).map_err(|errors| {
            report(&errors);
            ExitCode::from(2)
        })
    }
}

impl Answering {
    pub(super) fn folders(&self) -> &[PathBuf] {
        self.scenarios.folders()
    }

    pub(super) fn apply(&self, builder: Builder) -> Builder {
        let builder = builder
            .seed(self.seed)
            .clock(self.clock.unwrap_or_default())
            .strict(self.strict)
            .asynchronous(self.is_async)
            .redact(self.redact);
        self.scenarios.apply(builder)
    }
}
